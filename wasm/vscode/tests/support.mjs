// What the tests share: the recordings, the native program's word for what is in them, and windows that run a bundle.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { mock } from "node:test";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

import { Memento, fake } from "./vscode.mjs";

// Far from UTC, so that the user's day is not the world's.
process.env.TZ = "America/New_York";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const golden = join(root, "tests/golden");
const program = process.env.TURNLEDGER ?? join(root, "target/debug/turnledger");

export const names = readdirSync(golden).flatMap((version) =>
  readdirSync(join(golden, version)).map((scenario) => `${version}/${scenario}`),
);
export const recording = (name) => readFileSync(join(golden, name, "traffic.jsonl"), "utf8");
export const messages = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
export const lastTime = (text) => messages(text).at(-1).at_ms;

/** The events that the native program makes of a text; bad lines are its own matter. */
export function events(text) {
  let output;
  try {
    output = execFileSync(program, ["replay", "--quiet", "-"], { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
  } catch (error) {
    if (error.status !== 1) throw error;
    output = error.stdout;
  }
  return messages(output);
}

/** The sums of events by their members' own names, reviews by reviewer and status. */
export function sums(all) {
  const sum = {};
  const add = (name, count) => (sum[name] = (sum[name] ?? 0) + count);
  for (const { event_type, event_params: params } of all) {
    if (event_type === "codex_turn_event") {
      add("turns", 1);
      add(params.status, 1);
      if (params.input_tokens === null) add("unknown", 1);
      for (const [name, value] of Object.entries(params)) if (/_(count|tokens)$/.test(name)) add(name, value ?? 0);
    } else if (event_type === "codex_accepted_line_fingerprints") {
      add("added", params.accepted_added_lines);
      add("deleted", params.accepted_deleted_lines);
    } else if (event_type === "codex_review_event") {
      add(params.reviewer, 1);
      add(`${params.reviewer}_${params.status}`, 1);
    }
  }
  return new Proxy(sum, { get: (_, name) => sum[name] ?? 0 });
}

const exact = (count) => count.toLocaleString("en");
const compact = (count) => count.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });

/** The status bar's text for events; without any, nothing is known. */
export function text(all) {
  if (all.length === 0) return NOTHING;
  const sum = sums(all);
  const many = (count, word) => `${exact(count)} ${word}${count === 1 ? "" : "s"}`;
  const least = sum.unknown > 0 ? "≥ " : "";
  const known = `${least}${compact(sum.input_tokens)} in ${least}${compact(sum.output_tokens)} out`;
  const tokens = sum.unknown > 0 && sum.unknown === sum.turns ? "tokens unknown" : known;
  const lines = `+${compact(sum.added)} −${compact(sum.deleted)}`;
  return `$(pulse) ${many(sum.turns, "turn")} · ${many(sum.total_tool_call_count, "tool call")} · ${tokens} · ${lines} · ${many(sum.user, "approval")}`;
}
export const NOTHING = "$(pulse) no Codex session observed today";

/** The extension as the .vsix holds it. */
export const unpacked = join(here, "../dist/unpacked");
export const extension = join(unpacked, "extension");
export const manifest = JSON.parse(readFileSync(join(extension, "package.json"), "utf8"));

const bundle = join(extension, manifest.main);
const script = new Script(`(function (exports, require, module) {${readFileSync(bundle, "utf8")}\n})`, { filename: bundle });

/** Real files. */
export const disk = {
  stat: (path) => ({ mtime: statSync(path).mtimeMs, size: statSync(path).size }),
  read: (path) => new Uint8Array(readFileSync(path)),
};

/** A window that has loaded the bundle of the desktop; `global` and `workspace` are states that outlive it. */
export async function open({ global = new Memento(), workspace = new Memento(), files = disk, ...options } = {}) {
  const { vscode, host } = fake({ files, ...options });
  const require = createRequire(bundle);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, (name) => (name === "vscode" ? vscode : require(name)), module);
  const subscriptions = [];
  const api = await module.exports.activate({ globalState: global, workspaceState: workspace, subscriptions });
  const [item] = host.items;
  return {
    api, host, item, global, workspace,
    observe(text) {
      for (const { at_ms, connection_id, direction, message } of messages(text)) {
        setTime(at_ms);
        api.observe(connection_id, direction, message);
      }
    },
    async close() {
      await module.exports.deactivate();
      for (const subscription of subscriptions) subscription.dispose();
    },
  };
}

/** Time stands still unless a test moves it, and the slow timer is the test's, too. */
const intervals = new Map();
globalThis.setInterval = (work) => {
  const key = { unref() {} };
  intervals.set(key, work);
  return key;
};
globalThis.clearInterval = (key) => intervals.delete(key);
mock.timers.enable({ apis: ["Date"], now: 1 });
export const setTime = (at) => mock.timers.setTime(at);

/** A tick of every window, and time for what it began. */
export async function tick() {
  for (const work of intervals.values()) work();
  await pause();
}
export const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Waits until something holds, or five seconds have passed: what holds then is the caller's to assert. */
export async function until(holds) {
  for (let tries = 0; tries < 500 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** What a window shows, at last. */
export async function shows(window, expected) {
  await until(() => window.item.text === expected);
  return window.item.text;
}
