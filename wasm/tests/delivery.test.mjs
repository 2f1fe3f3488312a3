// What an answer means for what waits: the core's rules, through the package, with a real HTTP server.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { createLedger } from "../dist/node.js";

const hook = (thread) => {
  const tracking = { model_slug: "m", thread_id: thread, turn_id: "u" };
  return { hook_run: { tracking, event_name: "stop", hook_source: "user", status: "completed" } };
};
const threadsOf = (body) => JSON.parse(body).events.map((event) => event.event_params.thread_id);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that answers as `answer` says of each request, and then waits for the test to end. */
async function server(context, answer) {
  const received = [];
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const [key, authorization] = [request.headers["idempotency-key"], request.headers.authorization];
    const one = { threads: threadsOf(body), key, authorization, at: performance.now(), path: request.url };
    received.push(one);
    const { status = 202, headers, reset } = answer(one, received.length) ?? {};
    if (reset) request.socket.destroy();
    else response.writeHead(status, headers).end();
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  context.after(() => (http.close(), http.closeAllConnections()));
  return { url: `http://127.0.0.1:${http.address().port}`, received };
}

/** A ledger with these events, and what it says. */
async function ledgerOf(context, upload, threads, options = {}) {
  const console_ = context.mock.method(console, "error", () => {});
  const troubles = [];
  const ledger = await createLedger({ upload, onTrouble: (trouble) => troubles.push(trouble), ...options });
  for (const thread of threads) ledger.ingest(hook(thread));
  context.after(() => ledger.close());
  return { ledger, troubles, said: () => console_.mock.calls.map(({ arguments: [text] }) => text) };
}

// `fetch` keeps a 407 to itself: it comes by a function alone.
for (const status of [301, 302, 307, 308, 403, 404, 405, 410]) {
  test(`a status ${status} is of the URL or the account: nothing is lost, and it is told at once and once`, async (context) => {
    const to = await server(context, (_, count) => (count <= 2 ? { status, headers: { Location: "/elsewhere" } } : {}));
    const { ledger, troubles, said } = await ledgerOf(context, { url: to.url }, ["one"]);
    assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
    const whose = status === 403 ? "this account's requests" : "requests at this URL";
    const reason = `the server does not take ${whose} (status ${status})`;
    assert.deepEqual(troubles, [{ kind: "held", reason, status, mayPass: false }]);
    assert.deepEqual(said(), [`turnledger: ${reason}: 1 events wait`]);
    const { lastFailure, held, refused, waiting, unsaved } = ledger.stats();
    assert.deepEqual({ lastFailure, held, refused, waiting, unsaved }, { lastFailure: `status ${status}`, held: reason, refused: 0, waiting: 1, unsaved: 1 });
    assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
    assert.equal(troubles.length + said().length, 2);
    assert.deepEqual(await ledger.flush(), { delivered: 1, waiting: 0 });
    assert.deepEqual([ledger.stats().held, ledger.stats().lastFailure], [null, null]);
    assert.deepEqual(to.received.map(({ path }) => path), Array(3).fill("/codex/analytics-events/events"));
    assert.equal(new Set(to.received.map(({ key }) => key)).size, 1);
  });
}

test("refused credentials are renewed once, and then waited for", async (context) => {
  const to = await server(context, ({ authorization }) => ({ status: authorization === "Bearer 3" ? 202 : 401 }));
  let token = 0;
  const renewals = [];
  const headers = ({ renew }) => {
    renewals.push(renew);
    return { Authorization: `Bearer ${(token += 1)}` };
  };
  const { ledger, troubles } = await ledgerOf(context, { url: to.url, headers }, ["one"]);
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.deepEqual([renewals, to.received.length], [[false, true], 2]);
  assert.deepEqual(troubles, [
    { kind: "held", reason: "the server refuses the credentials (status 401)", status: 401, mayPass: false },
  ]);
  assert.deepEqual(await ledger.flush(), { delivered: 1, waiting: 0 });
});

test("the same credentials are not sent again", async (context) => {
  const to = await server(context, () => ({ status: 401 }));
  const { ledger } = await ledgerOf(context, { url: to.url, headers: () => ({ Authorization: "Bearer old" }) }, ["one"]);
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.equal(to.received.length, 1);
});

