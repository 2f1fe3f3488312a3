// Whatever the core has been fuzzed with goes through the package, too: nothing traps, and the ledger goes on.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { createLedger } from "../dist/node.js";
import { names, recording, rollouts, root, unpacked } from "./support.mjs";

const hook = {
  hook_run: {
    tracking: { model_slug: "m", thread_id: "t", turn_id: "u" },
    event_name: "stop",
    hook_source: "user",
    status: "completed",
  },
};

/** The inputs that fuzzing found for a target. */
function collected(target) {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-corpus-"));
  execFileSync("tar", ["-xzf", join(root, "fuzz/corpus", `${target}.tar.gz`), "-C", folder]);
  const inputs = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  rmSync(folder, { recursive: true });
  assert.ok(inputs.length > 200, `${inputs.length} inputs`);
  return inputs;
}

/** A generator of random numbers that gives the same ones each time (mulberry32). */
function randomly(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Every message of the golden recordings. */
const messages = () =>
  names
    .flatMap((name) => recording(name).split("\n").filter(Boolean))
    .map((line) => Buffer.from(JSON.stringify(JSON.parse(line).message)));

/** Texts with bytes changed, cut out and repeated. */
function* mangled(count, lines) {
  const random = randomly(7);
  for (let made = 0; made < count; made += 1) {
    let message = Buffer.from(lines[random(lines.length)]);
    for (let change = random(4); change >= 0; change -= 1) {
      const at = random(message.length);
      const length = random(40);
      const [before, piece, after] = [message.subarray(0, at), message.subarray(at, at + length), message.subarray(at + length)];
      if (random(3) === 0) message = Buffer.concat([before, after]);
      else if (random(2) === 0) message = Buffer.concat([before, piece, piece, after]);
      else message[at] = random(256);
      if (message.length === 0) break;
    }
    yield message;
  }
}

/** It has not failed within, and still does its work. */
async function survives(ledger) {
  assert.equal(ledger.stats().internalErrors, 0);
  const hooks = ledger.stats().events.codex_hook_run ?? 0;
  ledger.ingest(hook);
  assert.equal(ledger.stats().events.codex_hook_run, hooks + 1);
  const next = await createLedger({ snapshot: ledger.snapshot() });
  assert.equal(next.snapshot(), ledger.snapshot());
  await Promise.all([ledger.close(), next.close()]);
  assert.equal(ledger.stats().internalErrors, 0);
}

test("mangled messages", async () => {
  const ledger = await createLedger();
  let at = 0;
  for (const message of mangled(20_000, messages())) {
    ledger.observe(at % 3, at % 2 === 0 ? "client_to_server" : "server_to_client", message, (at += 1000));
  }
  assert.ok(ledger.stats().malformed > 1000);
  await survives(ledger);
});

test("mangled rollouts", async () => {
  const ledger = await createLedger();
  const files = rollouts.map(unpacked).map((bytes) => Buffer.from(bytes).toString().trimEnd().split("\n"));
  const lines = files.flat().map((line) => Buffer.from(line));
  let problems = 0;
  for (const [number, [head]] of files.entries()) {
    const rollout = ledger.openRollout();
    rollout.line(head);
    // Below one head the lines of all files.
    for (const line of mangled(100, lines.slice(number))) {
      if (rollout.line(line.filter((byte) => byte !== 10)) !== null) problems += 1;
    }
    rollout.end();
  }
  assert.ok(problems > 1000, `${problems} problems`);
  await survives(ledger);
});

test("messages that fuzzing collected", async () => {
  const ledger = await createLedger();
  let at = 0;
  for (const session of collected("messages")) {
    for (let start = 0; start < session.length; ) {
      const newline = session.indexOf(10, start);
      const end = newline < 0 ? session.length : newline;
      const first = session[start];
      if (end > start) {
        const direction = (first & 1) === 0 ? "client_to_server" : "server_to_client";
        ledger.observe((first >> 1) & 3, direction, session.subarray(start + 1, end), (at += 1000));
      }
      start = end + 1;
    }
  }
  await survives(ledger);
});

test("facts and snapshots that fuzzing collected", async () => {
  const ledger = await createLedger();
  for (const text of collected("facts")) {
    for (const line of text.toString("utf8").split("\n")) {
      let fact;
      try {
        fact = JSON.parse(line);
      } catch {
        continue;
      }
      try {
        ledger.ingest(fact);
      } catch (error) {
        assert.ok(error instanceof TypeError, String(error));
      }
    }
  }
  await survives(ledger);
  for (const snapshot of collected("snapshots")) {
    try {
      const restored = await createLedger({ snapshot: snapshot.toString("utf8") });
      assert.equal(restored.stats().internalErrors, 0);
      await restored.close();
    } catch (error) {
      // Refused in a sentence; a trap would be a RuntimeError.
      assert.equal(error.constructor, Error, String(error.stack));
    }
  }
});

test("messages at the limits of what can be nested, long or large", async () => {
  const ledger = await createLedger();
  const deep = "[".repeat(1_000_000);
  const long = JSON.stringify({ method: "turn/diff/updated", params: { threadId: "t", turnId: "u", diff: `+${"ä".repeat(20_000_000)}` } });
  for (const message of [deep, `{"params":${deep}`, '{"a":'.repeat(200_000), long, "\0".repeat(100_000), "\ud800", ""]) {
    ledger.observe(1, "server_to_client", message);
    ledger.observe(1, "client_to_server", message);
  }
  await survives(ledger);
});

test("a core that fails in the middle of its work is made anew, and takes no other with it", async () => {
  const uploaded = [];
  const upload = async ({ body }) => (uploaded.push(...JSON.parse(body).events), { kind: "delivered" });
  const [ledger, neighbour] = [await createLedger({ upload }), await createLedger()];
  neighbour.ingest(hook);
  const before = neighbour.snapshot();
  const message = JSON.stringify({ method: "turn/started", params: { threadId: "t", turn: { id: "u", items: [], status: "inProgress" } } });
  // With ever more of the stack left, the core fails ever deeper in its work.
  const untilFailed = (failures) => {
    let begun = 0;
    const dig = () => {
      try {
        begun += 1;
        dig();
      } catch {
        // No room to begin.
      }
      if (ledger.stats().internalErrors === failures) ledger.observe(1, "server_to_client", message);
    };
    try {
      dig();
    } catch {
      // Nor here.
    }
    assert.ok(begun > 1000);
  };
  let last = 0;
  for (let failure = 0; failure < 200; failure += 1) {
    ledger.ingest(hook);
    assert.equal(ledger.stats().waiting, 1);
    untilFailed(last);
    assert.ok(ledger.stats().internalErrors > last, `${failure}: nothing failed`);
    last = ledger.stats().internalErrors;
    // What waited is lost with the core, and is not waited for.
    assert.equal(ledger.stats().waiting, 0);
  }
  ledger.ingest(hook);
  assert.deepEqual(await ledger.close(), { delivered: 1, waiting: 0 });
  assert.equal(uploaded.length, 1);
  assert.equal(neighbour.snapshot(), before);
  await survives(neighbour);
});
