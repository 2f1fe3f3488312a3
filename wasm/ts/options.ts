/** The options of a ledger, and what it reports. */
import type { TurnledgerEvent } from "./generated/events.js";
import type { Batch } from "./batch.js";
import type { Storage } from "./storage.js";

export type { Batch };

/** Who sent a message. */
export type Direction = "client_to_server" | "server_to_client";

/** How many entries one kind of state may have, and how long an entry may stay unused. */
export interface Cap {
  entries: number;
  idleMs: number;
}

/** How much state a ledger holds. What is left out keeps its default. */
export interface Limits {
  connections?: Cap;
  threads?: Cap;
  turns?: Cap;
  items?: Cap;
  requests?: Cap;
  approvals?: Cap;
  /** The most bytes of a diff that is held until its turn ends. */
  diffBytes?: number;
  /** The most bytes of the diffs of all running turns. */
  heldDiffBytes?: number;
}

/** How large a request may be, and how long an event waits for others to share it. */
export interface BatchLimits {
  events?: number;
  bytes?: number;
  ageMs?: number;
}

/** Your own hash function: synchronous, with 16 to 64 bytes as its result. */
export interface HostDigest {
  /** The scheme's name in events, such as `sha512-256`. */
  scheme: string;
  digest(bytes: Uint8Array): Uint8Array;
}

/**
 * What may leave, by lists of names in which `*` stands for any characters: the rules that `[policy]` has in the program's
 * settings. What is both allowed and dropped is dropped. A member is named by the end of its path: `model` in every event,
 * `codex_turn_event.model` in one, `app_server_client.client_name` in that object.
 */
export interface Policy {
  /** Events of these types leave, and no others. */
  allow_events?: string[];
  drop_events?: string[];
  /** Events of these clients (`product_client_id`) leave, and no others. With a rule about clients, an event that names none stays. */
  allow_clients?: string[];
  drop_clients?: string[];
  /**
   * Events of threads that work in repositories with these remotes (`github.com/owner/name`) leave, and no others. They wait
   * for your answers to the questions about repositories; what is not answered within five minutes stays. A rollout needs
   * its `remote`.
   */
  allow_repositories?: string[];
  drop_repositories?: string[];
  /** These members leave, and no others. */
  allow_members?: string[];
  drop_members?: string[];
  /** Hashes of these members leave, made with your `key` or your `digest`. What is no text is left out. */
  hash_members?: string[];
  /** Of each time the hour leaves. Ids that hold a time (UUID version 7) leave as hashes. */
  coarsen_times?: "hour";
}

/** What became of a request. */
export type Outcome =
  /** The server answered. Its status means the same as for {@link UploadTo}; 0 is a redirection. */
  | { kind: "answered"; status: number; afterMs?: number }
  | { kind: "delivered" }
  /** It may succeed later, after `afterMs` if the server said so. `reason` is for a person. */
  | { kind: "try_again"; afterMs?: number; reason?: string }
  /** It will never succeed: its events are dropped, whatever the status. */
  | { kind: "refused"; status: number };

/** How a request is sent. */
export interface Sending {
  /** The page is closing: only a request with `keepalive` still arrives. */
  leaving: boolean;
  /** The server has just refused the credentials with 401: use new ones, if you have any. */
  renew: boolean;
}

/** Where requests go: a server, or a function that sends them. */
export type Upload = UploadTo | ((batch: Batch, sending: Sending) => Promise<Outcome>);

/** Why events do not arrive, or cannot be kept. */
export type Trouble =
  /** Events wait. Reported when that begins, and when the reason changes. */
  | {
      kind: "held";
      /** For a person. */
      reason: string;
      /** The server's status, if it answered; 0 is a redirection. */
      status: number | null;
      /** Whether it probably passes by itself. If not, a person has to do something. */
      mayPass: boolean;
    }
  /** The server refused these events for good. The ledger drops them; this batch is your last chance to keep them. */
  | { kind: "refused"; status: number; batch: Batch }
  /** Events that are only in memory. A snapshot does not hold them, and a closed ledger does not send them. */
  | { kind: "unsaved"; when: "snapshot" | "close"; events: number };

