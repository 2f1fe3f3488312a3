// The bundle of the desktop as another extension's partner: what that observes, over restarts, days and windows.
import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTHING, events, lastTime, messages, names, open, recording, setTime, sums, text, tick } from "./support.mjs";
import { Memento } from "./vscode.mjs";

const LONG = recording("0.169.0/mixed_long");
const halves = (all) => {
  const lines = all.trimEnd().split("\n");
  const middle = Math.floor(lines.length / 2);
  return [lines.slice(0, middle), lines.slice(middle)].map((part) => part.join("\n"));
};

test("nothing is known before anything is observed", async () => {
  setTime(lastTime(LONG));
  const window = await open();
  assert.equal(window.item.text, NOTHING);
  assert.equal(
    window.item.tooltip.value,
    "Codex on 2026-11-20\n\nA turn counts when it ends, an approval when it is answered. Nothing is uploaded.",
  );
  await window.close();
});

test("a session that another extension observes, unknown tokens and approvals in it", async () => {
  const window = await open();
  const all = ["0.169.0/approve_command_cancel", "0.169.0/approve_command", "0.169.0/guardian"].map(recording);
  window.observe(all[0]);
  assert.equal(window.item.text, text(events(all[0])));
  assert.equal(window.item.text, "$(pulse) 1 turn · 1 tool call · tokens unknown · +0 −0 · 1 approval");
  assert.match(window.item.tooltip.value, /- Input tokens: unknown \(1 turn did not say\)\n- Output tokens: unknown \(1 turn did not say\)\n/);
  window.observe(all[1]);
  assert.match(window.item.text, / · ≥ 4\.8K in ≥ /);
  window.observe(all[2]);
  const expected = all.flatMap((one) => events(one));
  assert.equal(window.item.text, text(expected));
  const sum = sums(expected);
  const [approved, denied] = [sum.guardian_approved, sum.guardian_denied];
  assert.ok(window.item.tooltip.value.includes(`- Approvals asked of the guardian: ${sum.guardian} (${approved} approved, ${denied} denied`));
  await window.close();
});

test("bytes and texts are taken; what is no message is said once and never thrown", async () => {
  const window = await open();
  for (const [at, { at_ms, connection_id, direction, message }] of messages(LONG).entries()) {
    setTime(at_ms);
    const json = JSON.stringify(message);
    window.api.observe(connection_id, direction, at % 2 ? json : new TextEncoder().encode(json));
  }
  window.api.observe(-1, "client_to_server", {});
  window.api.observe(1, "up", {});
  assert.equal(window.item.text, text(events(LONG)));
  assert.deepEqual(window.host.log, [
    "error: observe: connectionId: expected a whole number, 0 or more",
    'error: observe: direction: expected "client_to_server" or "server_to_client"',
  ]);
  await window.close();
});

test("a restart in the middle of a session loses nothing", async () => {
  for (const name of ["0.169.0/mixed_long", "0.169.0/approve_patch", "0.131.0/steer"]) {
    const all = recording(name);
    const [first, second] = halves(all);
    const window = await open();
    window.observe(first);
    await window.close();
    const again = await open(window);
    again.observe(second);
    assert.equal(again.item.text, text(events(all)), name);
    await again.close();
  }
});

test("a crash loses at most what came after the last tick", async () => {
  const [first, second] = halves(LONG);
  const window = await open();
  window.observe(first);
  await tick();
  const again = await open(window);
  again.observe(second);
  assert.equal(again.item.text, text(events(LONG)));
});

test("state of another version is left out, and said", async () => {
  const global = new Memento();
  const workspace = new Memento();
  await global.update("tallies", { other: { day: "2026-11-20", numbers: { turns: 1 } }, none: null });
  await workspace.update("snapshot", "{}");
  const window = await open({ global, workspace });
  window.observe(LONG);
  assert.equal(window.item.text, text(events(LONG)));
  assert.equal(window.host.log.length, 1);
  assert.match(window.host.log[0], /^error: .*snapshot/);
  await window.close();
});

test("two windows with sessions of their own show the sum of both", async () => {
  const global = new Memento();
  const other = recording("0.169.0/patch_files");
  const windows = [await open({ global }), await open({ global })];
  windows[0].observe(LONG);
  windows[1].observe(other);
  setTime(lastTime(LONG));
  await tick();
  await tick();
  for (const window of windows) assert.equal(window.item.text, text([...events(LONG), ...events(other)]));
  for (const window of windows) await window.close();
});

test("the day ends at midnight where the user is, and what was counted goes", async () => {
  const window = await open();
  window.observe(LONG);
  await tick();
  setTime(new Date("2026-11-20T23:59:59.999-05:00").getTime());
  await tick();
  assert.equal(window.item.text, text(events(LONG)));
  setTime(new Date("2026-11-21T00:00:00-05:00").getTime());
  await tick();
  assert.equal(window.item.text, NOTHING);
  assert.match(window.item.tooltip.value, /^Codex on 2026-11-21\n/);
  await window.close();
});

test("no prompt, code, path or command is shown, said or kept", async () => {
  const strings = (value) =>
    typeof value === "string" ? [value] : value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];
  // The members that hold what must not be seen.
  const secrets = (value) => {
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([name, member]) =>
      /^(text|delta|command|cwd|path|diff|aggregatedOutput|query|preview|unifiedDiff)$/.test(name) ? strings(member) : secrets(member),
    );
  };
  let checked = 0;
  for (const name of names.filter((one) => /mixed_long|approve_command|patch_files|web_and_image/.test(one))) {
    const window = await open();
    const all = messages(recording(name));
    // Not to the end: the last turn runs, so that its state is kept.
    window.observe(recording(name).trimEnd().split("\n").slice(0, -2).join("\n"));
    await tick();
    await window.host.commands.get(window.item.command)();
    const seen = [window.global.json, window.workspace.json, JSON.stringify(window.host.picks), JSON.stringify(window.item), window.host.log.join()].join();
    for (const secret of new Set(all.flatMap(({ message }) => secrets(message)))) {
      if (secret.length < 8) continue;
      assert.ok(!seen.includes(JSON.stringify(secret).slice(1, -1)), `${name}: ${secret}`);
      checked += 1;
    }
    await window.close();
  }
  assert.ok(checked > 100, `${checked} secrets`);
});

test("DO_NOT_TRACK turns it off", async () => {
  process.env.DO_NOT_TRACK = "1";
  try {
    const window = await open({ settings: { "turnledger.recording": "/nowhere" } });
    window.observe(LONG);
    await tick();
    assert.equal(window.item.text, "$(pulse) Turnledger is off");
    assert.match(window.item.tooltip.value, /You have said no/);
    assert.equal(window.global.json, "{}");
    assert.deepEqual(window.host.log, []);
    await window.close();
  } finally {
    delete process.env.DO_NOT_TRACK;
  }
});
