// What the tests share: the recordings, the native program, and sessions through the package.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { decompress } from "fzstd";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const golden = join(root, "tests/golden");

/** The recordings, as VERSION/SCENARIO. */
export const names = readdirSync(golden).flatMap((version) =>
  readdirSync(join(golden, version)).map((scenario) => `${version}/${scenario}`),
);

export const recording = (name) => readFileSync(join(golden, name, "traffic.jsonl"), "utf8");

/** Those in which no skill is used: of a skill the program says where it lies, and a ledger that nobody answers does not. */
export const withoutSkills = names.filter((name) => !/\/(skills|skill_implicit|x_plugins)$/.test(name));

/** What the native program makes of a recorded text. */
export const reduceNatively = (text, ...options) =>
  execFileSync(join(root, "target/debug/turnledger"), ["replay", "--quiet", ...options, "-"], {
    input: text,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });

/** What the native program makes of a recording. */
export const native = (name, ...options) => reduceNatively(recording(name), ...options);

/** Generated sessions, the same ones for a seed, as one recording. */
export const generated = (seed, count) =>
  execFileSync("cargo", ["run", "--quiet", "--locked", "--package", "turnledger-tests", "--example", "history", "--", `${seed}`, `${count}`], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });

/** The recorded messages of a text. */
export const messages = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

/** The request bodies of a recording, one a line, by the package. */
export async function reduce(createLedger, text, options) {
  let last = 0;
  let bodies = "";
  // The program answers as for folders that are gone: those of the recordings are on no machine.
  const questions = [];
  const ledger = await createLedger({ ...options, onQuestion: (question) => questions.push(question) });
  ledger.on("batch", ({ body }) => (bodies += `${body}\n`));
  for (const { at_ms, connection_id, direction, message } of messages(text)) {
    last = Math.max(last, at_ms);
    ledger.observe(connection_id, direction, message, at_ms);
    for (const { id: question, kind, path } of questions.splice(0)) {
      if (kind === "skill") ledger.ingest({ skill_answered: { question, skill_path: path } }, at_ms);
      else ledger.ingest({ repository_answered: { question } }, at_ms);
    }
  }
  await ledger.close(last);
  return bodies;
}

const rolloutFolder = join(root, "tests/rollouts");

/** Every stored rollout. */
export const rollouts = readdirSync(rolloutFolder).flatMap((version) =>
  readdirSync(join(rolloutFolder, version)).flatMap((scenario) =>
    readdirSync(join(rolloutFolder, version, scenario))
      .filter((name) => name.startsWith("rollout-"))
      .map((name) => join(rolloutFolder, version, scenario, name)),
  ),
);

/** The bytes of a rollout, unpacked. */
export const unpacked = (file) => decompress(readFileSync(file));
