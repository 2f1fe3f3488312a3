// The dashboard's sessions, and its page for owners, against a stand-in for the collector.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asks, cells, on, rows, tile } from "./dashboard/support.mjs";
import { launch, native, recording } from "./support.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("the list of sessions: pages, filters, and the way into one and back", async () => {
  await on(browser, { hash: "#/sessions" }, async (tab, collector) => {
    const list = rows(tab, /^Sessions/);
    await tab.getByText(/^120 sessions/).waitFor();
    assert.equal(await list.count(), 50);
    assert.deepEqual(await cells(list.nth(1)), [
      "29 Nov 2026, 09:30",
      "…00000001",
      "ben",
      "editor",
      "zed",
      "gpt-5.5",
      "9a8b7c6d5e4f",
      "2",
      "24.7 k",
      "3",
      "1",
      "17",
      "2 min 2 s",
    ]);
    assert.equal((await cells(list.first()))[8], "unknown");
    await tab.getByRole("button", { name: "Older" }).click();
    await tab.waitForURL(/after=50/);
    await tab.getByRole("link", { name: "…00000050" }).waitFor();
    await tab.getByRole("button", { name: "Older" }).click();
    await tab.getByText("20 further of 120").waitFor();
    assert.ok(await tab.getByRole("button", { name: "Older" }).isDisabled());
    await tab.goBack();
    await tab.getByRole("link", { name: "…00000050" }).waitFor();
    await tab.getByRole("combobox", { name: "Team" }).selectOption("platform");
    await tab.getByText(/^40 sessions/).waitFor();
    await asks(collector, "/api/sessions", (one) => one.search.get("after"), null);
    // A click anywhere in a row opens it.
    await list.first().locator("td").nth(4).click();
    await tab.getByRole("heading", { name: "Session …00000002" }).waitFor();
    await tab.goBack();
    await tab.getByText(/^40 sessions/).waitFor();
  });
});

test("a session: its numbers, time line, agents and events, from events alone", async () => {
  await on(browser, { hash: "#/session/0.01a1fc6c-69dd-7bc3-a147-000000000000" }, async (tab) => {
    await tab.getByRole("heading", { name: "Session …00000000" }).waitFor();
    assert.equal(await tile(tab, "Turns").locator(".value").textContent(), "3");
    await tab.getByText("2 events of a later version: kept, and not shown here.").waitFor();
    await tab.locator(".timeline canvas").first().waitFor();
    const threads = rows(tab, /^Threads/);
    assert.deepEqual(await cells(threads.nth(0)), ["…78c0e6e0", "client", "gpt-5.5", "2", "5,120", "1", "247 ms"]);
    assert.deepEqual(await cells(threads.nth(1)), [
      "↳ agent of the thread above: …75c5043f",
      "thread spawn",
      "gpt-5.5",
      "1",
      "2,560",
      "1",
      "184 ms",
    ]);
    // The turns hold their calls.
    await tab.getByText("The same as a table").click();
    await tab.getByText("5 marks in the window").waitFor();
    const times = await rows(tab, /marks in the window/).evaluateAll((found) =>
      found.map((row) => [...row.children].slice(0, 4).map((cell) => cell.textContent)),
    );
    assert.deepEqual(times, [
      ["0:00.639", "198 ms", "Turn: gpt-5.5", "completed"],
      ["0:00.723", "29 ms", "Agent tool: spawn_agent", "completed"],
      ["0:00.799", "184 ms", "Turn: gpt-5.5", "completed"],
      ["0:00.891", "0 ms", "Command: unified_exec", "completed"],
      ["0:02.000", "49 ms", "Turn: gpt-5.5", "completed"],
    ]);
    await tab
      .getByRole("link", { name: /^event \d$/ })
      .first()
      .click();
    await tab.getByLabel("The event", { exact: true }).waitFor();
    await tab.goBack();
    await tab.getByRole("link", { name: "…75c5043f" }).click();
    await tab.getByText("3 of 7 events").waitFor();
    await tab.getByRole("button", { name: "Clear" }).click();
    await tab.getByText("7 events", { exact: true }).waitFor();
    await tab.getByRole("checkbox", { name: /^Command/ }).check();
    await tab.getByText("1 of 7 events").waitFor();
    await tab.getByRole("link", { name: "Command" }).click();
    const text = await tab.getByLabel("The event", { exact: true }).textContent();
    const sent = native(recording("0.169.0/sub_v1"))
      .split("\n")
      .filter((line) => line.includes("codex_command_execution_event"));
    assert.deepEqual(JSON.parse(text), JSON.parse(sent[0]));
    await tab.reload();
    await tab.getByLabel("The event", { exact: true }).waitFor();
    await tab.getByRole("link", { name: "← All events" }).click();
    await tab.getByText("1 of 7 events").waitFor();
    await tab.getByRole("link", { name: "← All sessions" }).click();
    await tab.getByText(/^120 sessions/).waitFor();
  });
});

