// The bundle of the browser in a realm that has what a web worker has, and nothing of Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

import { events, extension, lastTime, manifest, messages, recording, setTime, shows, text } from "./support.mjs";
import { Memento, Uri, fake } from "./vscode.mjs";

const bundle = join(extension, manifest.browser);
const LONG = recording("0.169.0/mixed_long");

/** Files of the browser: bytes under a path. */
function memory() {
  const files = new Map();
  const at = (path) => {
    if (!files.has(path)) throw new Error("there is no such file");
    return files.get(path);
  };
  return {
    write: (path, text) => files.set(path, { bytes: new TextEncoder().encode(text), mtime: (files.get(path)?.mtime ?? 0) + 1 }),
    stat: (path) => ({ mtime: at(path).mtime, size: at(path).bytes.length }),
    read: (path) => at(path).bytes,
  };
}

async function open({ files = memory(), settings, navigator = {} }) {
  const { vscode, host } = fake({ files, settings });
  const worker = {
    Date, TextDecoder, TextEncoder, URL, AbortSignal, Response, atob, clearInterval, clearTimeout, console, crypto, fetch,
    navigator, performance, setInterval, setTimeout,
  };
  const realm = createContext(worker);
  const required = [];
  const require = (name) => {
    required.push(name);
    if (name === "vscode") return vscode;
    throw new Error(`a web extension cannot require ${name}`);
  };
  const module = { exports: {} };
  runInContext(`(function (exports, require, module) {${readFileSync(bundle, "utf8")}\n})`, realm)(module.exports, require, module);
  const context = { globalState: new Memento(), workspaceState: new Memento(), subscriptions: [] };
  const api = await module.exports.activate(context);
  assert.deepEqual([...new Set(required)], ["vscode"]);
  const close = async () => {
    await module.exports.deactivate();
    for (const subscription of context.subscriptions) subscription.dispose();
  };
  return { api, host, item: host.items[0], close };
}

test("the web bundle observes a session", async () => {
  const window = await open({});
  for (const { at_ms, connection_id, direction, message } of messages(LONG)) {
    setTime(at_ms);
    window.api.observe(connection_id, direction, message);
  }
  assert.equal(window.item.text, text(events(LONG)));
  await window.close();
});

test("the web bundle follows a recording within the workspace", async () => {
  const files = memory();
  setTime(lastTime(LONG));
  const half = LONG.slice(0, LONG.length / 2);
  files.write("/workspace/logs/today.jsonl", half);
  const window = await open({ files, settings: { "turnledger.recording": "logs/today.jsonl" } });
  const begun = text(events(half.slice(0, half.lastIndexOf("\n") + 1)));
  assert.equal(await shows(window, begun), begun);
  files.write("/workspace/logs/today.jsonl", LONG);
  window.host.fire("file", new Uri("file", "/workspace/logs/today.jsonl"));
  assert.equal(await shows(window, text(events(LONG))), text(events(LONG)));
  assert.deepEqual(window.host.log, []);
  await window.close();
});

test("Global Privacy Control turns it off", async () => {
  const window = await open({ navigator: { globalPrivacyControl: true } });
  assert.equal(window.item.text, "$(pulse) Turnledger is off");
  await window.close();
});
