// The .vsix in a real VS Code: code-server, which `tests/code-server` installs. CODE_SERVER names it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const codeServer = process.env.CODE_SERVER;
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const { name, publisher, version } = JSON.parse(readFileSync(path("../package.json"), "utf8"));

/** A recording as if it had ended now. */
function today() {
  const text = readFileSync(path("../../../tests/golden/0.169.0/mixed_long/traffic.jsonl"), "utf8");
  const last = JSON.parse(text.trimEnd().split("\n").at(-1)).at_ms;
  const later = Math.floor((Date.now() - last) / 1000);
  const prefix = String(last).slice(0, 4);
  return text.replace(new RegExp(`\\b${prefix}\\d{6}(\\d{3})?\\b`, "g"), (time, millis) => String(Number(time) + later * (millis ? 1000 : 1)));
}

/** What the status bar says of a recording, by the native program. The module that knows it stops the clock: it runs elsewhere. */
function expected(recording) {
  const script = `import { events, text } from ${JSON.stringify(new URL("support.mjs", import.meta.url))};
    import { readFileSync } from "node:fs";
    process.stdout.write(text(events(readFileSync(${JSON.stringify(recording)}, "utf8"))));`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).replace("$(pulse) ", "");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

test("it installs, and counts a session", { skip: codeServer === undefined && "CODE_SERVER names no code-server", timeout: 120_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), "turnledger-code-"));
  const folder = join(home, "workspace");
  const recording = join(home, "session.jsonl");
  for (const created of [folder, join(home, "user/User")]) mkdirSync(created, { recursive: true });
  writeFileSync(recording, today());
  writeFileSync(join(home, "user/User/settings.json"), JSON.stringify({ "turnledger.recording": recording, "workbench.startupEditor": "none" }));
  const env = { ...process.env, HOME: home };
  delete env.DO_NOT_TRACK;
  const shared = [codeServer, "--user-data-dir", join(home, "user"), "--extensions-dir", join(home, "extensions")];
  const run = (...words) => execFileSync(process.execPath, [...shared, ...words], { env, encoding: "utf8" });
  run("--install-extension", path(`../${name}-${version}.vsix`));
  assert.match(run("--list-extensions", "--show-versions"), new RegExp(`^${publisher}\\.${name}@${version}$`, "m"));

  const port = await freePort();
  const options = ["--auth=none", `--bind-addr=127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  const server = spawn(process.execPath, [...shared, ...options, folder], { env, stdio: "ignore" });
  const ended = once(server, "exit");
  let browser;
  try {
    const listens = () => fetch(`http://127.0.0.1:${port}/healthz`).then(({ ok }) => ok, () => false);
    while (!(await listens())) await new Promise((resolve) => setTimeout(resolve, 100));
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`);
    const item = page.locator(`[id="${publisher}.${name}.turnledger.today"]`);
    await item.filter({ hasText: "turn" }).waitFor({ timeout: 90_000 });
    assert.equal((await item.innerText()).trim(), expected(recording));
    await item.click();
    await page.getByPlaceholder(expected(recording)).waitFor();
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  } finally {
    await browser?.close();
    server.kill();
    await ended;
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
});
