/** What the time line shows: marks, and their places in rows. */
export const LANES = ["turns", "items", "approvals", "steers"] as const;
export type Lane = (typeof LANES)[number];

export type MarkKind =
  | "turn"
  | "command"
  | "file_change"
  | "mcp"
  | "client_tool"
  | "agent_tool"
  | "web_search"
  | "image"
  | "control_tool"
  | "other_item"
  | "approval"
  | "steer"
  | "compaction"
  | "hook"
  | "lines"
  | "goal"
  | "archive";

export interface Mark {
  kind: MarkKind;
  thread: string;
  start: number;
  /** Not before the start; the same for what happened at once, `null` for what has not ended. */
  end: number | null;
  /** When its turn ended, if it had not ended by then. */
  brokenOff: number | null;
  /** What it is about, as far as that is known. */
  label: string;
  outcome: string | null;
  /** The number of its event, if there is one. */
  event: number | null;
}

export interface TimelineWindow {
  /** `null` for all of the recording. */
  from: number | null;
  to: number | null;
  /** How many pixels there are. */
  width: number;
  /** The one to show; empty for all. */
  thread: string;
}

export interface TimelineView {
  extent: [from: number, to: number] | null;
  window: [from: number, to: number];
  rows: TimelineRow[];
  marks: PlacedMark[];
  /** How many threads have something in the window. More than there is room for are drawn together. */
  threads: number;
  areTogether: boolean;
  /** How many marks are in the window, drawn one by one or not. */
  total: number;
}

/** A mark in its place; `count` is more than one if marks too narrow to be told apart are drawn as one. */
export interface PlacedMark extends Omit<Mark, "end" | "brokenOff"> {
  end: number;
  isOpen: boolean;
  row: number;
  count: number;
}

export interface TimelineRow {
  /** Empty for all threads together. */
  thread: string;
  lane: Lane;
  /** Whether it is its thread's first. */
  isFirst: boolean;
}
