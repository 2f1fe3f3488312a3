/** What a ledger is made with, and what it says. */
import type { TurnledgerEvent } from "./generated/events.js";
import type { Storage } from "./storage.js";

/** Who sent a message. */
export type Direction = "client_to_server" | "server_to_client";

/** How much one kind of state may hold, and for how long an entry may go unused. */
export interface Cap {
  entries: number;
  idleMs: number;
}

/** How much state a ledger holds; what is not said stays as it is. */
export interface Limits {
  connections?: Cap;
  threads?: Cap;
  turns?: Cap;
  items?: Cap;
  requests?: Cap;
  approvals?: Cap;
  /** The largest diff that is held until its turn ends. */
  diffBytes?: number;
  /** The most that the diffs of all running turns may hold. */
  heldDiffBytes?: number;
}

/** What a request may hold, and how long an event waits for others to share it. */
export interface BatchLimits {
  events?: number;
  bytes?: number;
  ageMs?: number;
}

/** A hash function of the host's own: synchronous, 16 bytes or more out. */
export interface HostDigest {
  /** The name that events give the scheme, as `sha512-256`. */
  scheme: string;
  digest(bytes: Uint8Array): Uint8Array;
}

/** A request body that is ready to be sent. */
export interface Batch {
  /** The same for the same request, however often it is sent: the `Idempotency-Key`. */
  id: string;
  /** How many events the body has. */
  events: number;
  /** `{"events":[…]}` */
  body: string;
}

/** What became of a request. */
export type Outcome =
  | { kind: "delivered" }
  /** It may succeed later; the server may have said when. `reason` is for a person. */
  | { kind: "try_again"; afterMs?: number; reason?: string }
  /** It will never succeed. */
  | { kind: "refused"; status: number };

/**
 * Where requests go: a server, or a function that sends them. `leaving` says that the page goes, so that only a request
 * that outlives it arrives (`keepalive`).
 */
export type Upload = UploadTo | ((batch: Batch, context: { leaving: boolean }) => Promise<Outcome>);

export interface UploadTo {
  /** The base URL, with https, or http on this machine: requests go to `URL/codex/analytics-events/events`. */
  url: string;
  /** Headers beside those of the request, asked for each time: credentials. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** How long a request takes at most; 10 seconds if it is not said. */
  timeoutMs?: number;
  /** `fetch`, if another one is to be used. */
  fetch?: typeof globalThis.fetch;
}

/** Something that yielded no event, and why. */
export interface Discard {
  at: number;
  subject: string;
  reason: string;
  /** For a person. */
  text: string;
  connectionId?: number;
  requestId?: string | number;
  threadId?: string;
  turnId?: string;
  itemId?: string;
}

/**
 * What the core asks its host. The answer is a fact: `{ repository_answered: { question: id, remote_url } }`, or
 * `{ skill_answered: { question: id, skill_path, repository_root, remote_url } }`.
 */
export type Question =
  | { kind: "repository"; id: number; cwd: string }
  | { kind: "skill"; id: number; path: string; workspace: string | null };

export interface LedgerOptions {
  /** Unix milliseconds; `Date.now` if it is not said. */
  clock?: () => number;
  /** An organisation's key, of 16 bytes or more: hashes are made with HMAC-SHA-256 and it. */
  key?: Uint8Array;
  /** A hash function instead of SHA-256. */
  digest?: HostDigest;
  /** How observed clients reach the server; `stdio` if it is not said. */
  transport?: "stdio" | "websocket" | "in_process";
  /** Where events go; without it, to listeners alone. */
  upload?: Upload;
  /** Where requests wait that could not be sent; in memory if it is not said. */
  storage?: Storage;
  limits?: Limits;
  batch?: BatchLimits;
  /** Sees every event before it goes anywhere: it may change it, or hold it back with `null`. */
  beforeSend?: (event: TurnledgerEvent) => TurnledgerEvent | null;
  /** Sees what yielded no event. */
  onDiscard?: (discard: Discard) => void;
  /** Sees what the core asks; a host that cannot answer has none. */
  onQuestion?: (question: Question) => void;
  /** `false`: the ledger does nothing. The user's own no, by `DO_NOT_TRACK` or Global Privacy Control, counts whatever is said here. */
  enabled?: boolean;
  /** Goes on from here. */
  snapshot?: string;
}

/** How much went through a ledger, and what is still there. */
export interface Stats {
  messages: number;
  irrelevantMessages: number;
  facts: Record<string, number>;
  events: Record<string, number>;
  discards: { subject: string; reason: string; count: number }[];
  /** Messages that could not be read. */
  malformed: number;
  /** Events that `beforeSend` held back, or that a digest of the host's own failed for. */
  vetoed: number;
  delivered: number;
  /** Events that the server refused for good. */
  refused: number;
  /** Why the latest request was not taken; `null` once one is. */
  lastFailure: string | null;
  /** Events that had to go because too much waited. */
  evicted: number;
  /** Events that wait for a request or in one. */
  waiting: number;
  /** Failures of this library itself, after each of which the ledger went on with empty state. */
  internalErrors: number;
}

/** What came of a flush. */
export interface Flushed {
  delivered: number;
  waiting: number;
}
