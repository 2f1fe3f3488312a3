// The package as it is packed, installed into empty projects: for Node's two kinds of modules, two bundlers, and the
// TypeScript compiler; and what the linters of packages say of it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "./support.mjs";

const wasm = join(root, "wasm");
const bin = (name) => join(wasm, "node_modules/.bin", name);
const run = (file, args, cwd) => execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const node = (args, cwd) => run(process.execPath, args, cwd);

const BODY = `
  const seen = [];
  const ledger = await createLedger({ clock: () => 1000 });
  ledger.on("event", (event) => seen.push(event.event_type));
  const tracking = { model_slug: "m", thread_id: "t", turn_id: "u" };
  ledger.ingest({ hook_run: { tracking, event_name: "stop", hook_source: "user", status: "completed" } });
  await ledger.close();
  console.log(seen.join());
`;
const SAYS = "codex_hook_run\n";

let folder;
let tarball;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "turnledger-package-"));
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], wasm));
  tarball = join(folder, packed.filename);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** An empty project with the package installed. */
function project(name, files, type = "module") {
  const where = join(folder, name);
  mkdirSync(where);
  writeFileSync(join(where, "package.json"), JSON.stringify({ name, private: true, type }));
  run("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", tarball], where);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(where, file)), { recursive: true });
    writeFileSync(join(where, file), text);
  }
  return where;
}

test("the declarations say what each member means, and keep the names of types", () => {
  const types = readFileSync(join(wasm, "dist/types.d.ts"), "utf8");
  const [, members] = /^(?:export )?interface TurnEvent \{\n([^]*?)\n\}/m.exec(types);
  const names = members.match(/^ {4}\w+: /gm);
  assert.equal(members.match(/ {4}\/\*\*\n[^]*?\*\/\n {4}\w+: /g).length, names.length);
  assert.match(members, /\* How long the turn took\. Milliseconds\.\n/);
  assert.match(types, /^ {4}terminal_status: TerminalStatus;$/m);
});

test("ESM in Node", () => {
  const where = project("esm", {
    "a.js": `import { createLedger } from "turnledger";${BODY}`,
    "b.js": `import { createLedger } from "turnledger/inline";${BODY}`,
  });
  assert.equal(node(["a.js"], where), SAYS);
  assert.equal(node(["b.js"], where), SAYS);
});

test("CommonJS in Node", () => {
  const body = (from) => `const { createLedger } = require("${from}");(async () => {${BODY}})();`;
  const where = project("cjs", { "a.js": body("turnledger"), "b.js": body("turnledger/inline") }, "commonjs");
  assert.equal(node(["a.js"], where), SAYS);
  assert.equal(node(["b.js"], where), SAYS);
});

test("bundled by esbuild", () => {
  const where = project("esbuild", { "a.js": `import { createLedger } from "turnledger/inline";${BODY}` });
  const options = ["a.js", "--bundle", "--format=esm", "--platform=neutral", "--outfile=out.mjs", "--log-level=warning"];
  assert.equal(run(bin("esbuild"), options, where), "");
  rmSync(join(where, "node_modules"), { recursive: true });
  assert.equal(node(["out.mjs"], where), SAYS);
});

test("bundled by Vite, which copies the module", () => {
  const where = project("vite", {
    "index.html": '<!doctype html><script type="module" src="/a.js"></script>',
    "a.js": `import { createLedger } from "turnledger";${BODY}`,
  });
  run(bin("vite"), ["build", "--logLevel", "warn"], where);
  const assets = readdirSync(join(where, "dist/assets"));
  const module = assets.find((name) => name.endsWith(".wasm"));
  assert.deepEqual(readFileSync(join(where, "dist/assets", module)), readFileSync(join(wasm, "dist/turnledger.wasm")));
  const script = readFileSync(join(where, "dist/assets", assets.find((name) => name.endsWith(".js"))), "utf8");
  assert.ok(script.includes(module), "the bundle loads the copy");
});

test("what is not used is not bundled", () => {
  const where = project("shaken", { "a.js": `import { fileStorage } from "turnledger/inline"; console.log(typeof fileStorage);` });
  const options = ["a.js", "--bundle", "--minify", "--format=esm", "--platform=neutral", "--outfile=out.mjs", "--log-level=warning"];
  run(bin("esbuild"), options, where);
  assert.equal(node(["out.mjs"], where), "function\n");
  const { length } = readFileSync(join(where, "out.mjs"));
  assert.ok(length < 5000, `${length} bytes`);
});

test("the types are exact, for strict TypeScript in both kinds of modules", () => {
  const typed = (from) => `import { createLedger, type LineProblem, type Rollout, type TurnledgerEvent } from "${from}";
    export function minutes(event: TurnledgerEvent): number | null {
      if (event.event_type === "codex_turn_event") {
        const duration: number | null = event.event_params.duration_ms;
        return duration === null ? null : duration / 60_000;
      }
      // @ts-expect-error: other events have no such member
      event.event_params.steer_count;
      // @ts-expect-error: there is no such event
      if (event.event_type === "codex_nonsense") return 1;
      return null;
    }
    export async function start() {
      // @ts-expect-error: there is no such option
      await createLedger({ nonsense: 1 });
      const ledger = await createLedger({ limits: { turns: { entries: 10, idleMs: 1000 } } });
      // @ts-expect-error: there is no such direction
      ledger.observe(1, "up", "{}");
      for await (const event of ledger.events()) minutes(event);
      const { threadId, badLines }: { threadId: string | null; badLines: { line: number; problem: LineProblem }[] } =
        await ledger.readRollout(new Uint8Array());
      const rollout: Rollout = ledger.openRollout();
      const problem: "too_long" | "not_json" | "wrong_shape" | null = rollout.line("{}");
      // @ts-expect-error: a number is no content
      await ledger.readRollout(1);
      return [threadId, badLines, problem];
    }`;
  const where = project("typed", {
    "a.mts": typed("turnledger"), "b.cts": typed("turnledger"), "c.mts": typed("turnledger/inline"), "d.cts": typed("turnledger/inline"),
  });
  const options = ["--strict", "--noEmit", "--skipLibCheck", "false", "--module", "nodenext", "--target", "es2022"];
  // A browser's types, or Node's: an extension host has no document.
  const types = join(wasm, "node_modules/@types");
  for (const world of [["--lib", "es2023,dom,dom.iterable"], ["--lib", "es2023", "--typeRoots", types, "--types", "node"]]) {
    assert.equal(run(bin("tsc"), [...options, ...world, "a.mts", "b.cts", "c.mts", "d.cts"], where), "");
  }
});

test("the linters of packages have nothing to say", () => {
  assert.match(run(bin("publint"), ["--strict", tarball], folder), /All good!/);
  run(bin("attw"), [tarball, "--profile", "node16", "--exclude-entrypoints", "turnledger.wasm"], folder);
});

test("the README's program prints an event", () => {
  const scripts = readFileSync(join(wasm, "README.md"), "utf8").matchAll(/```js\n([^]*?)```/g);
  const [script, ...others] = Array.from(scripts, ([, script]) => script);
  assert.deepEqual(others, [], "one program, which is run here");
  const printed = node(["first.mjs"], project("readme", { "first.mjs": script }));
  assert.match(printed, /^codex_thread_initialized \{\n/);
  assert.match(printed, /thread_id: 'thread-1'/);
  assert.equal(printed.match(/^codex_\w+ \{$/gm).length, 1, "one event");
});
