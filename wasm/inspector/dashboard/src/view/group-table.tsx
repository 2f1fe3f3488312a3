/** Numbers of teams, models, days and so on: a row each. */
import { useState } from "preact/hooks";

import { count, NOT_SAID } from "../../../shared/page/format.js";
import { type EventType, TYPE_LABELS } from "../../../shared/reader/kinds.js";
import type { Grouping, NumberInfo, Report, Row } from "../page/api.js";
import { gapOf, percent, said, valueOf } from "../page/numbers.js";
import { type Filter, FILTERS, GROUPINGS, place, type Place, refine } from "../page/place.js";
import { numbers } from "../page/state.js";
import { shown } from "./filters.js";
import { Help } from "./help.js";
import { Link } from "./link.js";

const NAMES: Readonly<Record<Grouping, [one: string, many: string]>> = {
  team: ["Team", "Teams"],
  person: ["Person", "Persons"],
  model: ["Model", "Models"],
  client: ["Client", "Clients"],
  repository: ["Repository", "Repositories"],
  tool: ["Tool", "Tools"],
  tool_kind: ["Kind of tool", "Kinds of tools"],
  day: ["Day", "Days"],
  week: ["Week", "Weeks"],
};

const MOST_ROWS = 40;
const CACHED = "cached_share";

/** The columns of a table, as the report's. */
function columnsOf(by: Grouping): string[] {
  if (by === "tool" || by === "tool_kind")
    return ["calls", "calls_failed", "call_failure_rate", "calls_rejected", "call_time_ms"];
  if (by === "model") return ["turns", "input_tokens", CACHED, "output_tokens", "reasoning_output_tokens"];
  return ["sessions", "turns", "turns_failed", "turn_time_ms", "tokens", "calls", "added_lines"];
}

/** What numbers are called where the table says what they are of. */
const SHORT: Readonly<Record<string, string>> = {
  turns_failed: "Failed",
  turn_time_ms: "Time",
  calls: "Calls",
  calls_failed: "Failed",
  calls_rejected: "Refused",
  call_failure_rate: "Rate",
  call_time_ms: "Time",
  added_lines: "Lines",
};

const barOf = (by: Grouping): string => (by === "tool" || by === "tool_kind" ? "calls" : "tokens");

/** The part of the input that was cached. */
function cached(row: Row): number | null {
  const [part, whole] = [valueOf(row, "cached_input_tokens"), valueOf(row, "input_tokens")];
  return part === null || whole === null || whole === 0 ? null : part / whole;
}

const sortValue = (row: Row, id: string): number | string | null =>
  id === "key" ? row.key : id === CACHED ? cached(row) : valueOf(row, id);

/** The table that the user chooses. */
export function GroupPanel({ report, by, groupings }: { report: Report; by: Grouping | null; groupings: Grouping[] }) {
  if (by === null) return null;
  return (
    <section class="panel" aria-labelledby="group-title">
      <div class="panel-head">
        <h2 id="group-title">By {NAMES[by][0].toLowerCase()}</h2>
        <nav class="segments" aria-label="Rows of the table">
          {GROUPINGS.filter((grouping) => groupings.includes(grouping)).map((grouping) => (
            <Segment key={grouping} grouping={grouping} isCurrent={grouping === by} />
          ))}
        </nav>
      </div>
      {report.rows.length === 0 ? (
        <p class="hint">Nothing here says a {NAMES[by][0].toLowerCase()}.</p>
      ) : (
        // What is being asked for is not yet what is shown.
        <GroupTable by={report.by ?? by} rows={report.rows} total={report.total} isChosen />
      )}
    </section>
  );
}

function Segment({ grouping, isCurrent }: { grouping: Grouping; isCurrent: boolean }) {
  return (
    <button type="button" aria-pressed={isCurrent} onClick={() => refine({ by: grouping, order: "", isRising: false })}>
      {NAMES[grouping][0]}
    </button>
  );
}

interface Grouped {
  by: Grouping;
  rows: Row[];
  total?: Row;
  /** A further column. */
  extra?: NumberInfo;
  /** Whether each row has a bar. */
  hasBars?: boolean;
  /** Whether the address says how it is sorted. */
  isChosen?: boolean;
  /** Whether the rows are in their order already. */
  isInOrder?: boolean;
}

