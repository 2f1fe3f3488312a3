import { count, counted, duration, missing, NOT_SAID, UNKNOWN, withoutEvent } from "../../shared/page/format.js";
import { Tiles, type Tile } from "../../shared/view/tiles.js";
import { added } from "../page/overview.js";
import type { SessionRow } from "../reader/survey-view.js";

export function OverviewTiles({ rows }: { rows: SessionRow[] }) {
  return <Tiles tiles={tiles(rows)} />;
}

function tiles(rows: SessionRow[]): Tile[] {
  const sum = (value: (row: SessionRow) => number): number => rows.reduce((all, row) => all + value(row), 0);
  const total = added(rows);
  const agents = sum((row) => (row.agent === null ? 0 : 1));
  const lost = sum((row) => row.lostTurns);
  const repeated = sum((row) => row.repeated);
  const times = rows.flatMap(({ time }) => (time.sum === null ? [] : [time.sum]));
  const withoutTime = sum((row) => row.time.unknown);
  const diffs = rows.filter((row) => row.lines !== null);
  const lostTurns = withoutEvent(lost, "turn");
  const isSaid = total.turns > total.unknown;
  return [
    {
      name: "Sessions",
      value: count(rows.length),
      note: agents === 0 ? "none of them an agent’s" : `${count(agents)} of them of agents`,
      missing:
        sum((row) => row.badLines) === 0
          ? ""
          : `${counted(
              sum((row) => row.badLines),
              "line",
            )} could not be read`,
    },
    {
      name: "Turns",
      value: count(total.turns),
      note: `${count(total.unsuccessful)} failed or interrupted`,
      missing: [
        total.unended === 0 ? "" : `${counted(total.unended, "turn")} without a known end`,
        lostTurns,
        repeated === 0 ? "" : `${counted(repeated, "turn")} in two files, counted once`,
      ]
        .filter(Boolean)
        .join("; "),
    },
    {
      name: "Tokens",
      value: isSaid ? count(total.input + total.output) : total.turns === 0 ? UNKNOWN : NOT_SAID,
      note: isSaid ? `${count(total.output)} of them output` : "",
      missing: [total.unknown === 0 ? "" : `${counted(total.unknown, "turn")} without known tokens`, lostTurns]
        .filter(Boolean)
        .join("; "),
    },
    {
      name: "Time in turns",
      value: times.length === 0 ? UNKNOWN : duration(times.reduce((all, one) => all + one, 0)),
      note: "from start to end",
      missing: missing(withoutTime),
    },
    {
      name: "Tool calls",
      value: count(sum((row) => row.calls)),
      note: `${count(sum((row) => row.failedCalls))} failed`,
    },
    {
      name: "Accepted lines",
      value:
        diffs.length === 0
          ? UNKNOWN
          : `+${count(sum((row) => row.lines?.added ?? 0))} −${count(sum((row) => row.lines?.deleted ?? 0))}`,
      note: diffs.length === 0 ? "no turn had a diff" : `in ${counted(diffs.length, "session")}`,
    },
  ];
}
