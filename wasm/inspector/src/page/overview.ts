/** What is made of many sessions' rows: which are listed, in which order, and what they add up to. */
import { shortId } from "../../shared/page/format.js";
import type { Cell, SessionRow } from "../reader/survey-view.js";

export const OVERVIEW_KEYS = [
  "time",
  "name",
  "client",
  "model",
  "turns",
  "tokens",
  "duration",
  "lines",
  "outcome",
] as const;
export type OverviewKey = (typeof OVERVIEW_KEYS)[number];

export interface OverviewQuery {
  find: string;
  client: string;
  model: string;
  repository: string;
  ended: string;
  by: OverviewKey;
  isRising: boolean;
}

/** A session in the list: below its parent, if that is listed, too. */
export interface Listed {
  row: SessionRow;
  depth: number;
}

export const tokensOf = ({ input, output }: SessionRow): number | null =>
  input.sum === null || output.sum === null ? null : input.sum + output.sum;

/** What a rollout's last turn does not say is unknown; a session without a turn has no outcome. */
export function outcomeOf({ turns, outcome }: SessionRow): string | null {
  return turns === 0 ? "no turn" : outcome;
}

function matches(row: SessionRow, name: string, query: OverviewQuery): boolean {
  const has = (wanted: string, values: (string | null)[]): boolean => wanted === "" || values.includes(wanted);
  const find = query.find.trim().toLowerCase();
  const texts = [name, row.path, row.thread, row.client, row.version, row.repository, row.folder, ...row.models];
  return (
    has(query.client, [row.client]) &&
    has(query.model, row.models) &&
    has(query.repository, [placeOf(row)]) &&
    has(query.ended, [outcomeOf(row) ?? "unknown"]) &&
    (find === "" || texts.some((text) => text?.toLowerCase().includes(find)))
  );
}

/** Where a session worked: its repository, or else its folder. */
export const placeOf = ({ repository, folder }: SessionRow): string | null => repository ?? folder;

type Value = string | number | null;

const VALUES: Readonly<Record<OverviewKey, (row: SessionRow, name: string) => Value>> = {
  time: (row) => row.first,
  name: (_, name) => name.toLowerCase(),
  client: (row) => row.client,
  model: (row) => row.models[0] ?? null,
  turns: (row) => row.turns,
  tokens: tokensOf,
  duration: (row) => row.time.sum,
  lines: (row) => (row.lines === null ? null : row.lines.added + row.lines.deleted),
  outcome: outcomeOf,
};

/** Those that a query wants, in its order; what is not known comes last, and agents below who started them. */
export function listed(rows: SessionRow[], names: Names, query: OverviewQuery): Listed[] {
  const wanted = rows.filter((row) => matches(row, names.of(row), query));
  const sign = query.isRising ? 1 : -1;
  const value = (row: SessionRow): Value => VALUES[query.by](row, names.of(row));
  const compare = (one: SessionRow, other: SessionRow): number => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return a === b ? one.id - other.id : a === null ? 1 : -1;
    return sign * (a < b ? -1 : a > b ? 1 : 0) || one.id - other.id;
  };
  wanted.sort(compare);
  const byThread = new Map(
    wanted.flatMap((row): [string, SessionRow][] => (row.thread === null ? [] : [[row.thread, row]])),
  );
  const children = new Map<SessionRow | null, SessionRow[]>();
  for (const row of wanted) {
    const parent = (row.parent === null ? undefined : byThread.get(row.parent)) ?? null;
    const of = parent === row ? null : parent;
    const siblings = children.get(of);
    if (siblings === undefined) children.set(of, [row]);
    else siblings.push(row);
  }
  const found: Listed[] = [];
  const seen = new Set<SessionRow>();
  const add = (row: SessionRow, depth: number): void => {
    // Files may say of two threads that each started the other.
    if (seen.has(row)) return;
    seen.add(row);
    found.push({ row, depth });
    for (const child of children.get(row) ?? []) add(child, depth + 1);
  };
  for (const row of children.get(null) ?? []) add(row, 0);
  for (const row of wanted) add(row, 0);
  return found;
}

export interface Facet {
  value: string;
  sessions: number;
}

