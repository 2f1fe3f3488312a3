// A ledger in which nothing happens gives up what has been idle for too long, and keeps no process running for it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { createLedger } from "../dist/node.js";
import { messages, recording, root } from "./support.mjs";

/** A recording up to the start of its first turn. */
function unfinished() {
  const recorded = messages(recording("0.131.0/plain_turn"));
  const started = recorded.findIndex(({ message }) => message.method === "turn/started");
  return recorded.slice(0, started + 1);
}

const short = { limits: { turns: { entries: 10, idleMs: 200 } } };

async function discardsOf(options, time) {
  const discards = [];
  const ledger = await createLedger({ ...options, onDiscard: ({ subject, reason }) => discards.push([subject, reason]) });
  for (const { at_ms, connection_id, direction, message } of unfinished()) {
    ledger.observe(connection_id, direction, message, time(at_ms));
  }
  return [ledger, discards];
}

test("an open turn expires although nothing comes", async () => {
  // By the ledger's own clock, by that of a recording, and by one that was set in between.
  let wrong = 0;
  for (const [options, time] of [
    [short, () => undefined],
    [short, (at) => at],
    [{ ...short, clock: () => Date.now() + wrong }, () => undefined],
  ]) {
    const [ledger, discards] = await discardsOf(options, time);
    wrong = 10 * 365 * 24 * 60 * 60 * 1000;
    assert.deepEqual(discards, []);
    await sleep(1600);
    assert.deepEqual(discards, [["turn", "expired"]]);
    assert.equal(ledger.stats().messages, unfinished().length);
    await ledger.close();
  }
});

test("a ledger that is closed waits for nothing", async () => {
  const [ledger, discards] = await discardsOf(short, () => undefined);
  await ledger.close();
  const told = discards.length;
  await sleep(1600);
  assert.equal(discards.length, told);
  assert.ok(discards.every(([, reason]) => reason !== "expired"));
});

test("a process ends although something is open", async () => {
  const script = `
    const { createLedger } = await import(${JSON.stringify(join(root, "wasm/dist/node.js"))});
    const ledger = await createLedger();
    for (const { connection_id, direction, message } of ${JSON.stringify(unfinished())}) ledger.observe(connection_id, direction, message);
    console.log(ledger.stats().messages);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
  assert.equal(Number(stdout), unfinished().length);
});
