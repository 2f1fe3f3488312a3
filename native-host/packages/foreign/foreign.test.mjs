// The programs of other targets, run here: by qemu for arm64, by Wine for Windows. Each gives the bytes of this machine's
// program, stands between a client and a server, and keeps what it cannot send.
// Needs native-host/packages/build TARGET..., with the same commit for this machine; a target that is not built is skipped.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const built = join(root, "target/packages");
const golden = join(root, "tests/golden");
const native = join(built, "x86_64-unknown-linux-gnu/turnledger");
const zig = join(built, "tools/bin/zig");

const TARGETS = [
  { target: "x86_64-unknown-linux-musl", zigTarget: "x86_64-linux-musl", runner: [] },
  { target: "aarch64-unknown-linux-gnu", zigTarget: "aarch64-linux-gnu", runner: ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] },
  { target: "x86_64-pc-windows-gnu", zigTarget: "x86_64-windows-gnu", runner: ["wine"] },
];

const folder = mkdtempSync(join(tmpdir(), "turnledger-foreign-"));
after(() => rmSync(folder, { recursive: true }));
const env = { ...process.env, HOME: join(folder, "home"), WINEDEBUG: "-all", WINEPREFIX: join(folder, "wine") };

const recordings = readdirSync(golden)
  .filter((version) => /^\d/.test(version))
  .flatMap((version) => readdirSync(join(golden, version)).map((name) => join(golden, version, name, "traffic.jsonl")))
  .filter((path) => existsSync(path));

const lines = (text) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const messages = (path) => lines(readFileSync(path, "utf8"));
const tally = (events) => events.map(({ event_type }) => event_type).sort();

/** What is sent to it: the bodies of requests, unpacked. */
async function receiver() {
  const bodies = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    bodies.push(JSON.parse(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body));
    response.writeHead(200).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { bodies, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

for (const { target, zigTarget, runner } of TARGETS) {
  const suffix = target.includes("windows") ? ".exe" : "";
  const released = join(built, target, `turnledger${suffix}`);
  const missing = [native, released].find((path) => !existsSync(path));
  const skip = missing === undefined ? false : `${missing} is not built`;
  const program = join(folder, target, `turnledger${suffix}`);
  const command = (...args) => [...runner, program, ...args];
  if (missing === undefined)
    before(() => {
      mkdirSync(dirname(program));
      copyFileSync(released, program);
      if (suffix !== "") {
        const library = ["-shared", "-o", join(dirname(program), "bcryptprimitives.dll"), "-ladvapi32"];
        execFileSync(zig, ["cc", "-target", zigTarget, join(here, "bcryptprimitives.c"), ...library]);
        // Wine makes its folder, and says so.
        spawnSync("wine", [program, "--version"], { env });
      }
    });

  test(`${target}: every recording gives the bytes of this machine's program`, { skip }, () => {
    assert.ok(recordings.length > 50, "the golden recordings");
    const of = (file, args) => spawnSync(file, args, { env, encoding: "utf8", maxBuffer: 1 << 28 }).stdout;
    const [file, ...rest] = command("replay", "--quiet", ...recordings);
    const expected = of(native, ["replay", "--quiet", ...recordings]).split("\n");
    const found = of(file, rest).split("\n");
    assert.ok(expected.length > 500);
    assert.equal(found.length, expected.length);
    expected.forEach((line, at) => assert.equal(found[at], line));
  });

  test(`${target}: a tap passes a session on; what cannot be sent waits in the spool, and is sent later`, { skip }, async () => {
    const recording = join(golden, "0.131.0/approve_patch/traffic.jsonl");
    const session = messages(recording).map(({ direction, message }) => ({
      isClients: direction === "client_to_server",
      text: JSON.stringify(message),
    }));
    const serversOnes = session.filter(({ isClients }) => !isClients).map(({ text }) => text);
    const script = join(folder, `${target}.script`);
    writeFileSync(script, session.map(({ isClients, text }) => (isClients ? "<\n" : `>${text}\n`)).join(""));
    const server = join(folder, `server-${target}${suffix}`);
    execFileSync(zig, ["cc", "-target", zigTarget, "-o", server, join(here, "server.c")]);
    const events = join(folder, `${target}.events`);
    const spool = join(folder, `spool-${target}`);
    const settings = (url) => ["--upload", url, "--spool", spool, "--auth", "none"];

    const away = await receiver();
    away.close();
    const [file, ...args] = command("tap", "--events", events, ...settings(away.url), "--", server, script);
    const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    // The client speaks when it has heard what the recording has before.
    let before = 0;
    for (const { isClients, text } of session) {
      if (isClients) {
        while (said.split("\n").length - 1 < before) await sleep(5);
        child.stdin.write(`${text}\n`);
      } else before += 1;
    }
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.deepEqual(said.trimEnd().split("\n"), serversOnes);
    const made = lines(readFileSync(events, "utf8"));
    assert.equal(made.length, 9);
    assert.deepEqual(tally(made), tally(lines(execFileSync(native, ["replay", "--quiet", recording], { encoding: "utf8" }))));

    const there = await receiver();
    const [uploader, ...flags] = command("upload", ...settings(there.url));
    const [status] = await once(spawn(uploader, flags, { env, stdio: ["ignore", "ignore", "inherit"] }), "close");
    there.close();
    assert.equal(status, 0);
    assert.deepEqual(there.bodies.flatMap((body) => body.events), made);
  });
}
