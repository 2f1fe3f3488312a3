// What the dashboard's tests share: a page whose every error, warning and breach of the policy fails the test.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { serve } from "./server.mjs";

export async function openDashboard(browser, collector, { hash = "", expected = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const tab = await context.newPage();
  const wrong = [];
  const isExpected = (text) => expected.some((pattern) => pattern.test(text));
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isExpected(message.text()))
      wrong.push(`${message.type()}: ${message.text()}`);
  });
  tab.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  context.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(collector.url) && !asked.startsWith("blob:") && !asked.startsWith("data:"))
      wrong.push(`request: ${asked}`);
  });
  await tab.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, sourceFile, lineNumber }) =>
      console.error(`policy: ${violatedDirective} at ${sourceFile}:${lineNumber}`),
    );
  });
  await tab.goto(collector.url + hash);
  return {
    tab,
    context,
    /** To be called at the end. */
    close: async () => {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

/** What a browser says of an answer that is none. */
export const REFUSALS = [
  /the server responded with a status of (401|403|404|503)/,
  /net::ERR_(EMPTY_RESPONSE|FAILED|CONNECTION)/,
];

/** The value of a tile, and what stands beside it. */
export const tile = (tab, name) =>
  tab.locator(".tile", { has: tab.locator("dt", { hasText: new RegExp(`^${name}`) }) });

export const fits = (tab) => tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

/** A collector and a page of it; both are closed at the end. */
export async function on(browser, options, use) {
  const { role = "owner", isEmpty, ...page } = options;
  const collector = await serve({ role, isEmpty });
  try {
    const { tab, close } = await openDashboard(browser, collector, page);
    await use(tab, collector);
    await close();
  } finally {
    collector.close();
  }
}

/** Waits until the latest request of a path has what is expected: the page may show something else before it asks. */
export async function asks(collector, path, part, expected) {
  const latest = () => {
    const request = collector.asked.filter((one) => one.path === path).at(-1);
    return request && part(request);
  };
  const until = Date.now() + 5000;
  while (!isDeepStrictEqual(latest(), expected) && Date.now() < until) await sleep(20);
  assert.deepEqual(latest(), expected);
}

export const view = (tab, name) => tab.getByRole("navigation", { name: "Views" }).getByRole("link", { name });
export const rows = (tab, name) => tab.getByRole("table", { name }).locator("tbody tr");
export const cells = (row) => row.locator("th, td").allTextContents();
