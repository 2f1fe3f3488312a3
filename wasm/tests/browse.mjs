// A page in headless Chromium, served from this machine, that reports to the server that served it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";

import { root } from "./support.mjs";

const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/**
 * Opens a page in Chromium until it has reported its end. `handle` sees every other POST, and answers with a status, perhaps
 * with headers; `files` are served beside the
 * package's own, a worker's script at `/script` for one.
 */
export async function browse(script, handle, files = new Map()) {
  const profile = mkdtempSync(join(tmpdir(), "turnledger-browser-"));
  let browser;
  const server = createServer();
  try {
    await new Promise((resolve, reject) => {
      server.on("request", async (request, response) => {
        const path = new URL(request.url, "http://localhost").pathname;
        if (request.method === "POST") {
          let body = "";
          for await (const chunk of request) body += chunk;
          if (path === "/end") resolve();
          else if (path === "/failed") reject(new Error(body));
          const answer = handle(request, body) ?? 202;
          if (typeof answer === "number") response.writeHead(answer).end();
          else response.writeHead(answer.status, answer.headers).end();
        } else if (path.startsWith("/page")) {
          const page = `<!doctype html><meta charset="utf-8"><script type="module">${script}</script>`;
          response.setHeader("content-type", "text/html").end(page);
        } else if (files.has(path)) {
          if (path === "/script") response.setHeader("content-type", "text/javascript");
          response.end(files.get(path));
        } else {
          try {
            const file = readFileSync(join(root, "wasm/dist", normalize(path)));
            response.setHeader("content-type", types[path.slice(path.lastIndexOf("."))] ?? "application/octet-stream").end(file);
          } catch {
            response.writeHead(404).end();
          }
        }
      });
      server.listen(0, "127.0.0.1", () => {
        browser = spawn(process.env.CHROMIUM ?? "chromium", [
          "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`,
          `http://127.0.0.1:${server.address().port}/page`,
        ], { stdio: "ignore" });
        browser.on("error", reject);
      });
    });
  } finally {
    if (browser?.exitCode === null && browser.kill()) await new Promise((resolve) => browser.once("exit", resolve));
    server.close();
    server.closeAllConnections();
    // The browser's helpers write to the profile until they notice, soon after, that the browser has gone.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** A script that reports what goes wrong in it. */
export const reporting = (script) => `
  const report = (path, body) => fetch(path, { method: "POST", body });
  try { ${script} } catch (error) { await report("/failed", String(error.stack)); }
`;
