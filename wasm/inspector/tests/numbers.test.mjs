// The page in headless Chromium, opened as a file: its numbers and downloads are those of the native program.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import {
  begin,
  download,
  drop,
  end,
  example,
  isRead,
  names,
  native,
  open,
  parsed,
  read,
  recording,
  show,
} from "./support.mjs";

let browser;
let folder;
before(async () => ({ browser, folder } = await begin()));
after(() => end({ browser, folder }));

const count = (number) => new Intl.NumberFormat("en-GB").format(number);
const of = (events, type) => events.filter((event) => event.event_type === type).map((event) => event.event_params);
const sum = (events, member) => {
  const said = events.map((event) => event[member]).filter((value) => value !== null);
  return said.length === 0 ? "–" : count(said.reduce((all, one) => all + one, 0));
};
const tile = async (tab, name) =>
  (
    await tab
      .locator(".tile", { has: tab.getByText(name, { exact: true }) })
      .locator(".value")
      .textContent()
  ).trim();

test("the example is there at first, and says that it is one", async () => {
  const { tab, close } = await open(browser);
  await isRead(tab);
  await tab.getByRole("heading", { name: "Example: a real session" }).waitFor();
  const events = parsed(native(example));
  assert.equal(await tile(tab, "Turns"), count(of(events, "codex_turn_event").length));
  assert.equal(await tile(tab, "Approvals"), count(of(events, "codex_review_event").length));
  await show(tab, "Events");
  await tab.getByText(`${events.length} events`, { exact: true }).waitFor();
  await close();
});

const TOOLS = [
  ["codex_command_execution_event", "Command"],
  ["codex_file_change_event", "File change"],
  ["codex_mcp_tool_call_event", "MCP tool"],
  ["codex_dynamic_tool_call_event", "Client tool"],
  ["codex_collab_agent_tool_call_event", "Agent tool"],
  ["codex_web_search_event", "Web search"],
  ["codex_image_generation_event", "Image"],
];
const toolTable = (events) =>
  TOOLS.map(([type, label]) => [label, of(events, type)])
    .filter(([, calls]) => calls.length > 0)
    .map(([label, calls]) => [
      label,
      ...["completed", "failed", "rejected"].map((outcome) =>
        count(calls.filter((call) => call.terminal_status === outcome).length),
      ),
    ]);

test("a dropped recording gives the native program's numbers", async () => {
  const { tab, close } = await open(browser);
  for (const name of [
    "0.131.0/mixed_long",
    "0.131.0/approve_patch",
    "0.131.0/steer",
    "0.169.0/two_threads",
    "0.131.0/fail_http",
  ]) {
    await drop(tab, recording(name), `${name.replace("/", "-")}.jsonl`);
    const events = parsed(native(recording(name)));
    const turns = of(events, "codex_turn_event");
    const lines = of(events, "codex_accepted_line_fingerprints");
    await show(tab, "Session");
    assert.equal(await tile(tab, "Turns"), count(turns.length), name);
    const total = turns
      .filter(({ input_tokens, output_tokens }) => input_tokens !== null && output_tokens !== null)
      .map(({ input_tokens, output_tokens }) => ({ total: input_tokens + output_tokens }));
    assert.equal(await tile(tab, "Tokens"), sum(total, "total"), name);
    assert.equal(await tile(tab, "Steers"), count(of(events, "codex_turn_steer_event").length), name);
    const accepted =
      lines.length === 0 ? "–" : `+${sum(lines, "accepted_added_lines")} −${sum(lines, "accepted_deleted_lines")}`;
    assert.equal(await tile(tab, "Accepted lines"), accepted, name);
    const tokens = tab.getByRole("table", { name: "Tokens" });
    for (const [label, member] of [
      ["Input", "input_tokens"],
      ["of it cached", "cached_input_tokens"],
      ["Output", "output_tokens"],
      ["of it reasoning", "reasoning_output_tokens"],
    ]) {
      const row = tokens.getByRole("row", { name: new RegExp(`^${label}`) });
      assert.equal(await row.getByRole("cell").first().textContent(), sum(turns, member), `${name}: ${label}`);
    }
    const statuses = ["completed", "failed", "interrupted"].map(
      (status) => turns.filter((turn) => turn.status === status).length,
    );
    const turnRow = tab.getByRole("row", { name: /^Turns/ });
    assert.deepEqual((await turnRow.locator("b").allTextContents()).slice(0, 3), statuses.map(count), name);
    const tools = await tab
      .locator("table", { hasText: "Tool calls by kind and outcome" })
      .locator("tbody tr")
      .evaluateAll((rows) => rows.map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent)));
    assert.deepEqual(tools, toolTable(events), name);
    await show(tab, "Events");
    const types = new Map();
    for (const { event_type } of events) types.set(event_type, (types.get(event_type) ?? 0) + 1);
    await tab.locator(".chip").first().waitFor();
    const shown = await tab
      .locator(".chip")
      .evaluateAll((chips) =>
        chips.map((chip) => [
          chip.querySelector(".swatch").className.replace("swatch ", ""),
          Number(chip.querySelector(".count").textContent),
        ]),
      );
    assert.deepEqual(shown.sort(), [...types].sort(), name);
  }
  await close();
});

