import { useRef } from "preact/hooks";

import { count, counted, duration, elapsed, moment, shortId, UNKNOWN, words } from "../page/format.js";
import { notice, opened, progress } from "../page/recording-state.js";
import { go, linkTo, refine, type View, view } from "../page/view-state.js";
import { type EventType, TYPE_LABELS } from "../reader/kinds.js";
import type { Download, EventQuery, EventRow, Facets, Page, SortKey } from "../reader/protocol.js";
import { Choice } from "./choice.js";
import { Outcome } from "./outcome.js";
import { Pager } from "./pager.js";
import { useAnswer } from "./use-answer.js";

const PER_PAGE = 100;

export function queryOf({ search, types, thread, outcome, sort, isDescending }: View): EventQuery {
  return { search, types, thread, outcome, sort, isDescending };
}

export function EventsView() {
  const shown = view.value;
  const query = queryOf(shown);
  const facets = useAnswer((client) => client.ask("facets"), []);
  const found = useAnswer(
    (client) => client.ask("events", query, shown.page * PER_PAGE, PER_PAGE),
    [JSON.stringify(query), shown.page],
  );
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title" class="visually-hidden">
        Events
      </h2>
      <Filters facets={facets} />
      <div class="results">
        <p role="status">{found === undefined ? "" : describe(found, progress.value?.events ?? 0)}</p>
        <Downloads total={found?.total ?? 0} query={query} />
      </div>
      {found !== undefined && <Table found={found} />}
      <Pager
        label="Pages of events"
        page={shown.page}
        perPage={PER_PAGE}
        total={found?.total ?? 0}
        go={(page) => go({ page })}
      />
    </section>
  );
}

function describe({ total }: Page<EventRow>, all: number): string {
  return total === all ? counted(total, "event") : `${count(total)} of ${counted(all, "event")}`;
}

function Filters({ facets }: { facets: Facets | undefined }) {
  const { search, types, thread, outcome } = view.value;
  const isFiltered = search !== "" || types.length > 0 || thread !== "" || outcome !== "";
  const toggle = (type: EventType, isOn: boolean): void =>
    refine({ types: isOn ? [...types, type] : types.filter((other) => other !== type), page: 0 });
  return (
    <search class="filters">
      <div class="filter-line">
        <label class="grow">
          <span>Search</span>
          <input
            type="search"
            placeholder="Any text in an event: an id, a tool, a model…"
            value={search}
            onInput={({ currentTarget }) => refine({ search: currentTarget.value, page: 0 })}
          />
        </label>
        <Choice
          label="Thread"
          value={thread}
          options={(facets?.threads ?? []).map(([id, total]) => [id, `${shortId(id)} (${count(total)})`])}
          choose={(value) => refine({ thread: value, page: 0 })}
        />
        <Choice
          label="Outcome"
          value={outcome}
          options={(facets?.outcomes ?? []).map(([name, total]) => [name, `${words(name)} (${count(total)})`])}
          choose={(value) => refine({ outcome: value, page: 0 })}
        />
        <button
          type="button"
          disabled={!isFiltered}
          onClick={() => refine({ search: "", types: [], thread: "", outcome: "", page: 0 })}
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

function Downloads({ total, query }: { total: number; query: EventQuery }) {
  const link = useRef<HTMLAnchorElement>(null);
  const download = async (format: Download): Promise<void> => {
    const recording = opened.value;
    if (recording === null || link.current === null) return;
    try {
      const url = URL.createObjectURL(await recording.client.ask("download", query, format));
      link.current.href = url;
      link.current.download = `${fileName(recording.name)}.events.${format}`;
      link.current.click();
      // The browser has taken it up by then.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      notice.value = `The download failed: ${(error as Error).message}`;
    }
  };
  return (
    <div class="downloads">
      <span>Download {total === 1 ? "it" : "these"}:</span>
      <button type="button" disabled={total === 0} onClick={() => void download("jsonl")}>
        JSONL
      </button>
      <button type="button" disabled={total === 0} onClick={() => void download("csv")}>
        CSV
      </button>
      <a ref={link} hidden aria-hidden="true" tabIndex={-1} />
    </div>
  );
}

function fileName(name: string): string {
  return name
    .replace(/\.(jsonl|json|gz)$/g, "")
    .replace(/[^\w.-]+/g, "-")
    .toLowerCase();
}

const COLUMNS: { key: SortKey; label: string; class?: string }[] = [
  { key: "number", label: "Time", class: "number" },
  { key: "type", label: "Event" },
  { key: "subject", label: "What" },
  { key: "outcome", label: "Outcome" },
  { key: "duration", label: "Duration", class: "number" },
];

function Table({ found }: { found: Page<EventRow> }) {
  const { sort, isDescending } = view.value;
  const first = progress.value?.span?.[0] ?? 0;
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
                  onClick={() => refine({ sort: key, isDescending: sort === key && !isDescending, page: 0 })}
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
            <th scope="col" class="number">
              Line
            </th>
          </tr>
        </thead>
        <tbody>
          {found.rows.map((row) => (
            <Row key={row.number} row={row} first={first} />
          ))}
          {found.rows.length === 0 && (
            <tr>
              <td colSpan={COLUMNS.length + 3} class="nothing">
                {found.total === 0 ? "No event is like that." : "There is no such page."}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, first }: { row: EventRow; first: number }) {
  const open = (click: MouseEvent): void => {
    if (click.metaKey || click.ctrlKey || click.shiftKey || getSelection()?.toString()) return;
    click.preventDefault();
    go({ event: row.number });
  };
  return (
    // The link in it is for the keyboard; a mouse may click anywhere.
    <tr onClick={open}>
      <td class="number" title={moment(row.at)}>
        {elapsed(row.at - first)}
      </td>
      <td>
        <a href={linkTo({ event: row.number })} class="event-link">
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
      <td class="number">{row.line === null ? "end" : count(row.line)}</td>
    </tr>
  );
}
