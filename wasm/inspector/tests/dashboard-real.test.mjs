// The dashboard that the real `turnledger collect` serves, with a recording's events that the real program sent.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import { POLICY } from "./dashboard/server.mjs";
import { openDashboard, REFUSALS, tile } from "./dashboard/support.mjs";
import { begin, end, native, parsed, program, recording } from "./support.mjs";

const NAME = "0.131.0/subagents";

let browser;
let folder;
let child;
let collector;

/** Nothing of this machine's own settings and files. */
const env = () => ({
  ...process.env,
  HOME: folder,
  XDG_STATE_HOME: folder,
  XDG_CONFIG_HOME: folder,
  XDG_DATA_HOME: folder,
});

function run(...options) {
  const { status, stdout, stderr } = spawnSync(program, options, { encoding: "utf8", env: env() });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const collect = (...options) => run("collect", ...options, "--data", join(folder, "data"));

/** A secret in what a command prints. */
const secret = (text, prefix) => new RegExp(`${prefix}[\\w-]+`).exec(text)[0];

before(async () => {
  ({ browser, folder } = await begin());
  // Whichever port is free.
  child = spawn(program, ["collect", "--listen", "127.0.0.1:0", "--time-zone", "UTC", "--data", join(folder, "data")], {
    env: env(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  const url = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (found !== null) resolve(`${found[0]}/`);
      });
    child.on("exit", (code) => reject(new Error(`the collector ended with ${code}: ${said.join("\n")}`)));
  });
  collector = { url };
});
after(async () => {
  if (child?.exitCode === null) {
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
  await end({ browser, folder });
});

test("the page comes with the policy that the other tests have", async () => {
  for (const path of ["", "assets/dashboard.js", "assets/dashboard.css", "assets/session.js"]) {
    const response = await fetch(collector.url + path);
    assert.equal(response.status, 200, path);
    if (path === "") assert.equal(response.headers.get("content-security-policy"), POLICY);
  }
});

test("from an empty collector to a session, and what each role sees of it", { timeout: 120_000 }, async () => {
  const key = secret(collect("user", "add", "ada", "--role", "owner"), "tlk_");
  const { tab, close } = await openDashboard(browser, collector, {
    hash: "#/overview?since=2026-01-01&until=2030-01-01",
    expected: REFUSALS,
  });
  await tab.getByLabel("Sign-in key").fill(key);
  await tab.keyboard.press("Enter");
  await tab.getByRole("heading", { name: "No session has arrived yet" }).waitFor();

  // A token, made on the page, is what the program sends with.
  await tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Access" }).click();
  const form = tab.getByRole("form", { name: "Make a token" });
  await form.getByLabel("Person").fill("grace");
  await form.getByLabel("Team").fill("core");
  await tab.keyboard.press("Enter");
  const token = await tab
    .getByRole("region", { name: "A token for grace" })
    .getByLabel("the token", { exact: true })
    .textContent();
  await tab.getByRole("button", { name: "I have kept it" }).click();
  await tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Overview" }).click();
  await tab.getByRole("heading", { name: "No session has arrived yet" }).waitFor();
  const [events, file] = [join(folder, "events.jsonl"), join(folder, "token")];
  writeFileSync(events, native(recording(NAME)));
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  run("upload", "--upload", collector.url.replace(/\/$/, ""), "--token-file", file, events);

  // It appears by itself, with the numbers of the events.
  const sent = parsed(readFileSync(events, "utf8"));
  const turns = sent.filter(({ event_type }) => event_type === "codex_turn_event");
  await tile(tab, "Turns").waitFor({ timeout: 20_000 });
  assert.equal(await tile(tab, "Turns").locator(".value").textContent(), String(turns.length));
  assert.equal(await tile(tab, "Sessions").locator(".value").textContent(), "1");
  await tab.getByRole("navigation", { name: "Rows of the table" }).getByRole("button", { name: "Person" }).click();
  await tab
    .getByRole("table", { name: /^Persons/ })
    .getByRole("rowheader", { name: "grace" })
    .waitFor();
  for (const name of ["Team", "Model", "Client", "Repository", "Tool", "Kind of tool", "Day", "Week"]) {
    await tab.getByRole("navigation", { name: "Rows of the table" }).getByRole("button", { name, exact: true }).click();
    await tab.getByRole("heading", { name: `By ${name.toLowerCase()}` }).waitFor();
    await tab.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  }

  // The download has what was sent.
  const started = tab.waitForEvent("download");
  await tab.getByRole("button", { name: "Events (JSONL)" }).click();
  const lines = readFileSync(await (await started).path(), "utf8");
  const sorted = (found) => found.map((event) => JSON.stringify(event)).sort();
  assert.deepEqual(sorted(parsed(lines)), sorted(sent));

  await tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Sessions" }).click();
  await tab.getByText(/^1 session/).waitFor();
  await tab
    .getByRole("table", { name: /^Sessions/ })
    .getByRole("link")
    .first()
    .click();
  await tab.locator(".timeline canvas").first().waitFor();
  await tab.getByRole("link", { name: `Events ${sent.length}` }).waitFor();
  assert.equal(
    await tab
      .getByRole("table", { name: /^Threads/ })
      .locator("tbody tr")
      .count(),
    2,
  );
  assert.equal(await tile(tab, "Turns").locator(".value").textContent(), String(turns.length));
  await tab.getByRole("link", { name: `Events ${sent.length}` }).click();
  await tab.getByRole("link", { name: "Turn", exact: true }).first().click();
  const shown = JSON.parse(await tab.getByLabel("The event", { exact: true }).textContent());
  assert.ok(turns.some((turn) => JSON.stringify(turn) === JSON.stringify(shown)));
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByLabel("Sign-in key").waitFor();
  await close();

  const roles = [
    ["analyst", []],
    ["member", ["--person", "grace"]],
    ["viewer", []],
  ];
  for (const [role, options] of roles) {
    const own = secret(collect("user", "add", role, "--role", role, ...options), "tlk_");
    const page = await openDashboard(browser, collector, {
      hash: "#/sessions?since=2026-01-01&until=2030-01-01",
      expected: REFUSALS,
    });
    await page.tab.getByLabel("Sign-in key").fill(own);
    await page.tab.keyboard.press("Enter");
    if (role === "viewer") {
      await page.tab.getByText(/may not/).waitFor();
      await page.tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Overview" }).click();
      await page.tab.getByRole("heading", { name: "What is withheld" }).waitFor();
      await page.tab.getByText("No week of this period has numbers that may be shown.").waitFor();
    } else {
      await page.tab.getByText(/^1 session/).waitFor();
      const text = await page.tab.getByRole("table", { name: /^Sessions/ }).textContent();
      assert.equal(text.includes("grace"), role === "member", role);
    }
    await page.close();
  }
});

test("a revoked user is signed out, and a wrong key opens nothing", async () => {
  const key = secret(collect("user", "add", "brief", "--role", "analyst"), "tlk_");
  const { tab, close } = await openDashboard(browser, collector, { expected: REFUSALS });
  await tab.getByLabel("Sign-in key").fill(`${key}x`);
  await tab.keyboard.press("Enter");
  await tab.locator("#key-problem", { hasText: /\w/ }).waitFor();
  await tab.getByLabel("Sign-in key").fill(key);
  await tab.keyboard.press("Enter");
  await tab.getByRole("button", { name: "Sign out" }).waitFor();
  const id = collect("user", "list")
    .split("\n")
    .find((line) => line.includes("brief"))
    .match(/\d+/)[0];
  collect("user", "revoke", id);
  await tab.getByRole("combobox", { name: "Period" }).selectOption("90");
  await tab.getByText("You are signed out: sign in to go on.").waitFor();
  await close();
});
