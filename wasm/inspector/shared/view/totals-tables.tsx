/** Totals that need no chart. */
import { count, NOT_SAID, UNKNOWN } from "../page/format.js";
import type { Tokens, Totals } from "../reader/totals.js";

const TOKEN_ROWS: [keyof Tokens, string, string][] = [
  ["input_tokens", "Input", ""],
  ["cached_input_tokens", "of it cached", "part"],
  ["output_tokens", "Output", ""],
  ["reasoning_output_tokens", "of it reasoning", "part"],
  ["total", "Input and output", "total"],
];

export function TokenTable({ totals: { tokens, guardianTokens } }: { totals: Totals }) {
  const hasGuardian = guardianTokens.reviews > 0;
  return (
    <table class="compact">
      <caption class="visually-hidden">Tokens</caption>
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th scope="col" class="number">
            turns
          </th>
          {hasGuardian && (
            <th scope="col" class="number">
              automatic reviews
            </th>
          )}
          <th scope="col">not said</th>
        </tr>
      </thead>
      <tbody>
        {TOKEN_ROWS.map(([member, name, kind]) => (
          <tr key={member} class={kind}>
            <th scope="row">{name}</th>
            <td class="number">{count(tokens[member].sum)}</td>
            {hasGuardian && <td class="number">{count(guardianTokens.tokens[member].sum)}</td>}
            <td class="hint">
              {notSaid(tokens[member].unknown, hasGuardian ? guardianTokens.tokens[member].unknown : 0)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function notSaid(turns: number, reviews: number): string {
  const parts = [
    turns > 0 ? `by ${count(turns)} ${turns === 1 ? "turn" : "turns"}` : "",
    reviews > 0 ? `by ${count(reviews)} ${reviews === 1 ? "review" : "reviews"}` : "",
  ];
  return parts.filter(Boolean).join(", ") || UNKNOWN;
}

const MOST_PARTS = 4;

/** Whether all events come from rollouts. */
export function isOfFiles({ events, fromFiles }: Totals): boolean {
  return events > 0 && events === fromFiles;
}

export function Rest({ totals }: { totals: Totals }) {
  const { turns, steers, compactions, threads } = totals;
  /** What no event here could say is not known, unless others say it. */
  const ifSaid = (number: number): number | null => (number === 0 && isOfFiles(totals) ? null : number);
  const rows: [string, [number | null, string][]][] = [
    [
      "Turns",
      [
        [turns.completed, "completed"],
        [turns.failed, "failed"],
        [turns.interrupted, "interrupted"],
        [turns.unknown, "without a status"],
      ],
    ],
    [
      "Steers",
      [
        [steers.accepted, "accepted"],
        [ifSaid(steers.rejected), "rejected"],
      ],
    ],
    [
      "Compactions",
      [
        [compactions.completed, "completed"],
        [compactions.failed, "failed"],
        [compactions.interrupted, "interrupted"],
      ],
    ],
    [
      "Threads",
      [
        [threads.new, "new"],
        [ifSaid(threads.resumed), "resumed"],
        [threads.forked, "forked"],
      ],
    ],
  ];
  return (
    <table class="compact">
      <caption class="visually-hidden">Turns, steers, compactions and threads</caption>
      <tbody>
        {rows.map(([name, parts]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {parts.map(([number, what], index) => (
              <td
                key={what}
                colSpan={index === parts.length - 1 ? MOST_PARTS - index : 1}
                class={number === 0 || number === null ? "part-count is-none" : "part-count"}
              >
                <b>{number === null ? NOT_SAID : count(number)}</b> {what}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
