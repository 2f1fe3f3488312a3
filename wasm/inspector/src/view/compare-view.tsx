/** Two sessions side by side. */
import { useEffect, useState } from "preact/hooks";

import { count, counted, duration, moment, NOT_SAID, UNKNOWN } from "../../shared/page/format.js";
import { TOOL_TYPES, TYPE_LABELS } from "../../shared/reader/kinds.js";
import type { Sum, Totals } from "../../shared/reader/totals.js";
import { isOfFiles } from "../../shared/view/totals-tables.js";
import { collection, names, sessions } from "../page/collection-state.js";
import { outcomeOf, placeOf } from "../page/overview.js";
import { notice } from "../page/recording-state.js";
import { go, linkTo, refine, SESSION_START, view } from "../page/view-state.js";
import type { Summary } from "../reader/survey-view.js";

export function CompareView() {
  const { pair } = view.value;
  const [first, second] = useSummaries(pair);
  return (
    <section class="panel" aria-labelledby="compare-title">
      <h2 id="compare-title">Two sessions side by side</h2>
      <div class="filter-line choosing">
        <Choose index={0} label="First" />
        <Choose index={1} label="Second" />
      </div>
      {first === undefined || second === undefined ? (
        <p class="hint">Choose two sessions here, or in the list by their boxes.</p>
      ) : (
        <Side first={first} second={second} />
      )}
    </section>
  );
}

