/** Events as a table, and what narrows it. */
import { count, duration, elapsed, moment, shortId, UNKNOWN, words } from "../page/format.js";
import type { EventQuery, EventRow, Facets, Page, SortKey } from "../reader/event-rows.js";
import { type EventType, TYPE_LABELS } from "../reader/kinds.js";
import { Choice } from "./choice.js";
import { Outcome } from "./outcome.js";

/** Where an event, by its number, is looked at. */
export interface EventLinks {
  link: (event: number) => string;
  go: (event: number) => void;
}

interface Filtering {
  query: EventQuery;
  facets: Facets | undefined;
  change: (query: Partial<EventQuery>) => void;
}

interface Listing {
  found: Page<EventRow>;
  /** When the session began. */
  first: number;
  query: EventQuery;
  change: (query: Partial<EventQuery>) => void;
  events: EventLinks;
  /** Whether events have lines of a file. */
  hasLines?: boolean | undefined;
}

/** Which events are listed. */
export function EventFilters({ query, facets, change }: Filtering) {
  const { search, types, thread, outcome } = query;
  const isFiltered = search !== "" || types.length > 0 || thread !== "" || outcome !== "";
  const toggle = (type: EventType, isOn: boolean): void =>
    change({ types: isOn ? [...types, type] : types.filter((other) => other !== type) });
  return (
    <search class="filters">
      <div class="filter-line">
        <label class="grow">
          <span>Search</span>
          <input
            type="search"
            placeholder="Any text in an event: an id, a tool, a model…"
            value={search}
            onInput={({ currentTarget }) => change({ search: currentTarget.value })}
          />
        </label>
        <Choice
          label="Thread"
          value={thread}
          options={(facets?.threads ?? []).map(([id, total]) => [id, `${shortId(id)} (${count(total)})`])}
          choose={(value) => change({ thread: value })}
        />
        <Choice
          label="Outcome"
          value={outcome}
          options={(facets?.outcomes ?? []).map(([name, total]) => [name, `${words(name)} (${count(total)})`])}
          choose={(value) => change({ outcome: value })}
        />
        <button
          type="button"
          disabled={!isFiltered}
          onClick={() => change({ search: "", types: [], thread: "", outcome: "" })}
        >
          Clear
        </button>
      </div>
      <fieldset class="chips">
        <legend>Types</legend>
        {(facets?.types ?? []).map(([type, total]) => (
          <label key={type} class={types.includes(type) ? "chip is-on" : "chip"}>
            <input
              type="checkbox"
              checked={types.includes(type)}
              onChange={({ currentTarget }) => toggle(type, currentTarget.checked)}
            />
            <span class={`swatch ${type}`} aria-hidden="true" />
            {TYPE_LABELS[type]} <span class="count">{count(total)}</span>
          </label>
        ))}
      </fieldset>
    </search>
  );
}

const COLUMNS: { key: SortKey; label: string; class?: string }[] = [
  { key: "number", label: "Time", class: "number" },
  { key: "type", label: "Event" },
  { key: "subject", label: "What" },
  { key: "outcome", label: "Outcome" },
  { key: "duration", label: "Duration", class: "number" },
];

/** A row for each event. */
export function EventTable({ found: { rows, total }, first, query, change, events, hasLines = false }: Listing) {
  const { sort, isDescending } = query;
  return (
    <div class="table-frame">
      <table class="events">
        <caption class="visually-hidden">Events; the headers of columns sort them</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ key, label, class: name }) => (
              <th
                key={key}
                scope="col"
                class={name}
                aria-sort={sort === key ? (isDescending ? "descending" : "ascending") : undefined}
              >
                <button
                  type="button"
                  onClick={() => change({ sort: key, isDescending: sort === key && !isDescending })}
                >
                  {label}
                  <span aria-hidden="true" class="arrow">
                    {sort === key ? (isDescending ? "▼" : "▲") : ""}
                  </span>
                </button>
              </th>
            ))}
            <th scope="col">Thread</th>
            <th scope="col">Turn</th>
            {hasLines && (
              <th scope="col" class="number">
                Line
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.number} row={row} first={first} events={events} hasLines={hasLines} />
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={COLUMNS.length + (hasLines ? 3 : 2)} class="nothing">
                {total === 0 ? "No event is like that." : "There is no such page."}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, first, events, hasLines }: Pick<Listing, "first" | "events" | "hasLines"> & { row: EventRow }) {
  const open = (click: MouseEvent): void => {
    if (click.metaKey || click.ctrlKey || click.shiftKey || getSelection()?.toString()) return;
    click.preventDefault();
    events.go(row.number);
  };
  return (
    // The link in it is for the keyboard; a mouse may click anywhere.
    <tr onClick={open}>
      <td class="number" title={moment(row.at)}>
        {elapsed(row.at - first)}
      </td>
      <td>
        <a href={events.link(row.number)} class="event-link">
          <span class={`swatch ${row.type}`} aria-hidden="true" />
          {TYPE_LABELS[row.type]}
        </a>
      </td>
      <td class="what">{row.subject || UNKNOWN}</td>
      <td>
        <Outcome outcome={row.outcome} isUnknown={row.lacksOutcome} />
      </td>
      <td class="number">{duration(row.duration, row.lacksDuration)}</td>
      <td class="id" title={row.thread ?? undefined}>
        {row.thread === null ? UNKNOWN : shortId(row.thread)}
      </td>
      <td class="id" title={row.turn ?? undefined}>
        {row.turn === null ? UNKNOWN : shortId(row.turn)}
      </td>
      {hasLines && <td class="number">{row.line === null ? "end" : count(row.line)}</td>}
    </tr>
  );
}
