import { count, duration, missing, NOT_SAID, UNKNOWN, withoutEvent } from "../page/format.js";
import type { Totals } from "../reader/totals.js";
import { type Tile, Tiles } from "./tiles.js";
import { isOfFiles } from "./totals-tables.js";

/** What a session adds up to, at a glance. */
export function SessionTiles({ totals }: { totals: Totals }) {
  return <Tiles tiles={tiles(totals)} />;
}

function tiles(totals: Totals): Tile[] {
  const { threads, turns, tokens, tools, reviews, steers, lines, missing: lost } = totals;
  const areUnknown = isOfFiles(totals) && reviews.length === 0;
  const isPartly = totals.fromFiles > 0;
  const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);
  const turnCount = turns.completed + turns.failed + turns.interrupted + turns.unknown;
  const outcomes = (name: "completed" | "failed" | "rejected" | "interrupted"): number =>
    sum(tools.map((tool) => tool.outcomes[name]));
  const toolCount = outcomes("completed") + outcomes("failed") + outcomes("rejected") + outcomes("interrupted");
  const reviewCount = sum(reviews.map((review) => review.count));
  const approved = sum(reviews.map((review) => (review.status === "approved" ? review.count : 0)));
  const some = (parts: [number, string][]): string =>
    parts.flatMap(([number, name]) => (number > 0 ? [`${count(number)} ${name}`] : [])).join(", ") || UNKNOWN;
  const lostTurns = withoutEvent(lost.turns, "turn");
  return [
    {
      name: "Turns",
      missing: lostTurns,
      value: count(turnCount),
      note: some([
        [turns.completed, "completed"],
        [turns.failed, "failed"],
        [turns.interrupted, "interrupted"],
        [turns.unknown, "without a status"],
      ]),
    },
    {
      name: "Time in turns",
      missing: lostTurns,
      value: duration(turns.duration.sum),
      note: missing(turns.duration.unknown) || "from start to end",
    },
    {
      name: "Tokens",
      missing: lostTurns,
      value: count(tokens.total.sum),
      note: missing(tokens.total.unknown) || `${count(tokens.output_tokens.sum)} of them output`,
    },
    {
      name: "Tool calls",
      missing: withoutEvent(lost.calls, "call"),
      value: count(toolCount),
      note: some([
        [outcomes("completed"), "completed"],
        [outcomes("failed"), "failed"],
        [outcomes("rejected"), "rejected"],
        [outcomes("interrupted"), "interrupted"],
      ]),
    },
    {
      name: "Approvals",
      missing: withoutEvent(lost.approvals, "approval"),
      value: areUnknown ? NOT_SAID : count(reviewCount),
      note: areUnknown
        ? "rollouts say nothing of them"
        : some([
            [approved, "approved"],
            [reviewCount - approved, "not"],
          ]),
    },
    {
      name: "Accepted lines",
      missing: withoutEvent(lost.diffs, "diff"),
      value: lines.turns === 0 ? UNKNOWN : `+${count(lines.added)} −${count(lines.deleted)}`,
      note:
        lines.turns === 0 ? "no turn had a diff" : `in ${count(lines.turns)} ${lines.turns === 1 ? "turn" : "turns"}`,
    },
    {
      name: "Steers",
      missing: [withoutEvent(lost.steers, "steer"), isPartly ? "refused ones unknown" : ""].filter(Boolean).join("; "),
      value: count(steers.accepted + steers.rejected),
      note: some([
        [steers.accepted, "accepted"],
        [steers.rejected, "rejected"],
      ]),
    },
    {
      name: "Threads",
      missing: [withoutEvent(lost.threads, "thread"), isPartly ? "resumed ones unknown" : ""]
        .filter(Boolean)
        .join("; "),
      value: count(threads.new + threads.resumed + threads.forked),
      note: some([
        [threads.new, "new"],
        [threads.resumed, "resumed"],
        [threads.forked, "forked"],
      ]),
    },
  ];
}
