// What the tests of the overview share: a folder of all rollouts, and where things are on the page.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { rollouts } from "./support.mjs";

/** Every rollout in a folder of its version, beside files that are none. */
export function makeSessions(sessions) {
  for (const file of rollouts) {
    const [, version] = /rollouts\/([^/]+)\//.exec(file);
    mkdirSync(join(sessions, version), { recursive: true });
    copyFileSync(file, join(sessions, version, basename(file)));
  }
  writeFileSync(join(sessions, "history.jsonl"), '{"session_id":"x","text":"y"}\n');
  writeFileSync(join(sessions, "config.toml"), "");
}

export const count = (number) => new Intl.NumberFormat("en-GB").format(number);

/** The rows of the list. */
export const list = (tab) => tab.getByRole("table", { name: /^Sessions/ }).locator("tbody tr");

/** Waits until so many sessions are listed. */
export const found = (tab, number) => tab.getByText(new RegExp(`^${number}( of [\\d,]+)? sessions?$`)).waitFor();
