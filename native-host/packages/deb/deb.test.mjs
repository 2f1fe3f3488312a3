// The Debian package: what is in it, what lintian says, and that it comes and goes. `strip` takes debugging symbols off first.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const given = process.env.TURNLEDGER_STATIC ?? process.env.TURNLEDGER ?? join(here, "../../../target/debug/turnledger");
const { version } = JSON.parse(readFileSync(join(here, "../../../wasm/package.json"), "utf8"));

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const home = mkdtempSync(join(tmpdir(), "turnledger-deb-"));
after(() => rmSync(home, { recursive: true }));
const run = (command, ...words) => execFileSync(command, words, { cwd: home, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const program = join(home, "program");
run("strip", "-o", program, given);
const isStatic = !run("readelf", "--program-headers", program).includes("INTERP");

// Little compression: the contents are what is tested.
process.env.DPKG_DEB_COMPRESSOR_LEVEL = "0";
const file = run(join(here, "build"), program, architecture).trim();
const contents = (folder) => readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile()).sort();
const installed = [
  "etc/default/turnledger-collect",
  "usr/bin/turnledger",
  "usr/lib/systemd/system/turnledger-collect.service",
  "usr/share/bash-completion/completions/turnledger",
  "usr/share/doc/turnledger/changelog.Debian.gz",
  "usr/share/doc/turnledger/changelog.gz",
  "usr/share/doc/turnledger/copyright",
  "usr/share/fish/vendor_completions.d/turnledger.fish",
  "usr/share/lintian/overrides/turnledger",
  "usr/share/zsh/vendor-completions/_turnledger",
];

test("the package holds the program, its manual, completions and a service", () => {
  assert.equal(file, `turnledger_${version}-1_${architecture}.deb`);
  const root = join(home, "extracted");
  run("dpkg-deb", "--extract", file, root);
  mkdirSync(join(home, "man"));
  run(program, "man", "--output", join(home, "man"));
  const manual = contents(join(home, "man")).map((name) => `usr/share/man/man1/${name}.gz`);
  assert.ok(manual.length > 30, `${manual.length} pages`);
  assert.deepEqual(contents(root), [...installed, ...manual].sort());
  assert.deepEqual(readFileSync(join(root, "usr/bin/turnledger")), readFileSync(program));
  assert.match(run("man", "--local-file", join(root, "usr/share/man/man1/turnledger-collect.1.gz")), /^turnledger-collect\(1\)/);
  assert.match(run("bash", "-c", 'source "$1"; complete -p turnledger', "bash", join(root, installed[3])), / -F _turnledger\b.* turnledger\n$/);
});

test("its fields", () => {
  const { length } = run("dpkg-deb", "--field", file, "Description").split("\n");
  assert.ok(length > 5);
  const field = (name) => run("dpkg-deb", "--field", file, name).trim();
  assert.deepEqual(["Package", "Version", "Architecture", "Section", "Priority"].map(field), ["turnledger", `${version}-1`, architecture, "utils", "optional"]);
  const depends = field("Depends");
  if (isStatic) assert.equal(depends, "");
  else assert.match(depends, /^libc6 \(>= 2\.\d+\), libgcc-s1$/);
});

test("the same program gives the same package", () => {
  const first = readFileSync(join(home, file));
  run(join(here, "build"), program);
  assert.ok(first.equals(readFileSync(join(home, file))));
});

test("lintian has nothing to say", () => {
  const { stdout, status } = spawnSync("lintian", ["--allow-root", "--info", file], { cwd: home, encoding: "utf8" });
  assert.deepEqual([status, stdout], [0, ""]);
});

test("it is installed into an empty root, runs, and leaves nothing when it is purged", () => {
  const root = join(home, "root");
  for (const folder of ["info", "updates", "triggers"]) mkdirSync(join(root, "var/lib/dpkg", folder), { recursive: true });
  for (const name of ["status", "available"]) writeFileSync(join(root, "var/lib/dpkg", name), "");
  const dpkg = (...words) => run("dpkg", `--root=${root}`, "--force-depends,not-root,script-chrootless", ...words);
  dpkg("--install", file);
  const status = () => spawnSync("dpkg-query", [`--admindir=${join(root, "var/lib/dpkg")}`, "-Wf", "${Status}", "turnledger"], { encoding: "utf8" }).stdout;
  assert.equal(status(), "install ok installed");
  assert.equal(run(join(root, "usr/bin/turnledger"), "--version"), `turnledger ${version}\n`);
  assert.equal(run("dpkg", `--root=${root}`, "--verify", "turnledger"), "");
  assert.deepEqual(readdirSync(join(root, "etc")), ["default"], "no service is enabled");
  dpkg("--remove", "turnledger");
  assert.equal(status(), "deinstall ok config-files");
  dpkg("--purge", "turnledger");
  assert.deepEqual(["etc", "usr"].filter((name) => existsSync(join(root, name))), []);
});

test("systemd takes the service, and finds it confined", () => {
  const root = join(home, "extracted");
  // Only what it says of this unit: the root has no others.
  const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", `--root=${root}`, "turnledger-collect.service"], { encoding: "utf8" });
  assert.deepEqual(stderr.split("\n").filter((line) => line.includes("turnledger")), []);
  const unit = join(root, "usr/lib/systemd/system/turnledger-collect.service");
  const security = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", unit], { encoding: "utf8" });
  assert.equal(security.status, 0, security.stdout + security.stderr);
});
