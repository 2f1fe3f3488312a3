/** What a session adds up to. What an event does not say is not counted as zero, but as not said. */
import type { ReviewEvent, TerminalStatus, TurnEvent, TurnledgerEvent } from "turnledger/inline";

import { isToolType, sourceOf, TOOL_TYPES, type ToolType } from "./kinds.js";

/** A sum over those events that say a value. */
export interface Sum {
  /** `null` if no event said one. */
  sum: number | null;
  /** How many events did not say one. */
  unknown: number;
}

export const TOKEN_MEMBERS = [
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "reasoning_output_tokens",
] as const satisfies (keyof TurnEvent)[];

/** `total` is input and output: Codex's own total is no sum where a turn overflowed its context. */
export type Tokens = Record<(typeof TOKEN_MEMBERS)[number] | "total", Sum>;

export interface ToolTotals {
  type: ToolType;
  outcomes: Record<TerminalStatus, number>;
  duration: Spread;
}

export interface ReviewTotals {
  reviewer: ReviewEvent["reviewer"];
  status: ReviewEvent["status"];
  count: number;
  waiting: Spread;
}

/** How a number of durations lies, in milliseconds. */
export interface Spread {
  median: number | null;
  p95: number | null;
  max: number | null;
  /** How many events did not say how long they took. */
  unknown: number;
}

export interface Totals {
  threads: { new: number; resumed: number; forked: number };
  turns: { completed: number; failed: number; interrupted: number; unknown: number; duration: Sum };
  tokens: Tokens;
  /** What automatic reviews used beside the turns. */
  guardianTokens: { reviews: number; tokens: Tokens };
  tools: ToolTotals[];
  reviews: ReviewTotals[];
  steers: { accepted: number; rejected: number };
  compactions: { completed: number; failed: number; interrupted: number };
  lines: { added: number; deleted: number; turns: number };
  /** What had no event, and is in no sum. */
  missing: Missing;
  events: number;
  /** Of these, events from rollouts, which say nothing of approvals, refused steers and threads that were resumed. */
  fromFiles: number;
}

/** Which discards are missing from which sum. */
const MISSING = {
  turns: ["turn"],
  calls: ["item"],
  approvals: ["review", "guardian_review"],
  steers: ["steer"],
  compactions: ["compaction"],
  diffs: ["diff"],
  threads: ["thread"],
} as const;

export type Missing = Record<keyof typeof MISSING, number>;

class Adder {
  #sum: number | null = null;
  #unknown = 0;

  add(value: number | null): void {
    if (value === null) this.#unknown++;
    else this.#sum = (this.#sum ?? 0) + value;
  }

  result(): Sum {
    return { sum: this.#sum, unknown: this.#unknown };
  }
}

type TokenAdders = Record<keyof Tokens, Adder>;
type TokenCounts = Record<(typeof TOKEN_MEMBERS)[number], number | null>;

const tokenAdders = (): TokenAdders =>
  Object.fromEntries([...TOKEN_MEMBERS, "total"].map((name) => [name, new Adder()])) as TokenAdders;

/** Input and output; `null` unless both are known. */
export function totalTokens({ input_tokens, output_tokens }: TokenCounts): number | null {
  return input_tokens === null || output_tokens === null ? null : input_tokens + output_tokens;
}

function addTokens(adders: TokenAdders, counts: TokenCounts): void {
  for (const name of TOKEN_MEMBERS) adders[name].add(counts[name]);
  adders.total.add(totalTokens(counts));
}

const tokensOf = (adders: TokenAdders): Tokens =>
  Object.fromEntries(Object.entries(adders).map(([name, adder]) => [name, adder.result()])) as Tokens;

export class Totalling {
  readonly #threads = { new: 0, resumed: 0, forked: 0 };
  readonly #turns = { completed: 0, failed: 0, interrupted: 0, unknown: 0 };
  readonly #turnDuration = new Adder();
  readonly #tokens = tokenAdders();
  readonly #guardianTokens = tokenAdders();
  #guardianReviews = 0;
  readonly #tools = new Map<ToolType, { outcomes: Record<TerminalStatus, number>; durations: (number | null)[] }>();
  readonly #reviews = new Map<
    string,
    { reviewer: ReviewEvent["reviewer"]; status: ReviewEvent["status"]; durations: (number | null)[] }
  >();
  readonly #steers = { accepted: 0, rejected: 0 };
  readonly #compactions = { completed: 0, failed: 0, interrupted: 0 };
  readonly #lines = { added: 0, deleted: 0 };
  readonly #turnsWithLines = new Set<string>();
  readonly #discards = new Map<string, number>();
  #events = 0;
  #fromFiles = 0;

