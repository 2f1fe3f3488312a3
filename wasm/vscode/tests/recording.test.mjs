// The bundle of the desktop follows recordings: what it shows is what the native program counts in the same text.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { NOTHING, events, lastTime, names, open, pause, recording, setTime, shows, text, tick, until } from "./support.mjs";
import { Memento, Uri } from "./vscode.mjs";

const LONG = recording("0.169.0/mixed_long");
let folder;
let file;
let number = 0;

before(() => (folder = mkdtempSync(join(tmpdir(), "turnledger-vscode-"))));
after(() => rmSync(folder, { recursive: true }));
beforeEach(() => (file = join(folder, `recording [${(number += 1)}].jsonl`)));

const follow = (options = {}) => open({ settings: { "turnledger.recording": file }, ...options });

test("one recording, word for word", async () => {
  writeFileSync(file, LONG);
  setTime(lastTime(LONG));
  const window = await follow();
  assert.equal(await shows(window, text(events(LONG))), "$(pulse) 6 turns · 24 tool calls · 20.4K in 1.4K out · +12 −0 · 0 approvals");
  assert.equal(
    window.item.tooltip.value,
    `Codex on 2026-11-20

- Turns: 6 (6 completed)
- Accepted steers: 0
- Tool calls: 24 (12 shell, 6 file change, 6 web search)
- Input tokens: 20,415 (7,200 cached)
- Output tokens: 1,440 (360 reasoning)
- Accepted lines: +12 −0
- Approvals asked of you: 0
- Approvals asked of the guardian: 0

A turn counts when it ends, an approval when it is answered. A recording is followed. Nothing is uploaded.`,
  );
  assert.deepEqual({ ...window.item.tooltip, value: "" }, { value: "", isTrusted: false, supportHtml: false, supportThemeIcons: false });
  assert.equal(window.item.isShown, true);
  assert.deepEqual(window.item.accessibilityInformation, { label: `Codex today: ${window.item.text.slice("$(pulse) ".length)}` });

  await window.host.commands.get(window.item.command)();
  const [{ items, options }] = window.host.picks;
  assert.deepEqual(options, { title: "Codex on 2026-11-20", placeHolder: window.item.text.slice("$(pulse) ".length) });
  assert.deepEqual(items[2], { label: "Tool calls: 24", description: "12 shell, 6 file change, 6 web search" });
  assert.deepEqual(window.host.messages, ["log"]);
  assert.deepEqual(window.host.log, []);
  await window.close();
  assert.equal(window.host.watchers, 0);
});

test("every recording, as the native program counts", async () => {
  for (const name of names) {
    const all = recording(name);
    writeFileSync(file, all);
    setTime(lastTime(all));
    const window = await follow();
    const expected = text(events(all));
    assert.equal(await shows(window, expected), expected, name);
    await window.close();
  }
});

test("a file that grows by pieces, with lines that are cut", async () => {
  setTime(lastTime(LONG));
  const window = await follow();
  await pause();
  assert.match(window.item.tooltip.value, /The recording cannot be read: there is no such file yet\./);
  const bytes = Buffer.from(LONG);
  for (let from = 0; from < bytes.length; from += 9973) {
    appendFileSync(file, bytes.subarray(from, from + 9973));
    window.host.fire("file", Uri.file(file));
    const whole = bytes.subarray(0, from + 9973).toString();
    const expected = text(events(whole.slice(0, whole.lastIndexOf("\n") + 1)));
    assert.equal(await shows(window, expected), expected);
    // Nothing changed, and nothing counts again.
    await tick();
    assert.equal(await shows(window, expected), expected);
  }
  assert.deepEqual(window.host.log, ["error: recording: it cannot be read: there is no such file yet", "info: recording: it can be read again"]);
  await window.close();
});

test("without a watcher the slow poll finds what is new", async () => {
  writeFileSync(file, "");
  setTime(lastTime(LONG));
  const window = await follow();
  await pause();
  assert.equal(window.item.text, NOTHING);
  writeFileSync(file, LONG);
  await tick();
  assert.equal(await shows(window, text(events(LONG))), text(events(LONG)));
  await window.close();
});

