/** The numbers in words. An unknown number is no zero: a sum without it is said to be "at least". */
import type { Numbers } from "./numbers.js";

const exact = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export interface Row {
  name: string;
  value: string;
  detail: string;
}

const plural = (count: number, word: string): string => `${exact.format(count)} ${word}${count === 1 ? "" : "s"}`;

/** A sum over turns of which some did not say theirs. */
function sum(of: number, unknown: number, turns: number, format: Intl.NumberFormat): string {
  if (unknown === 0) return format.format(of);
  return unknown === turns ? "unknown" : `≥ ${format.format(of)}`;
}

/** What fits in a status bar. */
export function short(numbers: Numbers): string {
  const { turns, turns_without_tokens: unknown } = numbers;
  const tokens =
    unknown > 0 && unknown === turns
      ? "tokens unknown"
      : `${sum(numbers.input_tokens, unknown, turns, compact)} in ${sum(numbers.output_tokens, unknown, turns, compact)} out`;
  const lines = `+${compact.format(numbers.accepted_added_lines)} −${compact.format(numbers.accepted_deleted_lines)}`;
  const tools = plural(numbers.total_tool_call_count, "tool call");
  return [plural(turns, "turn"), tools, tokens, lines, plural(numbers.user_reviews, "approval")].join(" · ");
}

/** The parts that are there. */
const parts = (counts: [number, string][]): string =>
  counts.filter(([count]) => count > 0).map(([count, word]) => `${exact.format(count)} ${word}`).join(", ");

export function rows(numbers: Numbers): Row[] {
  const { turns, turns_without_tokens: unknown } = numbers;
  const tokens = (of: number): string => sum(of, unknown, turns, exact);
  const missing = unknown === 0 ? [] : [`${plural(unknown, "turn")} did not say`];
  const of = (count: number, word: string): string => (unknown === turns && turns > 0 ? "" : `${tokens(count)} ${word}`);
  return [
    {
      name: "Turns",
      value: exact.format(turns),
      detail: parts([
        [numbers.completed, "completed"],
        [numbers.failed, "failed"],
        [numbers.interrupted, "interrupted"],
      ]),
    },
    { name: "Accepted steers", value: exact.format(numbers.steer_count), detail: "" },
    {
      name: "Tool calls",
      value: exact.format(numbers.total_tool_call_count),
      detail: parts([
        [numbers.shell_command_count, "shell"],
        [numbers.file_change_count, "file change"],
        [numbers.mcp_tool_call_count, "MCP"],
        [numbers.dynamic_tool_call_count, "dynamic"],
        [numbers.subagent_tool_call_count, "subagent"],
        [numbers.web_search_count, "web search"],
        [numbers.image_generation_count, "image generation"],
      ]),
    },
    {
      name: "Input tokens",
      value: tokens(numbers.input_tokens),
      detail: [of(numbers.cached_input_tokens, "cached"), ...missing].filter(Boolean).join(", "),
    },
    {
      name: "Output tokens",
      value: tokens(numbers.output_tokens),
      detail: [of(numbers.reasoning_output_tokens, "reasoning"), ...missing].filter(Boolean).join(", "),
    },
    {
      name: "Accepted lines",
      value: `+${exact.format(numbers.accepted_added_lines)} −${exact.format(numbers.accepted_deleted_lines)}`,
      detail: "",
    },
    {
      name: "Approvals asked of you",
      value: exact.format(numbers.user_reviews),
      detail: parts([
        [numbers.user_approved, "approved"],
        [numbers.user_denied, "denied"],
        [numbers.user_aborted, "aborted"],
      ]),
    },
    {
      name: "Approvals asked of the guardian",
      value: exact.format(numbers.guardian_reviews),
      detail: parts([
        [numbers.guardian_approved, "approved"],
        [numbers.guardian_denied, "denied"],
        [numbers.guardian_aborted, "aborted"],
        [numbers.guardian_timed_out, "timed out"],
      ]),
    },
  ];
}