  add(event: TurnledgerEvent): void {
    this.#events++;
    if (sourceOf(event) === "rollout") this.#fromFiles++;
    switch (event.event_type) {
      case "codex_thread_initialized":
        this.#threads[event.event_params.initialization_mode]++;
        break;
      case "codex_turn_event":
        this.#turns[event.event_params.status ?? "unknown"]++;
        this.#turnDuration.add(event.event_params.duration_ms);
        addTokens(this.#tokens, event.event_params);
        break;
      case "codex_turn_steer_event":
        this.#steers[event.event_params.result]++;
        break;
      case "codex_review_event":
        this.#review(event.event_params);
        break;
      case "codex_guardian_review":
        this.#guardianReviews++;
        addTokens(this.#guardianTokens, event.event_params);
        break;
      case "codex_compaction_event":
        this.#compactions[event.event_params.status]++;
        break;
      case "codex_accepted_line_fingerprints":
        this.#lines.added += event.event_params.accepted_added_lines;
        this.#lines.deleted += event.event_params.accepted_deleted_lines;
        this.#turnsWithLines.add(event.event_params.turn_id);
        break;
      default:
        if (isToolType(event.event_type)) this.#tool(event as Extract<TurnledgerEvent, { event_type: ToolType }>);
    }
  }

  #tool({
    event_type,
    event_params: { terminal_status, duration_ms },
  }: Extract<TurnledgerEvent, { event_type: ToolType }>): void {
    let tool = this.#tools.get(event_type);
    if (tool === undefined) {
      tool = { outcomes: { completed: 0, failed: 0, rejected: 0, interrupted: 0 }, durations: [] };
      this.#tools.set(event_type, tool);
    }
    tool.outcomes[terminal_status]++;
    tool.durations.push(duration_ms);
  }

  #review({ reviewer, status, duration_ms }: ReviewEvent): void {
    const key = `${reviewer} ${status}`;
    const known = this.#reviews.get(key);
    if (known === undefined) this.#reviews.set(key, { reviewer, status, durations: [duration_ms] });
    else known.durations.push(duration_ms);
  }

  /** Something had no event. */
  discard(subject: string): void {
    this.#discards.set(subject, (this.#discards.get(subject) ?? 0) + 1);
  }

  #missing(): Missing {
    const count = (subjects: readonly string[]): number =>
      subjects.reduce((sum, subject) => sum + (this.#discards.get(subject) ?? 0), 0);
    return Object.fromEntries(Object.entries(MISSING).map(([name, subjects]) => [name, count(subjects)])) as Missing;
  }

  totals(): Totals {
    const statuses: ReviewEvent["status"][] = ["approved", "denied", "aborted", "timed_out"];
    return {
      threads: { ...this.#threads },
      turns: { ...this.#turns, duration: this.#turnDuration.result() },
      tokens: tokensOf(this.#tokens),
      guardianTokens: { reviews: this.#guardianReviews, tokens: tokensOf(this.#guardianTokens) },
      tools: TOOL_TYPES.flatMap((type) => {
        const tool = this.#tools.get(type);
        return tool === undefined ? [] : [{ type, outcomes: { ...tool.outcomes }, duration: spread(tool.durations) }];
      }),
      reviews: [...this.#reviews.values()]
        .map(({ reviewer, status, durations }) => ({
          reviewer,
          status,
          count: durations.length,
          waiting: spread(durations),
        }))
        .sort(
          (a, b) => b.reviewer.localeCompare(a.reviewer) || statuses.indexOf(a.status) - statuses.indexOf(b.status),
        ),
      steers: { ...this.#steers },
      compactions: { ...this.#compactions },
      lines: { ...this.#lines, turns: this.#turnsWithLines.size },
      missing: this.#missing(),
      events: this.#events,
      fromFiles: this.#fromFiles,
    };
  }
}

/** Percentiles are values that occurred (nearest rank). */
export function spread(durations: (number | null)[]): Spread {
  const known = durations.filter((duration) => duration !== null).sort((a, b) => a - b);
  const rank = (share: number): number | null => known[Math.max(0, Math.ceil(share * known.length) - 1)] ?? null;
  return { median: rank(0.5), p95: rank(0.95), max: known.at(-1) ?? null, unknown: durations.length - known.length };
}
