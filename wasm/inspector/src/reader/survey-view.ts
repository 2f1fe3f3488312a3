/** What is known of many files: a row a session, without its messages. */
import type { Sum, Totals } from "../../shared/reader/totals.js";
import type { FileKind } from "./file-kind.js";

export interface SurveyFile {
  /** Where it is below the folder that was opened. */
  path: string;
  blob: Blob;
}

/** A day's turns with one model. */
export interface Cell {
  /** `2026-11-28`, where the user is. */
  day: string;
  /** Null if the turns do not say. */
  model: string | null;
  turns: number;
  /** Of these, failed and interrupted ones. */
  unsuccessful: number;
  /** Turns that do not say how they ended. */
  unended: number;
  input: number;
  output: number;
  /** Turns that do not say their tokens. */
  unknown: number;
}

export interface SessionRow {
  /** The number of its file. */
  id: number;
  path: string;
  kind: FileKind;
  bytes: number;
  /** The first thread; null if no event names one. */
  thread: string | null;
  threads: number;
  /** The thread that started this one. */
  parent: string | null;
  /** Why the server itself started the thread, such as `thread_spawn`; null if a client did. */
  agent: string | null;
  first: number | null;
  last: number | null;
  client: string | null;
  version: string | null;
  /** `owner/name`. */
  repository: string | null;
  /** The name of the folder that it worked in. */
  folder: string | null;
  models: string[];
  turns: number;
  failed: number;
  interrupted: number;
  /** Turns that do not say how they ended. */
  unended: number;
  input: Sum;
  output: Sum;
  time: Sum;
  calls: number;
  failedCalls: number;
  /** Null if no turn had a diff. */
  lines: { added: number; deleted: number } | null;
  /** How the last turn ended; null if there is none, or it does not say. */
  outcome: string | null;
  /** Turns without an event: they are in no sum. */
  lostTurns: number;
  events: number;
  discards: number;
  badLines: number;
  isCut: boolean;
  /** Names that were not understood. */
  notUnderstood: number;
  /** Whether all events come from a rollout. */
  isFromFile: boolean;
  /** Turns that another file has, too: they count there. */
  repeated: number;
  cells: Cell[];
}

export interface FileProblem {
  path: string;
  text: string;
}

export interface SurveyProgress {
  files: number;
  filesRead: number;
  bytes: number;
  bytesRead: number;
  sessions: number;
  /** Rollouts of a thread that another file has more of. */
  duplicates: number;
  problems: number;
  state: "reading" | "ended" | "stopped";
  internalErrors: number;
}

export interface Surveyed {
  rows: SessionRow[];
  /** The first ones. */
  problems: FileProblem[];
}

export interface Summary {
  row: SessionRow;
  totals: Totals;
}
