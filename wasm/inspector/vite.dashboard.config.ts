/** The page that `turnledger collect` serves: a few files, which the collector's crate has in it. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The licences of what is in the script, as they ask for. */
function licences(): Plugin {
  const require = createRequire(import.meta.url);
  const folderOf = (name: string): string => {
    let folder = dirname(require.resolve(name));
    while (!folder.endsWith(join("node_modules", name))) folder = dirname(folder);
    return folder;
  };
  return {
    name: "licences",
    apply: "build",
    generateBundle(_, bundle) {
      const names = new Set<string>();
      for (const chunk of Object.values(bundle))
        if (chunk.type === "chunk")
          for (const id of chunk.moduleIds)
            for (const [, name] of id.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)) names.add(name!);
      const texts = [...names].sort().map((name) => {
        const folder = folderOf(name);
        const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
        const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
          /^(licen[cs]es?[/\\])?(licen[cs]e|notice)(?!s$)/i.test(file),
        );
        if (files.length === 0) throw new Error(`${name} has no licence beside it`);
        const said = files
          .sort()
          .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
        return `${name} ${version}\n\n${said.join("\n\n")}\n`;
      });
      this.emitFile({
        type: "asset",
        fileName: "licences.txt",
        source: `dashboard.js and session.js have parts of these packages.\n\n${texts.join(`\n${"-".repeat(72)}\n\n`)}`,
      });
    },
  };
}

export default defineConfig({
  root: here("dashboard"),
  base: "/assets/",
  plugins: [preact(), licences()],
  build: {
    target: "es2022",
    modulePreload: false,
    outDir: process.env["DASHBOARD_OUT"] ?? here("../../native-host/collector/assets"),
    emptyOutDir: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 1024,
    rolldownOptions: {
      output: { entryFileNames: "dashboard.js", chunkFileNames: "[name].js", assetFileNames: "dashboard[extname]" },
    },
  },
});
