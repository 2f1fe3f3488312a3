import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

/** The page may run its own script and nothing else: the policy has that script's hash, which is known last. */
function hashedPolicy(): Plugin {
  return {
    name: "hashed-policy",
    apply: "build",
    enforce: "post",
    generateBundle: {
      // After the script is in the page.
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("index.html is not in the bundle");
        const html = String(page.source);
        const scripts = [...html.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)];
        if (scripts.length !== 1) throw new Error(`expected one script in the page, found ${scripts.length}`);
        const hash = createHash("sha256").update(scripts[0]![1]!).digest("base64");
        if (!html.includes("'script-hash'")) throw new Error("the policy has no place for the hash");
        page.source = html.replace("'script-hash'", `'sha256-${hash}'`);
      },
    },
  };
}

export default defineConfig({
  plugins: [preact(), viteSingleFile({ removeViteModuleLoader: true }), hashedPolicy()],
  resolve: {
    alias: { "turnledger/inline": fileURLToPath(new URL("../dist/inline.js", import.meta.url)) },
  },
  // Browsers start no module workers for a page that is a file.
  worker: { format: "iife" },
  build: { target: "es2022", modulePreload: false, chunkSizeWarningLimit: 8192 },
});
