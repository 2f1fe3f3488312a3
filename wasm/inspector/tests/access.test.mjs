// The page for everybody: the keyboard, axe on every view in both themes, narrow windows, and the mouse.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { drop, isAccessible, isRead, launch, native, open, parsed, recording, screenshot, show } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("everything can be done by the keyboard", async () => {
  const { tab, close } = await open(browser);
  await isRead(tab);
  await tab.getByRole("table", { name: "Tokens" }).waitFor();
  /** Presses Tab until something has the focus. */
  const reach = async (what, key = "Tab") => {
    for (let pressed = 0; pressed < 80; pressed++) {
      await tab.keyboard.press(key);
      if (await what.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    }
    assert.fail(`${what} cannot be reached`);
  };
  await tab.keyboard.press("Tab");
  assert.equal(await tab.evaluate(() => document.activeElement.textContent.trim()), "Skip to the content");
  await tab.keyboard.press("Enter");
  assert.equal(await tab.evaluate(() => document.activeElement.id), "main");
  const timeline = tab.getByRole("group", { name: /^Time line: arrow keys/ });
  await reach(timeline);
  const outline = await timeline.evaluate((element) => getComputedStyle(element).outlineStyle);
  assert.equal(outline, "solid");
  await tab.keyboard.press("+");
  await tab.keyboard.press("+");
  await tab.waitForURL(/from=/);
  const [before] = /from=\d+/.exec(tab.url());
  await tab.keyboard.press("ArrowRight");
  await tab.waitForURL((url) => !url.href.includes(before));
  await tab.keyboard.press("0");
  await tab.waitForURL((url) => !url.href.includes("from="));
  const asTable = tab.locator(".timeline summary");
  await reach(asTable);
  await tab.keyboard.press("Enter");
  await reach(tab.getByRole("link", { name: /^event \d+$/ }).first());
  await tab.keyboard.press("Enter");
  await tab.waitForURL(/event=/);
  // The event's title has the focus, and its messages are ahead.
  await tab.waitForFunction(() => document.activeElement?.id === "event-title");
  await reach(tab.locator(".message summary").first());
  await tab.keyboard.press("Enter");
  await reach(tab.getByRole("link", { name: "← All events" }), "Shift+Tab");
  await tab.keyboard.press("Enter");
  await reach(tab.getByRole("searchbox", { name: "Search" }));
  await tab.keyboard.type("apply_patch");
  await tab.getByText(/^\d+ of 36 events$/).waitFor();
  await reach(tab.getByRole("checkbox", { name: /^File change/ }));
  await tab.keyboard.press("Space");
  await tab.getByText("4 of 36 events").waitFor();
  await reach(tab.getByRole("button", { name: "Outcome" }));
  await tab.keyboard.press("Enter");
  await tab.locator('th[aria-sort="ascending"]', { hasText: "Outcome" }).waitFor();
  await reach(tab.getByRole("link", { name: "File change" }).first());
  await tab.keyboard.press("Enter");
  await tab.getByLabel("The event", { exact: true }).waitFor();
  await reach(tab.getByRole("button", { name: "Paste traffic…" }), "Shift+Tab");
  await tab.keyboard.press("Enter");
  await tab.getByRole("dialog", { name: "Paste traffic" }).waitFor();
  await tab.keyboard.press("Escape");
  await tab.getByRole("dialog").waitFor({ state: "detached" });
  await close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in any view: ${colorScheme}`, async () => {
    const { tab, close } = await open(browser, { colorScheme });
    await isRead(tab);
    await tab.getByRole("table", { name: "Tokens" }).waitFor();
    const look = async (name) => {
      // Charts are drawn a moment after their place is there.
      await tab.waitForTimeout(250);
      await screenshot(tab, `${name}-${colorScheme}`);
      await isAccessible(tab, `${name}, ${colorScheme}`);
    };
    await look("session");
    await tab.locator(".timeline summary").click();
    await tab
      .getByRole("link", { name: /^event \d+$/ })
      .first()
      .waitFor();
    await look("session-table");
    await show(tab, "Events");
    await tab.getByRole("link", { name: "Approval" }).first().waitFor();
    await tab.getByRole("checkbox", { name: /^Approval/ }).check();
    await look("events");
    await tab.getByRole("link", { name: "Approval" }).first().click();
    await tab.locator(".is-completing pre").waitFor();
    await look("event");
    await show(tab, "Discards");
    await tab
      .getByRole("button", { name: /^Line / })
      .first()
      .click();
    await tab.locator(".messages pre").waitFor();
    await look("discards");
    await tab.getByRole("button", { name: "Paste traffic…" }).click();
    await tab.getByRole("textbox").fill('{"id":1,"result":{}}\n{"method":"initialized"}');
    await tab.getByRole("radio").first().waitFor();
    await look("paste");
    await close();
  });
}

test("a narrow page has everything one below the other", async () => {
  const { tab, close } = await open(browser, { viewport: { width: 420, height: 900 } });
  await isRead(tab);
  await tab.getByRole("table", { name: "Tokens" }).waitFor();
  await tab.waitForTimeout(250);
  await screenshot(tab, "session-narrow");
  assert.ok(
    await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    "the page is wider than the window",
  );
  await isAccessible(tab, "narrow");
  await show(tab, "Events");
  await tab.getByRole("link", { name: "Turn", exact: true }).first().click();
  await tab.locator(".is-completing pre").waitFor();
  await screenshot(tab, "event-narrow");
  assert.ok(
    await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    "the event is wider than the window",
  );
  await close();
});

test("a click in the time line opens the event; the wheel and dragging move it", async () => {
  const { tab, close } = await open(browser);
  await drop(tab, recording("0.131.0/plain_turn"));
  await tab.locator(".chart canvas").first().waitFor();
  await tab.waitForTimeout(300);
  const box = await tab.locator(".timeline .chart").boundingBox();
  const messages = parsed(readFileSync(recording("0.131.0/plain_turn"), "utf8"));
  const at = (method) => messages.find(({ message }) => message.method === method).at_ms;
  const [first, last] = [messages[0].at_ms, messages.at(-1).at_ms];
  const share = ((at("turn/started") + at("turn/completed")) / 2 - first) / (last - first);
  // The names of the rows are at the left.
  const x = box.x + 132 + share * (box.width - 150);
  const [turn] = parsed(native(recording("0.131.0/plain_turn"))).filter(
    ({ event_type }) => event_type === "codex_turn_event",
  );
  await tab.mouse.move(x, box.y + 20);
  await tab.keyboard.down("Control");
  await tab.mouse.wheel(0, -300);
  await tab.keyboard.up("Control");
  await tab.waitForURL(/from=/);
  await tab.getByRole("button", { name: "All" }).click();
  await tab.waitForURL((url) => !url.href.includes("from="));
  await tab.waitForTimeout(400);
  await tab.mouse.click(x, box.y + 20);
  await tab.getByLabel("The event", { exact: true }).waitFor();
  assert.deepEqual(JSON.parse(await tab.getByLabel("The event", { exact: true }).textContent()), turn);
  await close();
});
