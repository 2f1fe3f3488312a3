// Looking through events: search, filters, order, and an event beside the messages that made it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { begin, download, drop, end, native, open, parsed, read, recording, show } from "./support.mjs";

let browser;
let folder;
before(async () => ({ browser, folder } = await begin()));
after(() => end({ browser, folder }));

test("events are searched, filtered and sorted, and what is listed is what is downloaded", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.131.0/mixed_long"));
  const events = parsed(native(recording("0.131.0/mixed_long")));
  await show(tab, "Events");
  await tab.getByRole("checkbox", { name: /^Command/ }).check();
  await tab.getByText("12 of 37 events").waitFor();
  await tab.getByRole("searchbox", { name: "Search" }).fill("call-150");
  await tab.getByText("1 of 37 events").waitFor();
  const { text } = await download(tab, "JSONL");
  assert.deepEqual(
    parsed(text),
    events.filter((event) => event.event_params.item_id === "call-150"),
  );
  await tab.getByRole("button", { name: "Clear" }).click();
  await tab.getByText("37 events", { exact: true }).waitFor();
  await tab.getByRole("button", { name: "Duration" }).click();
  await tab.getByRole("button", { name: "Duration" }).click();
  await tab.locator('th[aria-sort="descending"]', { hasText: "Duration" }).waitFor();
  const first = tab.locator("table.events tbody tr").first();
  await first.getByText("296 ms").waitFor();
  await tab.getByRole("combobox", { name: "Outcome" }).selectOption("new");
  await tab.getByText("1 of 37 events").waitFor();
  await tab.getByRole("searchbox", { name: "Search" }).fill("no such thing (");
  await tab.getByText("No event is like that.").waitFor();
  await close();
});

test("an event is shown as it would be sent, beside the messages that made it", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.131.0/approve_patch"));
  const events = parsed(native(recording("0.131.0/approve_patch")));
  await show(tab, "Events");
  await tab.getByRole("link", { name: "File change" }).first().click();
  const shown = await tab.getByLabel("The event", { exact: true }).textContent();
  assert.deepEqual(
    JSON.parse(shown),
    events.find((event) => event.event_type === "codex_file_change_event"),
  );
  await tab.getByText("What each member means").click();
  const members = await tab.locator(".meanings dt").allTextContents();
  const { app_server_client, runtime, ...own } = JSON.parse(shown).event_params;
  for (const name of Object.keys(own)) assert.ok(members.includes(name), name);
  for (const name of Object.keys(app_server_client)) assert.ok(members.includes(`app_server_client.${name}`), name);
  for (const name of Object.keys(runtime)) assert.ok(members.includes(`runtime.${name}`), name);
  const meanings = await tab.locator(".meanings dd").allTextContents();
  assert.equal(
    meanings[members.indexOf("file_move_count")],
    "Number of these that are moved, changed or not. Source: `item.changes`.",
  );
  const item = tab.getByRole("region", { name: "Messages of this item" });
  await item.getByRole("heading", { name: "5 messages of this item" }).waitFor();
  assert.deepEqual(await item.locator(".method").allTextContents(), [
    "item/started",
    "item/fileChange/requestApproval",
    "item/fileChange/requestApproval",
    "serverRequest/resolved",
    "item/completed",
  ]);
  const completing = item.locator(".is-completing");
  assert.equal(await completing.locator(".method").textContent(), "item/completed");
  const message = JSON.parse(await completing.locator("pre").textContent());
  assert.equal(message.params.item.type, "fileChange");
  await tab.getByRole("region", { name: "Messages that began the connection" }).waitFor();
  await tab.getByRole("button", { name: "Next" }).click();
  await tab.getByText("4 of 9", { exact: true }).waitFor();
  await tab.goBack();
  await tab.goBack();
  await tab.getByRole("table", { name: /^Events/ }).waitFor();
  await close();
});

test("a message of a megabyte is shown in part, and whole if asked for", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.131.0/steer"));
  await show(tab, "Events");
  await tab.getByRole("searchbox").fill("input_too_large");
  await tab.getByText("1 of 7 events").waitFor();
  await tab.getByRole("link", { name: "Steer" }).click();
  await tab.locator(".message", { hasText: "turn/steer" }).first().locator("summary").click();
  const whole = tab.getByRole("button", { name: "Show all of it (1.1 MB)" });
  await whole.click();
  await whole.waitFor({ state: "detached" });
  const [text] = await tab.locator(".message pre").allTextContents();
  assert.equal(JSON.parse(text).params.input[0].text.length, 1_100_000);
  await close();
});

test("text of others is text, whatever is in it", async () => {
  const { tab, close } = await open(browser);
  const attack = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  const file = join(folder, "attack.jsonl");
  writeFileSync(
    file,
    readFileSync(recording("0.131.0/mcp_tools"), "utf8")
      .replaceAll('"turnledger_recorder"', JSON.stringify(attack))
      .replaceAll('"server": "demo"', `"server": ${JSON.stringify(attack)}`),
  );
  tab.on("dialog", () => assert.fail("a script ran"));
  await read(tab, file);
  await show(tab, "Events");
  await tab.getByRole("link", { name: "MCP tool" }).first().click();
  await tab.getByText(attack).first().waitFor();
  assert.equal(await tab.locator("img").count(), 0);
  await close();
});
