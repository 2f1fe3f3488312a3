// Makes the npm package out of the module and its TypeScript: types from the program's own schema, the module's glue as
// a function, a bundle for each way to load the module, and one file of declarations for ESM and CommonJS each. Run by
// wasm/build.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { compile } from "json-schema-to-typescript";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const here = dirname(fileURLToPath(import.meta.url));
const [program] = process.argv.slice(2);
const generated = join(here, "ts/generated");
const dist = join(here, "dist");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

/** A reference with a description beside it would be a type of its own; below the description it keeps its type's name. */
function keepNames(schema) {
  if (Array.isArray(schema)) return schema.map(keepNames);
  if (schema === null || typeof schema !== "object") return schema;
  const { $ref, ...rest } = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, keepNames(value)]));
  if ($ref === undefined) return rest;
  return Object.keys(rest).length === 0 ? { $ref } : { ...rest, allOf: [{ $ref }] };
}

for (const [name, file, args, isExact] of [
  ["TurnledgerEvent", "events", [], true],
  // Facts repeat messages of the protocol, which may have more members than are looked at.
  ["Fact", "facts", ["--facts"], false],
]) {
  const schema = JSON.parse(execFileSync(program, ["schema", ...args], { encoding: "utf8" }));
  const types = await compile({ ...keepNames(schema), title: name }, name, {
    additionalProperties: !isExact,
    bannerComment: `/* Generated from the Rust types, by way of \`turnledger ${["schema", ...args].join(" ")}\`. */`,
    unreachableDefinitions: isExact,
  });
  writeFileSync(join(generated, `${file}.ts`), types);
  if (isExact) {
    writeFileSync(join(generated, "meanings.json"), JSON.stringify(meanings(schema)));
    writeFileSync(join(generated, "kinds.ts"), kinds(schema));
  }
}

/** What each member of each type of event means, by its path in the event's parameters: for the inspector. */
function meanings(schema) {
  const resolve = ({ $ref, ...rest }) => ($ref === undefined ? rest : schema.$defs[$ref.replace("#/$defs/", "")]);
  const collect = (part, path, found) => {
    const { oneOf = [], anyOf = [], items, properties = {} } = resolve(part);
    for (const alternative of [...oneOf, ...anyOf]) collect(alternative, path, found);
    if (items) collect(items, path, found);
    for (const [name, member] of Object.entries(properties)) {
      const at = [...path, name];
      found[at.join(".")] ??= member.description.replaceAll("\n", " ");
      collect(member, at, found);
    }
    return found;
  };
  return Object.fromEntries(
    schema.oneOf.map(({ properties: { event_type, event_params, ...beside } }) => [
      event_type.const,
      { ...collect({ properties: beside }, [], {}), ...collect(event_params, [], {}) },
    ]),
  );
}

/** What each type of event is called, and which of its parameters hold the ids that it is about: for the inspector. */
function kinds(schema) {
  const rows = schema.oneOf.map(({ properties, "x-label": label, "x-ids": ids }) => [
    properties.event_type.const,
    { label, ids },
  ]);
  return `export const KINDS = ${JSON.stringify(Object.fromEntries(rows))} as const;\n`;
}

// wasm-bindgen's glue has one instance of the module a program. As a function it has one a call: a core that fails takes
// no other with it, and is gone as a whole, so that there is nothing to free.
const glue = readFileSync(join(generated, "turnledger_wasm.js"), "utf8");
const inside = glue.replace(/^export (class|function) /gm, "$1 ").replace(/let __wbg_init_promise;[^]*$/, "");
if (/\b(import|export)\b/.test(inside.replace(/\/\*[^]*?\*\//g, ""))) throw new Error("the glue is not what it was");
writeFileSync(
  join(generated, "glue.js"),
  `export function glue() {\n  const FinalizationRegistry = undefined;\n${inside}\n  return { Delivery, Engine, initSync, isLoopback };\n}\n`,
);
writeFileSync(
  join(generated, "glue.d.ts"),
  'import type * as module from "./turnledger_wasm.js";\nexport function glue(): Pick<typeof module, "Delivery" | "Engine" | "initSync" | "isLoopback">;\n',
);

const common = { bundle: true, sourcemap: true, target: "es2022", absWorkingDir: here, logLevel: "warning" };
const bundles = [
  { entryPoints: ["ts/browser.ts"], outfile: "dist/browser.js", format: "esm", platform: "browser" },
  { entryPoints: ["ts/node.ts"], outfile: "dist/node.js", format: "esm", platform: "node" },
  { entryPoints: ["ts/inline.ts"], outfile: "dist/inline.js", format: "esm", platform: "neutral" },
  { entryPoints: ["ts/worker.ts"], outfile: "dist/worker.js", format: "esm", platform: "neutral" },
  { entryPoints: ["ts/worker.ts"], outfile: "dist/worker.cjs", format: "cjs", platform: "neutral" },
  { entryPoints: ["ts/node.ts"], outfile: "dist/node.cjs", format: "cjs", platform: "node" },
  { entryPoints: ["ts/inline.ts"], outfile: "dist/inline.cjs", format: "cjs", platform: "neutral" },
];
for (const bundle of bundles) {
  const isCommonJs = bundle.format === "cjs";
  await build({
    ...common,
    ...bundle,
    loader: { ".wasm": "base64" },
    ...(isCommonJs && bundle.platform === "node"
      ? {
          define: { "import.meta.url": "moduleUrl" },
          banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
        }
      : {}),
  });
}
copyFileSync(join(generated, "turnledger.wasm"), join(dist, "turnledger.wasm"));

// Not below node_modules, where everything counts as foreign.
const declarations = join(here, "../target/wasm-declarations");
execFileSync(join(here, "node_modules/.bin/tsc"), ["-p", here, "--outDir", declarations], { stdio: "inherit" });
// Both entries share a file: a class with private members is the same type only if it is declared once.
const entries = { index: join(declarations, "node.d.ts"), worker: join(declarations, "worker.d.ts") };
const bundled = await rollup({ input: entries, plugins: [dts()], external: /^node:/ });
for (const extension of ["d.ts", "d.cts"]) {
  await bundled.write({
    dir: dist,
    format: "es",
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `types.${extension}`,
  });
  copyFileSync(join(dist, `index.${extension}`), join(dist, `inline.${extension}`));
}
