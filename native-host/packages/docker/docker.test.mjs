// The collector's image: what is in it, and that it runs as nobody over a root that cannot be written. Buildah builds it.
// Needs root for mounts. A program that is not static gets its C library beside it, and the test says so.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const program = process.env.TURNLEDGER_STATIC ?? process.env.TURNLEDGER ?? join(here, "../../../target/debug/turnledger");
const { version } = JSON.parse(readFileSync(join(here, "../../../wasm/package.json"), "utf8"));

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const home = mkdtempSync(join(tmpdir(), "turnledger-docker-"));
const storage = ["--root", join(home, "root"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
const buildah = (...words) => execFileSync("buildah", [...storage, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
const builder = ["buildah", ...storage, "build"].join(" ");
execFileSync(join(here, "build"), [program, architecture, "--quiet"], { env: { ...process.env, BUILDER: builder }, stdio: "ignore" });
const container = buildah("from", `turnledger-collector:${version}`);
const root = buildah("mount", container);
const children = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  buildah("umount", container);
  rmSync(home, { recursive: true });
});

test("the image holds the program and its licence", () => {
  const files = readdirSync(root, { recursive: true }).filter((name) => !statSync(join(root, name)).isDirectory());
  assert.deepEqual(files.sort(), ["LICENSE", "turnledger"]);
  assert.deepEqual(readFileSync(join(root, "turnledger")), readFileSync(program));
  const { uid, gid } = statSync(join(root, "var/lib/turnledger"));
  assert.deepEqual([uid, gid], [10001, 10001]);
});

test("the image says how it runs", () => {
  const { OCIv1 } = JSON.parse(buildah("inspect", "--type", "image", `turnledger-collector:${version}`));
  const { Labels: { "io.buildah.version": _, ...labels }, ...config } = OCIv1.config;
  assert.deepEqual(config, {
    User: "10001:10001",
    ExposedPorts: { "8787/tcp": {} },
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "XDG_DATA_HOME=/var/lib"],
    Entrypoint: ["/turnledger", "collect"],
    Volumes: { "/var/lib/turnledger": {} },
    StopSignal: "SIGTERM",
  });
  assert.deepEqual(labels, {
    "org.opencontainers.image.title": "Turnledger collector",
    "org.opencontainers.image.description": "Takes the events of a team's machines, and keeps them in one store",
    "org.opencontainers.image.source": "https://github.com/turnledger/turnledger",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.version": version,
  });
});

/** Starts the image's command with more words, in mounts of its own: the root is read-only, the volume is a folder. */
function run(volume, ...words) {
  const script = `
    mount --bind "$1" "$1" && mount --bind "$2" "$1/var/lib/turnledger" && mount -o remount,bind,ro "$1"
    root=$1; shift 2
    exec env -i XDG_DATA_HOME=/var/lib "$(command -v chroot)" --userspec=10001:10001 "$root" /turnledger collect "$@"`;
  const child = spawn("unshare", ["--mount", "sh", "-ec", script, "sh", root, volume, ...words]);
  children.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
  return { child, said: () => said, ended: once(child, "close") };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

test("it runs as nobody over a read-only root, takes events, and ends when told", async (context) => {
  // The program's libraries, if it has any.
  const libraries = execFileSync("sh", ["-c", `ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true`, "sh", program], { encoding: "utf8" });
  for (const library of libraries.split("\n").filter(Boolean)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(library, join(root, library), { dereference: true });
  }
  if (libraries !== "") context.diagnostic("the program is not static: its C library was copied beside it");

  const volume = join(home, "volume");
  mkdirSync(volume);
  execFileSync("chown", ["10001:10001", volume]);
  const added = run(volume, "token", "add", "--person", "ada");
  assert.deepEqual(await added.ended, [0, null], added.said());
  const [token] = /^tl_\S+$/m.exec(added.said());

  const port = await freePort();
  const collector = run(volume, "--listen", `127.0.0.1:${port}`);
  const url = `http://127.0.0.1:${port}`;
  const health = async () => (await fetch(`${url}/health`).catch(() => undefined))?.status;
  for (let tries = 0; tries < 200 && (await health()) !== 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  assert.equal(await health(), 200, collector.said());
  const healthy = () => run(volume, "health", "--listen", `127.0.0.1:${port}`).ended;
  assert.deepEqual(await healthy(), [0, null]);
  const status = readFileSync(`/proc/${collector.child.pid}/status`, "utf8");
  assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  const mounts = readFileSync(`/proc/${collector.child.pid}/mounts`, "utf8").trimEnd().split("\n").map((line) => line.split(" "));
  assert.deepEqual(mounts.map(([, place, , options]) => [place, options.slice(0, 2)]), [["/", "ro"], ["/var/lib/turnledger", "rw"]]);

  const recording = join(here, "../../../tests/golden/0.131.0/approve_patch/traffic.jsonl");
  const lines = (text) => text.split("\n").filter(Boolean).sort();
  const turnledger = (...words) => lines(execFileSync(process.env.TURNLEDGER ?? program, words, { encoding: "utf8" }));
  const events = turnledger("replay", "--quiet", recording);
  const answer = await fetch(`${url}/codex/analytics-events/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: `{"events":[${events.join()}]}`,
  });
  assert.equal(answer.status, 204);
  collector.child.kill("SIGTERM");
  assert.deepEqual(await collector.ended, [0, null], collector.said());
  assert.deepEqual(await healthy(), [1, null]);
  assert.deepEqual(readdirSync(join(volume, "collect")).sort(), ["accounts.sqlite", "store.sqlite"]);
  assert.equal(statSync(join(volume, "collect")).mode & 0o777, 0o700);
  assert.deepEqual(turnledger("store", "export", `--store=${join(volume, "collect/store.sqlite")}`), events);
});