test("no credentials: nothing is sent, and it is told", async (context) => {
  const to = await server(context, () => ({}));
  const headers = async () => {
    throw new Error("nobody is logged in");
  };
  const { ledger, troubles } = await ledgerOf(context, { url: to.url, headers }, ["one"]);
  assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
  assert.deepEqual([to.received, ledger.stats().lastFailure], [[], "nobody is logged in"]);
  assert.deepEqual(troubles, [{ kind: "held", reason: "there are no credentials", status: null, mayPass: false }]);
});

test("what is too large is split down to the event that is, with keys of their own", async (context) => {
  const to = await server(context, ({ threads }) => ({ status: threads.includes("large") || threads.length > 2 ? 413 : 202 }));
  const names = ["one", "two", "three", "large", "five", "six", "seven"];
  const kept = new Map();
  const storage = {
    load: async () => [],
    add: async (batch) => void kept.set(batch.id, batch),
    remove: async (id) => void kept.delete(id),
  };
  const { ledger, troubles, said } = await ledgerOf(context, { url: to.url }, names, { storage });
  assert.deepEqual(await ledger.flush(), { delivered: 6, waiting: 0 });
  const keys = new Map();
  for (const { key, threads } of to.received) {
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal(keys.get(key) ?? threads.join(), threads.join(), "a key is one set's");
    keys.set(key, threads.join());
  }
  assert.equal(keys.size, to.received.length);
  const taken = to.received.filter(({ threads }) => threads.length <= 2 && !threads.includes("large"));
  assert.deepEqual(taken.flatMap(({ threads }) => threads), names.filter((name) => name !== "large"));
  assert.equal(ledger.stats().refused, 1);
  const [{ kind, status, batch }] = troubles;
  assert.deepEqual([troubles.length, kind, status, threadsOf(batch.body)], [1, "refused", 413, ["large"]]);
  assert.deepEqual(said(), ["turnledger: the server refused 1 events for good (status 413)"]);
  assert.deepEqual([...kept], []);
});

test("what a storage can replace in one step it is asked to", async (context) => {
  const to = await server(context, ({ threads }) => ({ status: threads.length > 1 ? 413 : 202 }));
  const asked = [];
  const storage = {
    load: async () => [],
    add: async ({ events }) => void asked.push(["add", events]),
    remove: async () => void asked.push(["remove"]),
    replace: async (_, batches) => void asked.push(["replace", ...batches.map(({ events }) => events)]),
  };
  const { ledger } = await ledgerOf(context, { url: to.url }, ["one", "two"], { storage });
  assert.deepEqual(await ledger.flush(), { delivered: 2, waiting: 0 });
  assert.deepEqual(asked, [["add", 2], ["replace", 1, 1], ["remove"], ["remove"]]);
});

test("events are split as they stand, with what JavaScript cannot read exactly", async () => {
  const sent = [];
  const odd = String.raw`{"a":12345678901234567890,"b":"x\"],[{\\","c":[1,{"d":2.0}]}`;
  const storage = {
    load: async () => [{ id: "left", events: 2, body: `{"events":[${odd},{"e":1}]}` }],
    add: async () => {},
    remove: async () => {},
  };
  const upload = async ({ body, events }) => {
    sent.push(body);
    return { kind: "answered", status: events > 1 ? 413 : 200 };
  };
  const ledger = await createLedger({ upload, storage });
  await ledger.close();
  assert.deepEqual(sent.slice(1), [`{"events":[${odd}]}`, '{"events":[{"e":1}]}']);
});

for (const status of [400, 402, 409, 415, 422, 451]) {
  test(`a status ${status} is of the events: they are refused, and handed over`, async (context) => {
    const to = await server(context, (_, count) => ({ status: count === 1 ? status : 202 }));
    const { ledger, troubles } = await ledgerOf(context, { url: to.url }, ["one", "two"]);
    assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 0 });
    const [{ batch, ...told }] = troubles;
    assert.deepEqual([told, threadsOf(batch.body), troubles.length], [{ kind: "refused", status }, ["one", "two"], 1]);
    assert.deepEqual([ledger.stats().refused, ledger.stats().lastFailure], [2, `refused with status ${status}`]);
  });
}

