// The page of `turnledger report --format html`, which the native program writes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { begin, end, isAccessible, names, open, program, recording, screenshot } from "./support.mjs";

let browser;
let folder;
let url;
let text;
before(async () => {
  ({ browser, folder } = await begin());
  const [store, file] = [join(folder, "events.db"), join(folder, "report.html")];
  const run = (...options) => {
    const env = { ...process.env, HOME: folder, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder };
    const { status, stderr } = spawnSync(program, options, { encoding: "utf8", env });
    assert.equal(status, 0, stderr);
  };
  const recordings = names.filter((name) => name.startsWith("0.131.0/")).map(recording);
  run("replay", "--quiet", `--store=${store}`, ...recordings);
  run("report", "--all", "--time-zone", "UTC", "--format", "html", "--store", store, "--output", file);
  url = pathToFileURL(file).href;
  text = readFileSync(file, "utf8");
});
after(() => end({ browser, folder }));

test("the page needs nothing but itself", () => {
  assert.ok(!/<script|<link|<img|\bsrc=|\bhref=|@import|url\(/i.test(text));
  assert.match(text, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
});

for (const [name, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
]) {
  test(`axe finds nothing, and nothing is wider than the window: ${name}`, async () => {
    const { tab, close } = await open(browser, { url, ...options });
    await tab.getByRole("heading", { level: 1, name: /^All events: / }).waitFor();
    await screenshot(tab, `report-${name}`);
    await isAccessible(tab, name);
    // What is folded away, too.
    for (const summary of await tab.locator("summary").all()) await summary.click();
    await tab.getByRole("table", { name: "The numbers of the whole report" }).waitFor();
    await isAccessible(tab, `${name}, unfolded`);
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await screenshot(tab, `report-${name}-unfolded`);
    await close();
  });
}

test("charts and tables have their names", async () => {
  const { tab, close } = await open(browser, { url });
  await tab.getByRole("img", { name: /^Turns from \d{4}-.* at most; the table below has each$/ }).waitFor();
  await tab.getByRole("img", { name: /^Tokens from / }).waitFor();
  const models = tab.getByRole("region", { name: "Models" }).getByRole("table");
  assert.ok((await models.getByRole("rowheader").count()) > 1);
  assert.deepEqual(await models.getByRole("columnheader").allTextContents(), [
    "model",
    "turns",
    "input",
    "cached",
    "output",
    "reasoning",
    "tokens",
  ]);
  await close();
});
