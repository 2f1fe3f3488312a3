// What the tests share: the page in Chromium, the native program, and the recordings.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import axe from "axe-core";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
export const page = pathToFileURL(join(here, "../dist/index.html")).href;
export const example = join(here, "../example/traffic.jsonl");
const golden = join(root, "tests/golden");
const screenshots = join(here, "../screenshots");
export const program = process.env.TURNLEDGER ?? join(root, "target/debug/turnledger");

/** The recordings, as VERSION/SCENARIO. */
export const names = readdirSync(golden).flatMap((version) =>
  readdirSync(join(golden, version)).map((scenario) => `${version}/${scenario}`),
);

export const recording = (name) => join(golden, name, "traffic.jsonl");

/** Lines that cannot be read give an exit status of their own. */
const run = (...options) => spawnSync(program, ["replay", ...options], { encoding: "utf8", maxBuffer: 1 << 30 });

/** The events that the native program makes of a recording, as it writes them. */
export const native = (file) => run("--quiet", file).stdout;

/** What the native program says of a recording: its summary, its bad lines, its discards. */
export const nativeNotes = (file) => run("--explain", "--output", "/dev/null", file).stderr;

/** Every stored rollout, packed as it is. */
const rolloutFolder = join(root, "tests/rollouts");
export const rollouts = readdirSync(rolloutFolder).flatMap((version) =>
  readdirSync(join(rolloutFolder, version)).flatMap((scenario) =>
    readdirSync(join(rolloutFolder, version, scenario))
      .filter((name) => name.startsWith("rollout-"))
      .map((name) => join(rolloutFolder, version, scenario, name)),
  ),
);

/** The events that the native program makes of rollouts, and folders of them. */
export const imported = (...paths) => runImport("--quiet", "--output", "-", ...paths).stdout;

/** Everything each time, whatever was imported before; the memory of it is nobody's. */
function runImport(...options) {
  const state = mkdtempSync(join(tmpdir(), "turnledger-state-"));
  try {
    const env = { ...process.env, XDG_STATE_HOME: state };
    return spawnSync(program, ["import", "--again", ...options], { encoding: "utf8", maxBuffer: 1 << 30, env });
  } finally {
    rmSync(state, { recursive: true });
  }
}

/** What it says of them. */
export const importNotes = (...paths) => runImport("--explain", "--output", "/dev/null", ...paths).stderr;

export const parsed = (lines) =>
  lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

export const launch = (options = {}) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    ...options,
  });

/** A browser, and a folder for the files of a test; {@link end} takes them away. */
export const begin = async () => ({
  browser: await launch(),
  folder: mkdtempSync(join(tmpdir(), "turnledger-inspector-")),
});

export async function end({ browser, folder }) {
  await browser?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

/** A page that fails the test if anything is wrong with it: an error, or a request that is not for the page itself. */
export async function open(browser, { hash = "", url = page, init, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const tab = await context.newPage();
  const wrong = [];
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) wrong.push(`${message.type()}: ${message.text()}`);
  });
  tab.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  context.on("request", (request) => {
    const asked = request.url();
    // The worker and the downloads are the page's own memory.
    if (asked.split("#")[0] !== url && !asked.startsWith("blob:") && !asked.startsWith("data:"))
      wrong.push(`request: ${asked}`);
  });
  if (init !== undefined) await tab.addInitScript(init);
  await tab.goto(url + hash);
  return {
    tab,
    context,
    /** To be called at the end. */
    close: async () => {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

/** Opens a recording as a user does and waits until it is read. */
export async function read(tab, files) {
  await tab.setInputFiles("input[aria-label=Files]", files);
  await isRead(tab);
}

export async function isRead(tab, timeout = 30_000) {
  await tab.getByText(/^Read: /).waitFor({ state: "attached", timeout });
}

/** Opens a folder as a user does and waits until it is read. */
export async function readFolder(tab, folder, timeout = 30_000) {
  await tab.setInputFiles("input[aria-label=Folder]", folder);
  await tab.getByText(/^Read all: /).waitFor({ state: "attached", timeout });
}

/** Drops a file on the page. */
export async function drop(tab, file, name = file.split("/").at(-1)) {
  const content = readFileSync(file, "utf8");
  const data = await tab.evaluateHandle(
    ([text, fileName]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], fileName));
      return transfer;
    },
    [content, name],
  );
  await tab.dispatchEvent(".page", "drop", { dataTransfer: data });
  await tab.getByRole("heading", { name, exact: true }).waitFor();
  await isRead(tab);
}

export async function show(tab, view) {
  await tab
    .getByRole("navigation", { name: "Views" })
    .getByRole("link", { name: new RegExp(`^${view}`) })
    .click();
}

/** The text of a download. */
export async function download(tab, format) {
  const started = tab.waitForEvent("download");
  await tab.getByRole("button", { name: format, exact: true }).click();
  const taken = await started;
  return { name: taken.suggestedFilename(), text: readFileSync(await taken.path(), "utf8") };
}

export async function screenshot(tab, name) {
  mkdirSync(screenshots, { recursive: true });
  await tab.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** No rule of axe is broken, at any level. */
export async function isAccessible(tab, what) {
  await tab.evaluate(axe.source);
  const { violations } = await tab.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`),
    [],
  );
}