for (const [form, value] of [
  ["seconds", () => "2"],
  ["a date", () => new Date(Date.now() + 3000).toUTCString()],
]) {
  test(`no request against a Retry-After in ${form}: not by events, flush or close`, async (context) => {
    const to = await server(context, (_, count) => (count === 1 ? { status: 503, headers: { "Retry-After": value() } } : {}));
    const { ledger } = await ledgerOf(context, { url: to.url }, ["one"], { batch: { events: 1 } });
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 + round });
      ledger.ingest(hook(`more ${round}`));
    }
    await pause(600);
    assert.equal(to.received.length, 1);
    while (ledger.stats().waiting > 0) await pause(20);
    assert.ok(to.received[1].at - to.received[0].at >= 1990, `${to.received[1].at - to.received[0].at} ms`);
    assert.equal(to.received.length, 5);
  });
}

test("close goes without what the server wants later, and says so", async (context) => {
  const to = await server(context, () => ({ status: 429, headers: { "Retry-After": "1" } }));
  const { ledger, troubles, said } = await ledgerOf(context, { url: to.url }, ["one"]);
  await ledger.flush();
  ledger.ingest(hook("two"));
  assert.deepEqual(await ledger.close(), { delivered: 0, waiting: 2 });
  await pause(1500);
  assert.equal(to.received.length, 1);
  const reason = "the server answers with status 429";
  assert.deepEqual(troubles, [
    { kind: "held", reason, status: 429, mayPass: true },
    { kind: "unsaved", when: "close", events: 2 },
  ]);
  assert.deepEqual(said(), [`turnledger: 2 events are lost, because no storage has them: ${reason}`]);
});

for (const asked of ["4000000", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]) {
  test(`a Retry-After of ${asked} is waited for, however long`, async (context) => {
    const warned = context.mock.method(process, "emitWarning", () => {});
    const delays = [];
    const { setTimeout: real } = globalThis;
    context.mock.method(globalThis, "setTimeout", (work, ms, ...rest) => (delays.push(ms), real(work, ms, ...rest)));
    const to = await server(context, () => ({ status: 503, headers: { "Retry-After": asked } }));
    const { ledger } = await ledgerOf(context, { url: to.url }, ["one"]);
    await ledger.flush();
    await ledger.flush();
    await new Promise((resolve) => real(resolve, 200));
    assert.equal(to.received.length, 1);
    assert.ok(delays.includes(2 ** 31 - 1) && delays.every((ms) => ms === undefined || ms <= 2 ** 31 - 1), String(delays));
    assert.equal(warned.mock.callCount(), 0);
  });
}

test("a timer that cannot wait long enough is set again until the time has come", async (context) => {
  const timers = [];
  context.mock.method(console, "error", () => {});
  const { setTimeout: real } = globalThis;
  context.mock.method(globalThis, "setTimeout", (work, ms, ...rest) => {
    if (ms < 1_000_000) return real(work, ms, ...rest);
    timers.push({ work, ms });
    return {};
  });
  let sent = 0;
  const upload = async () => ((sent += 1) === 1 ? { kind: "try_again", afterMs: 5e9 } : { kind: "delivered" });
  const ledger = await createLedger({ upload });
  ledger.ingest(hook("one"));
  await ledger.flush();
  let waited = 0;
  for (let round = 0; round < 3; round += 1) {
    assert.equal(sent, 1);
    const { work, ms } = timers.pop();
    waited += ms;
    work();
    await new Promise((resolve) => real(resolve, 20));
  }
  assert.ok(waited >= 4.99e9 && waited <= 5e9 + 2, `${waited} ms`);
  assert.equal(sent, 2);
  assert.equal(ledger.stats().delivered, 1);
  await ledger.close();
});

