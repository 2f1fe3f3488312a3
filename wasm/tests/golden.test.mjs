// The same core, the same bytes: every golden recording through the module gives the events that the
// native program gives. Run by `node --test`, after wasm/build and a build of the program.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const { Session } = createRequire(import.meta.url)(join(root, "target/wasm-package/turnledger_wasm.js"));
const program = join(root, "target/debug/turnledger");

/** The events of a recording, one a line, by the module. */
function reduce(text, key) {
  const session = new Session(key);
  let events = "";
  let last = 0;
  for (const line of text.split("\n").filter(Boolean)) {
    const { at_ms: at, connection_id: connection, direction, message } = JSON.parse(line);
    events += session.observe(at, connection, direction === "client_to_server", JSON.stringify(message));
    last = Math.max(last, at);
  }
  return events + session.finish(last);
}

test("a key gives the same hashes in both, and a short one is refused", () => {
  const key = Buffer.from("an organisation's key");
  const folder = mkdtempSync(join(tmpdir(), "turnledger-key-"));
  try {
    writeFileSync(join(folder, "key"), key);
    const file = join(root, "tests/golden/0.131.0/patch_files/traffic.jsonl");
    const native = execFileSync(program, ["replay", "--quiet", "--key-file", join(folder, "key"), file], { encoding: "utf8" });
    assert.match(native, /"fingerprint_scheme":"hmac-sha256:[0-9a-f]{8}"/);
    assert.equal(reduce(readFileSync(file, "utf8"), key), native);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.throws(() => new Session(Buffer.from("short")), { message: "a key needs at least 16 bytes; this one has 5" });
});

for (const version of readdirSync(join(root, "tests/golden"))) {
  test(`Codex ${version}: the module and the program agree byte for byte`, () => {
    let compared = 0;
    for (const scenario of readdirSync(join(root, "tests/golden", version))) {
      const file = join(root, "tests/golden", version, scenario, "traffic.jsonl");
      const native = execFileSync(program, ["replay", "--quiet", file], { encoding: "utf8" });
      assert.equal(reduce(readFileSync(file, "utf8")), native, scenario);
      compared += native.split("\n").length - 1;
    }
    assert.ok(compared > 200, `${compared} events`);
  });
}
