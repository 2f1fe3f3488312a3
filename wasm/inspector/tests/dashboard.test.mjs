// The dashboard's overview, for each role, against a stand-in for the collector that answers in the API's shape.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { asks, cells, on, REFUSALS, rows, tile, view } from "./dashboard/support.mjs";
import { launch, native, recording } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("signing in and out", async () => {
  await on(browser, { role: null, expected: REFUSALS }, async (tab, collector) => {
    const field = tab.getByLabel("Sign-in key");
    await field.waitFor();
    assert.ok(await field.evaluate((element) => element === document.activeElement));
    await tab.getByText("turnledger collect user add NAME --role ROLE").waitFor();
    await tab.getByRole("button", { name: "Sign in" }).click();
    await tab.getByText("Paste your sign-in key.").waitFor();
    await field.fill("tlk_nobody");
    await tab.keyboard.press("Enter");
    await tab.getByText("No user has this key.").waitFor();
    await field.fill("tlk_owner");
    await tab.keyboard.press("Enter");
    await tile(tab, "Turns").waitFor();
    await asks(collector, "/api/session", (one) => one.body, { key: "tlk_owner" });
    // The key is nowhere: not in the address, and not in what the browser keeps.
    assert.ok(
      !(await tab.evaluate(() => location.href + JSON.stringify(localStorage) + document.body.innerHTML)).includes(
        "tlk_owner",
      ),
    );
    await tab.getByRole("button", { name: "Sign out" }).click();
    await field.waitFor();
    await asks(collector, "/api/session", (one) => one.method, "DELETE");
  });
});

test("the overview has the report's numbers, and beside each what it leaves out", async () => {
  await on(browser, { role: "owner" }, async (tab, collector) => {
    const tokens = tile(tab, "Tokens");
    assert.match(await tokens.locator(".value").textContent(), /^≥ \d+\.\d M$/);
    assert.match(
      await tokens.locator(".note").first().textContent(),
      /^\d+\.\d M in \(79 % cached\), \d\.\d\d M out \(42 % reasoning\)$/,
    );
    assert.match(await tokens.locator(".lacks").textContent(), /^\d+ of [\d,]+ turns do not say$/);
    // What nobody says is unknown, and never zero.
    assert.equal(await tile(tab, "Hooks").locator(".value").textContent(), "unknown");
    await tab.getByRole("button", { name: "What “Tokens” is" }).first().click();
    const help = tab.getByRole("note", { name: "Tokens" }).first();
    await help.getByText("Input and output of the turns. A turn counts if it says both.").waitFor();
    await help
      .getByText(/turns do not say\. An interrupted turn, and one that failed at once, may say no tokens\./)
      .first()
      .waitFor();
    await tab.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
    await tab.getByText("2 events say no time: no period has them.").waitFor();
    // The table's own rows are asked for beside others, in no order.
    const reports = collector.asked.filter(({ path }) => path === "/api/report");
    const { search } = reports.find(({ search }) => search.get("by") === "team") ?? reports[0];
    assert.equal((Date.parse(search.get("until")) - Date.parse(search.get("since"))) / 86_400_000, 29);
    assert.equal(search.get("by"), "team");
    await tab.getByText("Every number, what it is, and what it leaves out").click();
    assert.equal(await rows(tab, "Every number").count(), 39);
  });
});

