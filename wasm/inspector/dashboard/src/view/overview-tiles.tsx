/** What happened, at a glance: the numbers of `turnledger report`, each with what belongs to it. */
import { NOT_SAID } from "../../../shared/page/format.js";
import { type Tile, Tiles } from "../../../shared/view/tiles.js";
import type { NumberInfo, Row } from "../page/api.js";
import { amount, gapOf, percent, said, valueOf } from "../page/numbers.js";
import { numbers } from "../page/state.js";
import { Help } from "./help.js";

interface Shown {
  id: string;
  name?: string;
  notes?: (says: Says) => (string | null)[];
  /** Further numbers that the notes have. */
  with?: string[];
  /** Whether it is left out where it is nothing. */
  isRare?: boolean;
}

interface Says {
  /** `12 failed`; null for none. */
  some(id: string, what: string): string | null;
  /** `47.1 M in (91 % cached)` */
  part(whole: string, what: string, part: string, which: string): string | null;
}

const SHOWN: Shown[] = [
  {
    id: "sessions",
    with: ["threads", "sessions_of_files"],
    notes: ({ some }) => [some("threads", "threads with those of agents"), some("sessions_of_files", "of files alone")],
  },
  {
    id: "turns",
    with: ["turns_failed", "turns_interrupted"],
    notes: ({ some }) => [some("turns_failed", "failed"), some("turns_interrupted", "interrupted")],
  },
  { id: "turn_time_ms" },
  {
    id: "tokens",
    with: ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens"],
    notes: ({ part }) => [
      part("input_tokens", "in", "cached_input_tokens", "cached"),
      part("output_tokens", "out", "reasoning_output_tokens", "reasoning"),
    ],
  },
  { id: "cost_usd", isRare: true },
  {
    id: "added_lines",
    name: "Accepted lines",
    with: ["deleted_lines"],
    notes: ({ some }) => [some("deleted_lines", "deleted")],
  },
  {
    id: "calls",
    with: ["calls_failed", "calls_rejected"],
    notes: ({ some }) => [some("calls_failed", "failed"), some("calls_rejected", "refused")],
  },
  {
    id: "approvals",
    with: ["approvals_refused", "approvals_aborted", "approval_wait_median_ms", "approval_wait_p95_ms"],
    notes: ({ some }) => [
      some("approvals_refused", "refused"),
      some("approvals_aborted", "aborted"),
      some("approval_wait_median_ms", "waited (median)"),
      some("approval_wait_p95_ms", "(95 %)"),
    ],
  },
  {
    id: "automatic_reviews",
    isRare: true,
    with: ["automatic_reviews_refused", "automatic_review_tokens"],
    notes: ({ some }) => [some("automatic_reviews_refused", "refused"), some("automatic_review_tokens", "tokens")],
  },
  { id: "turns_interrupted" },
  { id: "steers", with: ["steers_rejected"], notes: ({ some }) => [some("steers_rejected", "refused")] },
  { id: "compactions", with: ["compactions_failed"], notes: ({ some }) => [some("compactions_failed", "failed")] },
  {
    id: "hooks",
    with: ["hooks_failed", "hooks_blocked"],
    notes: ({ some }) => [some("hooks_failed", "failed"), some("hooks_blocked", "blocked something")],
  },
  { id: "skills" },
];

export function OverviewTiles({ row }: { row: Row }) {
  const known = numbers.value;
  const some: Says["some"] = (id, what) => {
    const [value, info] = [valueOf(row, id), known.get(id)];
    if (value === null || value === 0 || info === undefined) return null;
    return `${said(row, info)} ${what}`;
  };
  const part: Says["part"] = (whole, what, of, which) => {
    const [all, some, info] = [valueOf(row, whole), valueOf(row, of), known.get(whole)];
    if (all === null || info === undefined) return null;
    const text = `${amount(info.unit, all)} ${what}`;
    return some === null || all === 0 ? text : `${text} (${percent(some / all)} ${which})`;
  };
  const tiles = SHOWN.flatMap(({ id, name, notes, with: others = [], isRare = false }): Tile[] => {
    const info = known.get(id);
    if (info === undefined || !(id in row.numbers)) return [];
    const value = valueOf(row, id);
    if (isRare && (value === null || value === 0)) return [];
    const infos = [info, ...others.flatMap((other) => known.get(other) ?? [])];
    return [
      {
        name: name ?? info.label,
        help: <Help infos={infos} name={name ?? info.label} row={row} />,
        value: said(row, info),
        isUnknown: value === null,
        note: (notes?.({ some, part }) ?? []).filter((note) => note !== null && note !== NOT_SAID).join(", "),
        missing: gapsOf(row, infos),
      },
    ];
  });
  return (
    <div class="overview-numbers">
      <Tiles tiles={tiles} />
    </div>
  );
}

/** What the number leaves out, or else what its notes do. */
function gapsOf(row: Row, [first, ...others]: NumberInfo[]): string {
  const own = gapOf(row, first!);
  if (own !== "") return own;
  const found = others.map((info) => [info.label, gapOf(row, info)]).find(([, gap]) => gap !== "");
  return found === undefined ? "" : `${found[0]}: ${found[1]}`;
}
