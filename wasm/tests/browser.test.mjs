// The package in a real browser: headless Chromium reduces every golden recording to the bytes that the native program
// gives, and a page that goes in the middle loses nothing. The pages report to the server that served them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { browse, reporting } from "./browse.mjs";
import { generated, native, recording, reduceNatively, withoutSkills } from "./support.mjs";

/** Every golden recording, and generated sessions, all without skills: of those the program says where they lie. */
const recordings = new Map(withoutSkills.map((name) => [name, recording(name)]));
recordings.set("generated", generated(3_000_000, 500).replaceAll('"type":"skill"', '"type":"other"').replaceAll("SKILL.md", "NOTES.md"));

const files = new Map([...recordings].map(([name, text]) => [`/recording/${name}`, text]));

const expected = (name) => (name === "generated" ? reduceNatively(recordings.get(name), "--batches") : native(name, "--batches"));

test("headless Chromium and the program agree byte for byte", { timeout: 120_000 }, async () => {
  const received = new Map();
  const script = `
    const { createLedger } = await import("/browser.js");
    for (const name of ${JSON.stringify([...recordings.keys()])}) {
      let now = 0, last = 0, bodies = "";
      const ledger = await createLedger({ clock: () => now });
      ledger.on("batch", ({ body }) => (bodies += body + "\\n"));
      for (const line of (await (await fetch("/recording/" + name)).text()).split("\\n").filter(Boolean)) {
        const { at_ms, connection_id, direction, message } = JSON.parse(line);
        now = at_ms;
        last = Math.max(last, at_ms);
        ledger.observe(connection_id, direction, message);
      }
      now = last;
      await ledger.close();
      await report("/bodies?" + name, bodies);
    }
    await report("/end", "");
  `;
  await browse(reporting(script), (request, body) => {
    if (request.url.startsWith("/bodies?")) received.set(request.url.slice("/bodies?".length), body);
  }, files);
  for (const name of recordings.keys()) assert.ok(received.get(name) === expected(name), name);
});

test("a ledger in a worker of the browser gives the same bytes", { timeout: 120_000 }, async () => {
  const received = new Map();
  const worker = `
    import { createLedger } from "/browser.js";
    import { serveLedger } from "/worker.js";
    serveLedger(createLedger);
  `;
  const script = `
    const { connectLedger } = await import("/worker.js");
    for (const name of ${JSON.stringify([...recordings.keys()])}) {
      const worker = new Worker("/script", { type: "module" });
      const ledger = await connectLedger(worker);
      let last = 0, bodies = "";
      ledger.on("batch", ({ body }) => (bodies += body + "\\n"));
      for (const line of (await (await fetch("/recording/" + name)).text()).split("\\n").filter(Boolean)) {
        const { at_ms, connection_id, direction, message } = JSON.parse(line);
        last = Math.max(last, at_ms);
        ledger.observe(connection_id, direction, message, at_ms);
      }
      await ledger.close(last);
      worker.terminate();
      await report("/bodies?" + name, bodies);
    }
    const broken = new Worker("/missing", { type: "module" });
    const { connectLedger: connect } = await import("/worker.js");
    await report("/broken", await connect(broken).then(() => "works", (error) => error.message));
    await report("/end", "");
  `;
  let broken;
  await browse(
    reporting(script),
    (request, body) => {
      if (request.url.startsWith("/bodies?")) received.set(request.url.slice("/bodies?".length), body);
      if (request.url === "/broken") broken = body;
    },
    new Map([...files, ["/script", worker]]),
  );
  for (const name of recordings.keys()) assert.ok(received.get(name) === expected(name), name);
  assert.equal(broken, "the ledger's worker failed");
});

test("a page that goes while the server is away loses nothing, and the next page delivers it once", { timeout: 60_000 }, async () => {
  // The first page's server refuses everything; the page goes with one event stored and one on its way.
  const script = `
    const { createLedger, indexedDbStorage } = await import("/inline.js");
    const hook = (thread) => ({ hook_run: { tracking: { model_slug: "m", thread_id: thread, turn_id: "u" },
      event_name: "stop", hook_source: "user", status: "completed" } });
    const ledger = await createLedger({ upload: { url: location.origin }, storage: indexedDbStorage() });
    if (location.pathname === "/page") {
      ledger.ingest(hook("stored"));
      await ledger.flush();
      ledger.ingest(hook("leaving"));
      location.href = "/page2";
    } else {
      ledger.ingest(hook("next"));
      while ((await ledger.flush()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      await report("/end", "");
    }
  `;
  const taken = new Map();
  let requests = 0;
  await browse(reporting(script), (request, body) => {
    if (!request.url.endsWith("/events")) return 200;
    requests += 1;
    if (requests === 1) return 503;
    const threads = JSON.parse(body).events.map((event) => event.event_params.thread_id).join();
    const key = request.headers["idempotency-key"];
    assert.equal(taken.get(key) ?? threads, threads, "a key is one request's");
    taken.set(key, threads);
    return 202;
  });
  // The last page may send again what the first one sent as it went: with the same key, by which the server knows it.
  assert.deepEqual([...taken.values()].sort(), ["leaving", "next", "stored"]);
});

