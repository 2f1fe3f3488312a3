// A recording of a hundred megabytes: read to its end with progress, while the page answers, in bounded memory.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { launch, native, open, recording, screenshot, show } from "./support.mjs";

const BYTES = 100e6;
/** Far below what a browser gives a page. */
const MOST_MEMORY = 1.5e9;

/** A session again and again, each with ids, a connection and a time of its own. */
function generate(file) {
  const session = readFileSync(recording("0.131.0/mixed_long"), "utf8");
  const output = openSync(file, "w");
  let written = 0;
  let copies = 0;
  for (; written < BYTES; copies++) {
    const copy = session
      .replaceAll("01a1fc2f-", `${(0x01a1fc2f + copies).toString(16).padStart(8, "0")}-`)
      .replaceAll('"connection_id": 1', `"connection_id": ${copies + 1}`)
      .replaceAll(/\b1795232\d{6}\b/g, (ms) => Number(ms) + copies * 2000)
      .replaceAll(/\b1795232\d{3}\b/g, (s) => Number(s) + copies * 2);
    written += writeSync(output, copy);
  }
  closeSync(output);
  return copies;
}

test("a hundred megabytes", { timeout: 600_000 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-large-"));
  const browser = await launch();
  let memory;
  try {
    const file = join(folder, "large.jsonl");
    const copies = generate(file);
    const { tab, close } = await open(browser);
    const session = await browser.newBrowserCDPSession();
    let peak = 0;
    memory = setInterval(async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo").catch(() => ({ processInfo: [] }));
      const used = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => resident(id));
      peak = Math.max(peak, ...used);
    }, 200);
    await tab.evaluate(() => {
      globalThis.longest = 0;
      let before = performance.now();
      setInterval(() => {
        globalThis.longest = Math.max(globalThis.longest, performance.now() - before);
        before = performance.now();
      }, 10);
    });
    const start = performance.now();
    await tab.setInputFiles("input[aria-label=Files]", file);
    // While it is read, the page shows how far, and what there is so far.
    const bar = tab.getByRole("progressbar", { name: "Reading" });
    await bar.waitFor();
    const [early] = [Number(await bar.getAttribute("value"))];
    await show(tab, "Events");
    await tab.locator("table.events tbody tr").first().waitFor();
    await tab.getByRole("searchbox").fill("web_search");
    await tab.locator("table.events tbody a", { hasText: "Web search" }).first().waitFor();
    assert.ok(await bar.isVisible(), "the page answers while it reads");
    assert.ok(Number(await bar.getAttribute("value")) > early, "the bar moves");
    await tab.getByText(/^Read: /).waitFor({ state: "attached", timeout: 300_000 });
    const took = performance.now() - start;
    const expected = native(file);
    const events = expected.split("\n").length - 1;
    await tab.getByRole("button", { name: "Clear" }).click();
    await tab.getByText(`${events.toLocaleString("en-GB")} events`, { exact: true }).waitFor();
    const started = tab.waitForEvent("download");
    await tab.getByRole("button", { name: "JSONL" }).click();
    const downloaded = readFileSync(await (await started).path());
    const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(hash(downloaded), hash(expected));
    await tab.getByRole("button", { name: "Last" }).click();
    await tab.getByRole("link", { name: "Turn", exact: true }).last().click();
    await tab.locator(".is-completing pre").waitFor();
    await show(tab, "Session");
    await tab.getByText(/threads drawn together/).waitFor();
    await tab.waitForTimeout(500);
    await screenshot(tab, "large");
    await tab.setInputFiles("input[aria-label=Files]", file);
    await tab.getByRole("button", { name: "Stop reading" }).click();
    await tab.getByText(/^Stopped after .* of 100 MB: what is shown is the session up to there\.$/).waitFor();
    const longest = await tab.evaluate(() => globalThis.longest);
    context.diagnostic(
      `${copies} sessions, ${(statSync(file).size / 1e6).toFixed(0)} MB, ${events} events: read in ${(took / 1000).toFixed(1)} s, ` +
        `the page's longest pause ${longest.toFixed(0)} ms, its process at most ${(peak / 1e6).toFixed(0)} MB`,
    );
    assert.ok(peak > 0 && peak < MOST_MEMORY, `${peak} bytes`);
    await close();
  } finally {
    clearInterval(memory);
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The memory of a process that is really there. */
function resident(id) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
