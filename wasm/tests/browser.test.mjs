// The module in a real browser: headless Chromium reduces every golden recording to the bytes that
// the native program gives. The page reports to the server that served it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const program = join(root, "target/debug/turnledger");
const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".jsonl": "text/plain" };

const page = `<!doctype html><meta charset="utf-8"><script type="module">
  import init, { Session } from "/target/wasm-package-web/turnledger_wasm.js";
  const report = (path, body) => fetch(path, { method: "POST", body });
  try {
    await init();
    for (const name of await (await fetch("/recordings")).json()) {
      const text = await (await fetch("/tests/golden/" + name + "/traffic.jsonl")).text();
      const session = new Session();
      let events = "", last = 0;
      for (const line of text.split("\\n").filter(Boolean)) {
        const { at_ms, connection_id, direction, message } = JSON.parse(line);
        events += session.observe(at_ms, connection_id, direction === "client_to_server", JSON.stringify(message));
        last = Math.max(last, at_ms);
      }
      await report("/events?" + name, events + session.finish(last));
    }
    await report("/end", "");
  } catch (error) {
    await report("/failed", String(error));
  }
</script>`;

test("headless Chromium and the program agree byte for byte", { timeout: 120_000 }, async () => {
  const golden = join(root, "tests/golden");
  const names = readdirSync(golden).flatMap((version) => readdirSync(join(golden, version)).map((name) => `${version}/${name}`));
  const received = new Map();
  const profile = mkdtempSync(join(tmpdir(), "turnledger-browser-"));
  let browser;
  try {
    await new Promise((resolve, reject) => {
      const server = createServer(async (request, response) => {
        if (request.method === "POST") {
          let body = "";
          for await (const chunk of request) body += chunk;
          response.end();
          if (request.url.startsWith("/events?")) received.set(request.url.slice(8), body);
          else if (request.url === "/end") resolve();
          else reject(new Error(body));
        } else if (request.url === "/") {
          response.setHeader("content-type", "text/html").end(page);
        } else if (request.url === "/recordings") {
          response.end(JSON.stringify(names));
        } else {
          try {
            const extension = request.url.slice(request.url.lastIndexOf("."));
            const file = readFileSync(join(root, normalize(request.url)));
            response.setHeader("content-type", types[extension] ?? "application/octet-stream").end(file);
          } catch {
            response.writeHead(404).end();
          }
        }
      });
      server.unref();
      server.listen(0, "127.0.0.1", () => {
        browser = spawn(process.env.CHROMIUM ?? "chromium", [
          "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`,
        ], { stdio: "ignore" });
        browser.on("error", reject);
      });
    });
  } finally {
    if (browser?.exitCode === null && browser.kill()) await new Promise((resolve) => browser.once("exit", resolve));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  for (const name of names) {
    const native = execFileSync(program, ["replay", "--quiet", join(golden, name, "traffic.jsonl")], { encoding: "utf8" });
    assert.equal(received.get(name), native, name);
  }
});
