/** What a page and the worker that has its ledger tell one another. */
import type { Fact } from "./generated/facts.js";
import type { Batch, Direction, Discard, Flushed, LedgerOptions, Question, Stats, Trouble, UploadTo } from "./options.js";
import type { ReadRollout, RolloutOptions } from "./rollout.js";

/** A `Worker`, the global scope of one, or a `MessagePort`. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "error" | "messageerror", listener: (event: unknown) => void): void;
  /** Of a `MessagePort`. */
  start?(): void;
}

/** The options that a page can hand over: what is a function stays with the worker's own script. */
export interface RemoteOptions extends Omit<LedgerOptions, "beforeSend" | "digest" | "storage" | "upload"> {
  upload?: Omit<UploadTo, "headers" | "fetch">;
}

/** What crosses to the worker with the start. */
export type StartOptions = Omit<RemoteOptions, "clock" | "onDiscard" | "onQuestion" | "onTrouble">;

/** What a ledger in a worker can be asked, and what it answers. */
export interface Answers {
  start: boolean;
  ingest: undefined;
  readRollout: ReadRollout;
  flush: Flushed;
  close: Flushed;
  stats: Stats;
  snapshot: string;
}

export type Asked =
  | { ask: "start"; options: StartOptions }
  | { ask: "ingest"; fact: Fact; at: number }
  | { ask: "readRollout"; source: string | Uint8Array | Blob; options: RolloutOptions }
  | { ask: "close"; at: number }
  | { ask: "flush" | "stats" | "snapshot" };

export type Told =
  | { tell: "observe"; connectionId: number; direction: Direction; message: string | Uint8Array; at: number }
  /** Whether anybody on the page listens. */
  | { tell: "wanted"; name: "event" | "batch"; isWanted: boolean }
  | { tell: "leave" | "comeBack" };

export type ToWorker = (Asked & { id: number }) | Told;

export type FromWorker =
  | { id: number; answer: Answers[keyof Answers] }
  | { id: number; error: { isTypeError: boolean; message: string } }
  | { event: string }
  | { discard: Discard }
  | { question: Question }
  | { trouble: Trouble }
  | { batch: Batch };
