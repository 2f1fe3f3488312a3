// The same core, the same bytes: every golden recording through the package gives the requests that the native program
// gives. Run by `node --test`, after wasm/build and a build of the program.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { createLedger } from "../dist/node.js";
import { createLedger as createInline } from "../dist/inline.js";
import { generated, names, native, recording, reduce, reduceNatively } from "./support.mjs";

test("every recording gives the native program's bytes", async () => {
  let events = 0;
  for (const name of names) {
    const bodies = await reduce(createLedger, recording(name));
    assert.equal(bodies, native(name, "--batches"), name);
    events += bodies.split('"event_type":').length - 1;
  }
  assert.ok(events > 400, `${events} events`);
});

test("the inline variant is the same", async () => {
  const name = "0.131.0/mixed_long";
  assert.equal(await reduce(createInline, recording(name)), native(name, "--batches"));
});

test("a key gives the same hashes in both, and a short one is refused", async () => {
  const key = Buffer.from("an organisation's key");
  const folder = mkdtempSync(join(tmpdir(), "turnledger-key-"));
  try {
    writeFileSync(join(folder, "key"), key);
    const name = "0.131.0/patch_files";
    const expected = native(name, "--batches", "--key-file", join(folder, "key"));
    assert.match(expected, /"fingerprint_scheme":"hmac-sha256:[0-9a-f]{8}"/);
    assert.equal(await reduce(createLedger, recording(name), { key }), expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await assert.rejects(createLedger({ key: Buffer.from("short") }), {
    message: "a key needs at least 16 bytes; this one has 5",
  });
});

test("bytes, texts and objects are the same", async () => {
  const name = "0.131.0/approve_patch";
  const expected = native(name, "--batches");
  const encoder = new TextEncoder();
  for (const form of [(message) => JSON.stringify(message), (message) => encoder.encode(JSON.stringify(message))]) {
    const create = async (options) => {
      const ledger = await createLedger(options);
      const observe = ledger.observe.bind(ledger);
      ledger.observe = (connection, direction, message, at) => observe(connection, direction, form(message), at);
      return ledger;
    };
    assert.equal(await reduce(create, recording(name)), expected);
  }
});

test("generated sessions give the native program's bytes", async () => {
  for (const seed of [1, 1_000_000, 2_000_000]) {
    const text = generated(seed, 1000);
    const expected = reduceNatively(text, "--batches");
    assert.ok(expected.length > 1_000_000, `${expected.length} bytes of events`);
    assert.ok((await reduce(createLedger, text)) === expected, `seeds from ${seed} on`);
  }
});
