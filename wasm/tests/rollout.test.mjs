// Rollouts through the package give the native program's events, byte for byte, whatever pieces they come in.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MessageChannel } from "node:worker_threads";

import { createLedger } from "../dist/node.js";
import { connectLedger, serveLedger } from "../dist/worker.js";
import { rollouts as files, root, unpacked as content } from "./support.mjs";

const program = join(root, "target/debug/turnledger");
const native = (file) => execFileSync(program, ["import", "--quiet", "--output", "-", file], { encoding: "utf8", maxBuffer: 1 << 28 });

let place;
before(() => (place = mkdtempSync(join(tmpdir(), "turnledger-rollouts-"))));
after(() => rmSync(place, { recursive: true, force: true }));

/** The events of a ledger in the order of time, as the program writes them. */
async function events(read, options) {
  const found = [];
  const ledger = await createLedger(options);
  let at = () => 0;
  ledger.on("event", (_, json) => found.push([at(), found.length, json]));
  const result = await read(ledger, (now) => (at = now));
  await ledger.close(0);
  const lines = found.sort(([one, first], [other, second]) => one - other || first - second).map(([, , json]) => `${json}\n`);
  return { text: lines.join(""), result };
}

/** Line by line. */
const byLines = (bytes) => (ledger, tellTime) => {
  const rollout = ledger.openRollout();
  tellTime(() => rollout.at);
  for (const line of new TextDecoder().decode(bytes).split("\n")) rollout.line(line);
  rollout.end();
  return rollout;
};

test("every rollout gives the native program's bytes", async () => {
  let count = 0;
  for (const file of files) {
    const { text, result } = await events(byLines(content(file)));
    assert.equal(text, native(file), file);
    assert.equal(result.threadId, /rollout-.{20}(.{36})/.exec(file)[1]);
    count += text.split("\n").length - 1;
  }
  assert.ok(count > 400, `${count} events`);
});

