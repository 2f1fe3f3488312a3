// The dashboard's files, as the collector has them in it: fresh, small, and within a strict policy.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { assets } from "./dashboard/server.mjs";

const inspector = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (name) => readFileSync(join(assets, name));

test("the files that are committed are those of a fresh build", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "turnledger-dashboard-"));
  try {
    const { status, stderr } = spawnSync("npx", ["vite", "build", "--config", "vite.dashboard.config.ts"], {
      cwd: inspector,
      encoding: "utf8",
      env: { ...process.env, DASHBOARD_OUT: folder },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(assets).sort(), readdirSync(folder).sort());
    for (const name of readdirSync(folder))
      assert.ok(
        readFileSync(join(folder, name)).equals(read(name)),
        `${name} is stale: npm run dashboard, and commit it`,
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the page has no script or style in it, and asks nobody else", () => {
  const html = read("index.html").toString();
  assert.ok(!/\son\w+=|\sstyle=|<style|javascript:/i.test(html));
  assert.deepEqual(html.match(/<script[^>]*>/g), ['<script type="module" crossorigin src="/assets/dashboard.js">']);
  const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  assert.ok(addresses.every((address) => address.startsWith("/assets/") || address.startsWith("data:image/svg+xml,")));
});

test("what is fetched at first is small", () => {
  const packed = (...names) => names.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);
  const first = packed("index.html", "dashboard.js", "dashboard.css");
  console.log(`# gzipped: ${first} bytes at first, ${packed("session.js")} for a session`);
  assert.ok(first < 40_000, `${first} bytes`);
});
