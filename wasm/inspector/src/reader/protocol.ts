/** What the page and its reader, a worker, say to one another. */
import type { Direction, Stats } from "turnledger/inline";

import type { EventQuery, EventRow, Facets, Page } from "../../shared/reader/event-rows.js";
import type { MessageKind } from "../../shared/reader/ids.js";
import type { EventIds } from "../../shared/reader/kinds.js";
import type { TimelineView, TimelineWindow } from "../../shared/reader/timeline-view.js";
import type { Totals } from "../../shared/reader/totals.js";
import type { FileKind } from "./file-kind.js";
import type { Summary, Surveyed, SurveyFile, SurveyProgress } from "./survey-view.js";

/** Where a recording comes from. */
export type Source =
  { kind: "file"; name: string; blob: Blob } | { kind: "live"; name: string; handle: FileSystemFileHandle };

export type Phase = "unpacking" | "reading" | "following" | "ended" | "stopped" | "failed";

/** How far the reading is. */
export interface Progress {
  phase: Phase;
  /** What the file is, once its first lines have said so. */
  kind: FileKind | null;
  bytesRead: number;
  bytes: number;
  lines: number;
  messages: number;
  events: number;
  discards: number;
  badLines: number;
  /** The recording's first and last message, if there is one. */
  span: [first: number, last: number] | null;
  /** What this version does not know, the most frequent first. */
  unknown: Stats["unknown"];
  /** What went wrong, in a sentence. */
  problem?: string;
  /** Whether the last line is cut off. */
  isCut: boolean;
  /** Whether it is a rollout of which no line names a session. */
  lacksSession: boolean;
  /** Failures of the ledger itself. */
  internalErrors: number;
}

export interface MessageRow {
  index: number;
  line: number;
  at: number;
  connection: number;
  /** Null for a line that is no message. */
  direction: Direction | null;
  kind: MessageKind;
  method: string | null;
  requestId: string | null;
  bytes: number;
  /** Whether the event came out on this message. */
  isCompleting: boolean;
}

/** Messages that belong together. */
export interface MessageGroup {
  title: string;
  total: number;
  /** The first ones. */
  rows: MessageRow[];
  /** The one on which the event came out, if it is not among the first ones. */
  completing: MessageRow | null;
}

export interface OpenedEvent {
  row: EventRow;
  ids: EventIds;
  json: string;
  groups: MessageGroup[];
}

export interface DiscardRow {
  at: number;
  line: number | null;
  subject: string;
  reason: string;
  text: string;
  ids: [name: string, value: string][];
}

export interface BadLineRow {
  line: number;
  reason: string;
}

export interface Losses {
  /** How often each reason was given. */
  reasons: { subject: string; text: string; count: number }[];
  discards: Page<DiscardRow>;
  badLines: Page<BadLineRow>;
  /** What this version does not know, by its name. */
  unknown: Stats["unknown"];
}

export type Download = "jsonl" | "csv";

/** What the page may ask. Each answer is a promise. */
export interface Reader {
  /** Reads to the end, or until {@link Reader.stop}. */
  open(source: Source): void;
  stop(): void;
  facets(): Facets;
  events(query: EventQuery, offset: number, limit: number): Page<EventRow>;
  event(number: number): OpenedEvent | null;
  messages(number: number, group: number, offset: number, limit: number): MessageRow[];
  message(index: number): Promise<string>;
  /** One message by its line. */
  messageAt(line: number): MessageRow | null;
  losses(discardOffset: number, badLineOffset: number, limit: number): Losses;
  totals(): Totals;
  timeline(window: TimelineWindow): TimelineView;
  download(query: EventQuery, format: Download): Blob;
  /** Reads many files, and keeps what each adds up to; until {@link Reader.stop}. */
  survey(files: SurveyFile[]): void;
  sessions(): Surveyed;
  summary(id: number): Summary | null;
}

export type Call = {
  [Name in keyof Reader]: { id: number; name: Name; arguments: Parameters<Reader[Name]> };
}[keyof Reader];
/** What the reader says of itself. */
export type Told = { progress: Progress } | { survey: SurveyProgress };
export type Reply = { id: number; value: unknown } | { id: number; error: string } | Told;