export function facet(rows: SessionRow[], values: (row: SessionRow) => (string | null)[]): Facet[] {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const value of values(row)) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([value, sessions]) => ({ value, sessions }))
    .sort((a, b) => b.sessions - a.sessions || a.value.localeCompare(b.value));
}

/** What tells files apart: their paths, without what all have in common. */
export class Names {
  readonly #folder: number;
  readonly #isAlike: boolean;

  constructor(rows: SessionRow[]) {
    const paths = rows.map(({ path }) => path.split("/"));
    const [first = [], ...others] = paths;
    let common = 0;
    while (
      common < first.length - 1 &&
      others.every((path) => path.length > common + 1 && path[common] === first[common])
    )
      common++;
    this.#folder = rows.length > 1 ? common : Math.max(0, first.length - 1);
    this.#isAlike = rows.length > 1 && paths.every((path) => path.length > common + 1 && path.at(-1) === first.at(-1));
  }

  /** The part of a file's path that others do not have. */
  file({ path }: SessionRow): string {
    const parts = path.split("/").slice(this.#folder);
    return (this.#isAlike ? parts.slice(0, -1) : parts).join("/");
  }

  /** A rollout's file has a time and an id for a name: where it worked says more. */
  of(row: SessionRow): string {
    if (row.kind !== "rollout") return this.file(row);
    return `${placeOf(row) ?? "Session"} ${shortId(row.thread ?? "")}`.trim();
  }
}

/** What sessions add up to; each turn once. */
export interface Added {
  sessions: number;
  turns: number;
  unsuccessful: number;
  /** Turns that do not say how they ended. */
  unended: number;
  input: number;
  output: number;
  /** Turns that do not say their tokens. */
  unknown: number;
}

const nothing = (): Added => ({ sessions: 0, turns: 0, unsuccessful: 0, unended: 0, input: 0, output: 0, unknown: 0 });

function add(to: Added, cell: Cell): void {
  to.turns += cell.turns;
  to.unsuccessful += cell.unsuccessful;
  to.unended += cell.unended;
  to.input += cell.input;
  to.output += cell.output;
  to.unknown += cell.unknown;
}

export function added(rows: SessionRow[], of: (cell: Cell) => boolean = () => true): Added {
  const sum = nothing();
  for (const { cells } of rows) {
    const own = cells.filter(of);
    if (own.length > 0) sum.sessions++;
    for (const cell of own) add(sum, cell);
  }
  return sum;
}

export type Unit = "day" | "week" | "month";

/** The first day of a day's week (Monday) or month. */
export function periodOf(day: string, unit: Unit): string {
  if (unit === "day") return day;
  if (unit === "month") return day.slice(0, 7);
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}

export interface Trend {
  /** Empty for models. */
  period: string;
  sum: Added;
  /** By model; an unknown one is null. */
  models: Map<string | null, Added>;
}

/** By period, the earliest first. */
export function trends(rows: SessionRow[], unit: Unit): Trend[] {
  const found = new Map<string, Trend>();
  const sessions = new Map<Added, Set<number>>();
  const count = (to: Added, row: SessionRow, cell: Cell): void => {
    add(to, cell);
    const known = sessions.get(to) ?? new Set();
    sessions.set(to, known.add(row.id));
    to.sessions = known.size;
  };
  for (const row of rows) {
    for (const cell of row.cells) {
      const period = periodOf(cell.day, unit);
      let trend = found.get(period);
      if (trend === undefined) found.set(period, (trend = { period, sum: nothing(), models: new Map() }));
      const model = trend.models.get(cell.model) ?? nothing();
      trend.models.set(cell.model, model);
      count(trend.sum, row, cell);
      count(model, row, cell);
    }
  }
  return [...found.values()].sort((a, b) => (a.period < b.period ? -1 : 1));
}

/** The unit in which a span is read at a glance. */
export function unitOf(rows: SessionRow[]): Unit {
  const days = rows.flatMap(({ cells }) => cells.map(({ day }) => Date.parse(day)));
  const span =
    days.length === 0
      ? 0
      : (days.reduce((a, b) => Math.max(a, b)) - days.reduce((a, b) => Math.min(a, b))) / 86_400_000;
  return span <= 45 ? "day" : span <= 300 ? "week" : "month";
}
