// The package's interface: listeners, hooks, snapshots, and what is wrong with an argument.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { createLedger, fileStorage, indexedDbStorage } from "../dist/node.js";
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

test("a policy decides what goes into a request, and a hook cannot undo it", async () => {
  const key = Buffer.from("a key of 16 bytes or more");
  const policy = {
    drop_events: ["codex_web_search_event"],
    drop_clients: ["nobody"],
    drop_members: ["runtime", "app_server_client.client_version"],
    hash_members: ["model"],
    coarsen_times: "hour",
  };
  const bodies = [];
  const heard = [];
  const beforeSend = (event) => ({ ...event, event_params: { ...event.event_params, runtime: "again" } });
  const [ledger, clock] = await ledgerAndClock({ key, policy, beforeSend });
  ledger.on("event", (event) => heard.push(event));
  ledger.on("batch", ({ body }) => bodies.push(JSON.parse(body)));
  feed(ledger, clock, messages(recording(LONG)));
  await ledger.close();

  const hash = (text) => createHmac("sha256", key).update("member\0").update(text).digest("hex");
  const left = heard.flatMap(({ event_type, event_params: { runtime, ...params }, ...others }) => {
    assert.equal(runtime, "again");
    // Accepted lines name no client, and there is a rule about clients.
    if (event_type === "codex_web_search_event" || params.app_server_client === undefined) return [];
    const { client_version, ...client } = params.app_server_client;
    params.app_server_client = client;
    for (const [name, value] of Object.entries(params)) {
      if (name.endsWith("_at")) params[name] = value - (value % 3600);
      else if (name.endsWith("_at_ms")) params[name] = value - (value % 3_600_000);
      else if (typeof value === "string" && (name === "model" || mayHoldTime(name, value))) params[name] = hash(value);
      else if (name === "receiver_thread_ids") params[name] = value.map(hash);
    }
    return [{ event_type, ...others, event_params: params }];
  });
  assert.ok(left.length > 20);
  assert.deepEqual(bodies.flatMap(({ events }) => events), left);
  assert.equal(ledger.stats().withheld, heard.length - left.length);
});

test("events wait for what is known of their repository", async () => {
  for (const [policy, answers, leaves] of [
    [{ allow_repositories: ["github.com/acme/*"] }, true, true],
    [{ drop_repositories: ["github.com/acme/*"] }, true, false],
    [{ allow_repositories: ["github.com/acme/*"] }, false, false],
  ]) {
    const bodies = [];
    const heard = [];
    const asked = [];
    const [ledger, clock] = await ledgerAndClock({ policy, onQuestion: (question) => asked.push(question) });
    ledger.on("event", (event) => heard.push(event));
    ledger.on("batch", ({ body }) => bodies.push(JSON.parse(body)));
    const recorded = messages(recording(LONG));
    const middle = recorded.length / 2;
    feed(ledger, clock, recorded.slice(0, middle));
    const waiting = heard.length;
    await ledger.flush();
    assert.deepEqual([bodies.length, ledger.stats().waiting], [0, waiting]);
    assert.ok(waiting > 5 && asked.every(({ kind, thread_id }) => kind !== "repository" || typeof thread_id === "string"));
    const answer = () => {
      for (const { kind, id } of asked.splice(0)) {
        if (!answers || kind !== "repository") continue;
        ledger.ingest({ repository_answered: { question: id, remote_url: "git@github.com:Acme/Widget.git" } });
      }
    };
    answer();
    for (const message of recorded.slice(middle)) {
      feed(ledger, clock, [message]);
      answer();
    }
    await ledger.close();
    const left = bodies.flatMap(({ events }) => events);
    const count = leaves ? heard.length : 0;
    const { withheld, waiting: still } = ledger.stats();
    assert.deepEqual([left.length, withheld, still], [count, heard.length - count, 0]);
    // A request has events in the order in which they need no longer wait.
    assert.deepEqual(new Set(left.map((event) => JSON.stringify(event))), new Set(leaves ? heard.map((event) => JSON.stringify(event)) : []));
  }
});