test("the chart shows any number over time, and a table says the same", async () => {
  await on(browser, { hash: "#/overview?since=2026-11-01&until=2026-11-20" }, async (tab) => {
    await tab.getByRole("img", { name: /^Turns, each day, from 2026-11-01 to 2026-11-20; / }).waitFor();
    const bars = () => tab.locator(".trend-chart svg rect").count();
    // Fifteen days with completed turns; few have all three parts.
    assert.ok((await bars()) >= 14);
    await tab.getByRole("combobox", { name: "Show" }).selectOption({ label: "Tokens" });
    await tab.getByRole("img", { name: /^Tokens, each day/ }).waitFor();
    await tab.getByText("1 day without a bar: there the number is unknown.").waitFor();
    const box = await tab.locator(".trend-chart svg").boundingBox();
    await tab.mouse.move(box.x + box.width - 20, box.y + 100);
    const told = await tab.locator(".trend-tip p").allTextContents();
    assert.match(told[0], /^2026-11-20: ≥ \d\.\d\d M$/);
    assert.match(told.at(-1), /^\d+ of \d+ turns do not say$/);
    await tab.getByText("Each day as a table").click();
    const table = rows(tab, /^Days/);
    assert.equal(await table.count(), 20);
    assert.equal((await cells(table.first()))[0], "2026-11-20");
    await tab.waitForURL(/chart=tokens/);
    await tab.reload();
    await tab.getByRole("img", { name: /^Tokens, each day/ }).waitFor();
  });
});

test("the table has rows of what is chosen, in the order that is chosen", async () => {
  await on(browser, {}, async (tab, collector) => {
    const table = rows(tab, /^Teams/);
    await table.first().waitFor();
    assert.deepEqual(await table.locator("th").allTextContents(), ["core", "editor", "platform", "no team"]);
    const head = tab.getByRole("table", { name: /^Teams/ }).getByRole("button", { name: "Turns", exact: true });
    await head.click();
    await tab.locator('th[aria-sort="descending"]', { hasText: "Turns" }).waitFor();
    await head.click();
    await tab.locator('th[aria-sort="ascending"]', { hasText: "Turns" }).waitFor();
    assert.deepEqual(await table.locator("th").allTextContents(), ["no team", "platform", "editor", "core"]);
    await tab.waitForURL(/order=turns/);
    await tab.getByRole("link", { name: "no team" }).click();
    await tab.getByRole("button", { name: "Remove team none" }).click();
    await tab
      .getByRole("navigation", { name: "Rows of the table" })
      .getByRole("button", { name: "Tool", exact: true })
      .click();
    await rows(tab, /^Tools/)
      .first()
      .waitFor();
    await asks(collector, "/api/report", (one) => one.search.get("by"), "tool");
    assert.equal(await rows(tab, /^Tools/).count(), 40);
    await tab.getByRole("button", { name: "Show all 45" }).click();
    assert.equal(await rows(tab, /^Tools/).count(), 45);
  });
});