export interface UploadTo {
  /** The base URL: `https://…`, or `http://…` on this machine. Requests go to `URL/codex/analytics-events/events`. */
  url: string;
  /**
   * Further headers, such as credentials. Called for each request. After a 401 it is called once more, with `renew`; if the
   * headers are the same as before, nothing is sent.
   */
  headers?: (sending: { renew: boolean }) => Record<string, string> | Promise<Record<string, string>>;
  /** The longest time of a request in milliseconds; 10,000 by default. */
  timeoutMs?: number;
  /** Used in place of the global `fetch`. */
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
 * A question of the core. Answer it by `ingest` with a fact: `{ repository_answered: { question: id, remote_url } }`, or
 * `{ skill_answered: { question: id, skill_path, repository_root, remote_url } }`.
 */
export type Question =
  | { kind: "repository"; id: number; cwd: string; thread_id: string }
  | { kind: "skill"; id: number; path: string; workspace: string | null };

export interface LedgerOptions {
  /** Returns Unix milliseconds; `Date.now` by default. */
  clock?: () => number;
  /** Your organisation's key, 16 bytes or more. Hashes are then HMAC-SHA-256 with this key. */
  key?: Uint8Array;
  /** A hash function in place of SHA-256. */
  digest?: HostDigest;
  /** How observed clients reach the server; `stdio` by default. */
  transport?: "stdio" | "websocket" | "in_process";
  /** The server for events. Without it, events go to listeners only. */
  upload?: Upload;
  /** Where unsent requests wait; in memory by default. */
  storage?: Storage;
  limits?: Limits;
  batch?: BatchLimits;
  /** What of an event may go into a request. Listeners see the whole event. */
  policy?: Policy;
  /** Called with every event before it goes anywhere. Returns the event, changed or not, or `null` to hold it back. */
  beforeSend?: (event: TurnledgerEvent) => TurnledgerEvent | null;
  /** Called with what yielded no event. */
  onDiscard?: (discard: Discard) => void;
  /** Called at once when events cannot arrive. What a person has to mend is in the console as well. */
  onTrouble?: (trouble: Trouble) => void;
  /** Called with each question of the core. Leave it out if you cannot answer. */
  onQuestion?: (question: Question) => void;
  /** `false`: the ledger does nothing. A user's no, by `DO_NOT_TRACK` or Global Privacy Control, always wins. */
  enabled?: boolean;
  /** The result of an earlier `snapshot()`, to go on from. */
  snapshot?: string;
}

/** How much went through a ledger, and what still waits. */
export interface Stats {
  messages: number;
  irrelevantMessages: number;
  facts: Record<string, number>;
  events: Record<string, number>;
  discards: { subject: string; reason: string; count: number }[];
  /**
   * What this version does not know, by name: a `version` newer than any known one, a `method`, a kind of `item`, a
   * `value` of an enumeration, a `member` of an object. Names that look like none count as `(other)`.
   */
  unknown: { kind: "version" | "method" | "item" | "value" | "member"; name: string; count: number }[];
  /** Messages that could not be read. */
  malformed: number;
  /** Events that `beforeSend` held back, or for which your digest failed. */
  vetoed: number;
  /** Events of which the policy lets nothing leave. */
  withheld: number;
  delivered: number;
  /** Events that the server refused for good. */
  refused: number;
  /** Why the latest request failed; `null` after one that succeeded. */
  lastFailure: string | null;
  /** Why events wait, for a person; `null` if nothing holds them up. */
  held: string | null;
  /** Events that were dropped because too much waited. */
  evicted: number;
  /** Events that wait to be sent, or are being sent. */
  waiting: number;
  /** Of those, the events that no storage has. They are lost if the process ends now, even with a snapshot. */
  unsaved: number;
  /** Failures of this library itself. After each, the ledger went on with empty state. */
  internalErrors: number;
}

/** What came of a flush. */
export interface Flushed {
  delivered: number;
  waiting: number;
}
