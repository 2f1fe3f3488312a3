// Packs the npm packages into target/packages/npm: the library with its command, and the program of each target that
// native-host/packages/build has built. One version for all: the workspace's.
// usage: node native-host/packages/npm/pack.mjs [PROGRAMS OUTPUT], after wasm/build and native-host/packages/build TARGET...
//   PROGRAMS is another folder with TARGET/turnledger, OUTPUT another folder for the packages.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const [built = join(root, "target/packages"), out = join(root, "target/packages/npm")] = process.argv.slice(2);

const PLATFORMS = [
  { target: "x86_64-unknown-linux-gnu", name: "linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  { target: "x86_64-unknown-linux-musl", name: "linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  { target: "aarch64-unknown-linux-gnu", name: "linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { target: "x86_64-apple-darwin", name: "darwin-x64", os: "darwin", cpu: "x64" },
  { target: "aarch64-apple-darwin", name: "darwin-arm64", os: "darwin", cpu: "arm64" },
  { target: "x86_64-pc-windows-gnu", name: "win32-x64", os: "win32", cpu: "x64" },
];

const version = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m)[1];
const library = JSON.parse(readFileSync(join(root, "wasm/package.json"), "utf8"));
if (library.version !== version) throw new Error(`wasm/package.json has version ${library.version}, Cargo.toml ${version}`);
const { license, repository, homepage, engines } = library;

rmSync(out, { recursive: true, force: true });
const stage = join(out, "stage");

/** Writes a package's folder, and packs it. */
function pack(name, manifest, files) {
  const folder = join(stage, name);
  mkdirSync(folder, { recursive: true });
  for (const [from, to] of files) cpSync(resolve(root, from), join(folder, to), { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

const programs = PLATFORMS.filter(({ target, os }) => existsSync(join(built, target, binary(os))));
if (programs.length === 0) throw new Error("no program is built: native-host/packages/build TARGET...");

function binary(os) {
  return os === "win32" ? "turnledger.exe" : "turnledger";
}

const folders = programs.map(({ target, name, os, cpu, libc }) => {
  const manifest = {
    name: `@turnledger/cli-${name}`,
    version,
    description: `The program of turnledger for ${name}`,
    license,
    repository,
    homepage,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: ["bin"],
    // Yarn's archives cannot be run from.
    preferUnplugged: true,
  };
  const folder = pack(name, manifest, [
    [resolve(built, target, binary(os)), `bin/${binary(os)}`],
    ["native-host/packages/npm/README.md", "README.md"],
    ["LICENSE", "LICENSE"],
  ]);
  chmodSync(join(folder, "bin", binary(os)), 0o755);
  return folder;
});

const { devDependencies, ...published } = library;
folders.push(
  pack(
    "turnledger",
    {
      ...published,
      optionalDependencies: Object.fromEntries(PLATFORMS.map(({ name }) => [`@turnledger/cli-${name}`, version])),
    },
    [
      ["wasm/dist", "dist"],
      ["wasm/bin", "bin"],
      ["wasm/README.md", "README.md"],
      ["LICENSE", "LICENSE"],
    ],
  ),
);

for (const folder of folders) {
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", out, folder], { encoding: "utf8" }),
  );
  console.log(`${packed.filename}: ${packed.size} bytes, ${packed.files.length} files`);
}
