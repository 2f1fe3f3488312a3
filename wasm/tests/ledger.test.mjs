// The package's interface: listeners, hooks, snapshots, and what is wrong with an argument.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { createLedger } from "../dist/node.js";
import { messages, native, recording, root } from "./support.mjs";

const LONG = "0.131.0/mixed_long";

/** Feeds a recording, or a part of it, by its own clock. */
function feed(ledger, clock, recorded) {
  for (const { at_ms, connection_id, direction, message } of recorded) {
    clock.now = at_ms;
    ledger.observe(connection_id, direction, message);
  }
}

async function ledgerAndClock(options = {}) {
  const clock = { now: 0 };
  return [await createLedger({ ...options, clock: () => clock.now }), clock];
}

const eventsOf = (name) => messages(native(name));

test("listeners and readers get every event", async () => {
  const [ledger, clock] = await ledgerAndClock();
  const heard = [];
  const stop = ledger.on("event", (event) => heard.push(event));
  const reading = (async () => {
    const read = [];
    for await (const event of ledger.events()) read.push(event);
    return read;
  })();
  feed(ledger, clock, messages(recording(LONG)));
  stop();
  await ledger.close();
  const expected = eventsOf(LONG);
  assert.deepEqual(heard, expected);
  assert.deepEqual(await reading, expected);
  const stats = ledger.stats();
  assert.equal(Object.values(stats.events).reduce((sum, count) => sum + count), expected.length);
  assert.deepEqual([stats.malformed, stats.vetoed, stats.internalErrors, ledger.isEnabled], [0, 0, 0, false]);
});

test("a listener that throws stops nothing", async (context) => {
  const [ledger, clock] = await ledgerAndClock();
  const said = context.mock.method(console, "error", () => {});
  let heard = 0;
  ledger.on("event", () => {
    throw new Error("of the host");
  });
  ledger.on("event", () => (heard += 1));
  feed(ledger, clock, messages(recording("0.131.0/plain_turn")));
  assert.deepEqual([heard, said.mock.callCount()], [2, 2]);
});

test("beforeSend changes and vetoes", async (context) => {
  const bodies = [];
  context.mock.method(console, "error", () => {});
  const beforeSend = (event) => {
    if (event.event_type === "codex_turn_event") throw new Error("held back all the same");
    if (event.event_type === "codex_web_search_event") return undefined;
    if (event.event_type === "codex_file_change_event") return Promise.resolve(event);
    if (event.event_type !== "codex_thread_initialized") return null;
    return { ...event, event_params: { ...event.event_params, model: "masked" } };
  };
  const [ledger, clock] = await ledgerAndClock({ beforeSend });
  ledger.on("batch", ({ body }) => bodies.push(JSON.parse(body)));
  feed(ledger, clock, messages(recording(LONG)));
  await ledger.close();
  const [first] = eventsOf(LONG);
  first.event_params.model = "masked";
  assert.deepEqual(bodies, [{ events: [first] }]);
  assert.equal(ledger.stats().vetoed, 36);
});

test("a ledger that is suspended goes on as if it had not been", async () => {
  const recorded = messages(recording(LONG));
  const expected = eventsOf(LONG);
  for (const cut of [0, 1, 40, 90, 150, recorded.length]) {
    const events = [];
    const [before, clock] = await ledgerAndClock();
    before.on("event", (event) => events.push(event));
    feed(before, clock, recorded.slice(0, cut));
    const snapshot = before.snapshot();
    const [after, laterClock] = await ledgerAndClock({ snapshot });
    after.on("event", (event) => events.push(event));
    feed(after, laterClock, recorded.slice(cut));
    await after.close();
    assert.deepEqual(events, expected, `cut at ${cut}`);
  }
  await assert.rejects(createLedger({ snapshot: "{}" }), { message: "not a snapshot, or damaged at byte 2" });
});

test("facts, and what yields no event", async () => {
  const discards = [];
  const ledger = await createLedger({ onDiscard: (discard) => discards.push(discard), clock: () => 7 });
  const events = [];
  ledger.on("event", (event) => events.push(event));
  const tracking = { model_slug: "m", thread_id: "t", turn_id: "u" };
  ledger.ingest({ hook_run: { tracking, event_name: "stop", hook_source: "user", status: "completed" } });
  assert.equal(events[0].event_type, "codex_hook_run");
  ledger.observe(1, "server_to_client", { method: "turn/started", params: { threadId: "t", turn: { id: 5 } } });
  assert.deepEqual(discards, [
    {
      at: 7,
      subject: "message",
      reason: "wrong_shape",
      text: "no event (message): a member that counts is missing or of the wrong type",
      connectionId: 1,
    },
  ]);
  assert.equal(ledger.stats().malformed, 1);
});

