// What a newer Codex shows: goals, archives and control tools on the time line, what is not understood, and what sums lack.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { begin, download, drop, end, native, nativeNotes, open, parsed, read, recording, show } from "./support.mjs";

let browser;
let folder;
before(async () => ({ browser, folder } = await begin()));
after(() => end({ browser, folder }));

/** The rows of a table, without its head. */
const rows = (table) =>
  table
    .getByRole("row")
    .evaluateAll((all) => all.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));

test("goals, archives and control tools are on the time line", async () => {
  const { tab, close } = await open(browser);
  for (const [name, type, label, subject] of [
    ["0.171.0/x_goals", "codex_goal_event", "Goal", ({ event_kind }) => event_kind],
    ["0.171.0/x_goals", "codex_control_tool_call_event", "Control tool", ({ tool_name }) => tool_name],
    ["0.171.0/x_archive", "codex_thread_archive_event", "Archive", ({ action }) => action],
    ["0.171.0/x_view_image", "codex_control_tool_call_event", "Control tool", ({ tool_name }) => tool_name],
  ]) {
    await drop(tab, recording(name), `${name.replace("/", "-")}.jsonl`);
    await show(tab, "Session");
    await tab.locator(".timeline summary").click();
    const events = parsed(native(recording(name)));
    const expected = events
      .map((event, index) => ({ ...event, index }))
      .filter(({ event_type }) => event_type === type)
      .map(({ event_params, index }) => [`${label}: ${subject(event_params)}`, `event ${index + 1}`]);
    assert.ok(expected.length > 0, name);
    const table = tab.getByRole("table", { name: /in the window/ });
    await table.waitFor();
    const shown = (await rows(table)).map((cells) => [cells[2], cells[5]]).filter(([what]) => what.startsWith(label));
    assert.deepEqual(shown.sort(), expected.sort(), name);
    await tab.locator(".timeline summary").click();
  }
  await close();
});

test("what is seen and not understood is named as the native program names it", async () => {
  const { tab, close } = await open(browser);
  const file = join(folder, "newer.jsonl");
  const line = (message, at) => JSON.stringify({ at_ms: at, connection_id: 1, direction: "server_to_client", message });
  writeFileSync(
    file,
    [
      readFileSync(recording("0.171.0/plain_turn"), "utf8").trimEnd(),
      ...[1, 2].map((at) => line({ method: "thread/brandNew", params: { threadId: "t" } }, at)),
      line({ method: "a secret path/to" }, 3),
    ].join("\n"),
  );
  await read(tab, file);
  const [, said] = /seen, not understood: (.*)$/m.exec(nativeNotes(file));
  await tab.getByText(`Seen, not understood: ${said.replaceAll("`", "")}.`, { exact: false }).waitFor();
  await show(tab, "Discards");
  const table = await rows(tab.getByRole("table", { name: "Seen, not understood" }));
  assert.deepEqual(
    table.map(([times, kind, name]) => `${kind} \`${name}\` ${times}`),
    said.split(", "),
  );
  await drop(tab, recording("0.131.0/plain_turn"), "known.jsonl");
  await show(tab, "Discards");
  await tab.getByText("Nothing was seen that this page does not know.").waitFor();
  await close();
});

test("the repository is the one that the traffic names", async () => {
  const { tab, close } = await open(browser);
  const file = join(folder, "repository.jsonl");
  const text = readFileSync(recording("0.131.0/skills"), "utf8");
  const named = text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const recorded = JSON.parse(line);
      const thread = recorded.message.result?.thread ?? recorded.message.params?.thread;
      if (thread?.cwd !== undefined) thread.gitInfo = { originUrl: "https://host.example/Acme/Other.git" };
      return JSON.stringify(recorded);
    });
  writeFileSync(file, `${named.join("\n")}\n`);
  await read(tab, file);
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  const events = native(file);
  assert.notEqual(events, native(recording("0.131.0/skills")));
  assert.equal((await download(tab, "JSONL")).text, events);
  await close();
});

test("what is missing from a sum stands beside it", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.169.0/compact_auto"), "compact.jsonl");
  const [, turns] = /^ +(\d+) {2}no event \(turn\)/m.exec(nativeNotes(recording("0.169.0/compact_auto")));
  await show(tab, "Session");
  for (const name of ["Turns", "Time in turns", "Tokens"]) {
    const tile = tab.locator(".tile", { has: tab.getByText(name, { exact: true }) });
    assert.equal(
      await tile.locator(".lacks").textContent(),
      `not in it: ${turns} turn${turns === "1" ? "" : "s"} without an event`,
    );
  }
  await close();
});
