// Makes the npm package out of the module and its TypeScript: types from the program's own schema, a bundle for each
// way to load the module, and one file of declarations for ESM and CommonJS each. Run by wasm/build.
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

const schema = JSON.parse(execFileSync(program, ["schema"], { encoding: "utf8" }));
const types = await compile({ ...schema, title: "TurnledgerEvent" }, "TurnledgerEvent", {
  additionalProperties: false,
  bannerComment: "/* Generated from the Rust types, by way of `turnledger schema`. */",
  unreachableDefinitions: true,
});
writeFileSync(join(generated, "events.ts"), types);

const common = { bundle: true, sourcemap: true, target: "es2022", absWorkingDir: here, logLevel: "warning" };
const bundles = [
  { entryPoints: ["ts/browser.ts"], outfile: "dist/browser.js", format: "esm", platform: "browser" },
  { entryPoints: ["ts/node.ts"], outfile: "dist/node.js", format: "esm", platform: "node" },
  { entryPoints: ["ts/inline.ts"], outfile: "dist/inline.js", format: "esm", platform: "neutral" },
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
    // The glue's own way to find the module is not used: the module is handed to it.
    ...(isCommonJs && bundle.platform !== "node" ? { define: { "import.meta.url": '""' } } : {}),
  });
}
copyFileSync(join(generated, "turnledger.wasm"), join(dist, "turnledger.wasm"));

// Not below node_modules, where everything counts as foreign.
const declarations = join(here, "../target/wasm-declarations");
execFileSync(join(here, "node_modules/.bin/tsc"), ["-p", here, "--outDir", declarations], { stdio: "inherit" });
const bundled = await rollup({ input: join(declarations, "node.d.ts"), plugins: [dts()], external: /^node:/ });
await bundled.write({ file: join(dist, "index.d.ts"), format: "es" });
writeFileSync(join(dist, "index.d.cts"), readFileSync(join(dist, "index.d.ts")));
for (const extension of ["d.ts", "d.cts"]) copyFileSync(join(dist, `index.${extension}`), join(dist, `inline.${extension}`));