test("a bad argument is a TypeError that says what was expected", async () => {
  const ledger = await createLedger();
  const bad = [
    [() => ledger.observe(-1, "client_to_server", "{}"), "connectionId: expected a whole number from 0 on"],
    [() => ledger.observe(1, "up", "{}"), 'direction: expected "client_to_server" or "server_to_client"'],
    [() => ledger.observe(1, "client_to_server", 5), "message: expected a string, bytes, or the object that the message is"],
    [() => ledger.observe(1, "client_to_server", null), "message: expected a string, bytes, or the object that the message is"],
    [() => ledger.observe(1, "client_to_server", new Blob(["{}"])), "message: expected a string, bytes, or the object that the message is"],
    [() => ledger.ingest("fact"), "fact: expected an object"],
    [() => ledger.ingest({ nonsense: 1 }), "fact: a value that is not known at byte 13"],
    [() => ledger.on("nonsense", () => {}), 'there is no "nonsense" to listen for'],
    [() => ledger.on("event", 5), "listener: expected a function"],
  ];
  for (const [call, message] of bad) assert.throws(call, { name: "TypeError", message });
  await assert.rejects(createLedger(5), { name: "TypeError", message: "options: expected an object" });
  for (const [options, message] of [
    [{ limits: { turns: { entries: -1, idleMs: 1 } } }, "limits.turns.entries: expected a whole number from 0 on"],
    [{ limits: { turns: { entries: 1.5, idleMs: 1 } } }, "limits.turns.entries: expected a whole number from 0 on"],
    [{ limits: { turns: 5 } }, "limits.turns: expected an object"],
    [{ limits: { turn: { entries: 1, idleMs: 1 } } }, 'limits: unknown member "turn"'],
    [{ limits: { diffBytes: "1" } }, "limits.diffBytes: expected a whole number from 0 on"],
    [{ batch: { events: "5" } }, "batch.events: expected a whole number from 0 on"],
    [{ transport: "pigeon" }, 'transport: expected "stdio", "websocket" or "in_process"'],
  ]) {
    await assert.rejects(createLedger(options), { message });
  }
  // After all that it still works.
  ledger.observe(1, "client_to_server", "{");
  assert.equal(ledger.stats().malformed, 1);
});

test("a hash function of the host's own", async () => {
  const digest = { scheme: "sha512-256", digest: (bytes) => createHash("sha512-256").update(bytes).digest() };
  const name = "0.131.0/patch_files";
  const [ledger, clock] = await ledgerAndClock({ digest });
  const events = [];
  ledger.on("event", (event) => events.push(event));
  feed(ledger, clock, messages(recording(name)));
  const lines = events.filter((event) => event.event_type === "codex_accepted_line_fingerprints");
  assert.ok(lines.length > 0 && lines.every((event) => event.event_params.fingerprint_scheme === "sha512-256"));

  for (const broken of [() => { throw new Error("broken"); }, () => "text", () => new Uint8Array(3)]) {
    const [failing, itsClock] = await ledgerAndClock({ digest: { scheme: "broken", digest: broken } });
    const made = [];
    failing.on("event", (event) => made.push(event));
    let failures = 0;
    for (const message of messages(recording(name))) {
      try {
        feed(failing, itsClock, [message]);
      } catch (error) {
        assert.equal(error.message, "digest: it threw, or returned something else than 16 to 64 bytes");
        failures += 1;
      }
    }
    assert.ok(failures > 0 && made.length > 0);
    // A snapshot has hashes of a turn's diff: while there are none, there is no snapshot.
    const [running, another] = await ledgerAndClock({ digest: { scheme: "broken", digest: broken } });
    const recorded = messages(recording(name));
    const end = recorded.findIndex(({ message }) => message.method === "turn/completed");
    feed(running, another, recorded.slice(0, end));
    assert.throws(() => running.snapshot(), { name: "TypeError" });
    assert.ok(made.every((event) => event.event_type !== "codex_accepted_line_fingerprints"));
  }
});

test("the user's no counts", async () => {
  const script = `
    import { createLedger } from ${JSON.stringify(join(root, "wasm/dist/node.js"))};
    const ledger = await createLedger({ enabled: true, upload: () => { throw new Error("never"); } });
    ledger.observe(1, "client_to_server", "{}");
    console.log(ledger.isEnabled, ledger.stats().messages, JSON.stringify(await ledger.close()));
  `;
  const said = (env) =>
    execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", env: { ...process.env, ...env } });
  const no = 'false 0 {"delivered":0,"waiting":0}\n';
  assert.equal(said({ DO_NOT_TRACK: "1" }), no);
  assert.equal(said({ TURNLEDGER_DISABLED: "true" }), no);
  assert.equal(said({ DO_NOT_TRACK: "0" }), 'true 1 {"delivered":0,"waiting":0}\n');
  assert.equal((await createLedger({ enabled: false })).isEnabled, false);
});
