// The hook as the real pre-commit runs it, in a repository that commits. PRE_COMMIT names that program.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = process.env.TURNLEDGER ?? join(root, "target/debug/turnledger");
const preCommit = process.env.PRE_COMMIT ?? "pre-commit";

const home = mkdtempSync(join(tmpdir(), "turnledger-pre-commit-"));
after(() => rmSync(home, { recursive: true }));
const bin = join(home, "bin");
mkdirSync(bin);
const path = (name) => join(home, name);
const env = {
  PATH: `${bin}:${dirname(preCommit)}:${process.env.PATH}`, HOME: home, XDG_STATE_HOME: path("state"), PRE_COMMIT_HOME: path("cache"),
  GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.com", GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com", GIT_ALLOW_PROTOCOL: "file", NO_COLOR: "1",
};

/** Runs a command: its exit code, and all that it says. */
function run(cwd, command, ...words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { cwd, env, encoding: "utf8" });
  assert.equal(error, undefined, `${command} ${words.join(" ")}`);
  return { status, said: stdout + stderr };
}
function well(...words) {
  const { status, said } = run(...words);
  assert.equal(status, 0, said);
  return said;
}
const git = (folder, ...words) => well(folder, "git", ...words).trim();

// The hook's repository: what pre-commit clones.
const hooks = path("hooks");
for (const file of [".pre-commit-hooks.yaml", "native-host/packages/pre-commit/attribute"]) cpSync(join(root, file), join(hooks, file));
git(hooks, "init", "--quiet");
git(hooks, "add", ".");
git(hooks, "commit", "--quiet", "--message", "Hooks");
const revision = git(hooks, "rev-parse", "HEAD");

const app = path("app");
mkdirSync(app);
git(app, "init", "--quiet", "--initial-branch=main");
function configure(...args) {
  const hook = { id: "turnledger-attribute", args };
  writeFileSync(join(app, ".pre-commit-config.yaml"), JSON.stringify({ repos: [{ repo: hooks, rev: revision, hooks: [hook] }] }));
  git(app, "add", ".");
  git(app, "commit", "--quiet", "--no-verify", "--message", "Configure");
}
configure();
well(app, preCommit, "install");

const AGENTS = "const first = 1;\nconst second = 2;\n";
let files = 0;
/** Stages and commits a file with two lines of the agent and one of a person. */
function commit() {
  files += 1;
  writeFileSync(join(app, `${files}.js`), `${AGENTS}const third = ${files};\n`);
  git(app, "add", ".");
  const { status, said } = run(app, "git", "commit", "--quiet", "--message", `File ${files}`);
  assert.equal(status, 0, said);
  assert.equal(git(app, "log", "-1", "--format=%s"), `File ${files}`);
  return said;
}

test("without the program, without a store, with an empty one, and with one: each commit goes on", () => {
  assert.match(commit(), /turnledger: the program turnledger is not in PATH: nothing was compared\n/);
  symlinkSync(program, join(bin, "turnledger"));
  assert.match(commit(), /\nturnledger: .*events\.db: no store here; `turnledger import` makes one\n/);
  writeFileSync(path("none.jsonl"), "");
  well(app, "turnledger", "store", "add", path("none.jsonl"));
  assert.match(commit(), /\nturnledger: the store has no events: nothing was compared\n/);

  writeFileSync(join(app, "agent.js"), AGENTS);
  git(app, "add", "--intent-to-add", "agent.js");
  writeFileSync(path("events.jsonl"), spawnSync(program, ["fingerprint"], { env, input: git(app, "diff") + "\n", encoding: "utf8" }).stdout);
  git(app, "reset", "--quiet");
  rmSync(join(app, "agent.js"));
  well(app, "turnledger", "store", "add", path("events.jsonl"));
  assert.match(commit(), /\n2 of 3 comparable added lines match an agent's \(66\.7 %\)\.\n/);
});

test("events of a file, and options of attribute", () => {
  configure("--events", path("events.jsonl"), "--by", "model");
  assert.match(commit(), /\nmodel .*\n unknown .*\n2 of 3 comparable added lines match an agent's \(66\.7 %\)\.\n/);
});

test("what cannot be used is said, and the commit goes on", () => {
  configure("--events", path("nowhere.jsonl"));
  assert.match(commit(), /\nturnledger: .*nowhere\.jsonl/);
  configure("--events", path("events.jsonl"), "--fail-over", "10");
  assert.match(commit(), /66\.7 %/);
});

test("the hook leaves no temporary file", () => {
  const before = readFileSync(path("events.jsonl"), "utf8");
  const temporary = path("tmp");
  mkdirSync(temporary);
  const { status, said } = run(app, "env", `TMPDIR=${temporary}`, join(hooks, "native-host/packages/pre-commit/attribute"));
  assert.equal(status, 0, said);
  assert.equal(well(home, "ls", "-A", temporary), "");
  assert.equal(readFileSync(path("events.jsonl"), "utf8"), before);
});
