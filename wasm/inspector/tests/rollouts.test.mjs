// Rollouts: a file shows what the native import makes of it, and what it does not say is shown as unknown.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { decompress } from "fzstd";

import {
  begin,
  download,
  end,
  imported,
  importNotes,
  native,
  open,
  parsed,
  read,
  recording,
  rollouts,
  show,
} from "./support.mjs";

let browser;
let folder;
before(async () => ({ browser, folder } = await begin()));
after(() => end({ browser, folder }));

const find = (part) => rollouts.find((file) => file.includes(part));
const lines = (file) =>
  new TextDecoder()
    .decode(decompress(readFileSync(file)))
    .trimEnd()
    .split("\n");
const tile = (tab, name) => tab.locator(".tile", { has: tab.getByText(name, { exact: true }) });
const sorted = (text) => text.split("\n").filter(Boolean).sort();
const cells = (tab, name) =>
  tab
    .getByRole("table", { name })
    .getByRole("row")
    .evaluateAll((rows) => rows.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));

/** The events of a session that was opened, as the page saves them. */
async function eventsShown(tab) {
  await tab.getByText(/^Read: /).waitFor({ state: "attached" });
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  return (await download(tab, "JSONL")).text;
}

test("every rollout gives the native program's events", async () => {
  const { tab, close } = await open(browser);
  for (const [number, file] of rollouts.entries()) {
    const name = `${number}.jsonl.zst`;
    await tab.setInputFiles("input[aria-label=Files]", { name, mimeType: "", buffer: readFileSync(file) });
    await tab.getByRole("heading", { name, exact: true }).waitFor();
    assert.deepEqual(sorted(await eventsShown(tab)), sorted(imported(file)), file);
  }
  await close();
});

test("what a rollout does not say is unknown", async () => {
  const { tab, close } = await open(browser);
  const file = find("0.131.0/interrupt_stream");
  await read(tab, file);
  const turns = parsed(imported(file)).filter(({ event_type }) => event_type === "codex_turn_event");
  assert.ok(turns.some(({ event_params }) => event_params.input_tokens === null));
  assert.equal(await tile(tab, "Approvals").locator(".value").textContent(), "unknown");
  assert.equal(await tile(tab, "Steers").locator(".lacks").textContent(), "refused ones unknown");
  await tab.getByText("Unknown: rollouts say nothing of approvals.").waitFor();
  await tab.getByRole("row", { name: /^Steers.*unknown rejected$/ }).waitFor();
  await tab.getByRole("row", { name: /^Threads.*unknown resumed/ }).waitFor();
  await show(tab, "Events");
  await tab.getByRole("link", { name: "Turn", exact: true }).first().click();
  await tab.getByText(/null here, and means “unknown”, not “no”/).waitFor();
  const mark = (name) =>
    tab
      .locator(`${name} .null`)
      .first()
      .evaluate((element) => getComputedStyle(element, "::after").content);
  assert.equal(await mark(".json.is-from-file"), '" unknown or none"');
  await tab.getByRole("heading", { name: "The lines that made it" }).waitFor();
  await tab.locator(".is-completing pre").waitFor();
  const shown = JSON.parse(await tab.locator(".is-completing pre").textContent());
  assert.equal(shown.payload.turn_id, turns[0].event_params.turn_id);
  // Of traffic nothing is unknown in this way.
  await read(tab, recording("0.131.0/plain_turn"));
  await tab.getByText("Nothing had to be approved.").waitFor();
  assert.equal(await tile(tab, "Approvals").locator(".value").textContent(), "0");
  await close();
});