test("two pages do not send the same, and the next one sends what a gone one left", { timeout: 60_000 }, async () => {
  const script = `
    const { indexedDbStorage } = await import("/inline.js");
    const ids = async (storage) => (await storage.load()).map(({ id }) => id);
    const kept = () => new Promise((resolve) => {
      indexedDB.open("turnledger").onsuccess = ({ target }) => {
        const all = target.result.transaction("requests").objectStore("requests").getAll();
        all.onsuccess = () => resolve(all.result.map(({ id }) => id));
      };
    });
    if (location.pathname === "/page-gone") {
      const storage = indexedDbStorage();
      await storage.load();
      await storage.add({ id: "gone", events: 1, body: "{}" });
      parent.postMessage("added");
    } else {
      const said = [];
      const own = indexedDbStorage();
      said.push(await ids(own));
      await own.add({ id: "own", events: 1, body: "{}" });
      const frame = document.body.appendChild(document.createElement("iframe"));
      const added = new Promise((resolve) => addEventListener("message", resolve, { once: true }));
      frame.src = "/page-gone";
      await added;
      said.push(await ids(indexedDbStorage()));
      frame.remove();
      // A gone page's lock is given back a little later.
      const isGone = async () => (await navigator.locks.query()).held.length === 2;
      while (!(await isGone())) await new Promise((resolve) => setTimeout(resolve, 10));
      const next = indexedDbStorage();
      said.push(await ids(next));
      await next.replace("gone", [{ id: "half", events: 1, body: "{}" }, { id: "other", events: 1, body: "{}" }]);
      said.push(await kept());
      for (const id of ["half", "other"]) await next.remove(id);
      said.push(await kept());
      await report("/said", JSON.stringify(said));
      await report("/end", "");
    }
  `;
  let said;
  await browse(reporting(script), (request, body) => {
    if (request.url === "/said") said = JSON.parse(body);
  });
  assert.deepEqual(said, [[], [], ["gone"], ["own", "half", "other"], ["own"]]);
});

test("a page that comes back sends what waits, and not before the time that the server asked for", { timeout: 60_000 }, async () => {
  const script = `
    const { createLedger } = await import("/browser.js");
    const hook = (thread) => ({ hook_run: { tracking: { model_slug: "m", thread_id: thread, turn_id: "u" },
      event_name: "stop", hook_source: "user", status: "completed" } });
    const be = (state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    };
    const { setTimeout } = globalThis;
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const until = async (ready) => {
      for (let round = 0; !ready() && round < 500; round += 1) await pause(10);
    };
    const ledger = await createLedger({ upload: { url: location.origin } });
    ledger.ingest(hook("one"));
    // A hidden page's timers may stand still.
    globalThis.setTimeout = () => 0;
    be("hidden");
    dispatchEvent(new Event("pagehide"));
    await until(() => ledger.stats().held !== null);
    be("visible");
    be("hidden");
    dispatchEvent(new Event("pagehide"));
    await pause(1500);
    const { waiting: before } = ledger.stats();
    globalThis.setTimeout = setTimeout;
    be("visible");
    await until(() => ledger.stats().waiting === 0);
    const { delivered, waiting } = ledger.stats();
    await report("/said", JSON.stringify({ before, delivered, waiting }));
    await report("/end", "");
  `;
  const times = [];
  let said;
  await browse(reporting(script), (request, body) => {
    if (request.url === "/said") said = JSON.parse(body);
    if (!request.url.endsWith("/events")) return 200;
    times.push(performance.now());
    return times.length === 1 ? { status: 503, headers: { "Retry-After": "1" } } : 202;
  });
  assert.deepEqual([said, times.length], [{ before: 1, delivered: 1, waiting: 0 }, 2]);
  assert.ok(times[1] - times[0] >= 1490, `${times[1] - times[0]} ms`);
});

test("a redirection, which a browser does not show, holds events", { timeout: 60_000 }, async () => {
  const script = `
    const { createLedger } = await import("/browser.js");
    const troubles = [];
    const ledger = await createLedger({ upload: { url: location.origin }, onTrouble: (trouble) => troubles.push(trouble) });
    ledger.ingest({ hook_run: { tracking: { model_slug: "m", thread_id: "t", turn_id: "u" },
      event_name: "stop", hook_source: "user", status: "completed" } });
    const first = await ledger.flush();
    await report("/said", JSON.stringify([first, troubles, await ledger.flush()]));
    await report("/end", "");
  `;
  let [said, requests] = [undefined, 0];
  await browse(reporting(script), (request, body) => {
    if (request.url === "/said") said = JSON.parse(body);
    if (!request.url.endsWith("/events")) return 200;
    requests += 1;
    return requests === 1 ? { status: 308, headers: { Location: "/elsewhere" } } : 202;
  });
  const reason = "the server does not take requests at this URL (a redirection)";
  assert.deepEqual(said, [
    { delivered: 0, waiting: 1 },
    [{ kind: "held", reason, status: 0, mayPass: false }],
    { delivered: 1, waiting: 0 },
  ]);
});
