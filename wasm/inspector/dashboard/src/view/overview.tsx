import { useMemo } from "preact/hooks";

import { counted } from "../../../shared/page/format.js";
import type { Grouping, Me, Report } from "../page/api.js";
import { formatIn, periodWords } from "../page/period.js";
import { GROUPINGS, isFiltered, place } from "../page/place.js";
import { reportPath } from "../page/query.js";
import { choices, definitions } from "../page/state.js";
import { useData } from "../page/use-data.js";
import { AllNumbers } from "./all-numbers.js";
import { isNew, NewCollector, Nothing } from "./empty.js";
import { Exports } from "./exports.js";
import { FilterBar } from "./filters.js";
import { GroupPanel, GroupTable } from "./group-table.js";
import { OverviewTiles } from "./overview-tiles.js";
import { Trend } from "./trend.js";

export function Overview({ me }: { me: Me }) {
  const by = groupingOf(place.value.by);
  // What there is to group by is known first.
  const path = definitions.value === undefined ? null : reportPath(place.value, me, by);
  const { value: report, path: answered, isLoading, at } = useData<Report>(path);
  const isEmpty = report !== undefined && report.events === 0 && report.withheld === null;
  if (isEmpty && me.role !== "viewer" && isNew(choices.value) && !isFiltered(place.value))
    return <NewCollector me={me} />;
  return (
    <>
      <FilterBar me={me} />
      {report === undefined || definitions.value === undefined ? (
        isLoading && <p class="hint waiting">Asking the collector…</p>
      ) : (
        <div aria-busy={isLoading} class={isLoading && answered !== path ? "is-old" : ""}>
          <Head report={report} at={at} me={me} by={by} />
          <Withheld report={report} />
          {isEmpty ? (
            <Nothing />
          ) : report.withheld !== null && report.trend.length === 0 ? (
            // No number is not zero.
            <p class="panel nothing-here">No week of this period has numbers that may be shown.</p>
          ) : (
            <>
              <OverviewTiles row={report.total} />
              <Missing report={report} />
              <Trend report={report} />
              <GroupPanel report={report} by={by} groupings={definitions.value.groupings} />
              <Fixed report={report} by={by} />
              <AllNumbers row={report.total} />
            </>
          )}
        </div>
      )}
    </>
  );
}

/** What the table has rows of: as asked, if this role may, or what says most. */
function groupingOf(asked: Grouping | null): Grouping | null {
  const known = definitions.value?.groupings ?? [];
  if (asked !== null && known.includes(asked)) return asked;
  if (known.includes("team") && (choices.value?.teams.length ?? 0) > 1) return "team";
  return GROUPINGS.find((grouping) => grouping !== "team" && grouping !== "person" && known.includes(grouping)) ?? null;
}

function Head({ report, at, me, by }: { report: Report; at: number; me: Me; by: Grouping | null }) {
  const time = useMemo(() => formatIn(me.time_zone, { timeStyle: "short" }).format(at), [at, me.time_zone]);
  return (
    <div class="head">
      <div>
        <h2>{periodWords(report)}</h2>
        <p class="hint">
          {report.events !== undefined && `${counted(report.events, "event")} · `}days of {report.time_zone} · as of{" "}
          {time}
        </p>
      </div>
      <Exports me={me} by={by} />
    </div>
  );
}

/** What a viewer does not see, and why. */
function Withheld({ report: { withheld } }: { report: Report }) {
  if (withheld === null) return null;
  return (
    <section class="withheld" aria-labelledby="withheld-title">
      <h3 id="withheld-title">What is withheld</h3>
      <p>{withheld.sentence}</p>
      {withheld.weeks.length > 0 && (
        <p>
          {withheld.weeks.length === 1 ? "This week is" : "These weeks are"} in no number here:{" "}
          {withheld.weeks.join(", ")}.
        </p>
      )}
    </section>
  );
}

/** What no number has, in sentences. */
function Missing({ report: { missing } }: { report: Report }) {
  if (missing === undefined) return null;
  const {
    events_without_time: timeless,
    sessions_without_beginning: headless,
    unreadable_events: unreadable,
  } = missing;
  const sentences = [
    timeless > 0 && `${counted(timeless, "event")} ${timeless === 1 ? "says" : "say"} no time: no period has them.`,
    headless > 0 &&
      `${counted(headless, "session")} ${headless === 1 ? "has" : "have"} no known beginning: it may belong to another one.`,
    unreadable > 0 &&
      `${counted(unreadable, "event")} of a later version ${unreadable === 1 ? "is" : "are"} kept and not counted: upgrade the collector.`,
  ].filter((sentence) => sentence !== false);
  if (sentences.length === 0) return null;
  return (
    <ul class="missing" aria-label="What is missing">
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

/** What every report has, unless the table has it. */
function Fixed({ report, by }: { report: Report; by: Grouping | null }) {
  return (
    <div class="panels">
      {by !== "model" && report.models.length > 0 && (
        <section class="panel" aria-labelledby="models-title">
          <h2 id="models-title">Models</h2>
          <GroupTable by="model" rows={report.models} total={report.total} hasBars={false} />
        </section>
      )}
      {by !== "tool_kind" && by !== "tool" && report.tool_kinds.length > 0 && (
        <section class="panel" aria-labelledby="tools-title">
          <h2 id="tools-title">Tool calls</h2>
          <GroupTable by="tool_kind" rows={report.tool_kinds} total={report.total} hasBars={false} />
        </section>
      )}
    </div>
  );
}