test("the time line shows turns and calls of a rollout where they were", async () => {
  const { tab, close } = await open(browser);
  const file = find("0.171.0/shell_ok_fail");
  await read(tab, file);
  await tab.locator(".timeline summary").click();
  await tab.getByRole("table", { name: /in the window/ }).waitFor();
  const rows = await cells(tab, /in the window/);
  const events = parsed(imported(file));
  const calls = events.filter(({ event_type }) => event_type === "codex_command_execution_event");
  assert.ok(calls.length > 1);
  const drawn = rows.filter(([, , what]) => what.startsWith("Command"));
  assert.deepEqual(
    drawn.map(([, duration]) => duration),
    calls.map(({ event_params: { started_at_ms, completed_at_ms } }) => `${completed_at_ms - started_at_ms} ms`),
  );
  const turns = events.filter(({ event_type }) => event_type === "codex_turn_event");
  assert.equal(rows.filter(([, , what]) => what.startsWith("Turn")).length, turns.length);
  await close();
});

test("bad lines, a cut last line, and a file that is no rollout are named", async () => {
  const { tab, close } = await open(browser);
  const good = lines(find("0.142.0/"));
  const file = join(folder, "bad.jsonl");
  writeFileSync(file, [...good.slice(0, 2), "no JSON", ...good.slice(2), '{"timestamp":"2026'].join("\n"));
  await read(tab, file);
  await tab.getByText("Its last line is cut off").waitFor();
  await show(tab, "Discards");
  assert.deepEqual(await cells(tab, "Lines that could not be read"), [["3", "not JSON"]]);
  assert.match(importNotes(file), /bad\.jsonl:3: not JSON/);
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  assert.deepEqual(sorted((await download(tab, "JSONL")).text), sorted(imported(file)));
  const headless = join(folder, "headless.jsonl");
  writeFileSync(headless, good.slice(1).join("\n"));
  await read(tab, headless);
  await tab.getByText("It is no rollout: none of its lines names a session.").waitFor();
  assert.match(importNotes(headless), /no rollout: /);
  const bare = join(folder, "bare.jsonl");
  writeFileSync(bare, '{"method":"initialized"}\n');
  await read(tab, bare);
  await tab.getByText("Paste traffic takes them.").waitFor();
  await close();
});

test("a pasted rollout is one", async () => {
  const { tab, close } = await open(browser);
  const file = find("0.131.0/plain_turn");
  const text = lines(file).join("\n");
  await tab.getByRole("button", { name: "Paste traffic…" }).click();
  await tab.getByRole("textbox", { name: /^Lines of a recording/ }).fill(text);
  await tab.getByText(`${lines(file).length} lines of a rollout.`).waitFor();
  await tab.getByRole("button", { name: "Show the session" }).click();
  await tab.getByRole("heading", { name: "Pasted traffic" }).waitFor();
  assert.deepEqual(sorted(await eventsShown(tab)), sorted(imported(file)));
  await close();
});

test("a file of events shows its events", async () => {
  const { tab, close } = await open(browser);
  const events = native(recording("0.131.0/mixed_long"));
  const bodies = `${JSON.stringify({ events: parsed(events) })}\n`;
  for (const [name, text] of [
    ["events.jsonl", `${events}{"event_type":"of_a_newer_version"}\n`],
    ["bodies.jsonl", bodies],
  ]) {
    const file = join(folder, name);
    writeFileSync(file, text);
    await read(tab, file);
    const turns = parsed(events).filter(({ event_type }) => event_type === "codex_turn_event");
    await show(tab, "Session");
    assert.equal(await tile(tab, "Turns").locator(".value").textContent(), String(turns.length));
    await show(tab, "Discards");
    if (name === "events.jsonl") {
      const [[, reason]] = await cells(tab, "Lines that could not be read");
      assert.equal(reason, "not an event that this page knows");
    } else await tab.getByText("Every line could be read.").waitFor();
    await show(tab, "Events");
    await tab
      .getByText(/^[\d,]+ events?$/)
      .first()
      .waitFor();
    assert.equal((await download(tab, "JSONL")).text, events);
    await tab.getByRole("link", { name: "Turn", exact: true }).first().click();
    await tab.getByText("The file has events alone: what made them is not in it.").waitFor();
  }
  await close();
});
