// One source, two hosts: the extension host of the desktop, and the web worker of a browser, which wants CommonJS, too.
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const shared = {
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: ["src/extension.ts"],
  bundle: true,
  format: "cjs",
  target: "es2022",
  external: ["vscode"],
  // Outside this repository: npm install turnledger, and no alias here nor path in tsconfig.json.
  alias: { "turnledger/inline": fileURLToPath(new URL("../dist/inline.js", import.meta.url)) },
  logLevel: "warning",
};

await build({ ...shared, platform: "node", outfile: "dist/node.cjs" });
await build({ ...shared, platform: "browser", outfile: "dist/web.js" });
