import { useRef } from "preact/hooks";

import { count, counted } from "../../shared/page/format.js";
import type { EventQuery, EventRow, Page } from "../../shared/reader/event-rows.js";
import { EventFilters, EventTable } from "../../shared/view/event-list.js";
import { Pager } from "../../shared/view/pager.js";
import { notice, opened, progress } from "../page/recording-state.js";
import { go, refine, type View, view } from "../page/view-state.js";
import type { Download } from "../reader/protocol.js";
import { eventLinks } from "./event-links.js";
import { useAnswer } from "./use-answer.js";

const PER_PAGE = 100;

export function queryOf({ search, types, thread, outcome, sort, isDescending }: View): EventQuery {
  return { search, types, thread, outcome, sort, isDescending };
}

const change = (changed: Partial<EventQuery>): void => refine({ ...changed, page: 0 });

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
      <EventFilters query={query} facets={facets} change={change} />
      <div class="results">
        <p role="status">{found === undefined ? "" : describe(found, progress.value?.events ?? 0)}</p>
        <Downloads total={found?.total ?? 0} query={query} />
      </div>
      {found !== undefined && (
        <EventTable
          found={found}
          first={progress.value?.span?.[0] ?? 0}
          query={query}
          change={change}
          events={eventLinks}
          hasLines
        />
      )}
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
