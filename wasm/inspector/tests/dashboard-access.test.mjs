// The dashboard for everybody: axe in both themes, narrow windows, the keyboard, forced colours; and its screenshots.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "./dashboard/server.mjs";
import { fits, openDashboard, REFUSALS, tile } from "./dashboard/support.mjs";
import { isAccessible, launch, screenshot } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const SESSION = "#/session/0.01a1fc6c-69dd-7bc3-a147-000000000000";

/** What is looked at, and what says that it is there. */
const PLACES = [
  ["sign-in", null, "", (tab) => tab.getByLabel("Sign-in key")],
  ["overview", "owner", "#/overview?days=30&team=core", (tab) => tile(tab, "Turns")],
  ["overview-viewer", "viewer", "", (tab) => tab.getByRole("heading", { name: "What is withheld" })],
  ["session-list", "owner", "#/sessions", (tab) => tab.getByRole("link", { name: "…00000001" })],
  ["one-session", "owner", SESSION, (tab) => tab.locator(".timeline canvas").first()],
  ["session-events", "owner", `${SESSION}?part=events`, (tab) => tab.getByText("7 events", { exact: true })],
  ["session-event", "owner", `${SESSION}?part=events&event=2`, (tab) => tab.getByLabel("The event", { exact: true })],
  ["access", "owner", "#/access", (tab) => tab.getByRole("button", { name: "Revoke the token of ada" })],
  ["new-collector", "owner", "", (tab) => tab.getByText("Waiting for the first session"), true],
];

for (const [look, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { colorScheme: "light", viewport: { width: 360, height: 780 } }],
  ["forced-colors", { forcedColors: "active" }],
]) {
  test(`axe finds nothing, and nothing is wider than the window: ${look}`, { timeout: 120_000 }, async () => {
    for (const [name, role, hash, ready, isEmpty = false] of PLACES) {
      const collector = await serve({ role, isEmpty });
      const { tab, close } = await openDashboard(browser, collector, { hash, expected: REFUSALS, ...options });
      await ready(tab).waitFor();
      // Charts are drawn a moment after their place is there.
      await tab.waitForTimeout(250);
      await screenshot(tab, `dashboard-${name}-${look}`);
      await isAccessible(tab, `${name}, ${look}`);
      for (const summary of await tab.locator("details > summary").all()) await summary.click();
      await isAccessible(tab, `${name}, unfolded, ${look}`);
      assert.ok(await fits(tab), `${name} is wider than the window`);
      await close();
      collector.close();
    }
  });
}

test("what opens over the page is for everybody, too", async () => {
  const collector = await serve({ role: "owner" });
  for (const colorScheme of ["light", "dark"]) {
    const { tab, close } = await openDashboard(browser, collector, { hash: "#/access", colorScheme });
    const form = tab.getByRole("form", { name: "Make a token" });
    await form.getByLabel("Person").fill("gus");
    await tab.keyboard.press("Enter");
    await tab.getByRole("region", { name: "A token for gus" }).waitFor();
    await isAccessible(tab, `secret, ${colorScheme}`);
    await tab.getByRole("button", { name: "Revoke the token of ada" }).click();
    await tab.getByRole("dialog").waitFor();
    await isAccessible(tab, `dialog, ${colorScheme}`);
    await tab.keyboard.press("Escape");
    await tab.getByRole("dialog").waitFor({ state: "detached" });
    await tab.getByRole("link", { name: "Overview" }).click();
    await tab.getByRole("button", { name: "What “Tokens” is" }).first().click();
    await tab.getByRole("note", { name: "Tokens" }).first().waitFor();
    await isAccessible(tab, `help, ${colorScheme}`);
    await close();
  }
  collector.close();
});

test("everything can be done by the keyboard", async () => {
  const collector = await serve({ role: "owner" });
  const { tab, close } = await openDashboard(browser, collector);
  await tile(tab, "Turns").waitFor();
  const reach = async (what, key = "Tab") => {
    for (let pressed = 0; pressed < 120; pressed++) {
      await tab.keyboard.press(key);
      if (await what.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    }
    assert.fail(`${what} cannot be reached`);
  };
  await tab.keyboard.press("Tab");
  assert.equal(await tab.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await tab.keyboard.press("Enter");
  assert.equal(await tab.evaluate(() => document.activeElement.id), "main");
  // The period comes before the filters, and these before what they narrow.
  await reach(tab.getByRole("combobox", { name: "Period" }));
  await reach(tab.getByRole("combobox", { name: "Team" }));
  await tab.keyboard.press("c");
  await tab.waitForURL(/team=core/);
  await reach(tab.getByRole("button", { name: "Remove team core" }));
  await tab.keyboard.press("Enter");
  await tab.waitForURL((url) => !url.href.includes("team="));
  await reach(tab.getByRole("button", { name: "What “Turns” is" }).first());
  await tab.keyboard.press("Enter");
  await tab
    .getByRole("note", { name: "Turns" })
    .first()
    .getByText(/^Turns that ended, those of agents/)
    .waitFor();
  await tab.keyboard.press("Escape");
  await reach(tab.getByRole("navigation", { name: "Rows of the table" }).getByRole("button", { name: "Model" }));
  await tab.keyboard.press("Enter");
  await tab.waitForURL(/by=model/);
  await reach(tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Sessions" }), "Shift+Tab");
  await tab.keyboard.press("Enter");
  await reach(tab.getByRole("link", { name: "…00000000" }));
  await tab.keyboard.press("Enter");
  const timeline = tab.getByRole("group", { name: /^Time line: arrow keys/ });
  await timeline.waitFor();
  await reach(timeline);
  await tab.keyboard.press("+");
  await tab.waitForURL(/from=/);
  await reach(tab.getByRole("link", { name: /^Events/ }), "Shift+Tab");
  await tab.keyboard.press("Enter");
  await reach(tab.getByRole("link", { name: "Turn", exact: true }).first());
  await tab.keyboard.press("Enter");
  await tab.waitForFunction(() => document.activeElement?.id === "event-title");
  await close();
  collector.close();
});

test("nothing moves for who wants no motion", async () => {
  const collector = await serve({ role: "owner" });
  const { tab, close } = await openDashboard(browser, collector, { reducedMotion: "reduce" });
  await tile(tab, "Turns").waitFor();
  const moving = await tab.evaluate(
    () =>
      [...document.querySelectorAll("*")].filter((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return transitionDuration.split(", ").some((time) => time !== "0s") || animationName !== "none";
      }).length,
  );
  assert.equal(moving, 0);
  await close();
  collector.close();
});

test("the theme can be chosen, and stays chosen", async () => {
  const collector = await serve({ role: "owner" });
  const { tab, close } = await openDashboard(browser, collector, { colorScheme: "light" });
  const background = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await tile(tab, "Turns").waitFor();
  const light = await background();
  await tab.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  const dark = await background();
  assert.notEqual(dark, light);
  await tab.reload();
  await tile(tab, "Turns").waitFor();
  assert.equal(await background(), dark);
  await close();
  collector.close();
});
