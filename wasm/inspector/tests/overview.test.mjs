// Many sessions: a folder's overview has the native program's numbers, and leads to each session and back.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { decompress } from "fzstd";

import { count, found, list, makeSessions } from "./overview-support.mjs";
import {
  begin,
  download,
  end,
  imported,
  isRead,
  names,
  native,
  open,
  parsed,
  read,
  readFolder,
  recording,
  rollouts,
  show,
} from "./support.mjs";

let browser;
let place;
let sessions;
before(async () => {
  ({ browser, folder: place } = await begin());
  sessions = join(place, "sessions");
  makeSessions(sessions);
});
after(() => end({ browser, folder: place }));

const of = (events, type) => events.filter((event) => event.event_type === type).map((event) => event.event_params);
const turnsOf = (events) => of(events, "codex_turn_event");
const tokens = (turns) =>
  turns
    .filter(({ input_tokens, output_tokens }) => input_tokens !== null && output_tokens !== null)
    .reduce((sum, { input_tokens, output_tokens }) => sum + input_tokens + output_tokens, 0);
const tile = (tab, name) => tab.locator(".tile", { has: tab.getByText(name, { exact: true }) });
const value = (tab, name) => tile(tab, name).locator(".value").textContent();
const shortId = (id) => `…${id.slice(-8)}`;
/** The first of a cell's texts: without what stands beside it. */
const texts = (tab, column) =>
  list(tab).evaluateAll((rows, at) => rows.map((row) => row.cells[at].firstChild?.textContent ?? ""), column);

test("a folder of rollouts adds up to what the native program imports of it", async () => {
  const { tab, close } = await open(browser);
  await readFolder(tab, sessions);
  const events = parsed(imported(sessions));
  const turns = turnsOf(events);
  const threads = new Set(of(events, "codex_thread_initialized").map(({ thread_id }) => thread_id));
  assert.equal(await value(tab, "Sessions"), count(threads.size));
  assert.equal(await value(tab, "Turns"), count(turns.length));
  assert.equal(await value(tab, "Tokens"), count(tokens(turns)));
  const unknown = turns.filter(({ input_tokens }) => input_tokens === null).length;
  const ended = (...statuses) => turns.filter(({ status }) => statuses.includes(status)).length;
  assert.equal(
    await tile(tab, "Turns").locator(".note").first().textContent(),
    `${ended("failed", "interrupted")} failed or interrupted`,
  );
  assert.match(
    await tile(tab, "Tokens").locator(".lacks").textContent(),
    new RegExp(`^${unknown} turns without known tokens; `),
  );
  const calls = events.filter(({ event_params }) => "terminal_status" in event_params && "tool_name" in event_params);
  assert.equal(await value(tab, "Tool calls"), count(calls.length));
  const lines = of(events, "codex_accepted_line_fingerprints");
  const sum = (member) => count(lines.reduce((all, event) => all + event[member], 0));
  assert.equal(await value(tab, "Accepted lines"), `+${sum("accepted_added_lines")} −${sum("accepted_deleted_lines")}`);
  await tab.getByText("sessions/history.jsonl: neither a recording, nor a rollout, nor a file of events").waitFor();
  await tab.getByText("Passed over: 1 file of the folder with other names.").waitFor();
  await close();
});

test("the list is searched, filtered and sorted; agents stand below who started them", async () => {
  const { tab, close } = await open(browser);
  await readFolder(tab, sessions);
  const all = rollouts.length;
  await found(tab, all);
  // The newest first.
  const events = parsed(imported(sessions));
  const children = of(events, "codex_thread_initialized").filter(({ parent_thread_id }) => parent_thread_id);
  assert.ok(children.length > 2);
  for (const { thread_id, parent_thread_id } of children) {
    await tab.getByRole("searchbox").fill(thread_id);
    await found(tab, 1);
    await tab.getByRole("searchbox").fill("");
    await found(tab, all);
    if (rollouts.every((file) => !file.includes(parent_thread_id))) continue;
    const rows = await list(tab).evaluateAll((found) => found.map((row) => row.cells[1].textContent));
    const at = rows.findIndex((text) => text.includes(shortId(thread_id)));
    if (at < 0) continue; // On the second page.
    assert.ok(rows[at].startsWith("↳"), rows[at]);
    const parent = rows.slice(0, at).findLast((text) => !text.startsWith("↳"));
    assert.ok(parent.includes(shortId(parent_thread_id)), `${rows[at]} below ${parent}`);
  }
  await tab.getByRole("button", { name: "Turns", exact: true }).click();
  const most = (await texts(tab, 5)).map(Number);
  assert.equal(most[0], Math.max(...most));
  await tab.getByRole("combobox", { name: "Last turn" }).selectOption("interrupted");
  const interrupted = await tab.getByText(/^\d+ of [\d,]+ sessions$/).textContent();
  assert.ok(Number(/^\d+/.exec(interrupted)) > 0, interrupted);
  assert.deepEqual([...new Set(await texts(tab, 9))], ["interrupted"]);
  await tab.getByRole("searchbox").fill("no such session");
  await tab.getByText("No session is like that.").waitFor();
  await tab.getByRole("button", { name: "Clear" }).click();
  await found(tab, all);
  await close();
});

