// The packed npm packages, installed into an empty folder without a network and without a compiler in PATH.
// Needs wasm/build and the program: target/debug/turnledger, or the one that TURNLEDGER names.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const program = process.env.TURNLEDGER ?? join(root, "target/debug/turnledger");
const golden = join(root, "tests/golden/0.131.0/approve_patch/traffic.jsonl");
const platform = `${process.platform}-${process.arch}`;

const folders = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "turnledger-npm-"));
  folders.push(path);
  return path;
};
after(() => folders.forEach((path) => rmSync(path, { recursive: true })));

/** Node, npm and a shell, and nothing else. */
const env = (home) => ({ PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, npm_config_cache: join(home, "npm") });

const packages = () => readdirSync(out).filter((name) => name.endsWith(".tgz"));
const platforms = () => packages().filter((name) => name.startsWith(`turnledger-cli-${platform}`));

function install(home, names) {
  writeFileSync(join(home, "package.json"), '{ "private": true }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", ...names.map((name) => join(out, name))], {
    cwd: home,
    env: env(home),
    stdio: "pipe",
  });
}

const out = folder();
let home;
before(() => {
  const programs = folder();
  const [, target] = /^host: (.*)$/m.exec(execFileSync("rustc", ["-vV"], { encoding: "utf8" }));
  mkdirSync(join(programs, target));
  copyFileSync(program, join(programs, target, "turnledger"));
  execFileSync("node", [join(here, "pack.mjs"), programs, out], { stdio: "inherit" });
  home = folder();
  install(home, [packages().find((name) => /^turnledger-\d/.test(name)), ...platforms()]);
});

const turnledger = (args, options = {}) =>
  spawnSync("npx", ["--no-install", "turnledger", ...args], { cwd: home, env: env(home), encoding: "utf8", ...options });

test("npx turnledger is the native program", () => {
  const { status, stdout } = turnledger(["replay", golden]);
  assert.equal(status, 0);
  const native = execFileSync(program, ["replay", golden], { encoding: "utf8" });
  assert.equal(stdout, native);
  assert.equal(native.split("\n").length, 10);
});

test("import looks at a home without sessions", () => {
  const { status, stderr } = turnledger(["import", "--dry-run"]);
  assert.equal(status, 2);
  assert.match(stderr, /^turnledger: .*\.codex/m);
});

test("its exit code and its input pass through", () => {
  const { status, stdout, stderr } = turnledger(["replay", "-"], { input: "no JSON\n" });
  assert.deepEqual([status, stdout], [1, ""]);
  assert.equal(stderr.split("\n")[0], "<stdin>:1: not JSON (column 2)");
});

test("a signal to the command ends the program, and the command as if it were the program", async () => {
  const command = join(home, "node_modules/.bin/turnledger");
  const child = spawn(command, ["tap", "--", "sleep", "60"], { cwd: home, env: env(home), stdio: ["pipe", "ignore", "pipe"] });
  const of = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  while (of(child.pid) === "" || of(of(child.pid)) === "") await new Promise((done) => setTimeout(done, 20));
  const program = of(child.pid);
  child.kill("SIGTERM");
  const [code, signal] = await new Promise((done) => child.on("exit", (...how) => done(how)));
  assert.deepEqual([code, signal], [null, "SIGTERM"]);
  assert.ok(!existsSync(`/proc/${program}`));
});

test("the library is the same package", () => {
  const script = 'import("turnledger").then((library) => console.log(Object.keys(library).includes("Ledger")))';
  assert.equal(execFileSync("node", ["--eval", script], { cwd: home, env: env(home), encoding: "utf8" }), "true\n");
});

test("where there is no program for the platform, one line says so", () => {
  const other = folder();
  install(other, [packages().find((name) => /^turnledger-\d/.test(name))]);
  const { status, stderr } = spawnSync("npx", ["--no-install", "turnledger", "--version"], {
    cwd: other,
    env: env(other),
    encoding: "utf8",
  });
  assert.equal(status, 2);
  assert.match(stderr, new RegExp(`^turnledger: the package @turnledger/cli-${platform} is not installed; .*\n$`));
});

test("the packages hold what is needed, and nothing else", () => {
  const listed = (name) =>
    execFileSync("tar", ["tzf", join(out, name)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((path) => path.replace(/^package\//, ""))
      .sort();
  for (const name of platforms())
    assert.deepEqual(listed(name), ["LICENSE", "README.md", "bin/turnledger", "package.json"], name);
  const dist = readdirSync(join(root, "wasm/dist")).map((name) => `dist/${name}`);
  assert.deepEqual(
    listed(packages().find((name) => /^turnledger-\d/.test(name))),
    ["LICENSE", "README.md", "bin/turnledger.js", "package.json", ...dist].sort(),
  );
});
