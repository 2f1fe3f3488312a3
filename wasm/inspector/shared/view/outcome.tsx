import { NOT_SAID, UNKNOWN, words } from "../page/format.js";

const GOOD = ["completed", "approved", "accepted", "allow"];
const BAD = ["failed", "rejected", "denied", "failed_closed", "blocked", "stopped"];
const NEITHER = ["interrupted", "aborted", "timed_out"];

export type Tone = "good" | "bad" | "neither" | "plain";

export function toneOf(outcome: string | null): Tone {
  if (outcome === null) return "plain";
  if (GOOD.includes(outcome)) return "good";
  if (BAD.includes(outcome)) return "bad";
  return NEITHER.includes(outcome) ? "neither" : "plain";
}

export function Outcome({ outcome, isUnknown = false }: { outcome: string | null; isUnknown?: boolean }) {
  if (outcome === null) return <span class="unknown">{isUnknown ? NOT_SAID : UNKNOWN}</span>;
  return <span class={`outcome ${toneOf(outcome)}`}>{words(outcome)}</span>;
}
