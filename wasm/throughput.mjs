// How many messages a second go through the package in Node and in Chromium, and how long it takes to start, beside the
// native program over the same session. Needs wasm/build and `cargo build --profile dist --features full`.
// usage: node wasm/throughput.mjs [COPIES]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { createLedger } from "./dist/node.js";
import { browse, reporting } from "./tests/browse.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const copies = Number(process.argv[2] ?? 1000);
const recorded = readFileSync(join(root, "tests/golden/0.131.0/mixed_long/traffic.jsonl"), "utf8").trimEnd();
// A session of its own each: the ids of threads and turns differ in digits that no id of the recording has.
const session = Array.from({ length: copies }, (_, copy) => recorded.replaceAll(/01a1fc2e-[0-9a-f]{4}/g, (id) => {
  return id.slice(0, -4) + (parseInt(id.slice(-4), 16) ^ (copy & 0xffff)).toString(16).padStart(4, "0");
})).join("\n");
const lines = session.split("\n").map((line) => {
  const { at_ms, connection_id, direction, message } = JSON.parse(line);
  return [at_ms, connection_id, direction, JSON.stringify(message)];
});

/** How long it takes to start, and each of three rounds. */
async function measure(createLedger, lines) {
  const beginning = performance.now();
  const ledger = await createLedger();
  const started = performance.now() - beginning;
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    for (const [at, connection, direction, message] of lines) ledger.observe(connection, direction, message, at);
    return performance.now() - start;
  });
  return { started, times };
}
const rate = (ms) => `${Math.round(lines.length / ms * 1000).toLocaleString("en")} messages/s`;
console.log(`${lines.length.toLocaleString("en")} messages`);
const say = (where, { started, times }) =>
  console.log(`through the package in ${where}: ${times.map(rate).join(", ")}; compiled and ready in ${started.toFixed(1)} ms`);
say("Node", await measure(createLedger, lines));

const script = `
  ${measure}
  const { createLedger } = await import("/browser.js");
  const lines = (await (await fetch("/lines")).text()).split("\\n").map((line) => JSON.parse(line));
  await report("/measured", JSON.stringify(await measure(createLedger, lines)));
  await report("/end", "");
`;
const served = new Map([["/lines", lines.map((line) => JSON.stringify(line)).join("\n")]]);
await browse(reporting(script), (request, body) => void (request.url === "/measured" && say("Chromium", JSON.parse(body))), served);

const folder = mkdtempSync(join(tmpdir(), "turnledger-throughput-"));
writeFileSync(join(folder, "traffic.jsonl"), session);
const program = join(root, "target/dist/turnledger");
const native = Array.from({ length: 3 }, () => {
  const start = performance.now();
  execFileSync(program, ["replay", "-q", "--output", "/dev/null", join(folder, "traffic.jsonl")]);
  return performance.now() - start;
});
console.log(`by the program, the file's reading included: ${native.map(rate).join(", ")}`);
rmSync(folder, { recursive: true });
