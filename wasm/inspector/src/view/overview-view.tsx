/** Many sessions at once: what they add up to, and a list to choose from. */
import { useMemo } from "preact/hooks";

import { count, counted } from "../../shared/page/format.js";
import { Choice } from "../../shared/view/choice.js";
import { Pager } from "../../shared/view/pager.js";
import { names, sessions } from "../page/collection-state.js";
import { facet, listed, type Listed, outcomeOf, type OverviewQuery, placeOf } from "../page/overview.js";
import { go, refine, type View, view } from "../page/view-state.js";
import type { SessionRow } from "../reader/survey-view.js";
import { OverviewMeanings } from "./overview-meanings.js";
import { OverviewTable } from "./overview-table.js";
import { OverviewTiles } from "./overview-tiles.js";

const PER_PAGE = 100;

function queryOf({ find, client, model, repository, ended, by, isRising }: View): OverviewQuery {
  return { find, client, model, repository, ended, by, isRising };
}

/** What the filters let through, as it is listed. */
export function useListed(): Listed[] {
  const query = queryOf(view.value);
  return useMemo(() => listed(sessions.value, names.value, query), [sessions.value, JSON.stringify(query)]);
}

export function OverviewView() {
  const shown = view.value;
  const all = sessions.value;
  const found = useListed();
  const page = Math.min(shown.list, Math.max(0, Math.ceil(found.length / PER_PAGE) - 1));
  const rows = useMemo(() => found.map(({ row }) => row), [found]);
  return (
    <section aria-labelledby="sessions-title">
      <h2 id="sessions-title" class="visually-hidden">
        Sessions
      </h2>
      <OverviewTiles rows={rows} />
      <Filters all={all} />
      <div class="results">
        <p role="status">
          {found.length === all.length
            ? counted(all.length, "session")
            : `${count(found.length)} of ${counted(all.length, "session")}`}
        </p>
        <Comparing />
      </div>
      <OverviewTable rows={found.slice(page * PER_PAGE, (page + 1) * PER_PAGE)} />
      <Pager
        label="Pages of sessions"
        page={page}
        perPage={PER_PAGE}
        total={found.length}
        go={(list) => refine({ list })}
      />
      <OverviewMeanings />
    </section>
  );
}

const NO_FILTER = { find: "", client: "", model: "", repository: "", ended: "", list: 0 };

export function Filters({ all }: { all: SessionRow[] }) {
  const { find, client, model, repository, ended } = view.value;
  const isFiltered = [find, client, model, repository, ended].some((text) => text !== "");
  const facets = useMemo(
    () => ({
      clients: options(all, (row) => [row.client]),
      models: options(all, (row) => row.models),
      repositories: options(all, (row) => [placeOf(row)]),
      outcomes: options(all, (row) => [outcomeOf(row) ?? "unknown"]),
    }),
    [all],
  );
  return (
    <search class="filters">
      <div class="filter-line">
        <label class="grow">
          <span>Search</span>
          <input
            type="search"
            placeholder="A file, an id, a repository, a client, a model…"
            value={find}
            onInput={({ currentTarget }) => refine({ find: currentTarget.value, list: 0 })}
          />
        </label>
        <Choice
          label="Repository or folder"
          value={repository}
          options={facets.repositories}
          choose={(value) => refine({ repository: value, list: 0 })}
        />
        <Choice
          label="Client"
          value={client}
          options={facets.clients}
          choose={(value) => refine({ client: value, list: 0 })}
        />
        <Choice
          label="Model"
          value={model}
          options={facets.models}
          choose={(value) => refine({ model: value, list: 0 })}
        />
        <Choice
          label="Last turn"
          value={ended}
          options={facets.outcomes}
          choose={(value) => refine({ ended: value, list: 0 })}
        />
        <button type="button" disabled={!isFiltered} onClick={() => refine(NO_FILTER)}>
          Clear
        </button>
      </div>
    </search>
  );
}

function options(rows: SessionRow[], values: (row: SessionRow) => (string | null)[]): [string, string][] {
  return facet(rows, values).map(({ value, sessions: number }) => [value, `${value} (${count(number)})`]);
}

function Comparing() {
  const { pair } = view.value;
  const says = ["Choose two sessions to compare them", "Choose one more to compare", "Two are chosen"][pair.length]!;
  return (
    <div class="downloads">
      <span>{says}</span>
      {pair.length > 0 && (
        <button type="button" onClick={() => refine({ pair: [] })}>
          None
        </button>
      )}
      <button type="button" disabled={pair.length < 2} onClick={() => go({ view: "compare" })}>
        Compare
      </button>
    </div>
  );
}