test("text, bytes, files, streams and pieces of any length are the same", async () => {
  const file = files.find((name) => name.includes("0.131.0/mixed_long") || name.includes("0.131.0/patch_files"));
  const bytes = content(file);
  const sorted = (text) => text.split("\n").sort();
  const expected = sorted(native(file));
  async function* pieces(length) {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n").length;
  for (const source of [
    () => new TextDecoder().decode(bytes),
    () => bytes,
    () => new Blob([bytes]),
    () => new Blob([bytes]).stream(),
    () => pieces(7),
    () => pieces(4096),
  ]) {
    const { text, result } = await events((ledger) => ledger.readRollout(source()));
    assert.deepEqual(sorted(text), expected);
    const threadId = /rollout-.{20}(.{36})/.exec(file)[1];
    assert.deepEqual(result, { threadId, lines, badLines: [], isCut: false });
  }
});

test("files that are read at the same time do not meet", async () => {
  const several = files.filter((name) => name.includes("/subagents/"));
  assert.ok(several.length > 3);
  const { text } = await events((ledger) => {
    const open = several.map((file) => [ledger.openRollout(), new TextDecoder().decode(content(file)).split("\n")]);
    for (let at = 0; open.some(([, lines]) => at < lines.length); at++) {
      for (const [rollout, lines] of open) if (at < lines.length) rollout.line(lines[at]);
    }
    // What is open ends with the ledger.
  });
  assert.deepEqual(text.split("\n").sort(), several.flatMap((file) => native(file).split("\n").filter(Boolean)).concat("").sort());
});

test("bad lines are named as the program names them, and nothing around them is lost", async () => {
  const file = join(place, "bad.jsonl");
  const good = new TextDecoder().decode(content(files.find((name) => name.includes("0.142.0/")))).trimEnd().split("\n");
  const lines = [
    ...good.slice(0, 3),
    "no JSON",
    "",
    '{"timestamp":"2026-11-28T08:34:40.090Z","type":"event_msg","payload":{"type":"task_started","turn_id":5}}',
    '{"timestamp":"2026-11-28T08:34:40.090Z","type":"of_a_newer_version","payload":{}}',
    ...good.slice(3),
    '{"timestamp":"2026-11-28T08:34:40.090Z","type":"event_ms',
  ];
  writeFileSync(file, lines.join("\n"));
  const { stdout, stderr } = spawnSync(program, ["import", "--output", "-", file], { encoding: "utf8" });
  const { text, result } = await events((ledger) => ledger.readRollout(readFileSync(file)));
  assert.deepEqual(text.split("\n").sort(), stdout.split("\n").sort());
  assert.deepEqual(result.badLines, [
    { line: 4, problem: "not_json" },
    { line: 6, problem: "wrong_shape" },
  ]);
  assert.deepEqual([result.isCut, result.lines], [true, lines.length]);
  assert.match(stderr, /bad\.jsonl:4: not JSON/);
  assert.match(stderr, /bad\.jsonl:6: a member that events need is missing or has the wrong type/);
  assert.match(stderr, /^ *1 +files? with a last line that is cut off$/m);
});

test("what is no rollout is told so", async () => {
  const ledger = await createLedger();
  const nothing = { threadId: null, badLines: [], isCut: false };
  assert.deepEqual(await ledger.readRollout('{"at_ms":1}\nx\n'), { ...nothing, lines: 2 });
  assert.deepEqual(await ledger.readRollout(""), { ...nothing, lines: 0 });
  await assert.rejects(ledger.readRollout(readFileSync(files[0])), { name: "TypeError", message: /packed with Zstandard/ });
  await assert.rejects(ledger.readRollout(7), { name: "TypeError", message: /^source: expected text, bytes/ });
  await ledger.close();
  const off = await createLedger({ enabled: false });
  assert.deepEqual(await off.readRollout(content(files[0])), { ...nothing, lines: 0 });
});

test("counts of files are in the ledger's, and events go where all go", async () => {
  const bodies = [];
  const file = files.find((name) => name.includes("0.131.0/plain_turn"));
  const ledger = await createLedger();
  ledger.on("batch", ({ body }) => bodies.push(body));
  const { lines } = await ledger.readRollout(content(file));
  await ledger.close();
  const { messages, events: types, internalErrors } = ledger.stats();
  assert.deepEqual([messages, types.codex_turn_event, internalErrors], [lines, 1, 0]);
  const sent = bodies.flatMap((body) => JSON.parse(body).events);
  assert.equal(sent.map((event) => `${JSON.stringify(event)}\n`).join(""), native(file));
});

test("in a worker", async () => {
  const { port1, port2 } = new MessageChannel();
  try {
    serveLedger(createLedger, {}, port2);
    const ledger = await connectLedger(port1);
    const found = [];
    ledger.on("event", (_, json) => found.push(json));
    const file = files.find((name) => name.includes("0.131.0/plain_turn"));
    const read = await ledger.readRollout(content(file));
    assert.equal(read.badLines.length, 0);
    await assert.rejects(ledger.readRollout(readFileSync(file)), { name: "TypeError" });
    await ledger.close();
    assert.deepEqual(found.sort(), native(file).trimEnd().split("\n").sort());
  } finally {
    port1.close();
    port2.close();
  }
});

test("by a policy about repositories, a rollout without a remote stays, whatever its thread does now", async () => {
  const file = files.find((name) => name.includes("0.131.0/patch_files"));
  const ledger = await createLedger({ policy: { allow_repositories: ["github.com/acme/*"] } });
  const heard = [];
  const left = [];
  ledger.on("event", (_, json) => heard.push(JSON.parse(json)));
  ledger.on("batch", ({ body }) => left.push(...JSON.parse(body).events));
  // A parent that is allowed, and the file of the same thread, read as if it were another's.
  await ledger.readRollout(content(file), { remote: "git@github.com:acme/widget.git" });
  const allowed = heard.length;
  await ledger.readRollout(content(file));
  await ledger.close();
  assert.equal(heard.length, 2 * allowed);
  assert.deepEqual(left, heard.slice(0, allowed));
});

test("by a policy about repositories, a rollout leaves if its remote is allowed", async () => {
  const file = files.find((name) => name.includes("0.131.0/patch_files"));
  const policy = { allow_repositories: ["github.com/acme/*"] };
  for (const [options, leaves] of [
    [{ remote: "git@github.com:Acme/widget.git" }, true],
    [{ remote: "https://github.com/other/widget" }, false],
    [{}, false],
  ]) {
    const ledger = await createLedger({ policy });
    const heard = [];
    const left = [];
    ledger.on("event", (_, json) => heard.push(JSON.parse(json)));
    ledger.on("batch", ({ body }) => left.push(...JSON.parse(body).events));
    await ledger.readRollout(content(file), options);
    await ledger.close();
    assert.ok(heard.length > 3);
    assert.deepEqual([left, ledger.stats().withheld], [leaves ? heard : [], leaves ? 0 : heard.length]);
    await assert.rejects(ledger.readRollout("", { remote: 7 }), new TypeError("remote: expected the remote's URL"));
  }
});
