/** What is counted of a day. Names are those of the events, where an event has one. */
import type { TurnledgerEvent } from "turnledger/inline";

const TOOL_CALLS = [
  "total_tool_call_count", "shell_command_count", "file_change_count", "mcp_tool_call_count", "dynamic_tool_call_count",
  "subagent_tool_call_count", "web_search_count", "image_generation_count",
] as const;
const TOKENS = ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens"] as const;
const NAMES = [
  "turns", "completed", "failed", "interrupted", "steer_count", ...TOOL_CALLS, "turns_without_tokens", ...TOKENS,
  "accepted_added_lines", "accepted_deleted_lines",
  "user_reviews", "user_approved", "user_denied", "user_aborted",
  "guardian_reviews", "guardian_approved", "guardian_denied", "guardian_aborted", "guardian_timed_out",
] as const;

export type Numbers = Record<(typeof NAMES)[number], number>;

export const none = (): Numbers => Object.fromEntries(NAMES.map((name) => [name, 0])) as Numbers;

export function add(to: Numbers, numbers: Numbers): void {
  for (const name of NAMES) to[name] += numbers[name];
}

/** The day of a time, where the user is: days compare as texts. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The numbers of one source on the last day that it had any. */
export class Tally {
  constructor(
    public day = "",
    public numbers = none(),
  ) {}

  /** What was saved, unless it is of another form. */
  static from(saved: unknown): Tally | undefined {
    const { day, numbers } = (saved ?? {}) as { day?: unknown; numbers?: Record<string, unknown> };
    if (typeof day !== "string" || !NAMES.every((name) => Number.isFinite(numbers?.[name]))) return undefined;
    return new Tally(day, { ...(numbers as Numbers) });
  }

  /** `at` is the time of the message that the event came of: every event has one, and of the clock next to the user. */
  count(event: TurnledgerEvent, at: number): void {
    const day = dayOf(at);
    if (day < this.day) return;
    if (day > this.day) {
      this.day = day;
      this.numbers = none();
    }
    this.#count(event);
  }

  #count(event: TurnledgerEvent): void {
    const { numbers } = this;
    switch (event.event_type) {
      case "codex_turn_event": {
        const turn = event.event_params;
        numbers.turns += 1;
        if (turn.status !== null) numbers[turn.status] += 1;
        numbers.steer_count += turn.steer_count;
        for (const name of TOOL_CALLS) numbers[name] += turn[name];
        if (TOKENS.some((name) => turn[name] === null)) numbers.turns_without_tokens += 1;
        else for (const name of TOKENS) numbers[name] += turn[name] ?? 0;
        return;
      }
      case "codex_accepted_line_fingerprints":
        numbers.accepted_added_lines += event.event_params.accepted_added_lines;
        numbers.accepted_deleted_lines += event.event_params.accepted_deleted_lines;
        return;
      case "codex_review_event": {
        const { reviewer, status } = event.event_params;
        const outcome = `${reviewer}_${status}` as const;
        numbers[`${reviewer}_reviews`] += 1;
        // Only the guardian runs out of time.
        if (outcome !== "user_timed_out") numbers[outcome] += 1;
      }
    }
  }
}