test("a session is opened and left by the browser's own button, and the list is as it was", async () => {
  const { tab, close } = await open(browser);
  await readFolder(tab, sessions);
  const file = rollouts.find((name) => name.includes("0.131.0/patch_files"));
  const [, id] = /rollout-.{20}(.{36})/.exec(file);
  await tab.getByRole("searchbox").fill(id);
  await found(tab, 1);
  await list(tab).getByRole("link").click();
  await isRead(tab);
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  const sorted = (text) => text.split("\n").sort();
  assert.deepEqual(sorted((await download(tab, "JSONL")).text), sorted(imported(file)));
  await tab.getByRole("link", { name: "Turn", exact: true }).first().click();
  await tab.locator(".is-completing pre").waitFor();
  for (let step = 0; step < 3; step++) await tab.goBack();
  assert.equal(await tab.getByRole("searchbox").inputValue(), id);
  await found(tab, 1);
  // Forward again: the same session; and another one, then back to the first.
  await tab.goForward();
  await tab.locator(".timeline").waitFor();
  await show(tab, "Sessions");
  await tab.getByRole("button", { name: "Clear" }).click();
  await list(tab).getByRole("link").first().click();
  const other = await tab.locator("section[aria-label=Recording] h2").textContent();
  assert.ok(!other.includes(id));
  await tab.goBack();
  await tab.goBack();
  await tab.getByRole("heading", { name: new RegExp(id) }).waitFor();
  // The example takes the place of it all.
  await tab.getByRole("button", { name: "Example" }).click();
  await tab.getByRole("heading", { name: "Example: a real session" }).waitFor();
  assert.equal(await tab.getByRole("navigation", { name: "Views" }).getByRole("link").count(), 3);
  await close();
});

test("a session leads to its agents and to who started it; a repository's secrets are not shown", async () => {
  const { tab, close } = await open(browser);
  const family = join(place, "family");
  mkdirSync(family);
  const files = rollouts.filter((file) => file.includes("0.131.0/subagents"));
  const parents = new Map(
    of(parsed(files.map((file) => imported(file)).join("")), "codex_thread_initialized").map((event) => [
      event.thread_id,
      event.parent_thread_id,
    ]),
  );
  const [child, parent] = [...parents].find(([, started]) => parents.has(started));
  for (const file of files) {
    const text = new TextDecoder().decode(decompress(readFileSync(file)));
    const remote = '"repository_url":"https://user:s3cret@host.example/Acme/Other.git"';
    const changed = text.replace(/"repository_url":"[^"]*"/, remote);
    assert.notEqual(changed, text);
    writeFileSync(join(family, `${basename(file, ".zst")}`), changed);
  }
  await readFolder(tab, family);
  await list(tab)
    .getByRole("link", { name: `Acme/Other ${shortId(parent)}`, exact: true })
    .click();
  await tab
    .getByText("Its agents:")
    .getByRole("link", { name: `Acme/Other ${shortId(child)}` })
    .click();
  await tab.getByRole("heading", { name: new RegExp(child) }).waitFor();
  await tab.getByText("Started by").getByRole("link").click();
  await tab.getByRole("heading", { name: new RegExp(parent) }).waitFor();
  await show(tab, "Sessions");
  assert.ok(!(await tab.locator("body").innerText()).includes("s3cret"));
  assert.ok(!(await tab.content()).includes("s3cret"));
  await close();
});

