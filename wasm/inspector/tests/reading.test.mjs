// What a recording may be: broken, packed, changing, pasted.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { begin, download, end, isRead, native, nativeNotes, open, parsed, read, recording, show } from "./support.mjs";

let browser;
let folder;
before(async () => ({ browser, folder } = await begin()));
after(() => end({ browser, folder }));

test("discards and lines that cannot be read are what the native program names", async () => {
  const { tab, close } = await open(browser);
  const line = (message) => `{"at_ms":1,"connection_id":1,"direction":"client_to_server","message":${message}}`;
  const lines = [
    line('{"method":"initialize","id":1,"params":{}}'),
    "x",
    '{"at_ms":1,',
    '{"at_ms":-1}',
    "{}",
    "",
    "[1]",
    "3",
    '{"at_ms":1,"connection_id":1,"direction":"sideways","message":{}}',
    line('{"a":tru}'),
    line('{},"message":{}'),
    line("3"),
    '{"message":{"method":"turn/start","id":"\\ud800","params":{"threadId":4}},"at_ms":1,"connection_id":1,"direction":"client_to_server"}',
    line('{"a":"b\t"}'),
    '{"at_ms":1.5,"connection_id":1,"direction":"client_to_server","message":{}}',
    `${line("{}")} x`,
    '[1, 2, "client_to_server", {"method":"initialized"}]',
    line('{"a":[1,}'),
    '\ufeff{"at_ms":1}',
    ...readFileSync(recording("0.131.0/approve_command_malformed"), "utf8").trimEnd().split("\n"),
  ];
  const file = join(folder, "bad.jsonl");
  writeFileSync(file, lines.join("\n"));
  await read(tab, file);
  const notes = nativeNotes(file);
  // The program says a fault once, with the lines that have it.
  const fault = /:(\d+): (?!no event)(.*?)(?: \(column [^)]*\))?(?:; \d+ lines like it: ([\d, -]+))?$/gm;
  const said = [...notes.matchAll(fault)]
    .flatMap(([, first, reason, all]) =>
      (all ?? first).split(", ").flatMap((range) => {
        const [from, to = from] = range.split("-").map(Number);
        return Array.from({ length: to - from + 1 }, (_, index) => [from + index, reason]);
      }),
    )
    .sort(([one], [other]) => one - other)
    .map(([number, reason]) => [String(number), reason]);
  await show(tab, "Discards");
  const cells = (name) =>
    tab
      .getByRole("table", { name })
      .getByRole("row")
      .evaluateAll((rows) => rows.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));
  assert.deepEqual(await cells("Lines that could not be read"), said);
  const reasons = [...notes.matchAll(/^ +(\d+) {2}(no event .*)$/gm)].map(([, times, text]) => [times, text]);
  assert.deepEqual((await cells("By reason")).sort(), reasons.sort());
  await tab
    .getByRole("button", { name: /^Line / })
    .last()
    .click();
  await tab.locator(".messages pre").waitFor();
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  assert.equal((await download(tab, "JSONL")).text, native(file));
  await close();
});

test("packed recordings are unpacked; what cannot be is said", async () => {
  const { tab, close } = await open(browser);
  const file = join(folder, "packed.jsonl.gz");
  writeFileSync(file, gzipSync(readFileSync(recording("0.131.0/patch_files"))));
  await read(tab, file);
  await show(tab, "Events");
  await tab
    .getByText(/^[\d,]+ events?$/)
    .first()
    .waitFor();
  assert.equal((await download(tab, "JSONL")).text, native(file));
  await tab.getByRole("link", { name: "Turn", exact: true }).click();
  await tab.locator(".is-completing pre").waitFor();
  writeFileSync(file, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]));
  await tab.setInputFiles("input[aria-label=Files]", file);
  await tab.getByText("packed with Zstandard, but damaged").waitFor();
  writeFileSync(file, Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]));
  await tab.setInputFiles("input[aria-label=Files]", file);
  await tab.getByText("packed with gzip, but damaged").waitFor();
  writeFileSync(file, "");
  await tab.setInputFiles("input[aria-label=Files]", file);
  await tab.getByText("There is no recorded message in it.").waitFor();
  await close();
});

test("a recording that changes while it is open is not taken for what it was", async () => {
  const { tab, close } = await open(browser);
  const file = join(folder, "changing.jsonl");
  writeFileSync(file, readFileSync(recording("0.131.0/plain_turn")));
  await read(tab, file);
  await show(tab, "Events");
  writeFileSync(file, "something else\n");
  await tab.getByRole("link", { name: "Turn", exact: true }).click();
  await tab.getByText("The recording has changed or gone since it was opened.").first().waitFor();
  await close();
});

test("pasted traffic: lines of a recording, and bare messages", async () => {
  const { tab, close } = await open(browser);
  const recorded = readFileSync(recording("0.131.0/approve_command"), "utf8");
  const paste = async (text) => {
    await tab.getByRole("button", { name: "Paste traffic…" }).click();
    await tab.getByRole("textbox", { name: /^Lines of a recording/ }).fill(text);
  };
  const result = async () => {
    await tab.getByRole("button", { name: "Show the session" }).click();
    await tab.getByRole("heading", { name: "Pasted traffic" }).waitFor();
    await isRead(tab);
    await show(tab, "Events");
    await tab
      .getByText(/^[\d,]+ events?$/)
      .first()
      .waitFor();
    return parsed((await download(tab, "JSONL")).text);
  };
  await paste(recorded);
  await tab.getByText("48 recorded lines.").waitFor();
  const events = parsed(native(recording("0.131.0/approve_command")));
  assert.deepEqual(await result(), events);
  const bare = parsed(recorded).map(({ message }) => JSON.stringify(message));
  await paste(bare.join("\n"));
  await tab.getByText(/48 bare messages: .* and not known for 0\./).waitFor();
  // The times are not those of the session; the rest is.
  const types = (all) =>
    all.map(({ event_type, event_params }) => [event_type, event_params.status, event_params.terminal_status]);
  assert.deepEqual(types(await result()), types(events));
  await paste('{"id":7,"result":{}}');
  await tab.getByRole("radio", { name: "The client" }).check();
  await tab.getByRole("button", { name: "Cancel" }).click();
  await close();
});
