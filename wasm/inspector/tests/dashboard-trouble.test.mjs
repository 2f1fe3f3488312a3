// The dashboard when something is wrong: one sentence, and what is on the screen stays.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "./dashboard/server.mjs";
import { on, openDashboard, REFUSALS, tile } from "./dashboard/support.mjs";
import { launch } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const narrow = (tab) => tab.getByRole("combobox", { name: "Period" }).selectOption("7");

test("signed out in the middle: sign in where you are, and go on", async () => {
  await on(browser, { expected: REFUSALS }, async (tab, collector) => {
    await tile(tab, "Turns").waitFor();
    const value = await tile(tab, "Turns").locator(".value").textContent();
    collector.role = null;
    await narrow(tab);
    await tab.getByText("You are signed out: sign in to go on.").waitFor();
    assert.equal(await tile(tab, "Turns").locator(".value").textContent(), value);
    await tab.getByLabel("Sign-in key").fill("tlk_owner");
    await tab.keyboard.press("Enter");
    await tab.getByText("You are signed out").waitFor({ state: "detached" });
    await tab.waitForFunction((before) => document.querySelectorAll(".tile .value")[1].textContent !== before, value);
    assert.match(tab.url(), /days=7/);
  });
});

test("somebody else who signs in starts anew", async () => {
  await on(browser, { expected: REFUSALS, hash: "#/overview?person=ada" }, async (tab, collector) => {
    await tile(tab, "Turns").waitFor();
    collector.role = null;
    await narrow(tab);
    await tab.getByLabel("Sign-in key").fill("tlk_viewer");
    await tab.keyboard.press("Enter");
    await tab.getByRole("heading", { name: "What is withheld" }).waitFor();
    assert.equal(await tab.getByRole("button", { name: "Remove person ada" }).count(), 0);
  });
});

for (const [name, break_, mend, sentence] of [
  [
    "403",
    (collector) => (collector.refusal = 403),
    (collector) => (collector.refusal = null),
    "Your role may not see this.",
  ],
  [
    "503",
    (collector) => (collector.refusal = 503),
    (collector) => (collector.refusal = null),
    "The collector cannot answer at the moment.",
  ],
  [
    "no answer",
    (collector) => (collector.isDown = true),
    (collector) => (collector.isDown = false),
    "The collector does not answer: is it running, and are you online?",
  ],
]) {
  test(`${name}: one sentence, and what was there stays`, async () => {
    await on(browser, { expected: REFUSALS }, async (tab, collector) => {
      await tile(tab, "Turns").waitFor();
      const value = await tile(tab, "Turns").locator(".value").textContent();
      break_(collector);
      await narrow(tab);
      const message = tab.getByRole("alert").locator(".message-now");
      await message.waitFor();
      assert.equal(await message.count(), 1);
      assert.equal(await message.textContent(), `${sentence}Try again`);
      assert.equal(await tile(tab, "Turns").locator(".value").textContent(), value);
      mend(collector);
      await tab.getByRole("button", { name: "Try again" }).click();
      await message.waitFor({ state: "detached" });
      await tab.waitForFunction((before) => document.querySelectorAll(".tile .value")[1].textContent !== before, value);
    });
  });
}

test("the collector's own sentence is said", async () => {
  await on(browser, { expected: REFUSALS }, async (tab, collector) => {
    await tile(tab, "Turns").waitFor();
    [collector.refusal, collector.sentence] = [503, "The store is being copied: try again in a minute."];
    await narrow(tab);
    await tab.getByText("The store is being copied: try again in a minute.").waitFor();
    await tab.getByRole("button", { name: "Numbers (CSV)" }).click();
    await tab.getByText("Nothing was downloaded. The store is being copied: try again in a minute.").waitFor();
  });
});

test("a collector that does not answer at first is asked again", async () => {
  const collector = await serve({ role: "owner" });
  collector.isDown = true;
  const { tab, close } = await openDashboard(browser, collector, { expected: REFUSALS });
  await tab.getByText("The collector does not answer").waitFor();
  collector.isDown = false;
  await tab.getByRole("button", { name: "Try again" }).click();
  await tile(tab, "Turns").waitFor();
  await close();
  collector.close();
});

test("a session that is not there is said", async () => {
  await on(browser, { expected: REFUSALS, hash: "#/session/7.nothing" }, async (tab) => {
    await tab.getByText("There is no such thing.").waitFor();
    await tab.getByRole("link", { name: "← All sessions" }).click();
    await tab.getByText(/^120 sessions/).waitFor();
  });
});