test("trends by day and model are those of the events", async () => {
  const { tab, close } = await open(browser, { timezoneId: "UTC" });
  const mixed = join(place, "mixed");
  mkdirSync(mixed);
  writeFileSync(join(mixed, "older.jsonl"), readFileSync(recording("0.131.0/mixed_long")));
  writeFileSync(join(mixed, "newer.jsonl.gz"), gzipSync(readFileSync(recording("0.171.0/plain_turn"))));
  for (const part of ["0.131.0/plain_turn", "0.153.0/", "0.131.0/interrupt_stream"])
    copyFileSync(
      ...[rollouts.find((file) => file.includes(part))].flatMap((file) => [file, join(mixed, basename(file))]),
    );
  await readFolder(tab, mixed);
  const files = rollouts.filter((file) =>
    ["0.131.0/plain_turn", "0.131.0/interrupt_stream"].some((part) => file.includes(part)),
  );
  files.push(rollouts.find((file) => file.includes("0.153.0/")));
  const turns = turnsOf([
    ...files.flatMap((file) => parsed(imported(file))),
    ...["0.131.0/mixed_long", "0.171.0/plain_turn"].flatMap((name) => parsed(native(recording(name)))),
  ]);
  await show(tab, "Trends");
  await tab.getByRole("combobox", { name: "By", exact: true }).selectOption("day");
  const rows = (name) =>
    tab
      .getByRole("table", { name })
      .getByRole("row")
      .evaluateAll((all) => all.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));
  const expected = (key) => {
    const groups = new Map();
    for (const turn of turns) groups.set(key(turn), [...(groups.get(key(turn)) ?? []), turn]);
    return [...groups].map(([name, own]) => {
      const known = own.filter(({ input_tokens }) => input_tokens !== null);
      const total = (member) =>
        known.length === 0 ? "unknown" : count(known.reduce((sum, turn) => sum + turn[member], 0));
      const lacks = own.length - known.length;
      return [
        name,
        count(own.length),
        total("input_tokens"),
        total("output_tokens"),
        lacks === 0 ? "–" : `by ${lacks} turn${lacks === 1 ? "" : "s"}`,
      ];
    });
  };
  const shown = async (name) => (await rows(name)).map(([first, , ...rest]) => [first, ...rest]).sort();
  const day = ({ started_at, completed_at }) =>
    new Date((completed_at ?? started_at) * 1000).toISOString().slice(0, 10);
  assert.deepEqual(await shown("By day"), expected(day).sort());
  assert.deepEqual(await shown("By model"), expected(({ model }) => model).sort());
  await tab.getByRole("combobox", { name: "What is shown" }).selectOption("turns");
  await tab.getByRole("heading", { name: "Turns by day and model" }).waitFor();
  await close();
});

test("two sessions side by side", async () => {
  const { tab, close } = await open(browser);
  const pair = join(place, "pair");
  mkdirSync(pair);
  const [one, other] = ["0.131.0/mixed_long", "0.131.0/approve_patch"];
  for (const [index, name] of [one, other].entries())
    writeFileSync(join(pair, `${index}.jsonl`), readFileSync(recording(name)));
  await readFolder(tab, pair);
  for (const name of ["0.jsonl", "1.jsonl"]) await tab.getByRole("checkbox", { name: `Compare ${name}` }).check();
  await tab.getByRole("button", { name: "Compare", exact: true }).click();
  const row = (name) =>
    tab
      .getByRole("row", { name: new RegExp(`^${name}`) })
      .first()
      .getByRole("cell")
      .allTextContents();
  const [turns, others] = [one, other].map((name) => turnsOf(parsed(native(recording(name)))));
  const difference = others.length - turns.length;
  await tab.getByRole("row", { name: /^Turns/ }).waitFor();
  assert.deepEqual(await row("Turns"), [count(turns.length), count(others.length), `−${count(-difference)}`]);
  const output = (all) => all.reduce((sum, { output_tokens }) => sum + output_tokens, 0);
  assert.deepEqual((await row("Tokens, output")).slice(0, 2), [count(output(turns)), count(output(others))]);
  // A reload of the address needs the files again, and then shows the same.
  const { hash } = new URL(tab.url());
  await close();
  const again = await open(browser, { hash });
  await readFolder(again.tab, pair);
  await again.tab.getByRole("row", { name: /^Turns/ }).waitFor();
  await again.close();
});

test("a turn that is in two files counts once; of a thread's rollouts the longer one is shown", async () => {
  const { tab, close } = await open(browser);
  const twice = join(place, "twice");
  mkdirSync(join(twice, "archived_sessions"), { recursive: true });
  const file = rollouts.find((name) => name.includes("0.131.0/plain_turn"));
  const text = new TextDecoder().decode(decompress(readFileSync(file)));
  writeFileSync(join(twice, "archived_sessions", "short.jsonl"), text.split("\n").slice(0, 5).join("\n"));
  copyFileSync(file, join(twice, basename(file)));
  writeFileSync(join(twice, "events.jsonl"), imported(file));
  await readFolder(tab, twice);
  await found(tab, 2);
  await tab.getByText("1 file of a thread that another file has more of").waitFor();
  const turns = turnsOf(parsed(imported(file)));
  assert.equal(await value(tab, "Turns"), count(turns.length));
  assert.equal(await value(tab, "Tokens"), count(tokens(turns)));
  assert.equal(await tile(tab, "Turns").locator(".lacks").textContent(), "1 turn in two files, counted once");
  await close();
});

