/** Events as rows to look through, and what may be asked of them. */
import type { EventType, Gist } from "./kinds.js";

export interface EventRow extends Gist {
  number: number;
  /** When it came out, by the recording's clock. */
  at: number;
  type: EventType;
  thread: string | null;
  turn: string | null;
  /** The message on which it came out; null at the session's end. */
  message: number | null;
  line: number | null;
  /** Whether it comes from a rollout: what that does not say is unknown. */
  isFromFile: boolean;
  lacksOutcome: boolean;
  lacksDuration: boolean;
}

export type SortKey = "number" | "type" | "subject" | "outcome" | "duration";

export interface EventQuery {
  search: string;
  types: EventType[];
  thread: string;
  outcome: string;
  sort: SortKey;
  isDescending: boolean;
}

export interface Page<Row> {
  rows: Row[];
  total: number;
}

export interface Facets {
  types: [EventType, number][];
  threads: [string, number][];
  outcomes: [string, number][];
}
