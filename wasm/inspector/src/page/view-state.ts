/** What is looked at, in the address: a reload or a bookmark shows the same again. */
import { signal } from "@preact/signals";

import type { EventQuery, SortKey } from "../../shared/reader/event-rows.js";
import { type EventType, TYPE_LABELS } from "../../shared/reader/kinds.js";
import { OVERVIEW_KEYS, type OverviewQuery } from "./overview.js";

export const VIEWS = ["sessions", "trends", "compare", "session", "events", "discards"] as const;
export type ViewName = (typeof VIEWS)[number];

/** Whether a view is of one session. */
export const isOfSession = (name: ViewName): boolean => name === "session" || name === "events" || name === "discards";

export const MEASURES = ["tokens", "turns"] as const;
export type Measure = (typeof MEASURES)[number];

export interface View extends EventQuery, OverviewQuery {
  view: ViewName;
  /** The file of the overview whose session is open. */
  session: number | null;
  /** The page of the overview's list. */
  list: number;
  /** The sessions that are compared: two at most. */
  pair: number[];
  measure: Measure;
  page: number;
  /** The event that is open. */
  event: number | null;
  /** The part of the time line that is shown. */
  from: number | null;
  to: number | null;
}

const SORT_KEYS: SortKey[] = ["number", "type", "subject", "outcome", "duration"];

/** What is looked at within a session, as at first. */
export const SESSION_START = {
  view: "session",
  search: "",
  types: [] as EventType[],
  thread: "",
  outcome: "",
  sort: "number",
  isDescending: false,
  page: 0,
  event: null,
  from: null,
  to: null,
} satisfies Partial<View>;

export const START: View = {
  ...SESSION_START,
  session: null,
  list: 0,
  pair: [],
  measure: "tokens",
  find: "",
  client: "",
  model: "",
  repository: "",
  ended: "",
  by: "time",
  isRising: false,
};

export const view = signal<View>(START);

/** The recording that the address was made with. */
let identity = "";

export function parseView(hash: string): { view: View; recording: string } {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (name: string): number | null => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isFinite(value) ? value : null;
  };
  const whole = (name: string): number | null => {
    const value = number(name);
    return value !== null && Number.isInteger(value) && value >= 0 ? value : null;
  };
  const sort = (given.get("sort") ?? "").replace(/^-/, "");
  const by = (given.get("by") ?? "").replace(/^\+/, "");
  const numbers = (given.get("pair") ?? "")
    .split(",")
    .filter((id) => /^\d+$/.test(id))
    .map(Number);
  return {
    recording: given.get("recording") ?? "",
    view: {
      view: VIEWS.find((name) => name === given.get("view")) ?? START.view,
      search: given.get("search") ?? "",
      types: (given.get("types") ?? "").split(",").filter((type): type is EventType => type in TYPE_LABELS),
      thread: given.get("thread") ?? "",
      outcome: given.get("outcome") ?? "",
      sort: SORT_KEYS.find((key) => key === sort) ?? START.sort,
      isDescending: (given.get("sort") ?? "").startsWith("-"),
      page: Math.max(0, (whole("page") ?? 1) - 1),
      event: whole("event"),
      from: number("from"),
      to: number("to"),
      session: whole("session"),
      list: Math.max(0, (whole("list") ?? 1) - 1),
      pair: numbers.slice(0, 2),
      measure: MEASURES.find((name) => name === given.get("measure")) ?? START.measure,
      find: given.get("find") ?? "",
      client: given.get("client") ?? "",
      model: given.get("model") ?? "",
      repository: given.get("repository") ?? "",
      ended: given.get("ended") ?? "",
      by: OVERVIEW_KEYS.find((key) => key === by) ?? START.by,
      isRising: (given.get("by") ?? "").startsWith("+"),
    },
  };
}

export function hashOf(view: View, recording: string): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string | number | null, isUsual: boolean): void => {
    if (!isUsual && value !== null) said.set(name, String(value));
  };
  say("recording", recording, recording === "");
  say("view", view.view, view.view === START.view);
  say("search", view.search, view.search === "");
  say("types", view.types.join(","), view.types.length === 0);
  say("thread", view.thread, view.thread === "");
  say("outcome", view.outcome, view.outcome === "");
  say("sort", `${view.isDescending ? "-" : ""}${view.sort}`, view.sort === START.sort && !view.isDescending);
  say("page", view.page + 1, view.page === 0);
  say("event", view.event, false);
  say("from", view.from, false);
  say("to", view.to, false);
  say("session", view.session, false);
  say("list", view.list + 1, view.list === 0);
  say("pair", view.pair.join(","), view.pair.length === 0);
  say("measure", view.measure, view.measure === START.measure);
  for (const name of ["find", "client", "model", "repository", "ended"] as const)
    say(name, view[name], view[name] === "");
  say("by", `${view.isRising ? "+" : ""}${view.by}`, view.by === START.by && !view.isRising);
  return `#${said}`;
}

/** Goes to another view; going back comes back from it. */
export function go(change: Partial<View>): void {
  view.value = { ...view.value, ...change };
  history.pushState(null, "", hashOf(view.value, identity));
}

/** Changes the view in place. */
export function refine(change: Partial<View>): void {
  view.value = { ...view.value, ...change };
  history.replaceState(null, "", hashOf(view.value, identity));
}

/** A link's address for a view. */
export function linkTo(change: Partial<View>): string {
  return hashOf({ ...view.value, ...change }, identity);
}

/**
 * A recording is there: the address's view if it was made with this one, otherwise the start. Returns whether the page
 * was opened with an address that was made with another.
 */
export function adopt(recording: string, start: View = START): boolean {
  const asked = parseView(location.hash);
  const isFirst = identity === "";
  identity = recording;
  const given = new URLSearchParams(location.hash.replace(/^#/, ""));
  const name = given.has("view") || given.has("session") ? asked.view.view : start.view;
  view.value = asked.recording === recording || asked.recording === "" ? { ...asked.view, view: name } : start;
  // Such an address stays until the user goes somewhere: its recording may be opened next.
  const isOther = isFirst && asked.recording !== "" && asked.recording !== recording;
  if (!isOther) history.replaceState(null, "", hashOf(view.value, identity));
  return isOther;
}

addEventListener("popstate", () => {
  const asked = parseView(location.hash);
  if (asked.recording === "" || asked.recording === identity) view.value = asked.view;
});