test("a thread that goes to another repository sends nothing more, nor does it behind a snapshot", async () => {
  const policy = { allow_repositories: ["github.com/acme/*"] };
  const asked = [];
  const bodies = [];
  const open = async (snapshot) => {
    const onQuestion = (question) => asked.push(question);
    const ledger = await createLedger({ policy, snapshot, onQuestion });
    ledger.on("batch", ({ body }) => bodies.push(...JSON.parse(body).events));
    return ledger;
  };
  const answer = () => {
    for (const { id, cwd } of asked.splice(0)) {
      ledger.ingest({ repository_answered: { question: id, remote_url: `https://github.com${cwd}/widget` } });
    }
  };
  const start = (thread, id) => {
    ledger.observe(1, "client_to_server", { method: "thread/start", id, params: {} });
    ledger.observe(1, "server_to_client", { id, result: { thread: { id: thread }, model: "m", cwd: "/acme" } });
  };
  const move = (threadId, cwd) =>
    ledger.observe(1, "server_to_client", { method: "thread/settings/updated", params: { threadId, threadSettings: { cwd } } });
  let hooks = 0;
  const hook = (threadId) => {
    const run = { id: `h${hooks++}`, eventName: "stop", status: "completed" };
    ledger.observe(1, "server_to_client", { method: "hook/completed", params: { threadId, turnId: "t", run } });
  };
  const left = async () => {
    await ledger.flush();
    return bodies.splice(0).map(({ event_type, event_params }) => `${event_params.thread_id} ${event_type.slice(6)}`);
  };

  let ledger = await open();
  const clientInfo = { name: "e", version: "1" };
  ledger.observe(1, "client_to_server", { method: "initialize", id: 1, params: { clientInfo } });
  ledger.observe(1, "server_to_client", { id: 1, result: { userAgent: "e/0.171.0 (Linux 6.1; x86_64)" } });
  start("stays", 2);
  start("goes", 3);
  answer();
  move("stays", "/acme");
  move("goes", "/other");
  hook("stays");
  hook("goes");
  answer();
  assert.deepEqual(await left(), ["stays thread_initialized", "goes thread_initialized", "stays hook_run"]);

  const snapshot = ledger.snapshot();
  assert.ok(!snapshot.includes("/acme") && !snapshot.includes("/other") && !snapshot.includes("github"));
  await ledger.close();
  ledger = await open(snapshot);
  hook("stays");
  hook("goes");
  assert.deepEqual([await left(), ledger.stats().withheld], [["stays hook_run"], 1]);
  await ledger.close();

  // One of other rules, or of none, says of no repository.
  policy.allow_repositories.push("github.com/others/*");
  ledger = await open(snapshot);
  hook("stays");
  assert.deepEqual([await left(), ledger.stats().withheld], [[], 1]);
  await ledger.close();
});

const mayHoldTime = (name, text) =>
  /(thread|turn|session|item|review|response|call)_id$/.test(name) ||
  /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/.test(text);

test("without a policy that can be kept to there is no ledger", async () => {
  for (const [options, problem] of [
    [{ policy: { drop_event: [] } }, /policy: unknown member "drop_event"/],
    [{ policy: { drop_events: [1] } }, /policy.drop_events: expected a list of names/],
    [{ policy: { coarsen_times: "day" } }, /policy.coarsen_times: expected "hour"/],
    [{ policy: { hash_members: ["model"] } }, /`hash_members` and `coarsen_times` need a key/],
    [{ policy: { drop_repositories: ["https://github.com/acme/widget"] } }, /`drop_repositories`: a remote is named as/],
    [{ policy: "all" }, /policy: expected an object/],
  ]) {
    await assert.rejects(createLedger(options), problem);
  }
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
  await assert.rejects(createLedger({ snapshot: "{}" }), { message: "the snapshot cannot be read: no member `version` at byte 2" });
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
    [() => ledger.observe(-1, "client_to_server", "{}"), "connectionId: expected a whole number, 0 or more"],
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
    [{ limits: { turns: { entries: -1, idleMs: 1 } } }, "limits.turns.entries: expected a whole number, 0 or more"],
    [{ limits: { turns: { entries: 1.5, idleMs: 1 } } }, "limits.turns.entries: expected a whole number, 0 or more"],
    [{ limits: { turns: 5 } }, "limits.turns: expected an object"],
    [{ limits: { turn: { entries: 1, idleMs: 1 } } }, 'limits: unknown member "turn"'],
    [{ limits: { diffBytes: "1" } }, "limits.diffBytes: expected a whole number, 0 or more"],
    [{ batch: { events: "5" } }, "batch.events: expected a whole number, 0 or more"],
    [{ transport: "pigeon" }, 'transport: expected "stdio", "websocket" or "in_process"'],
  ]) {
    await assert.rejects(createLedger(options), { name: "TypeError", message });
  }
  // After all that it still works.
  ledger.observe(1, "client_to_server", "{");
  assert.equal(ledger.stats().malformed, 1);
});