export function GroupTable({ by, rows, total, extra, hasBars = true, isChosen = false, isInOrder = false }: Grouped) {
  const [own, setOwn] = useState<{ order: string; isRising: boolean }>({ order: "", isRising: false });
  const [isWhole, setWhole] = useState(false);
  const usual = columnsOf(by);
  const ids = extra === undefined || usual.includes(extra.id) ? usual : [...usual, extra.id];
  // A role may have fewer numbers.
  const columns = ids.filter((id) => {
    const number = id === CACHED ? "cached_input_tokens" : id;
    return numbers.value.has(number) && rows.some((row) => number in row.numbers);
  });
  const asked = isChosen ? place.value : own;
  const isTime = by === "day" || by === "week";
  const order = columns.includes(asked.order) || asked.order === "key" ? asked.order : isTime ? "key" : barOf(by);
  const isRising = asked.order === "" ? false : asked.isRising;
  const sorted = isInOrder && asked.order === "" ? rows : sort(rows, order, isRising);
  const visible = isWhole ? sorted : sorted.slice(0, MOST_ROWS);
  const choose = (id: string): void => {
    const next = { order: id, isRising: order === id ? !isRising : id === "key" && !isTime };
    if (isChosen) refine(next);
    else setOwn(next);
  };
  const bar = barOf(by);
  const most = rows.reduce((largest, row) => Math.max(largest, valueOf(row, bar) ?? 0), 0);
  return (
    <>
      <div class="table-frame" role="region" tabIndex={0} aria-label={`${NAMES[by][1]}, to be scrolled`}>
        <table class="events groups">
          <caption class="visually-hidden">{NAMES[by][1]}; the headers of columns sort them</caption>
          <thead>
            <tr>
              <Header id="key" name={NAMES[by][0]} order={order} isRising={isRising} choose={choose} />
              {columns.map((id) => (
                <Header key={id} id={id} order={order} isRising={isRising} choose={choose} isNumber />
              ))}
              {hasBars && (
                <th scope="col" class="bar">
                  {numbers.value.get(bar)?.label ?? ""}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <tr
                key={row.is_rest === true ? "the rest" : (row.key ?? "not said")}
                class={row.is_rest === true ? "rest" : ""}
              >
                <th scope="row" class="what">
                  <Key by={by} row={row} />
                </th>
                {columns.map((id) => (
                  <Cell key={id} row={row} id={id} />
                ))}
                {hasBars && (
                  <td class="bar">
                    <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                      <rect width={most === 0 ? 0 : ((valueOf(row, bar) ?? 0) / most) * 100} height="1" />
                    </svg>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
          {total !== undefined && rows.length > 1 && !isTime && (
            <tfoot>
              <tr>
                <th scope="row">Total</th>
                {columns.map((id) => (
                  <Cell key={id} row={total} id={id} />
                ))}
                {hasBars && <td class="bar" />}
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      {sorted.length > visible.length && (
        <p class="more">
          <button type="button" onClick={() => setWhole(true)}>
            Show all {count(sorted.length)}
          </button>
        </p>
      )}
      {total !== undefined && <Gaps columns={columns} total={total} />}
    </>
  );
}

/** What is not known comes last, and the rest of all after it. */
function sort(rows: Row[], order: string, isRising: boolean): Row[] {
  const sign = isRising ? 1 : -1;
  return [...rows].sort((one, other) => {
    if ((one.is_rest ?? false) !== (other.is_rest ?? false)) return one.is_rest === true ? 1 : -1;
    const [a, b] = [sortValue(one, order), sortValue(other, order)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "string" || typeof b === "string") return sign * String(a).localeCompare(String(b));
    return sign * (a - b);
  });
}

interface Head {
  id: string;
  name?: string;
  order: string;
  isRising: boolean;
  choose: (id: string) => void;
  isNumber?: boolean;
}

function Header({ id, name, order, isRising, choose, isNumber = false }: Head) {
  const info = numbers.value.get(id);
  const label = name ?? SHORT[id] ?? (id === CACHED ? "Cached" : (info?.label ?? id));
  const isCurrent = order === id;
  return (
    <th
      scope="col"
      class={isNumber ? "number" : undefined}
      aria-sort={isCurrent ? (isRising ? "ascending" : "descending") : undefined}
    >
      <span class="head-cell">
        <button type="button" class="sorter" onClick={() => choose(id)}>
          {label}
          <span aria-hidden="true" class="arrow">
            {isCurrent ? (isRising ? "▲" : "▼") : ""}
          </span>
        </button>
        {info !== undefined && <Help infos={[info]} name={info.label} />}
      </span>
    </th>
  );
}

function Key({ by, row }: { by: Grouping; row: Row }) {
  if (row.is_rest === true) return <span class="note">others, each too small to stand alone</span>;
  if (row.key === null && by === "team" && !place.value.team.includes(""))
    return (
      <Link to={{ team: [""] }} class="event-link">
        no team
      </Link>
    );
  if (row.key === null) return <span class="note">{by === "day" || by === "week" ? "without a time" : NOT_SAID}</span>;
  if (by === "tool_kind") return <>{TYPE_LABELS[row.key as EventType] ?? row.key}</>;
  const to = narrowing(by, row.key);
  const text = by === "repository" ? shown("repository", row.key) : row.key;
  if (to === undefined) return <>{text}</>;
  return (
    <Link to={to} class="event-link" title={text === row.key ? undefined : row.key}>
      {text}
    </Link>
  );
}

/** What shows a row's things alone. */
function narrowing(by: Grouping, key: string): Partial<Place> | undefined {
  if (by === "day") return { days: 0, since: key, until: key };
  if (!(FILTERS as readonly string[]).includes(by)) return undefined;
  return place.value[by as Filter].includes(key) ? undefined : { [by]: [key] };
}

function Cell({ row, id }: { row: Row; id: string }) {
  if (id === CACHED) {
    const share = cached(row);
    return <td class={share === null ? "number unknown" : "number"}>{share === null ? NOT_SAID : percent(share)}</td>;
  }
  const info = numbers.value.get(id);
  const isUnknown = valueOf(row, id) === null;
  if (info === undefined) return <td class="number unknown">{NOT_SAID}</td>;
  return (
    <td class={isUnknown ? "number unknown" : "number"} title={gapOf(row, info) || undefined}>
      {said(row, info)}
    </td>
  );
}

/** What the columns leave out, each thing once. */
function Gaps({ columns, total }: { columns: string[]; total: Row }) {
  const gaps = new Map<string, string[]>();
  for (const id of columns) {
    const info = numbers.value.get(id);
    const gap = info === undefined ? "" : gapOf(total, info);
    if (info !== undefined && gap !== "") gaps.set(gap, [...(gaps.get(gap) ?? []), info.label]);
  }
  return (
    <>
      {[...gaps].map(([gap, labels]) => (
        <p class="hint" key={gap}>
          {labels.join(", ")}: {gap}
        </p>
      ))}
    </>
  );
}
