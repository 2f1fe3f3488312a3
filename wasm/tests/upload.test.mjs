// Requests to a real HTTP server: each event arrives once, whatever happens on the way.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import * as files from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { createLedger, fileStorage } from "../dist/node.js";

/** A server that answers by a script, and then takes everything; it knows requests by their key. */
async function server(script = []) {
  const received = [];
  const taken = new Map();
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const answer = script.shift() ?? { status: 202 };
    received.push({ url: request.url, headers: request.headers, body, at: Date.now() });
    if (answer.status === undefined) return request.socket.destroy();
    if (answer.status < 300) taken.set(request.headers["idempotency-key"], JSON.parse(body).events);
    response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${http.address().port}/api/`;
  return { url, received, script, events: () => [...taken.values()].flat(), close: () => http.close() };
}

const hook = (thread) => {
  const tracking = { model_slug: "m", thread_id: thread, turn_id: "u" };
  return { hook_run: { tracking, event_name: "stop", hook_source: "user", status: "completed" } };
};
const threads = (events) => events.map((event) => event.event_params.thread_id);

test("a request is what the contract says", async () => {
  const to = await server();
  const ledger = await createLedger({ upload: { url: to.url, headers: async () => ({ Authorization: "Bearer token" }) } });
  ledger.ingest(hook("one"));
  ledger.ingest(hook("two"));
  assert.equal(ledger.stats().waiting, 2);
  assert.deepEqual(await ledger.flush(), { delivered: 2, waiting: 0 });
  const [{ url, headers, body }] = to.received;
  assert.equal(url, "/api/codex/analytics-events/events");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers.authorization, "Bearer token");
  assert.match(headers["idempotency-key"], /^[0-9a-f]{64}$/);
  assert.deepEqual(threads(JSON.parse(body).events), ["one", "two"]);
  assert.equal(to.received.length, 1);
  to.close();
});

test("batches by count and by age", async () => {
  const to = await server();
  const ledger = await createLedger({ upload: { url: to.url }, batch: { events: 2, ageMs: 30 } });
  for (const thread of ["one", "two", "three"]) ledger.ingest(hook(thread));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(to.received.map(({ body }) => threads(JSON.parse(body).events)), [["one", "two"], ["three"]]);
  await ledger.close();
  to.close();
});

test("what may pass is tried again, what will not is given up", async () => {
  const script = [{ status: 500 }, {}, { status: 429, headers: { "Retry-After": "2" } }, { status: 202 }, { status: 400 }];
  const to = await server(script);
  const ledger = await createLedger({ upload: { url: to.url } });
  ledger.ingest(hook("one"));
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  while (to.received.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(to.received[3].at - to.received[2].at >= 1990, "the server gets the time that it asked for");
  assert.deepEqual(threads(to.events()), ["one"]);
  ledger.ingest(hook("two"));
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 0 });
  const { delivered, refused, waiting } = ledger.stats();
  assert.deepEqual({ delivered, refused, waiting }, { delivered: 1, refused: 1, waiting: 0 });
  await ledger.close();
  to.close();
});

test("what could not be sent outlives the process, and arrives once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-queue-"));
  try {
    const storage = () => fileStorage(join(folder, "queue.json"), files);
    const away = await createLedger({ upload: { url: "http://127.0.0.1:1" }, storage: storage() });
    for (const thread of ["one", "two"]) away.ingest(hook(thread));
    assert.deepEqual(await away.close(), { delivered: 0, waiting: 2 });
    const to = await server();
    const back = await createLedger({ upload: { url: to.url }, storage: storage() });
    back.ingest(hook("three"));
    const { waiting } = await back.close();
    assert.deepEqual([waiting, threads(to.events())], [0, ["one", "two", "three"]]);
    const third = await createLedger({ upload: { url: to.url }, storage: storage() });
    await third.close();
    assert.equal(to.received.length, 2);
    to.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what waits in a file is its user's alone, also in one that others could read", { skip: process.platform === "win32" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-mode-"));
  try {
    const path = join(folder, "queue.json");
    const mode = async () => ((await files.stat(path)).mode & 0o777).toString(8);
    await files.writeFile(path, "[]", { mode: 0o666 });
    await files.writeFile(`${path}.new`, "left over", { mode: 0o666 });
    for (const each of [path, `${path}.new`]) await files.chmod(each, 0o644);
    const storage = fileStorage(path, files);
    await storage.load();
    assert.equal(await mode(), "600");
    await storage.add({ id: "a", events: 1, body: "{}" });
    assert.equal(await mode(), "600");
    await files.rm(path);
    await storage.remove("a");
    assert.equal(await mode(), "600");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("requests by a function of the host's own", async () => {
  const sent = [];
  const upload = async (batch) => {
    sent.push(batch);
    if (sent.length === 1) throw new Error("away");
    return { kind: "delivered" };
  };
  const ledger = await createLedger({ upload });
  ledger.ingest(hook("one"));
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.deepEqual(await ledger.flush(), { delivered: 1, waiting: 0 });
  assert.deepEqual(sent[0], sent[1]);
  await ledger.close();
});

test("a function that says nothing of use is asked again, later", async (context) => {
  const said = context.mock.method(console, "error", () => {});
  const answers = [undefined, { kind: "ok" }, { kind: "delivered" }];
  const ledger = await createLedger({ upload: async () => answers.shift() });
  ledger.ingest(hook("one"));
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.deepEqual([await ledger.close(), said.mock.callCount()], [{ delivered: 1, waiting: 0 }, 2]);
});

test("credentials that never come cost a timeout", async () => {
  const to = await server();
  const upload = { url: to.url, headers: () => new Promise(() => {}), timeoutMs: 50 };
  const ledger = await createLedger({ upload });
  ledger.ingest(hook("one"));
  assert.deepEqual(await ledger.close(), { delivered: 0, waiting: 1 });
  to.close();
});

test("a storage that fails is done without", async (context) => {
  const said = context.mock.method(console, "error", () => {});
  const fails = async () => {
    throw new Error("no room");
  };
  for (const load of [fails, async () => null, async () => [{ nonsense: 1 }, null]]) {
    const to = await server();
    const ledger = await createLedger({ upload: { url: to.url }, storage: { load, add: fails, remove: fails } });
    ledger.ingest(hook("one"));
    assert.deepEqual([await ledger.close(), threads(to.events())], [{ delivered: 1, waiting: 0 }, ["one"]]);
    to.close();
  }
  assert.equal(said.mock.callCount(), 1);
});

test("equal events of two sessions are two requests", async () => {
  const to = await server();
  for (let session = 0; session < 2; session += 1) {
    const ledger = await createLedger({ upload: { url: to.url }, clock: () => 1 });
    ledger.ingest(hook("one"));
    await ledger.close();
  }
  assert.deepEqual(threads(to.events()), ["one", "one"]);
  to.close();
});

test("what comes while a ledger closes is not taken", async () => {
  const to = await server();
  const ledger = await createLedger({ upload: { url: to.url } });
  ledger.ingest(hook("one"));
  const closing = ledger.close();
  ledger.ingest(hook("late"));
  assert.equal(ledger.close(), closing);
  assert.deepEqual([await closing, ledger.isEnabled], [{ delivered: 1, waiting: 0 }, false]);
  assert.deepEqual(threads(to.events()), ["one"]);
  assert.equal(ledger.stats().events.codex_hook_run, 1);
  to.close();
});

test("a target that is none, or not safe, is refused", async () => {
  const refused = [
    ["analytics.example", "upload.url: expected an absolute URL"],
    [undefined, "upload.url: expected an absolute URL"],
    ["http://analytics.example", "upload.url: expected https://, or http:// on this machine"],
    ["https://user:secret@analytics.example", "upload.url: it holds a user or a password; credentials belong in headers"],
  ];
  for (const [url, message] of refused) await assert.rejects(createLedger({ upload: { url } }), { name: "TypeError", message });
});

test("why nothing arrives can be asked", async () => {
  const to = await server([{ status: 503 }, { status: 422 }, {}]);
  const ledger = await createLedger({ upload: { url: to.url } });
  const failure = async (thread) => {
    ledger.ingest(hook(thread));
    await ledger.flush();
    return ledger.stats().lastFailure;
  };
  assert.equal(ledger.stats().lastFailure, null);
  assert.equal(await failure("one"), "status 503");
  assert.equal(await failure("two"), "fetch failed");
  assert.deepEqual([await failure("three"), ledger.stats().refused], [null, 1]);
  await ledger.close();
  to.close();
});

test("what waits is forgotten when the user says no", async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-no-"));
  const path = join(folder, "queue.json");
  const away = { upload: { url: "http://127.0.0.1:9" }, storage: fileStorage(path, files) };
  const ledger = await createLedger(away);
  ledger.ingest(hook("one"));
  await ledger.close();
  assert.equal(JSON.parse(await files.readFile(path, "utf8")).length, 1);
  process.env.DO_NOT_TRACK = "1";
  try {
    const next = await createLedger({ ...away, storage: fileStorage(path, files) });
    assert.equal(next.isEnabled, false);
  } finally {
    delete process.env.DO_NOT_TRACK;
  }
  assert.equal(await files.readFile(path, "utf8"), "[]");
  rmSync(folder, { recursive: true });
});

test("a storage that never answers holds nothing up", async (context) => {
  const errors = context.mock.method(console, "error", () => {});
  const never = () => new Promise(() => {});
  const to = await server();
  for (const storage of [
    { load: never, add: async () => {}, remove: async () => {} },
    { load: async () => [], add: never, remove: never },
  ]) {
    const ledger = await createLedger({ upload: { url: to.url }, storage });
    ledger.ingest(hook("one"));
    assert.deepEqual(await ledger.flush(), { delivered: 1, waiting: 0 });
    ledger.ingest(hook("two"));
    assert.deepEqual(await ledger.close(), { delivered: 1, waiting: 0 });
  }
  assert.deepEqual(threads(to.events()), ["one", "two", "one", "two"]);
  const said = errors.mock.calls.map(({ arguments: [text] }) => text);
  assert.equal(said.length, 2);
  assert.match(said[0], /cannot be read/);
  assert.match(said[1], /does not answer/);
  to.close();
});
