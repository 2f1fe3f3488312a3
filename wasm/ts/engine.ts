/** The core in WebAssembly, made anew should it ever fail. */
import { Engine as Core, initSync } from "./generated/turnledger_wasm.js";
import type { Batch, Discard, LedgerOptions, Question } from "./options.js";

/** What a step says of its yield; `wasm/src/lib.rs` has the same. */
const EVENTS = 1;
const DISCARDS = 2;
const QUESTIONS = 4;
const MALFORMED = 8;

export const DIGEST_FAILED = "digest: it threw, or returned something else than 16 to 64 bytes";

/** An event as text, and whether it goes in a request of its own. */
export interface EventText {
  json: string;
  isIsolated: boolean;
}

const encoder = new TextEncoder();

/** What came out of a step. */
export interface Yield {
  events: EventText[];
  discards: Discard[];
  questions: Question[];
  isMalformed: boolean;
  /** The host's own hash function threw, or returned something else than a digest. */
  hasDigestFailed: boolean;
}

/** A request without its key. */
export type Formed = Omit<Batch, "id">;

const NOTHING: Yield = { events: [], discards: [], questions: [], isMalformed: false, hasDigestFailed: false };

export class Engine {
  readonly #make: (snapshot?: string) => Core;
  readonly #hasDigest: boolean;
  /** Called when what waited for a request is lost. */
  onLoss: () => void = () => {};
  #core: Core;
  internalErrors = 0;

  readonly #memory: WebAssembly.Memory;
  /** The module's memory, which is another buffer whenever it has grown. */
  #bytes = new Uint8Array();

  /** @throws if the options, the key or the snapshot cannot be used. */
  constructor(module: WebAssembly.Module, options: LedgerOptions) {
    this.#memory = initSync({ module }).memory;
    const { batch, digest, key, limits, transport } = options;
    const first = {
      rpcTransport: transport,
      // Once an instance has failed the next begins with the same.
      limits: limits && structuredClone(limits),
      batch: batch && { events: batch.events ?? 100, bytes: batch.bytes ?? 1 << 20 },
      scheme: digest?.scheme,
    };
    this.#make = (snapshot) => new Core(first, key, digest && ((bytes: Uint8Array) => digest.digest(bytes)), snapshot);
    this.#hasDigest = digest !== undefined;
    // A ledger that did nothing had nothing to save.
    this.#core = this.#make(options.snapshot || undefined);
  }

  observe(at: number, connection: number, toServer: boolean, message: string | Uint8Array): Yield {
    return this.#step((core) => core.observe(at, connection, toServer, this.#write(core, message)));
  }

  /** Puts a message where the core reads it; how many bytes it has. */
  #write(core: Core, message: string | Uint8Array): number {
    if (typeof message !== "string") {
      this.#input(core, message.length).set(message);
      return message.length;
    }
    // Most messages are ASCII; a UTF-16 code unit is never more than three bytes.
    const { read, written } = encoder.encodeInto(message, this.#input(core, message.length));
    return read === message.length ? written : encoder.encodeInto(message, this.#input(core, 3 * message.length)).written;
  }

  #input(core: Core, length: number): Uint8Array {
    const at = core.input(length) >>> 0;
    if (this.#bytes.buffer !== this.#memory.buffer) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes.subarray(at, at + length);
  }

  /** @throws if it is no fact. */
  ingest(at: number, fact: string): Yield {
    return this.#step((core) => core.ingest(at, fact));
  }

  finish(at: number): Yield {
    return this.#step((core) => core.finish(at));
  }

  /** The requests that are complete with an event. */
  batch({ json, isIsolated }: EventText): Formed[] {
    return requests(this.#guard((core) => core.batch(json, isIsolated), ""));
  }

  flushBatch(): Formed[] {
    return requests(this.#guard((core) => core.flushBatch(), ""));
  }

  stats(): string {
    return this.#guard((core) => core.stats(), "{}");
  }

  /** @throws if the host's own hash function failed: zeros must not be taken for hashes. */
  snapshot(): string {
    const snapshot = this.#guard((core) => core.snapshot(), "");
    if (this.#takeDigestFailure()) throw new TypeError(DIGEST_FAILED);
    return snapshot;
  }

  free(): void {
    this.#core.free();
  }

  #takeDigestFailure(): boolean {
    return this.#hasDigest && this.#guard((core) => core.takeDigestFailure(), false);
  }

  #step(step: (core: Core) => number): Yield {
    const flags = this.#guard(step, 0);
    const hasDigestFailed = this.#takeDigestFailure();
    if (flags === 0) return hasDigestFailed ? { ...NOTHING, hasDigestFailed } : NOTHING;
    return this.#guard((core) => {
      const events = flags & EVENTS ? core.takeEvents().split("\n").slice(0, -1).map(eventText) : [];
      return {
        events,
        discards: flags & DISCARDS ? (JSON.parse(core.takeDiscards()) as Discard[]) : [],
        questions: flags & QUESTIONS ? (JSON.parse(core.takeQuestions()) as Question[]) : [],
        isMalformed: (flags & MALFORMED) !== 0,
        hasDigestFailed,
      };
    }, NOTHING);
  }

  /**
   * A trap, or a stack that is exhausted, is a bug of ours and leaves the core unusable: what was known is lost, the
   * ledger goes on with a new one, and it is counted.
   */
  #guard<T>(work: (core: Core) => T, otherwise: T): T {
    try {
      return work(this.#core);
    } catch (error) {
      // What the core refuses, it refuses by an ordinary error.
      if (error instanceof Error && error.constructor === Error && !/recursive use|unsafe aliasing/.test(error.message)) {
        throw error;
      }
      this.internalErrors += 1;
      this.onLoss();
      this.#core = this.#make();
      return otherwise;
    }
  }
}

function eventText(line: string): EventText {
  return line.startsWith("!") ? { json: line.slice(1), isIsolated: true } : { json: line, isIsolated: false };
}

/** Two lines each: how many events, and the body. */
function requests(lines: string): Formed[] {
  const parts = lines.split("\n");
  const formed: Formed[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) formed.push({ events: Number(parts[at]), body: parts[at + 1] ?? "" });
  return formed;
}
