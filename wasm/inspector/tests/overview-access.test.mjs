// The overview for everybody: many files in little time, axe in both themes, a narrow page, the keyboard.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";

import { count, found, list, makeSessions } from "./overview-support.mjs";
import {
  begin,
  end,
  isAccessible,
  names,
  open,
  read,
  readFolder,
  recording,
  rollouts,
  screenshot,
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

test("2,000 recordings are read in a minute, with a bar, and 200 in seconds", { timeout: 180_000 }, async () => {
  const { tab, close } = await open(browser);
  const texts = names.map((name) => readFileSync(recording(name)));
  for (const [number, most] of [
    [200, 10_000],
    [2000, 60_000],
  ]) {
    const many = join(place, `many-${number}`);
    for (let at = 0; at < number; at++) {
      mkdirSync(join(many, String(at)), { recursive: true });
      writeFileSync(join(many, String(at), "traffic.jsonl"), texts[at % texts.length]);
    }
    const started = performance.now();
    await tab.setInputFiles("input[aria-label=Folder]", many);
    if (number === 2000) await tab.getByRole("progressbar", { name: "Reading" }).waitFor();
    await tab.getByText(/^Read all: /).waitFor({ state: "attached", timeout: most });
    const took = performance.now() - started;
    await tab.getByText(new RegExp(`${count(number)} files · .* · ${count(number)} sessions`)).waitFor();
    assert.ok(took < most, `${number} recordings in ${Math.round(took)} ms`);
    console.log(`# ${number} recordings in ${Math.round(took)} ms`);
  }
  // Files of one name are told apart by their folders.
  const [first] = await list(tab).getByRole("link").allTextContents();
  assert.match(first, /^\d+$/);
  await close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in the overview: ${colorScheme}`, async () => {
    const { tab, close } = await open(browser, { colorScheme });
    await readFolder(tab, sessions);
    await found(tab, rollouts.length);
    const look = async (name) => {
      await tab.waitForTimeout(250);
      await screenshot(tab, `${name}-${colorScheme}`);
      await isAccessible(tab, `${name}, ${colorScheme}`);
    };
    await list(tab).getByRole("checkbox").nth(0).check();
    await list(tab).getByRole("checkbox").nth(1).check();
    await tab.getByText("What each number means").click();
    await tab.getByText(/^input_tokens: /).waitFor();
    await look("sessions");
    await show(tab, "Trends");
    await look("trends");
    await show(tab, "Compare");
    await tab.getByRole("row", { name: /^Turns/ }).waitFor();
    await look("compare");
    await show(tab, "Sessions");
    await list(tab).getByRole("link").nth(3).click();
    await tab.getByRole("table", { name: "Tokens" }).waitFor();
    await look("rollout");
    await close();
  });
}

test("the overview is narrow on a narrow page", async () => {
  const { tab, close } = await open(browser, { viewport: { width: 420, height: 900 } });
  await readFolder(tab, sessions);
  await found(tab, rollouts.length);
  const fits = async (name) => {
    await tab.waitForTimeout(250);
    await screenshot(tab, `${name}-narrow`);
    assert.ok(
      await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      `${name} is wider than the window`,
    );
    await isAccessible(tab, `${name}, narrow`);
  };
  await fits("sessions");
  await list(tab).getByRole("checkbox").nth(0).check();
  await list(tab).getByRole("checkbox").nth(1).check();
  await show(tab, "Trends");
  await fits("trends");
  await show(tab, "Compare");
  await tab.getByRole("row", { name: /^Turns/ }).waitFor();
  await fits("compare");
  await show(tab, "Sessions");
  await list(tab).getByRole("link").first().click();
  await tab.getByRole("table", { name: "Tokens" }).waitFor();
  await fits("rollout");
  await close();
});

test("by the keyboard: from the list into a session and back", async () => {
  const { tab, close } = await open(browser);
  const file = rollouts.find((name) => name.includes("0.131.0/plain_turn"));
  const small = join(place, "small");
  mkdirSync(small);
  copyFileSync(file, join(small, basename(file)));
  await readFolder(tab, small);
  await found(tab, 1);
  const link = list(tab).getByRole("link");
  for (let pressed = 0; pressed < 60; pressed++) {
    await tab.keyboard.press("Tab");
    if (await link.evaluate((element) => element === document.activeElement)) break;
  }
  await tab.keyboard.press("Enter");
  await tab.getByRole("table", { name: "Tokens" }).waitFor();
  const back = tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: /^Sessions/ });
  for (let pressed = 0; pressed < 60; pressed++) {
    await tab.keyboard.press("Shift+Tab");
    if (await back.evaluate((element) => element === document.activeElement)) break;
  }
  await tab.keyboard.press("Enter");
  await found(tab, 1);
  await close();
});