test("several files are an overview, too, and a wrong one among them is named", async () => {
  const { tab, close } = await open(browser);
  const files = ["0.131.0/plain_turn", "0.131.0/steer"].map((name) => ({
    name: `${basename(name)}.any`,
    mimeType: "",
    buffer: readFileSync(recording(name)),
  }));
  const damaged = { name: "damaged.zst", mimeType: "", buffer: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2]) };
  // Blocks that are whole can be read.
  const packed = gzipSync(readFileSync(recording("0.131.0/mixed_long")));
  const half = { name: "half.gz", mimeType: "", buffer: packed.subarray(0, packed.length / 2) };
  await tab.setInputFiles("input[aria-label=Files]", [...files, damaged, half]);
  await tab.getByText(/^Read all: /).waitFor({ state: "attached" });
  await found(tab, 3);
  assert.deepEqual((await list(tab).getByRole("link").allTextContents()).sort(), [
    "half.gz",
    "plain_turn.any",
    "steer.any",
  ]);
  await tab.getByText("damaged.zst: it cannot be read: it is damaged, gone, or may not be read").waitFor();
  await tab.getByText("half.gz: damaged or changed: what could be read of it is in the list").waitFor();
  await list(tab).getByRole("link", { name: "half.gz" }).click();
  await tab.getByText(/What could be unpacked is shown\./).waitFor();
  await tab.goBack();
  await found(tab, 3);
  // Dropped files come the same way.
  const data = await tab.evaluateHandle(
    (all) => {
      const transfer = new DataTransfer();
      for (const [name, text] of all) transfer.items.add(new File([text], name));
      return transfer;
    },
    ["0.131.0/plain_turn", "0.131.0/steer", "0.131.0/hooks"].map((name) => [
      basename(name),
      readFileSync(recording(name), "utf8"),
    ]),
  );
  await tab.dispatchEvent(".page", "drop", { dataTransfer: data });
  await tab.getByRole("heading", { name: "3 files" }).waitFor();
  await tab.getByText(/^Read all: 3 sessions/).waitFor({ state: "attached" });
  assert.deepEqual((await list(tab).getByRole("link").allTextContents()).sort(), ["hooks", "plain_turn", "steer"]);
  await close();
});

test("a dropped folder is read with all that is below it", async () => {
  const { tab, close } = await open(browser);
  const folder = { name: "codex", files: { "config.toml": "", "history.jsonl": '{"text":"x"}\n' } };
  const texts = ["0.131.0/plain_turn", "0.131.0/steer"].map((name) => readFileSync(recording(name), "utf8"));
  // More than a browser hands over at once.
  const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`${at}.jsonl`, texts[at % 2]]));
  // A script cannot make the entries of a drop: these stand in for the browser's.
  const data = await tab.evaluateHandle(
    ([{ name, files }, below]) => {
      const file = (path, text) => ({
        isDirectory: false,
        fullPath: path,
        file: (done) => done(new File([text], path.split("/").at(-1))),
      });
      const directory = (path, entries) => ({
        isDirectory: true,
        fullPath: path,
        createReader: () => ({ readEntries: (done) => setTimeout(() => done(entries.splice(0, 100))) }),
      });
      const unreadable = {
        isDirectory: false,
        fullPath: `/${name}/gone.jsonl`,
        file: (_, failed) => failed(new Error()),
      };
      const inside = directory(
        `/${name}/sessions`,
        Object.entries(below).map(([one, text]) => file(`/${name}/sessions/${one}`, text)),
      );
      const top = Object.entries(files).map(([one, text]) => file(`/${name}/${one}`, text));
      DataTransferItem.prototype.webkitGetAsEntry = () => directory(`/${name}`, [...top, unreadable, inside]);
      const transfer = new DataTransfer();
      transfer.items.add(new File([""], name));
      return transfer;
    },
    [folder, many],
  );
  await tab.dispatchEvent(".page", "drop", { dataTransfer: data });
  await tab.getByText(/^Read all: 120 sessions/).waitFor({ state: "attached" });
  await tab.getByRole("heading", { name: "codex", exact: true }).waitFor();
  await tab.getByText("codex/history.jsonl: neither a recording, nor a rollout, nor a file of events").waitFor();
  await tab.getByText("Passed over: 1 file of the folder with other names, 1 entry that may not be read.").waitFor();
  await close();
});

test("one file alone is no overview", async () => {
  const { tab, close } = await open(browser);
  await read(tab, rollouts[0]);
  assert.equal(await tab.getByRole("navigation", { name: "Views" }).getByRole("link").count(), 3);
  await close();
});
