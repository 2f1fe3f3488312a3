// A ledger that runs for long needs no more memory than one that has run for some weeks: threads that nobody comes back to
// are forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";

import { messages, recording } from "./support.mjs";

const MESSAGES = 2_000_000;
const HOUR = 3_600_000;

test("memory stays flat from the first to the second million messages", async () => {
  let memory;
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(...parameters) {
      super(...parameters);
      ({ memory } = this.exports);
    }
  };
  const { createLedger } = await import("../dist/node.js");
  const ledger = await createLedger();
  WebAssembly.Instance = Instance;

  const session = messages(recording("0.131.0/mixed_long")).map((line) => ({ ...line, message: JSON.stringify(line.message) }));
  let events = 0;
  ledger.on("event", () => (events += 1));
  const sizes = [];
  const rounds = Math.ceil(MESSAGES / session.length);
  for (let round = 0; round < rounds; round += 1) {
    // Threads, turns and items of their own each time.
    const id = round.toString(16).padStart(4, "0");
    for (const { at_ms, connection_id, direction, message } of session) {
      ledger.observe(connection_id, direction, message.replaceAll(/01a1fc2e-[0-9a-f]{4}/g, `01a1fc2e-${id}`), at_ms + round * HOUR);
    }
    if (round === Math.floor(rounds / 2)) sizes.push(memory.buffer.byteLength);
  }
  sizes.push(memory.buffer.byteLength);
  const { messages: seen, internalErrors } = ledger.stats();
  assert.deepEqual([seen, internalErrors], [rounds * session.length, 0]);
  assert.ok(events > rounds, `${events} events`);
  assert.equal(sizes[1], sizes[0]);
  await ledger.close();
});
