// What a release is made of: archives as cargo-binstall looks for them, and workflows that name what there is.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "wasm/package.json"), "utf8"));

const home = mkdtempSync(join(tmpdir(), "turnledger-release-"));
after(() => rmSync(home, { recursive: true }));
// A copy, so that no program that was built is overwritten.
for (const folder of ["native-host/packages/release", "target/packages"]) mkdirSync(join(home, folder), { recursive: true });
for (const file of ["Cargo.toml", "LICENSE", "CHANGELOG.md", "native-host/packages/release/archive"]) copyFileSync(join(root, file), join(home, file));
const archive = (...targets) =>
  execFileSync(join(home, "native-host/packages/release/archive"), targets, { encoding: "utf8", env: { ...process.env, SOURCE_DATE_EPOCH: "1795960800" }, stdio: ["ignore", "pipe", "pipe"] });
function built(target, name, text) {
  mkdirSync(join(home, "target/packages", target), { recursive: true });
  writeFileSync(join(home, "target/packages", target, name), text);
}
const python = (code, ...words) => execFileSync("python3", ["-c", code, ...words], { encoding: "utf8", cwd: home });

test("an archive of Linux holds the program and its papers, the same bytes each time", () => {
  built("x86_64-unknown-linux-musl", "turnledger", "#!/bin/sh\necho it runs\n");
  const path = `target/packages/release/turnledger-x86_64-unknown-linux-musl-v${version}.tar.gz`;
  assert.equal(archive("x86_64-unknown-linux-musl"), `${path}\n`);
  const first = readFileSync(join(home, path));
  archive("x86_64-unknown-linux-musl");
  assert.deepEqual(readFileSync(join(home, path)), first);
  const folder = `turnledger-x86_64-unknown-linux-musl-v${version}`;
  const listed = execFileSync("tar", ["--utc", "--full-time", "-tvzf", path], { cwd: home, encoding: "utf8" }).trimEnd().split("\n");
  assert.deepEqual(listed.map((line) => line.split(/ +/)).map(([mode, owner, , ...rest]) => [mode, owner, ...rest].join(" ")), [
    `-rw-r--r-- 0/0 2026-11-29 14:00:00 ${folder}/CHANGELOG.md`,
    `-rw-r--r-- 0/0 2026-11-29 14:00:00 ${folder}/LICENSE`,
    `-rwxr-xr-x 0/0 2026-11-29 14:00:00 ${folder}/turnledger`,
  ]);
  execFileSync("tar", ["-xzf", path], { cwd: home });
  assert.equal(execFileSync(join(home, folder, "turnledger"), { encoding: "utf8" }), "it runs\n");
});

test("an archive of Windows is a zip", () => {
  built("x86_64-pc-windows-gnu", "turnledger.exe", "MZ");
  const path = `target/packages/release/turnledger-x86_64-pc-windows-gnu-v${version}.zip`;
  assert.equal(archive("x86_64-pc-windows-gnu"), `${path}\n`);
  const listed = python("import sys, zipfile; [print(e.filename, e.file_size, e.date_time) for e in zipfile.ZipFile(sys.argv[1]).infolist()]", path);
  const size = (name) => readFileSync(join(root, name)).length;
  assert.deepEqual(listed.trimEnd().split("\n"), [
    `turnledger-x86_64-pc-windows-gnu-v${version}/CHANGELOG.md ${size("CHANGELOG.md")} (2026, 11, 29, 14, 0, 0)`,
    `turnledger-x86_64-pc-windows-gnu-v${version}/LICENSE ${size("LICENSE")} (2026, 11, 29, 14, 0, 0)`,
    `turnledger-x86_64-pc-windows-gnu-v${version}/turnledger.exe 2 (2026, 11, 29, 14, 0, 0)`,
  ]);
});

test("a program that is not built is named", () => {
  assert.throws(() => archive("sparc"), { status: 1, stderr: "release/archive: target/packages/sparc/turnledger: no such program\n" });
});

test("the workflows name scripts that there are, and versions of actions", () => {
  const folder = join(root, ".github/workflows");
  const workflows = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const used = workflows.flatMap((text) => [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action));
  assert.ok(used.length > 10);
  assert.deepEqual(used.filter((action) => !/^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/.test(action)), []);
  const scripts = workflows.flatMap((text) => text.match(/(?<![\w/])(native-host|wasm|\.ci)\/[\w./-]*\w/g));
  assert.ok(scripts.length > 5);
  assert.deepEqual(scripts.filter((path) => path !== "native-host/cli/sbom.json" && !existsSync(join(root, path))), []);
  // What anybody may choose is never part of a script.
  assert.deepEqual(workflows.flatMap((text) => text.match(/^ +(?:- )?run:.*\$\{\{.*$/gm) ?? []), []);
});