test("an owner gives access and takes it away", async () => {
  await on(
    browser,
    { hash: "#/access", expected: [/status of 400/], permissions: ["clipboard-read", "clipboard-write"] },
    async (tab, collector) => {
      await rows(tab, "Tokens").first().waitFor();
      assert.deepEqual((await cells(rows(tab, "Tokens").nth(1))).slice(0, 4), [
        "ben",
        "editor",
        "21 Oct 2026, 12:00",
        "never",
      ]);
      const form = tab.getByRole("form", { name: "Make a token" });
      await form.getByLabel("Person").fill("gus");
      await form.getByLabel("Team").fill("core");
      await form.getByRole("button", { name: "Make a token" }).click();
      const secret = tab.getByRole("region", { name: "A token for gus" });
      await secret.getByText("tl_0123456789abcdef", { exact: true }).waitFor();
      assert.deepEqual(collector.asked.find(({ method, path }) => method === "POST" && path === "/api/tokens").body, {
        person: "gus",
        team: "core",
      });
      await secret.getByRole("button", { name: "Copy the token" }).click();
      await secret.getByText("Copied").waitFor();
      assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), "tl_0123456789abcdef");
      const lines = await secret.getByLabel("the two lines", { exact: true }).textContent();
      assert.equal(lines.split("\n").length, 2);
      assert.ok(!lines.includes("tl_"), "the shell's history would have the token");
      await secret.getByRole("button", { name: "I have kept it" }).click();
      assert.ok(!(await tab.content()).includes("tl_0123456789abcdef"));
      await rows(tab, "Tokens").filter({ hasText: "gus" }).waitFor();
      await asks(collector, "/api/tokens", (one) => one.method, "GET");
      // It asks first.
      await tab.getByRole("button", { name: "Revoke the token of gus" }).click();
      const dialog = tab.getByRole("dialog", { name: "Revoke the token of gus?" });
      await dialog.getByRole("button", { name: "Keep it" }).click();
      await dialog.waitFor({ state: "detached" });
      assert.ok(
        await tab.evaluate(() => document.activeElement.getAttribute("aria-label") === "Revoke the token of gus"),
      );
      await tab.getByRole("button", { name: "Revoke the token of gus" }).click();
      await dialog.getByRole("button", { name: "Revoke" }).click();
      await tab.getByText("Revoked: the token of gus.").waitFor();
      await rows(tab, "Tokens").filter({ hasText: "gus" }).waitFor({ state: "detached" });
      await tab.getByRole("checkbox", { name: "Show the 2 that are revoked" }).check();
      await rows(tab, "Tokens")
        .filter({ hasText: "gus" })
        .getByText(/^revoked /)
        .waitFor();
      // Users.
      const users = tab.getByRole("form", { name: "Add a user" });
      await users.getByLabel("Name").fill("ben");
      await users.getByRole("button", { name: "Add a user" }).click();
      await tab.getByText("No user was added. There is a user ben already.").waitFor();
      await users.getByLabel("Name").fill("hal");
      await users.getByLabel("Role").selectOption("member");
      await users.getByLabel("Whose numbers").fill("ada");
      await users.getByRole("button", { name: "Add a user" }).click();
      await tab.getByRole("region", { name: "A sign-in key for hal" }).getByText("tlk_0123456789abcdef").waitFor();
      assert.deepEqual(
        collector.asked.filter(({ method, path }) => method === "POST" && path === "/api/users").at(-1).body,
        { name: "hal", role: "member", person: "ada" },
      );
    },
  );
});
