// A visit: the state in the address, what is kept, a live file, the theme, and what the browser cannot do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { decompress } from "fzstd";

import { download, drop, imported, isRead, launch, native, open, page, recording, rollouts, show } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const mixed = recording("0.131.0/mixed_long");

test("a reload shows the same again: view, search, filters, order, event", async () => {
  const { tab, close } = await open(browser);
  await isRead(tab);
  await show(tab, "Events");
  await tab.getByRole("checkbox", { name: /^Command/ }).check();
  await tab.getByRole("searchbox", { name: "Search" }).fill("shell");
  await tab.getByRole("button", { name: "Duration" }).click();
  const described = await tab.getByText(/^\d+ of \d+ events$/).textContent();
  await tab.reload();
  await tab.getByText(described, { exact: true }).waitFor();
  assert.equal(await tab.getByRole("searchbox", { name: "Search" }).inputValue(), "shell");
  assert.ok(await tab.getByRole("checkbox", { name: /^Command/ }).isChecked());
  await tab.locator('th[aria-sort="ascending"]', { hasText: "Duration" }).waitFor();
  await tab.getByRole("link", { name: "Command" }).first().click();
  const shown = await tab.getByLabel("The event", { exact: true }).textContent();
  await tab.reload();
  await tab.getByLabel("The event", { exact: true }).waitFor();
  assert.equal(await tab.getByLabel("The event", { exact: true }).textContent(), shown);
  await close();
});

test("a recording is kept if the user says so, and forgotten when told", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, mixed, "mine.jsonl");
  await tab.reload();
  await tab.getByRole("heading", { name: "Example: a real session" }).waitFor();
  await tab.getByText("This address was made with another recording.").waitFor();
  await drop(tab, mixed, "mine.jsonl");
  await tab.getByRole("checkbox", { name: "Keep on this computer" }).check();
  await tab.getByRole("button", { name: "Forget" }).waitFor();
  await show(tab, "Events");
  await tab.getByRole("checkbox", { name: /^Web search/ }).check();
  await tab.getByText("6 of 37 events").waitFor();
  await tab.reload();
  await tab.getByRole("heading", { name: "mine.jsonl" }).waitFor();
  await tab.getByText("6 of 37 events").waitFor();
  await tab.getByRole("button", { name: "Forget" }).click();
  await tab.getByRole("button", { name: "Forget" }).waitFor({ state: "detached" });
  await tab.reload();
  await tab.getByRole("heading", { name: "Example: a real session" }).waitFor();
  await close();
});

test("a live file is followed as it grows, half lines and all, and its end is the session's", async () => {
  // A page that is a file has no private files to stand in for the user's; one from this machine has.
  const html = readFileSync(fileURLToPath(page));
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { tab, close } = await open(browser, { url });
  try {
    const text = readFileSync(recording("0.131.0/approval_interrupted"), "utf8");
    await isRead(tab);
    await tab.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const handle = await root.getFileHandle("live.jsonl", { create: true });
      globalThis.showOpenFilePicker = async () => [handle];
      globalThis.append = async (text) => {
        const writable = await handle.createWritable({ keepExistingData: true });
        await writable.write({ type: "write", position: (await handle.getFile()).size, data: text });
        await writable.close();
      };
    });
    const append = (part) => tab.evaluate((part) => globalThis.append(part), part);
    const half = text.indexOf("\n", text.length / 2) - 40;
    await append(text.slice(0, half));
    await tab.getByRole("button", { name: "Follow a live file…" }).click();
    await tab.getByRole("heading", { name: "live.jsonl" }).waitFor();
    const lines = text.slice(0, half).split("\n").length - 1;
    await tab.getByText(new RegExp(`· ${lines} messages ·`)).waitFor();
    await append(text.slice(half));
    await tab.getByText(/· 24 messages ·/).waitFor();
    await tab.getByText("The session is still running").waitFor();
    await show(tab, "Events");
    await tab.getByRole("button", { name: "End the session" }).click();
    await isRead(tab);
    await tab.getByText("3 events", { exact: true }).waitFor();
    assert.equal((await download(tab, "JSONL")).text, native(recording("0.131.0/approval_interrupted")));
    await tab.getByRole("link", { name: "Approval" }).click();
    await tab.getByRole("heading", { name: /messages of this review/ }).waitFor();
    // Another recording in the same file, as a tap that starts again writes it.
    await tab.getByRole("button", { name: "Follow a live file…" }).click();
    await tab.getByText(/· 24 messages ·/).waitFor();
    await tab.evaluate(
      async (text) => {
        const [handle] = await globalThis.showOpenFilePicker();
        const writable = await handle.createWritable();
        await writable.write(text);
        await writable.close();
      },
      readFileSync(mixed, "utf8"),
    );
    await tab.getByText(/· 181 messages · 37 events ·/).waitFor();
    // A rollout, as Codex writes it while its turn runs.
    const rollout = rollouts.find((file) => file.includes("0.131.0/patch_files"));
    const written = new TextDecoder()
      .decode(decompress(readFileSync(rollout)))
      .trimEnd()
      .split("\n");
    await tab.evaluate(async () => {
      const [handle] = await globalThis.showOpenFilePicker();
      await (await handle.createWritable()).close();
    });
    await tab.getByRole("button", { name: "Follow a live file…" }).click();
    await append(`${written.slice(0, -1).join("\n")}\n${written.at(-1).slice(0, 30)}`);
    await tab.getByText(new RegExp(`· ${written.length - 1} lines ·`)).waitFor();
    await append(`${written.at(-1).slice(30)}\n`);
    await tab.getByText(new RegExp(`· ${written.length} lines ·`)).waitFor();
    await tab.getByRole("button", { name: "End the session" }).click();
    await isRead(tab);
    await show(tab, "Events");
    await tab
      .getByText(/^[\d,]+ events$/)
      .first()
      .waitFor();
    const sorted = (text) => text.split("\n").sort();
    assert.deepEqual(sorted((await download(tab, "JSONL")).text), sorted(imported(rollout)));
  } finally {
    server.close();
    server.closeAllConnections();
  }
  await close();
});

test("where a file cannot be followed, the page says what to do", async () => {
  const { tab, close } = await open(browser, {
    init: "delete globalThis.showOpenFilePicker; delete Window.prototype.showOpenFilePicker",
  });
  await isRead(tab);
  await tab.getByRole("button", { name: "Follow a live file…" }).click();
  await tab.getByText("This browser cannot follow a file.").waitFor();
  await close();
});

test("a user who is not to be measured may look all the same", async () => {
  // Stands in for a browser with Global Privacy Control, which workers see, too.
  const init = `globalThis.Blob = class extends Blob {
    constructor(parts, options) {
      const isScript = options?.type?.includes("javascript");
      const no = "Object.defineProperty(WorkerNavigator.prototype, 'globalPrivacyControl', { get: () => true });";
      super(isScript ? [no, ...parts] : parts, options);
    }
  }`;
  const { tab, close } = await open(browser, { init });
  await isRead(tab);
  await tab.getByRole("link", { name: /^Events 36$/ }).waitFor();
  await close();
});

test("the theme can be chosen, and stays chosen", async () => {
  const { tab, close } = await open(browser, { colorScheme: "light" });
  const background = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await tab.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  const dark = await background();
  assert.notEqual(dark, light);
  await tab.reload();
  assert.equal(await background(), dark);
  await tab.getByRole("combobox", { name: "Theme" }).selectOption("auto");
  assert.equal(await background(), light);
  await close();
});
