/** What is looked at, in the address's fragment: a link, a reload and the way back show the same again. */
import { signal } from "@preact/signals";

import type { EventQuery, SortKey } from "../../../shared/reader/event-rows.js";
import { type EventType, TYPE_LABELS } from "../../../shared/reader/kinds.js";
import type { Grouping } from "./api.js";
import { isDay } from "./period.js";

export const VIEWS = ["overview", "sessions", "session", "access"] as const;
export type ViewName = (typeof VIEWS)[number];

export const FILTERS = ["team", "person", "model", "client", "repository"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Record<Filter, readonly string[]>>;

export const GROUPINGS: readonly Grouping[] = [
  "team",
  "person",
  "model",
  "client",
  "repository",
  "tool",
  "tool_kind",
  "day",
  "week",
];

export interface Place extends EventQuery, Filters {
  view: ViewName;
  /** The last so many days; 0 for those from `since` to `until`. */
  days: number;
  since: string;
  until: string;
  /** What the table has rows of; null for what fits. */
  by: Grouping | null;
  /** The column that the table is sorted by; its bars' one if empty. */
  order: string;
  isRising: boolean;
  /** The number of the chart. */
  chart: string;
  /** Where the list of sessions goes on. */
  after: string;
  session: string;
  /** What of the session is shown. */
  part: "summary" | "events";
  page: number;
  event: number | null;
  /** The part of the time line that is shown. */
  from: number | null;
  to: number | null;
}

/** What is looked at within a session, as at first. */
const SESSION_START = {
  part: "summary",
  search: "",
  types: [],
  thread: "",
  outcome: "",
  sort: "number",
  isDescending: false,
  page: 0,
  event: null,
  from: null,
  to: null,
} satisfies Partial<Place>;

export const START: Place = {
  ...SESSION_START,
  view: "overview",
  days: 30,
  since: "",
  until: "",
  team: [],
  person: [],
  model: [],
  client: [],
  repository: [],
  by: null,
  order: "",
  isRising: false,
  chart: "turns",
  after: "",
  session: "",
};

const SORT_KEYS: readonly SortKey[] = ["number", "type", "subject", "outcome", "duration"];

/** Reads `#/sessions?team=core`. What it does not know it leaves out. */
export function parsePlace(fragment: string): Place {
  const [path = "", search = ""] = fragment.replace(/^#\/?/, "").split(/\?(.*)/s);
  const given = new URLSearchParams(search);
  const [name = "", ...rest] = path.split("/");
  const view = VIEWS.find((known) => known === name) ?? START.view;
  const text = (key: string): string => given.get(key) ?? "";
  const whole = (key: string): number | null => (/^\d{1,15}$/.test(text(key)) ? Number(text(key)) : null);
  const [since, until] = [text("since"), text("until")];
  const isOwnPeriod = isDay(since) && isDay(until) && since <= until;
  return {
    ...START,
    view,
    session: view === "session" ? decoded(rest.join("/")) : "",
    days: isOwnPeriod ? 0 : Math.min(3660, whole("days") ?? START.days) || START.days,
    since: isOwnPeriod ? since : "",
    until: isOwnPeriod ? until : "",
    ...(Object.fromEntries(FILTERS.map((filter) => [filter, given.getAll(filter)])) as Record<Filter, string[]>),
    by: GROUPINGS.find((known) => known === text("by")) ?? null,
    order: text("order").replace(/^-/, ""),
    isRising: text("order") !== "" && !text("order").startsWith("-"),
    chart: text("chart") || START.chart,
    after: text("after"),
    part: text("part") === "events" ? "events" : "summary",
    search: text("search"),
    types: text("types")
      .split(",")
      .filter((type): type is EventType => type in TYPE_LABELS),
    thread: text("thread"),
    outcome: text("outcome"),
    sort: SORT_KEYS.find((key) => key === text("sort").replace(/^-/, "")) ?? START.sort,
    isDescending: text("sort").startsWith("-"),
    page: Math.max(0, (whole("page") ?? 1) - 1),
    event: whole("event"),
    from: whole("from"),
    to: whole("to"),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function fragmentOf(place: Place): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string | number | null, usual: string | number | null): void => {
    if (value !== usual && value !== null) said.set(name, String(value));
  };
  if (place.days === 0) {
    said.set("since", place.since);
    said.set("until", place.until);
  } else say("days", place.days, START.days);
  for (const filter of FILTERS) for (const value of place[filter]) said.append(filter, value);
  if (place.view === "overview") {
    say("by", place.by, null);
    say("order", place.order === "" ? "" : `${place.isRising ? "" : "-"}${place.order}`, "");
    say("chart", place.chart, START.chart);
  } else if (place.view === "sessions") say("after", place.after, "");
  else if (place.view === "session") {
    say("part", place.part, START.part);
    say("search", place.search, "");
    say("types", place.types.join(","), "");
    say("thread", place.thread, "");
    say("outcome", place.outcome, "");
    say("sort", `${place.isDescending ? "-" : ""}${place.sort}`, START.sort);
    say("page", place.page + 1, 1);
    say("event", place.event, null);
    say("from", place.from, null);
    say("to", place.to, null);
  }
  const path = place.view === "session" ? `session/${encodeURIComponent(place.session)}` : place.view;
  const search = said.toString();
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

export const place = signal<Place>(parsePlace(location.hash));

/** Goes somewhere else; the way back comes back from it. */
export function go(change: Partial<Place>): void {
  const before = place.value;
  place.value = { ...before, ...change };
  history.pushState(null, "", fragmentOf(place.value));
  if (place.value.view !== before.view || place.value.session !== before.session) scrollTo(0, 0);
}

/** Changes what is shown, in place. */
export function refine(change: Partial<Place>): void {
  place.value = { ...place.value, ...change };
  history.replaceState(null, "", fragmentOf(place.value));
}

/** A link's address. */
export const linkTo = (change: Partial<Place>): string => fragmentOf({ ...place.value, ...change });

/** What opens a session. */
export const opening = (session: string): Partial<Place> => ({ ...SESSION_START, view: "session", session });

/** Whether anything narrows what is shown, apart from the period. */
export const isFiltered = (filters: Filters): boolean => FILTERS.some((filter) => filters[filter].length > 0);

export const NO_FILTERS: Filters = { team: [], person: [], model: [], client: [], repository: [] };

addEventListener("popstate", () => (place.value = parsePlace(location.hash)));