test("an option that is none, or of another kind, is a TypeError that names it", async () => {
  const storage = { load: async () => [], add: async () => {}, remove: async () => {} };
  const url = "https://analytics.example";
  const number = "a whole number, 0 or more";
  for (const [options, message] of [
    [null, "options: expected an object"],
    ["stdio", "options: expected an object"],
    [{ uplaod: { url } }, 'options: unknown member "uplaod"'],
    [{ constructor: 1 }, 'options: unknown member "constructor"'],
    [{ clock: 5 }, "clock: expected a function"],
    [{ key: "an organisation's key" }, "key: expected bytes, as a Uint8Array"],
    [{ digest: () => {} }, "digest: expected an object"],
    [{ digest: { digest: () => {} } }, "digest.scheme: expected a string"],
    [{ digest: { scheme: "sha512", digest: "sha512" } }, "digest.digest: expected a function"],
    [{ transport: null }, 'transport: expected "stdio", "websocket" or "in_process"'],
    [{ upload: url }, "upload: expected an object with a url, or a function"],
    [{ upload: null }, "upload: expected an object with a url, or a function"],
    [{ upload: {} }, "upload.url: expected an absolute URL"],
    [{ upload: { url: new URL(url) } }, "upload.url: expected an absolute URL"],
    [{ upload: { url, header: {} } }, 'upload: unknown member "header"'],
    [{ upload: { url, headers: { Authorization: "Bearer token" } } }, "upload.headers: expected a function"],
    [{ upload: { url, timeoutMs: "5" } }, "upload.timeoutMs: expected milliseconds above 0 and up to 2147483647"],
    [{ upload: { url, timeoutMs: Infinity } }, "upload.timeoutMs: expected milliseconds above 0 and up to 2147483647"],
    [{ upload: { url, fetch: true } }, "upload.fetch: expected a function"],
    [{ storage: "queue.json" }, "storage: expected an object"],
    [{ storage: localStorageLike() }, "storage.load: expected a function"],
    [{ storage: Promise.resolve(storage) }, "storage.load: expected a function"],
    [{ storage: { ...storage, remove: undefined } }, "storage.remove: expected a function"],
    [{ storage: { ...storage, replace: 1 } }, "storage.replace: expected a function"],
    [[], "options: expected an object"],
    [{ limits: [] }, "limits: expected an object"],
    [{ batch: 5 }, "batch: expected an object"],
    [{ limits: { turns: { entries: 1 } } }, `limits.turns.idleMs: expected ${number}`],
    [{ limits: { turns: { entries: 1, idleMs: 1, idle: 1 } } }, 'limits.turns: unknown member "idle"'],
    [{ limits: { heldDiffBytes: NaN } }, `limits.heldDiffBytes: expected ${number}`],
    [{ batch: { size: 5 } }, 'batch: unknown member "size"'],
    [{ batch: { ageMs: "5" } }, "batch.ageMs: expected milliseconds, 0 or more"],
    [{ batch: { ageMs: NaN } }, "batch.ageMs: expected milliseconds, 0 or more"],
    [{ beforeSend: null }, "beforeSend: expected a function"],
    [{ onDiscard: {} }, "onDiscard: expected a function"],
    [{ onQuestion: 1 }, "onQuestion: expected a function"],
    [{ onTrouble: "log" }, "onTrouble: expected a function"],
    [{ enabled: "false" }, "enabled: expected true or false"],
    [{ snapshot: {} }, "snapshot: expected a string, as snapshot() gives it"],
    [{ snapshot: null }, "snapshot: expected a string, as snapshot() gives it"],
    [{ snapshot: new Uint8Array(3) }, "snapshot: expected a string, as snapshot() gives it"],
  ]) {
    await assert.rejects(createLedger(options), { name: "TypeError", message });
    // Also of a ledger that does nothing.
    if (options?.constructor === Object && !("enabled" in options)) {
      await assert.rejects(createLedger({ ...options, enabled: false }), { name: "TypeError", message });
    }
  }
  assert.throws(() => fileStorage(5, {}), { name: "TypeError", message: "path: expected a string" });
  assert.throws(() => fileStorage("queue.json"), { name: "TypeError", message: "files: expected an object" });
  const noRename = { readFile: () => {}, writeFile: () => {} };
  assert.throws(() => fileStorage("queue.json", noRename), { name: "TypeError", message: "files.rename: expected a function" });
  assert.throws(() => indexedDbStorage({}), { name: "TypeError", message: "name: expected a string" });
  // What is not said is as if it were not there; a class may have its methods.
  class Kept {
    load = async () => [];
    async add() {}
    async remove() {}
    extra = 1;
  }
  const none = { clock: undefined, limits: undefined, upload: undefined, snapshot: undefined };
  await (await createLedger({ ...none, storage: new Kept(), batch: { ageMs: Infinity, events: undefined } })).close();
});

/** Has methods, but not those of a storage. */
const localStorageLike = () => ({ getItem: () => null, setItem: () => {} });

test("each limit reaches the core", async () => {
  const recorded = messages(recording("0.131.0/approve_patch"));
  const of = async (limits) => {
    const [ledger, clock] = await ledgerAndClock({ limits });
    feed(ledger, clock, recorded);
    await ledger.close();
    const { events, discards } = ledger.stats();
    return { events: Object.values(events).reduce((sum, count) => sum + count, 0), reasons: discards.map(({ reason }) => reason) };
  };
  const all = await of({});
  assert.deepEqual(all.reasons, []);
  assert.deepEqual(await of({ diffBytes: 1 << 30, heldDiffBytes: 1 << 30, turns: { entries: 9, idleMs: 3_600_000 } }), all);
  for (const kind of ["connections", "threads", "turns", "items", "requests", "approvals"]) {
    const { events, reasons } = await of({ [kind]: { entries: 1000, idleMs: 0 } });
    assert.ok(events < all.events && reasons.includes("expired"), `${kind}: ${events} events, ${reasons}`);
  }
  for (const kind of ["diffBytes", "heldDiffBytes"]) assert.deepEqual((await of({ [kind]: 0 })).reasons, ["too_large"], kind);
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
        assert.equal(error.message, "digest: it threw, or its result was not 16 to 64 bytes");
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