test("a new session in the same file counts beside the old one; a shorter file of the same session instead of it", async () => {
  const other = recording("0.169.0/approve_command");
  setTime(lastTime(LONG));
  writeFileSync(file, other);
  const window = await follow();
  await shows(window, text(events(other)));
  writeFileSync(file, LONG);
  await tick();
  const both = text([...events(other), ...events(LONG)]);
  assert.equal(await shows(window, both), both);

  const cut = LONG.slice(0, LONG.indexOf("\n", LONG.length / 2) + 1);
  truncateSync(file, Buffer.byteLength(cut));
  await tick();
  assert.equal(await shows(window, text([...events(other), ...events(cut)])), text([...events(other), ...events(cut)]));
  writeFileSync(file, LONG);
  await tick();
  assert.equal(await shows(window, both), both);
  // Over a restart both are still there.
  await window.close();
  const again = await follow({ global: window.global });
  assert.equal(await shows(again, both), both);
  await again.close();
});

test("only what happened since midnight where the user is", async () => {
  const lines = LONG.trimEnd().split("\n");
  const midnight = new Date("2026-11-21T00:00:00-05:00").getTime();
  const turnsEnd = lines.flatMap((line, at) => (line.includes('"turn/completed"') ? [at] : []));
  const first = turnsEnd[2] + 1;
  const shift = midnight - JSON.parse(lines[first]).at_ms;
  const at = (line) => ({ ...JSON.parse(line), at_ms: JSON.parse(line).at_ms + shift });
  const moved = lines.map((line, index) => JSON.stringify(index < first ? { ...at(line), at_ms: Math.min(at(line).at_ms, midnight - 1) } : at(line)) + "\n");
  const before = moved.slice(0, first).join("");
  const all = moved.join("");
  const yesterday = events(before).length;
  setTime(midnight - 1);
  writeFileSync(file, before);
  const window = await follow();
  assert.equal(await shows(window, text(events(before))), text(events(before)));
  setTime(midnight);
  await tick();
  assert.equal(await shows(window, NOTHING), NOTHING);
  writeFileSync(file, all);
  await tick();
  const today = text(events(all).slice(yesterday));
  assert.equal(await shows(window, today), today);
  assert.match(window.item.text, /^\$\(pulse\) 3 turns/);
  await window.close();
  const again = await follow({ global: window.global });
  assert.equal(await shows(again, today), today);
  await again.close();
});

test("bad lines are said once, without what is in them, and the rest counts", async () => {
  const [first, ...rest] = LONG.split("\n");
  const bad = ["not JSON", "{}", '{"at_ms":-1,"connection_id":1,"direction":"client_to_server","message":{}}', "", "\u0000", '"secret"'];
  const unreadable = '{"at_ms":1795236341080,"connection_id":1,"direction":"client_to_server","message":{"id":{"secret":1},"method":"turn/start"}}';
  setTime(lastTime(LONG));
  writeFileSync(file, [first, ...bad, unreadable, ...rest].join("\n"));
  const window = await follow();
  assert.equal(await shows(window, text(events(LONG))), text(events(LONG)));
  const said = ["warn: recording: 5 new line(s) are not recorded messages, the first of them line 2", "warn: recording: 1 new message(s) cannot be read"];
  assert.deepEqual(window.host.log, said);
  appendFileSync(file, "more\n");
  await tick();
  await until(() => window.host.log.length > 2);
  assert.equal(window.host.log.at(-1), `warn: recording: 1 new line(s) are not recorded messages, the first of them line ${LONG.split("\n").length + 7}`);
  await window.close();
});

test("two windows that follow the same recording count it once", async () => {
  const global = new Memento();
  setTime(lastTime(LONG));
  writeFileSync(file, LONG);
  const windows = [await follow({ global }), await follow({ global })];
  for (const window of windows) await shows(window, text(events(LONG)));
  await tick();
  for (const window of windows) {
    assert.equal(window.item.text, text(events(LONG)));
    await window.close();
  }
});

test("the setting changes, and is left out", async () => {
  const other = `${file}.other`;
  const second = recording("0.169.0/patch_files");
  setTime(lastTime(LONG));
  writeFileSync(file, LONG);
  writeFileSync(other, second);
  const window = await follow();
  await shows(window, text(events(LONG)));
  window.host.changeSetting("turnledger.recording", `file://${other}`);
  const both = text([...events(LONG), ...events(second)]);
  assert.equal(await shows(window, both), both);
  assert.equal(window.host.watchers, 1);
  window.host.changeSetting("turnledger.recording", "");
  assert.equal(window.host.watchers, 0);
  await pause();
  assert.doesNotMatch(window.item.tooltip.value, /recording/i);
  await window.close();
});
