/** The core in WebAssembly, made anew should it ever fail. */
import { Engine as Core, initSync } from "./generated/turnledger_wasm.js";
import type { Batch, Discard, LedgerOptions, Question } from "./options.js";

/** What a step says of its yield; `wasm/src/lib.rs` has the same. */
const EVENTS = 1;
const DISCARDS = 2;
const QUESTIONS = 4;
const MALFORMED = 8;

/** An event as text, and whether it goes in a request of its own. */
export interface EventText {
  json: string;
  isIsolated: boolean;
}

/** What came out of a step. */
export interface Yield {
  events: EventText[];
  discards: Discard[];
  questions: Question[];
  isMalformed: boolean;
  /** The host's own hash function threw, or returned something else than a digest. */
  hasDigestFailed: boolean;
}

const NOTHING: Yield = { events: [], discards: [], questions: [], isMalformed: false, hasDigestFailed: false };

export class Engine {
  readonly #make: (snapshot?: string) => Core;
  #core: Core;
  internalErrors = 0;

  /** @throws if the options, the key or the snapshot cannot be used. */
  constructor(module: WebAssembly.Module, options: LedgerOptions) {
    initSync({ module });
    const { batch, digest, key, limits, transport } = options;
    const text = JSON.stringify({
      rpcTransport: transport,
      limits,
      batch: batch && { events: batch.events ?? 100, bytes: batch.bytes ?? 1 << 20 },
      scheme: digest?.scheme,
    });
    this.#make = (snapshot) => new Core(text, key, digest && ((bytes: Uint8Array) => digest.digest(bytes)), snapshot);
    this.#core = this.#make(options.snapshot);
  }

  observe(at: number, connection: number, toServer: boolean, message: string | Uint8Array): Yield {
    return this.#step((core) =>
      typeof message === "string"
        ? core.observe(at, connection, toServer, message)
        : core.observeBytes(at, connection, toServer, message),
    );
  }

  /** @throws if it is no fact. */
  ingest(at: number, fact: string): Yield {
    return this.#step((core) => core.ingest(at, fact));
  }

  finish(at: number): Yield {
    return this.#step((core) => core.finish(at));
  }

  /** The requests that are complete with an event. */
  batch({ json, isIsolated }: EventText): Batch[] {
    return batches(this.#guard((core) => core.batch(json, isIsolated), ""));
  }

  flushBatch(): Batch[] {
    return batches(this.#guard((core) => core.flushBatch(), ""));
  }

  stats(): string {
    return this.#guard((core) => core.stats(), "{}");
  }

  snapshot(): string {
    return this.#core.snapshot();
  }

  free(): void {
    this.#core.free();
  }

  #step(step: (core: Core) => number): Yield {
    const flags = this.#guard(step, 0);
    if (flags === 0) return NOTHING;
    return this.#guard((core) => {
      const events = flags & EVENTS ? core.takeEvents().split("\n").slice(0, -1).map(eventText) : [];
      return {
        events,
        discards: flags & DISCARDS ? (JSON.parse(core.takeDiscards()) as Discard[]) : [],
        questions: flags & QUESTIONS ? (JSON.parse(core.takeQuestions()) as Question[]) : [],
        isMalformed: (flags & MALFORMED) !== 0,
        hasDigestFailed: core.takeDigestFailure(),
      };
    }, NOTHING);
  }

  /** A trap is a bug of ours: what was known is lost, the ledger goes on, and it is counted. */
  #guard<T>(work: (core: Core) => T, otherwise: T): T {
    try {
      return work(this.#core);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.internalErrors += 1;
      this.#core = this.#make();
      return otherwise;
    }
  }
}

function eventText(line: string): EventText {
  return line.startsWith("!") ? { json: line.slice(1), isIsolated: true } : { json: line, isIsolated: false };
}

/** Three lines each: the key, how many events, and the body. */
function batches(lines: string): Batch[] {
  const parts = lines.split("\n");
  const batches: Batch[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3) {
    batches.push({ id: parts[at] ?? "", events: Number(parts[at + 1]), body: parts[at + 2] ?? "" });
  }
  return batches;
}
