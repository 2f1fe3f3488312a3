import { useMemo } from "preact/hooks";

import { count, counted, NOT_SAID, shortId } from "../../../shared/page/format.js";
import type { Me, SessionRow, Sessions as Page } from "../page/api.js";
import { gapOf, said } from "../page/numbers.js";
import { formatIn, periodOf, periodWords } from "../page/period.js";
import { go, isFiltered, opening, place } from "../page/place.js";
import { SESSIONS_A_PAGE, sessionsPath } from "../page/query.js";
import { choices, numbers } from "../page/state.js";
import { useData } from "../page/use-data.js";
import { isNew, NewCollector, Nothing } from "./empty.js";
import { FilterBar } from "./filters.js";
import { Link } from "./link.js";

export function Sessions({ me }: { me: Me }) {
  const path = sessionsPath(place.value, me);
  const { value: page, path: answered, isLoading, refused } = useData<Page>(path);
  // A role without sessions has been told so, and has nothing to filter.
  if (page === undefined && refused?.status === 403) return <h2>Sessions</h2>;
  const isEmpty = page !== undefined && page.sessions.length === 0;
  if (isEmpty && isNew(choices.value) && !isFiltered(place.value)) return <NewCollector me={me} />;
  return (
    <>
      <FilterBar me={me} />
      {page === undefined ? (
        isLoading && <p class="hint waiting">Asking the collector…</p>
      ) : (
        <section
          aria-labelledby="sessions-title"
          aria-busy={isLoading}
          class={isLoading && answered !== path ? "is-old" : ""}
        >
          <div class="head">
            <div>
              <h2 id="sessions-title">Sessions</h2>
              <p class="hint" role="status">
                {counted(page.total, "session")} · {periodWords(periodOf(place.value, me.time_zone))} · newest first
              </p>
            </div>
          </div>
          {isEmpty && place.value.after === "" ? <Nothing /> : <Table page={page} me={me} />}
          <Pages page={page} />
        </section>
      )}
    </>
  );
}

/** When something was, where the collector's days are. */
export function useMoment(me: Me): (ms: number | null) => string {
  const format = useMemo(() => formatIn(me.time_zone, { dateStyle: "medium", timeStyle: "short" }), [me.time_zone]);
  return (ms) => (ms === null ? NOT_SAID : format.format(ms));
}

function Table({ page: { sessions }, me }: { page: Page; me: Me }) {
  const moment = useMoment(me);
  const has = (of: (row: SessionRow) => unknown): boolean => sessions.some((row) => of(row) !== null);
  const [hasPersons, hasTeams] = [has((row) => row.person), has((row) => row.team)];
  return (
    <div class="table-frame framed" role="region" tabIndex={0} aria-label="Sessions, to be scrolled">
      <table class="events sessions">
        <caption class="visually-hidden">Sessions, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Last active</th>
            <th scope="col">Session</th>
            {hasPersons && <th scope="col">Person</th>}
            {hasTeams && (
              <th scope="col" class="spare">
                Team
              </th>
            )}
            <th scope="col" class="spare">
              Client
            </th>
            <th scope="col" class="spare">
              Models
            </th>
            <th scope="col" class="spare">
              Repository
            </th>
            {NUMBERS.map(({ id, name, isSpare }) => (
              <th scope="col" key={id} class={isSpare ? "number spare" : "number"}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sessions.map((row) => (
            <tr key={row.id} onClick={(click) => openRow(click, row)}>
              <td class="when">{moment(row.last_at)}</td>
              <td>
                <Link to={opening(row.id)} class="event-link" title={row.thread_id}>
                  {shortId(row.thread_id)}
                </Link>
              </td>
              {hasPersons && <td>{row.person ?? <NotSaid />}</td>}
              {hasTeams && <td class="spare">{row.team ?? <NotSaid />}</td>}
              <td class="spare">{row.client ?? <NotSaid />}</td>
              <td class="spare">{row.models.length === 0 ? <NotSaid /> : row.models.join(", ")}</td>
              <td class="id spare" title={row.repository ?? undefined}>
                {row.repository?.slice(0, 12) ?? <NotSaid />}
              </td>
              {NUMBERS.map(({ id, isSpare }) => {
                const info = numbers.value.get(id);
                const isUnknown = info === undefined || (row.numbers[id] ?? null) === null;
                return (
                  <td
                    key={id}
                    class={isSpare ? "number spare" : "number"}
                    title={isUnknown ? undefined : gapOf(row, info) || undefined}
                  >
                    {isUnknown ? <NotSaid /> : said(row, info)}
                  </td>
                );
              })}
            </tr>
          ))}
          {sessions.length === 0 && (
            <tr>
              <td colSpan={12} class="nothing">
                There are no older sessions.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

const NotSaid = () => <span class="unknown">{NOT_SAID}</span>;

const NUMBERS: { id: string; name: string; isSpare?: boolean }[] = [
  { id: "turns", name: "Turns" },
  { id: "tokens", name: "Tokens" },
  { id: "calls", name: "Tool calls", isSpare: true },
  { id: "approvals", name: "Approvals", isSpare: true },
  { id: "added_lines", name: "Lines added", isSpare: true },
  { id: "turn_time_ms", name: "In turns", isSpare: true },
];

/** The link in it is for the keyboard; a mouse may click anywhere. */
function openRow(click: MouseEvent, row: SessionRow): void {
  if (click.metaKey || click.ctrlKey || click.shiftKey || getSelection()?.toString()) return;
  go(opening(row.id));
}

function Pages({ page: { sessions, next, total } }: { page: Page }) {
  const isFirst = place.value.after === "";
  if (isFirst && next === null) return null;
  return (
    <nav class="pager" aria-label="Pages of sessions">
      <button type="button" disabled={isFirst} onClick={() => go({ after: "" })}>
        Newest
      </button>
      <span>
        {isFirst ? `The newest ${Math.min(SESSIONS_A_PAGE, sessions.length)}` : `${sessions.length} further`} of{" "}
        {count(total)}
      </span>
      <button type="button" disabled={next === null} onClick={() => next !== null && go({ after: next })}>
        Older
      </button>
    </nav>
  );
}