test("a batch that keeps failing does not block those behind it", async (context) => {
  for (const failure of [{ status: 500 }, { reset: true }]) {
    const to = await server(context, ({ threads }) => (threads.includes("poison") ? failure : {}));
    const { ledger } = await ledgerOf(context, { url: to.url }, ["poison", "one", "two"], { batch: { events: 1 } });
    for (let round = 0; round < 6 && ledger.stats().delivered < 2; round += 1) await ledger.flush();
    const { delivered, waiting, refused } = ledger.stats();
    assert.deepEqual({ delivered, waiting, refused }, { delivered: 2, waiting: 1, refused: 0 });
    assert.deepEqual(to.received.slice(0, 6).map(({ threads }) => threads[0]), ["poison", "poison", "poison", "poison", "one", "two"]);
  }
});

test("a function of the host's own hands answers over, or decides itself", async (context) => {
  for (const [outcome, expected] of [
    [{ kind: "answered", status: 204 }, { delivered: 2, refused: 0, waiting: 0, held: null, lastFailure: null }],
    [
      { kind: "answered", status: 404 },
      { delivered: 0, refused: 0, waiting: 2, held: "the server does not take requests at this URL (status 404)", lastFailure: "status 404" },
    ],
    [
      { kind: "answered", status: 407 },
      { delivered: 0, refused: 0, waiting: 2, held: "the server does not take requests at this URL (status 407)", lastFailure: "status 407" },
    ],
    [
      { kind: "answered", status: 0 },
      { delivered: 0, refused: 0, waiting: 2, held: "the server does not take requests at this URL (a redirection)", lastFailure: "status 0" },
    ],
    [{ kind: "answered", status: 422 }, { delivered: 0, refused: 2, waiting: 0, held: null, lastFailure: "refused with status 422" }],
    [{ kind: "refused", status: 403 }, { delivered: 0, refused: 2, waiting: 0, held: null, lastFailure: "refused with status 403" }],
    [{ kind: "try_again", reason: "later" }, { delivered: 0, refused: 0, waiting: 2, held: "later", lastFailure: "later" }],
    [{ kind: "answered", status: "404" }, { delivered: 0, refused: 0, waiting: 2, held: "the server does not answer", lastFailure: "upload gave no outcome" }],
  ]) {
    const sent = [];
    const upload = async (batch, sending) => (sent.push(sending), outcome);
    const { ledger } = await ledgerOf(context, upload, ["one", "two"]);
    await ledger.flush();
    const { delivered, refused, waiting, held, lastFailure } = ledger.stats();
    assert.deepEqual({ delivered, refused, waiting, held, lastFailure }, expected, JSON.stringify(outcome));
    assert.deepEqual(sent, [{ leaving: false, renew: false }]);
    context.mock.restoreAll();
  }
});

test("a snapshot without what waits says so", async (context) => {
  const upload = async () => ({ kind: "try_again" });
  const { ledger, troubles, said } = await ledgerOf(context, upload, ["one", "two"]);
  assert.equal(ledger.stats().unsaved, 2);
  ledger.snapshot();
  ledger.snapshot();
  assert.deepEqual(troubles, Array(2).fill({ kind: "unsaved", when: "snapshot", events: 2 }));
  assert.deepEqual(said(), ["turnledger: 2 events wait that neither the snapshot nor a storage has: flush() first"]);
  // What a storage has is not lost.
  const storage = { load: async () => [], add: async () => {}, remove: async () => {} };
  const stored = await createLedger({ upload, storage, onTrouble: (trouble) => troubles.push(trouble) });
  stored.ingest(hook("three"));
  assert.equal(stored.stats().unsaved, 1);
  await stored.flush();
  assert.deepEqual([stored.stats().waiting, stored.stats().unsaved], [1, 0]);
  const told = troubles.length;
  stored.snapshot();
  assert.deepEqual([troubles.length, await stored.close()], [told, { delivered: 0, waiting: 1 }]);
});

test("plain HTTP is for this machine alone, by its address", async () => {
  for (const host of [
    "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "[::ffff:127.0.0.1]", "0.0.0.0",
  ]) {
    const wrong = { name: "TypeError", message: "upload.url: expected https://, or http:// on this machine" };
    await assert.rejects(createLedger({ upload: { url: `http://${host}` } }), wrong, host);
  }
  for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.9.10:1", "[::1]", "127.1"]) {
    await (await createLedger({ upload: { url: `http://${host}` } })).close();
  }
});