test("what is downloaded as JSONL is what the native program writes, for every recording", async () => {
  const { tab, close } = await open(browser);
  // Where there is no event, there is nothing to download.
  for (const name of names.filter((one) => native(recording(one)) !== "")) {
    await tab.setInputFiles("input[aria-label=Files]", {
      name: `${name.replace("/", "-")}.jsonl`,
      mimeType: "",
      buffer: readFileSync(recording(name)),
    });
    await tab.getByRole("heading", { name: `${name.replace("/", "-")}.jsonl` }).waitFor();
    await isRead(tab);
    await show(tab, "Events");
    await tab
      .getByText(/^[\d,]+ events?$/)
      .first()
      .waitFor();
    const { text } = await download(tab, "JSONL");
    assert.equal(text, native(recording(name)), name);
  }
  await close();
});

test("approvals are counted by decision, with how long they waited", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.131.0/approve_patch"));
  const reviews = of(parsed(native(recording("0.131.0/approve_patch"))), "codex_review_event");
  const rows = await tab
    .getByRole("table", { name: "Approvals by decision and waiting time" })
    .getByRole("row")
    .evaluateAll((all) => all.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));
  const waits = (status) =>
    reviews
      .filter((review) => review.status === status)
      .map((review) => review.duration_ms)
      .sort((a, b) => a - b);
  const [approved, denied] = [waits("approved"), waits("denied")];
  const ms = (value) => `${value} ms`;
  assert.deepEqual(rows, [
    ["approved", "user", `${approved.length}`, ms(approved[0]), ms(approved[1]), ms(approved[1])],
    ["denied", "user", `${denied.length}`, ms(denied[0]), ms(denied[0]), ms(denied[0])],
  ]);
  await close();
});

test("CSV has a row for each event, every member, and nothing that a spreadsheet would run", async () => {
  const { tab, close } = await open(browser);
  const hostile = readFileSync(recording("0.131.0/approve_command"), "utf8").replaceAll(
    '"turnledger_recorder"',
    '"=1+1,\\"x\\""',
  );
  const file = join(folder, "hostile.jsonl");
  writeFileSync(file, hostile);
  await read(tab, file);
  await show(tab, "Events");
  const { name, text } = await download(tab, "CSV");
  assert.equal(name, "hostile.events.csv");
  const [header, ...rows] = table(text);
  const events = parsed(native(file));
  assert.equal(rows.length, events.length);
  const column = (member) => rows.map((row) => row[header.indexOf(member)]);
  assert.deepEqual(
    column("event_type"),
    events.map((event) => event.event_type),
  );
  assert.deepEqual(
    column("thread_id"),
    events.map((event) => event.event_params.thread_id),
  );
  assert.deepEqual(
    column("duration_ms"),
    events.map((event) => `${event.event_params.duration_ms ?? ""}`),
  );
  assert.deepEqual(
    column("app_server_client.client_name"),
    events.map(() => `'=1+1,"x"`),
  );
  await close();
});

/** CSV to cells. */
function table(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}