function Choose({ index, label }: { index: number; label: string }) {
  const { pair } = view.value;
  const choose = (id: number): void => {
    const changed = [...pair];
    changed[index] = id;
    refine({ pair: changed.filter((one) => one !== undefined) });
  };
  return (
    <label>
      <span>{label}</span>
      <select
        value={pair[index] ?? ""}
        disabled={index > pair.length}
        onChange={({ currentTarget }) => choose(Number(currentTarget.value))}
      >
        {pair[index] === undefined && <option value="">Choose…</option>}
        {sessions.value.map((row) => (
          <option key={row.id} value={row.id}>
            {names.value.of(row)}
            {row.first === null ? "" : `, ${moment(row.first)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Asked again whenever there is more of them. */
function useSummaries(pair: number[]): (Summary | undefined)[] {
  const client = collection.value?.client;
  const [found, setFound] = useState<Map<number, Summary>>(new Map());
  useEffect(() => {
    let isCurrent = true;
    Promise.all(pair.map((id) => client?.ask("summary", id))).then(
      (all) => {
        const known = all.filter((one) => one !== undefined && one !== null);
        if (isCurrent) setFound(new Map(known.map((summary) => [summary.row.id, summary])));
      },
      (error: Error) => (notice.value = error.message),
    );
    return () => {
      isCurrent = false;
    };
  }, [client, pair.join(), sessions.value]);
  return [0, 1].map((index) => found.get(pair[index] ?? -1));
}

interface Line {
  name: string;
  text: (summary: Summary) => string;
  /** What the difference is of; nothing where there is none. */
  number?: (summary: Summary) => number | null;
  /** How a difference is written. */
  say?: (value: number) => string;
  isPart?: boolean;
  /** What the number leaves out. */
  lacks?: (summary: Summary) => string;
}

const number = (name: string, value: (summary: Summary) => number | null, more: Partial<Line> = {}): Line => {
  const say = more.say ?? ((known: number): string => count(known));
  return {
    name,
    number: value,
    text: (summary) => {
      const known = value(summary);
      return known === null ? (summary.row.turns === 0 ? UNKNOWN : NOT_SAID) : say(known);
    },
    say,
    ...more,
  };
};

const unknownTurns = ({ unknown }: Sum): string => (unknown === 0 ? "" : `${counted(unknown, "turn")} unknown`);
const of = (of: (totals: Totals) => number | null) => (summary: Summary) => of(summary.totals);
const tokens = (name: string, member: keyof Totals["tokens"], isPart = false): Line =>
  number(
    name,
    of((totals) => totals.tokens[member].sum),
    {
      isPart,
      lacks: ({ totals }) => unknownTurns(totals.tokens[member]),
    },
  );

/** What no event of a rollout could say is unknown. */
const ifSaid = (name: string, value: (totals: Totals) => number): Line => {
  const known = ({ totals }: Summary): number | null =>
    value(totals) === 0 && isOfFiles(totals) ? null : value(totals);
  return number(name, known, { text: (summary) => (known(summary) === null ? NOT_SAID : count(known(summary))) });
};

const LINES: Line[] = [
  { name: "Began", text: ({ row }) => (row.first === null ? NOT_SAID : moment(row.first)) },
  number("Length", ({ row }) => (row.first === null || row.last === null ? null : row.last - row.first), {
    say: duration,
  }),
  { name: "Repository or folder", text: ({ row }) => placeOf(row) ?? NOT_SAID },
  { name: "Client", text: ({ row }) => row.client ?? NOT_SAID },
  { name: "Codex", text: ({ row }) => row.version ?? NOT_SAID },
  { name: "Models", text: ({ row }) => row.models.join(", ") || NOT_SAID },
  { name: "Last turn", text: ({ row }) => outcomeOf(row) ?? NOT_SAID },
  number("Turns", ({ row }) => row.turns, {
    lacks: ({ row }) => (row.lostTurns === 0 ? "" : `${count(row.lostTurns)} more without an event`),
  }),
  number("failed", ({ row }) => row.failed, { isPart: true }),
  number("interrupted", ({ row }) => row.interrupted, { isPart: true }),
  number("without a known end", ({ row }) => row.unended, { isPart: true }),
  number("Time in turns", ({ row }) => row.time.sum, { say: duration, lacks: ({ row }) => unknownTurns(row.time) }),
  tokens("Tokens, input", "input_tokens"),
  tokens("of it cached", "cached_input_tokens", true),
  tokens("Tokens, output", "output_tokens"),
  tokens("of it reasoning", "reasoning_output_tokens", true),
  number("Tool calls", ({ row }) => row.calls),
  number("failed", ({ row }) => row.failedCalls, { isPart: true }),
  ...TOOL_TYPES.map((type) =>
    number(
      TYPE_LABELS[type],
      of(({ tools }) => {
        const tool = tools.find((one) => one.type === type);
        return tool === undefined ? 0 : Object.values(tool.outcomes).reduce((sum, times) => sum + times, 0);
      }),
      { isPart: true },
    ),
  ),
  ifSaid("Approvals", ({ reviews }) => reviews.reduce((sum, review) => sum + review.count, 0)),
  number(
    "Steers accepted",
    of(({ steers }) => steers.accepted),
  ),
  ifSaid("Steers refused", ({ steers }) => steers.rejected),
  number(
    "Compactions",
    of(({ compactions }) => compactions.completed + compactions.failed + compactions.interrupted),
  ),
  number("Lines added", ({ row }) => row.lines?.added ?? 0),
  number("Lines deleted", ({ row }) => row.lines?.deleted ?? 0),
  number("Events", ({ row }) => row.events),
  number("Discards", ({ row }) => row.discards),
  number("Lines that could not be read", ({ row }) => row.badLines),
];

function Side({ first, second }: { first: Summary; second: Summary }) {
  return (
    <div class="table-frame">
      <table class="compact comparison">
        <caption class="visually-hidden">Two sessions side by side</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">What</span>
            </th>
            {[first, second].map(({ row }) => (
              <th scope="col" class="number" key={row.id}>
                <a
                  href={linkTo({ ...SESSION_START, session: row.id })}
                  onClick={(click) => {
                    click.preventDefault();
                    go({ ...SESSION_START, session: row.id });
                  }}
                >
                  {names.value.of(row)}
                </a>
              </th>
            ))}
            <th scope="col" class="number">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {LINES.filter(isShown(first, second)).map((line, index) => (
            <tr key={index} class={line.isPart ? "part" : ""}>
              <th scope="row">{line.name}</th>
              <Cell line={line} summary={first} />
              <Cell line={line} summary={second} />
              <td class="number">{difference(line, first, second)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A part that neither has is left out. */
const isShown =
  (first: Summary, second: Summary) =>
  (line: Line): boolean =>
    line.isPart !== true || line.number === undefined || line.number(first) !== 0 || line.number(second) !== 0;

function Cell({ line, summary }: { line: Line; summary: Summary }) {
  const lacks = line.lacks?.(summary) ?? "";
  return (
    <td class="number">
      {line.text(summary)}
      {lacks !== "" && <span class="note below">{lacks}</span>}
    </td>
  );
}

function difference(line: Line, first: Summary, second: Summary): string {
  const [one, other] = [line.number?.(first) ?? null, line.number?.(second) ?? null];
  if (one === null || other === null || line.say === undefined) return "";
  const by = other - one;
  return by === 0 ? "same" : `${by > 0 ? "+" : "−"}${line.say(Math.abs(by))}`;
}
