// Packs the extension as turnledger-VERSION.vsix, and unpacks that to dist/unpacked, where the tests load it.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync } from "node:fs";

import { createVSIX } from "@vscode/vsce";

process.chdir(import.meta.dirname);
const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));
const packagePath = `${name}-${version}.vsix`;
copyFileSync("../../LICENSE", "LICENSE");
rmSync("dist/unpacked", { recursive: true, force: true });
// The bundles hold what they need.
await createVSIX({ packagePath, dependencies: false });
execFileSync("python3", ["-m", "zipfile", "-e", packagePath, "dist/unpacked"]);