test("filters are in the address: a link shows the same, and the way back undoes them", async () => {
  await on(browser, {}, async (tab, collector) => {
    await tile(tab, "Turns").waitFor();
    await tab.getByRole("combobox", { name: "Team" }).selectOption("core");
    await tab.getByRole("combobox", { name: "Team" }).selectOption("editor");
    await tab.getByRole("combobox", { name: "Period" }).selectOption("90");
    await tab.waitForURL(/#\/overview\?days=90&team=core&team=editor$/);
    await tab.waitForFunction(() => !document.querySelector(".is-old"));
    await asks(collector, "/api/report", (one) => one.search.getAll("team"), ["core", "editor"]);
    await tab.reload();
    await tab.getByRole("button", { name: "Remove team editor" }).click();
    await tab.waitForURL(/#\/overview\?days=90&team=core$/);
    await tab.goBack();
    await tab.waitForURL(/team=core&team=editor$/);
    await tab.getByRole("button", { name: "Remove team editor" }).waitFor();
    await tab.getByRole("button", { name: "Clear filters" }).click();
    await tab.waitForURL(/#\/overview\?days=90$/);
    // A row leads to what it is of.
    await tab.getByRole("link", { name: "gpt-5.5" }).first().click();
    await tab.waitForURL(/model=gpt-5\.5/);
    await tab.getByRole("combobox", { name: "Period" }).selectOption("0");
    await tab.getByLabel("From", { exact: true }).fill("2026-11-02");
    await tab.waitForURL(/since=2026-11-02/);
    await view(tab, "Sessions").click();
    await tab.waitForURL(/#\/sessions\?since=2026-11-02&until=.*model=gpt-5\.5$/);
  });
});

test("what is shown can be downloaded", async () => {
  await on(browser, {}, async (tab, collector) => {
    await tile(tab, "Turns").waitFor();
    const take = async (name) => {
      const started = tab.waitForEvent("download");
      await tab.getByRole("button", { name }).click();
      const file = await started;
      return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
    };
    const csv = await take("Numbers (CSV)");
    assert.match(csv.name, /^turnledger-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d-by-team\.csv$/);
    assert.equal(csv.text, "team,turns\na,1\n");
    const jsonl = await take("Events (JSONL)");
    assert.match(jsonl.name, /\.jsonl$/);
    assert.equal(jsonl.text, native(recording("0.131.0/mixed_long")));
    await asks(collector, "/api/export", (one) => one.search.get("format"), "jsonl");
  });
});

test("an analyst sees pseudonyms, a member their own, and neither gives access", async () => {
  await on(browser, { role: "analyst", hash: "#/overview?by=person" }, async (tab) => {
    await tile(tab, "Turns").waitFor();
    assert.equal(await view(tab, "Access").count(), 0);
    await view(tab, "Sessions").click();
    assert.equal((await cells(rows(tab, /^Sessions/).first()))[2], "P-0000");
  });
  await on(browser, { role: "member", hash: "#/access" }, async (tab) => {
    await tab.getByText("Only owners see who has access.").waitFor();
    await view(tab, "Overview").click();
    await tile(tab, "Turns").waitFor();
    assert.equal(await tab.getByRole("combobox", { name: "Person" }).count(), 0);
  });
});

test("a viewer is told what is withheld, and why", async () => {
  await on(browser, { role: "viewer", hash: "#/overview?by=person" }, async (tab, collector) => {
    const withheld = tab.getByRole("region", { name: "What is withheld" });
    await withheld
      .getByText("Numbers with fewer than 5 persons behind them are added to the row of others, or withheld.")
      .waitFor();
    await withheld.getByText("These weeks are in no number here: 2026-W45, 2026-W46.").waitFor();
    // Persons are not theirs to ask for.
    await asks(collector, "/api/report", (one) => one.search.get("by"), "team");
    assert.equal(await view(tab, "Sessions").count(), 0);
    assert.equal(await tab.getByRole("button", { name: "Events (JSONL)" }).count(), 0);
    assert.equal((await cells(rows(tab, /^Teams/).last()))[0], "others, each too small to stand alone");
    await tab.getByRole("img", { name: /^Turns, each week/ }).waitFor();
    await asks(collector, "/api/choices", (one) => one.search.has("since"), true);
    collector.withheld = [];
    await tab.getByRole("combobox", { name: "Period" }).selectOption("90");
    await tab.getByText("These weeks are in no number here").waitFor({ state: "detached" });
    await tab.getByRole("combobox", { name: "Period" }).selectOption("7");
    await tab.getByText("No week of this period has numbers that may be shown.").waitFor();
    assert.equal(await tile(tab, "Turns").count(), 0);
  });
  await on(browser, { role: "viewer", hash: "#/sessions", expected: REFUSALS }, async (tab) => {
    await tab.getByText("Viewers see sums of groups, and no sessions.").waitFor();
  });
});

test("a new collector says what to run, and the first session appears by itself", async () => {
  await on(browser, { isEmpty: true }, async (tab, collector) => {
    await tab.getByRole("heading", { name: "No session has arrived yet" }).waitFor();
    await tab.getByText("turnledger collect token add --person NAME --team NAME").waitFor();
    const command = `turnledger tap --upload ${new URL(collector.url).origin} --token-file FILE -- codex app-server`;
    await tab.getByText(command).waitFor();
    await tab.getByText("Waiting for the first session").waitFor();
    collector.isEmpty = false;
    await tile(tab, "Turns").waitFor({ timeout: 10_000 });
  });
  await on(browser, { isEmpty: true, hash: "#/overview?team=core" }, async (tab, collector) => {
    await tab.getByText("Nothing happened in this period, with these filters.").waitFor();
    collector.isEmpty = false;
    await tab.getByRole("link", { name: "Clear the filters" }).click();
    await tile(tab, "Turns").waitFor();
  });
});
