// The ledger behind a channel, as a worker has it: over a MessagePort of Node, which speaks like a worker. The browser's
// own workers are in browser.test.mjs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";

import { createLedger } from "../dist/node.js";
import { connectLedger, serveLedger } from "../dist/worker.js";
import { messages, withoutSkills, native, recording } from "./support.mjs";

const hook = (thread) => ({
  hook_run: {
    tracking: { model_slug: "m", thread_id: thread, turn_id: "u" },
    event_name: "stop",
    hook_source: "user",
    status: "completed",
  },
});

/** A ledger on the other side of a channel, for as long as `use` takes. */
async function connected(use, { ofWorker, ofPage } = {}) {
  const { port1, port2 } = new MessageChannel();
  serveLedger(createLedger, ofWorker, port2);
  try {
    await use(await connectLedger(port1, ofPage));
  } finally {
    port1.close();
    await once(port2, "close");
  }
}

test("what comes out is what the program gives", async () => {
  for (const name of withoutSkills) {
    let bodies = "";
    await connected(async (ledger) => {
      ledger.on("batch", ({ body }) => (bodies += `${body}\n`));
      let last = 0;
      for (const { at_ms, connection_id, direction, message } of messages(recording(name))) {
        last = Math.max(last, at_ms);
        ledger.observe(connection_id, direction, message, at_ms);
      }
      await ledger.close(last);
    });
    assert.equal(bodies, native(name, "--batches"), name);
  }
});

test("listeners, readers, counts and snapshots", async () => {
  await connected(async (ledger) => {
    const heard = [];
    const discards = [];
    const stop = ledger.on("event", (event, json) => heard.push([event.event_params.thread_id, JSON.parse(json)]));
    ledger.on("discard", ({ subject, reason }) => discards.push({ subject, reason }));
    const events = ledger.events();
    await ledger.ingest(hook("a"));
    const { value } = await events.next();
    assert.deepEqual(heard, [["a", value]]);
    stop();
    await ledger.ingest(hook("b"));
    assert.equal((await events.next()).value.event_params.thread_id, "b");
    assert.equal(heard.length, 1);
    ledger.observe(1, "client_to_server", "{");
    const stats = await ledger.stats();
    assert.deepEqual([stats.messages, stats.malformed, stats.events], [1, 1, { codex_hook_run: 2 }]);
    assert.deepEqual(discards, stats.discards.map(({ subject, reason }) => ({ subject, reason })));
    assert.match(await ledger.snapshot(), /^\{/);
    assert.deepEqual(await ledger.close(), { delivered: 0, waiting: 0 });
    assert.deepEqual(await events.next(), { value: undefined, done: true });
    assert.equal(ledger.isEnabled, false);
    assert.deepEqual((await ledger.stats()).events, { codex_hook_run: 2 });
  });
});

test("functions stay with the worker and win", async () => {
  const sent = [];
  const upload = async ({ body }) => {
    sent.push(...JSON.parse(body).events.map(({ event_params }) => event_params.thread_id));
    return { kind: "delivered" };
  };
  const beforeSend = (event) => (event.event_params.thread_id === "secret" ? null : event);
  await connected(
    async (ledger) => {
      await ledger.ingest(hook("a"));
      await ledger.ingest(hook("secret"));
      assert.deepEqual(await ledger.flush(), { delivered: 1, waiting: 0 });
      const { vetoed, delivered } = await ledger.stats();
      assert.deepEqual({ vetoed, delivered }, { vetoed: 1, delivered: 1 });
    },
    { ofWorker: { upload, beforeSend }, ofPage: { upload: { url: "https://not.asked.example" } } },
  );
  assert.deepEqual(sent, ["a"]);
});

test("what is wrong is said to the caller", async () => {
  await connected(async (ledger) => {
    assert.throws(() => ledger.observe(-1, "client_to_server", "{}"), TypeError);
    assert.throws(() => ledger.observe(1, "sideways", "{}"), TypeError);
    assert.throws(() => ledger.observe(1, "client_to_server", 7), TypeError);
    assert.throws(() => ledger.observe(1, "client_to_server", "{}", Number.NaN), TypeError);
    assert.throws(() => ledger.on("nothing", () => {}), TypeError);
    await assert.rejects(ledger.ingest({ hook_run: 1 }), { name: "TypeError", message: /^fact: something other than an object at byte/ });
    await assert.rejects(ledger.ingest(null), TypeError);
    // It goes on.
    await ledger.ingest(hook("a"));
    assert.deepEqual((await ledger.stats()).events, { codex_hook_run: 1 });
  });
  await assert.rejects(connected(async () => {}, { ofPage: { key: new Uint8Array(3) } }), /key/);
  await assert.rejects(connected(async () => {}, { ofPage: { snapshot: "{}" } }), Error);
});

test("options of another kind are a TypeError on either side", async () => {
  const { port1 } = new MessageChannel();
  for (const [options, message] of [
    [{ nonsense: 1 }, 'options: unknown member "nonsense"'],
    [{ beforeSend: () => null }, 'options: unknown member "beforeSend"'],
    [{ upload: { url: "https://analytics.example", headers: () => ({}) } }, 'upload: unknown member "headers"'],
    [{ snapshot: 5 }, "snapshot: expected a string, as snapshot() gives it"],
  ]) {
    await assert.rejects(connectLedger(port1, options), { name: "TypeError", message });
  }
  await assert.rejects(connectLedger({}), { name: "TypeError", message: "worker.postMessage: expected a function" });
  const wrong = { name: "TypeError", message: "storage.load: expected a function" };
  assert.throws(() => serveLedger(createLedger, { storage: {} }, port1), wrong);
  port1.close();
});

test("the page is told of trouble, as the worker's script is", async () => {
  const told = { page: [], worker: [] };
  const upload = async () => ({ kind: "answered", status: 503 });
  await connected(
    async (ledger) => {
      await ledger.ingest(hook("a"));
      assert.deepEqual(await ledger.flush(), { delivered: 0, waiting: 1 });
      const { held, unsaved } = await ledger.stats();
      assert.deepEqual({ held, unsaved }, { held: "the server answers with status 503", unsaved: 1 });
    },
    { ofWorker: { upload, onTrouble: (trouble) => told.worker.push(trouble) }, ofPage: { onTrouble: (trouble) => told.page.push(trouble) } },
  );
  const held = [{ kind: "held", reason: "the server answers with status 503", status: 503, mayPass: true }];
  assert.deepEqual(told, { page: held, worker: held });
});

test("a ledger that is turned off does nothing", async () => {
  await connected(
    async (ledger) => {
      assert.equal(ledger.isEnabled, false);
      ledger.observe(1, "client_to_server", "{}");
      await ledger.ingest(hook("a"));
      assert.deepEqual(await ledger.events().next(), { value: undefined, done: true });
      assert.deepEqual(await ledger.close(), { delivered: 0, waiting: 0 });
      assert.equal((await ledger.stats()).messages, 0);
    },
    { ofPage: { enabled: false } },
  );
});
