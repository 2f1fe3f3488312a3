// What is in the .vsix: these files, and nothing else of this folder.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { extension, manifest, open, unpacked } from "./support.mjs";

test("the package holds what is needed, and no more", () => {
  const files = readdirSync(unpacked, { recursive: true }).filter((name) => statSync(join(unpacked, name)).isFile());
  assert.deepEqual(files.sort(), [
    "[Content_Types].xml",
    "extension.vsixmanifest",
    "extension/LICENSE.txt",
    "extension/dist/node.cjs",
    "extension/dist/web.js",
    "extension/icon.png",
    "extension/package.json",
    "extension/readme.md",
  ]);
  const here = (name) => readFileSync(new URL(`../${name}`, import.meta.url));
  const within = (name) => readFileSync(join(extension, name));
  assert.deepEqual(within("LICENSE.txt"), here("../../LICENSE"));
  assert.deepEqual(within("icon.png"), here("icon.png"));
  for (const name of ["dist/node.cjs", "dist/web.js"]) assert.deepEqual(within(name), here(name));
});

test("its version is the npm package's, and its name is the one that other extensions ask for", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, asked] = /getExtension\("([^"]+)"\)/.exec(readme);
  const [, file] = /--install-extension (\S+)/.exec(readme);
  const { publisher, name } = manifest;
  assert.deepEqual([manifest.version, `${publisher}.${name}`, `${name}-${version}.vsix`], [version, asked, file]);
});

test("every command that it names is there once it runs", async () => {
  const window = await open();
  assert.deepEqual([...window.host.commands.keys()], manifest.contributes.commands.map(({ command }) => command));
  await window.close();
});
