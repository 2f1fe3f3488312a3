/** The core in WebAssembly, made anew should it ever fail. */
import { transports } from "./check.js";
import { glue } from "./generated/glue.js";
import type { Engine as Core } from "./generated/turnledger_wasm.js";
import type { Batch, BatchLimits, Discard, LedgerOptions, Limits, Question } from "./options.js";

/** What a step says of its yield; `wasm/src/lib.rs` has the same. */
const EVENTS = 1;
const DISCARDS = 2;
const QUESTIONS = 4;
const MALFORMED = 8;

export const DIGEST_FAILED = "digest: it threw, or its result was not 16 to 64 bytes";

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

/** One of the module's, with a core in it. */
interface Instance {
  core: Core;
  memory: WebAssembly.Memory;
}

const NOTHING: Yield = { events: [], discards: [], questions: [], isMalformed: false, hasDigestFailed: false };

export class Engine {
  readonly #make: (snapshot?: string) => Instance;
  readonly #hasDigest: boolean;
  #instance: Instance | undefined;
  /** The instance's memory, which is another buffer whenever it has grown. */
  #bytes = new Uint8Array();
  internalErrors = 0;
  /** Events in the request that is being formed. */
  forming = 0;
  /** Events that waited for what is known of their repository, and stay. */
  stayed = 0;

  /** @throws if the options, the key, the policy or the snapshot cannot be used. */
  constructor(module: WebAssembly.Module, options: LedgerOptions) {
    const { batch, digest, key, limits, policy, transport } = options;
    // Once an instance has failed the next begins with the same.
    const numbers = numbersOf(batch, limits);
    const [way, scheme] = [Math.max(0, transports.indexOf(transport ?? "stdio")), digest?.scheme];
    const hash = digest && ((bytes: Uint8Array) => digest.digest(bytes));
    const rules = policy && JSON.stringify(policy);
    this.#make = (snapshot) => {
      const { Engine: Core, initSync } = glue();
      const { memory } = initSync({ module });
      return { core: new Core(way, numbers, key, hash, scheme, rules, snapshot), memory };
    };
    this.#hasDigest = digest !== undefined;
    // A ledger that did nothing had nothing to save.
    this.#instance = this.#make(options.snapshot || undefined);
  }

  observe(at: number, connection: number, toServer: boolean, message: string | Uint8Array): Yield {
    return this.#step((core, memory) => core.observe(at, connection, toServer, this.#write(core, memory, message)));
  }

  /** Says in which repository the thread of a rollout worked; before its first line. */
  rolloutRemote(rollout: number, remote: string): void {
    this.#guard((core) => core.rolloutRemote(rollout, remote), undefined);
  }

  /** Takes a line of a rollout; the first one of a number opens its file. */
  readLine(rollout: number, line: string | Uint8Array): Yield {
    return this.#step((core, memory) => core.readLine(rollout, this.#write(core, memory, line)));
  }

  endRollout(rollout: number): Yield {
    return this.#step((core) => core.endRollout(rollout));
  }

  /** The thread of a rollout that is open, once it is known. */
  rolloutThread(rollout: number): string | undefined {
    return this.#guard((core) => core.rolloutThread(rollout), undefined);
  }

  /** When the latest line of a rollout that is open was written. */
  rolloutAt(rollout: number): number {
    return this.#guard((core) => core.rolloutAt(rollout), 0);
  }

  /** Puts a message where the core reads it; how many bytes it has. */
  #write(core: Core, memory: WebAssembly.Memory, message: string | Uint8Array): number {
    if (typeof message !== "string") {
      this.#input(core, memory, message.length).set(message);
      return message.length;
    }
    // Most messages are ASCII; a UTF-16 code unit is never more than three bytes.
    const { read, written } = encoder.encodeInto(message, this.#input(core, memory, message.length));
    if (read === message.length) return written;
    return encoder.encodeInto(message, this.#input(core, memory, 3 * message.length)).written;
  }

  #input(core: Core, memory: WebAssembly.Memory, length: number): Uint8Array {
    const at = core.input(length) >>> 0;
    if (this.#bytes.buffer !== memory.buffer) this.#bytes = new Uint8Array(memory.buffer);
    return this.#bytes.subarray(at, at + length);
  }

  /** @throws if it is no fact. */
  ingest(at: number, fact: string): Yield {
    let refusal: unknown;
    const yielded = this.#step((core) => {
      try {
        return core.ingest(at, fact);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusal = error;
        return 0;
      }
    });
    if (refusal !== undefined) throw refusal;
    return yielded;
  }

  finish(at: number): Yield {
    return this.#step((core) => core.finish(at));
  }

  /** Nothing came until then. */
  tick(at: number): Yield {
    return this.#step((core) => core.tick(at));
  }

  /** When something expires next; infinite if nothing is held. */
  nextDeadline(): number {
    return this.#guard((core) => core.nextDeadline(), Infinity);
  }

  /** The requests that are complete with an event; nothing if the policy withholds it. */
  batch({ json, isIsolated }: EventText): Formed[] | undefined {
    const lines = this.#guard((core) => core.batch(json, isIsolated), undefined);
    if (lines === undefined) return undefined;
    this.forming += 1;
    return this.#formed(lines);
  }

  flushBatch(): Formed[] {
    return this.#formed(this.#guard((core) => core.flushBatch(), ""));
  }

  #formed(lines: string): Formed[] {
    const formed = requests(lines);
    for (const { events } of formed) this.forming -= events;
    const stayed = this.#guard((core) => core.takeStayed(), 0);
    this.forming -= stayed;
    this.stayed += stayed;
    return formed;
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

  /** Lets go of the core's memory; nothing is asked of it any more. */
  free(): void {
    this.#instance = undefined;
    this.#bytes = new Uint8Array();
  }

  #takeDigestFailure(): boolean {
    return this.#hasDigest && this.#guard((core) => core.takeDigestFailure(), false);
  }

  #step(step: (core: Core, memory: WebAssembly.Memory) => number): Yield {
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
   * A trap, or a stack that is exhausted, is a bug of ours and leaves the instance unusable: what was known is lost, the
   * ledger goes on with a new one, and it is counted.
   */
  #guard<T>(work: (core: Core, memory: WebAssembly.Memory) => T, otherwise: T): T {
    try {
      const { core, memory } = (this.#instance ??= this.#make());
      return work(core, memory);
    } catch {
      // There may be no stack left to call anything from here, nor to make the new one, which waits for the next call.
      this.#instance = undefined;
      this.internalErrors += 1;
      this.forming = 0;
      return otherwise;
    }
  }
}

/** Limits in the core's order: `wasm/src/options.rs` has the same. What is not said is not a number. */
function numbersOf(batch: BatchLimits = {}, limits: Limits = {}): Float64Array {
  const { connections, threads, turns, items, requests, approvals, diffBytes, heldDiffBytes } = limits;
  const caps = [connections, threads, turns, items, requests, approvals].flatMap((cap) => [cap?.entries, cap?.idleMs]);
  return Float64Array.from([batch.events, batch.bytes, ...caps, diffBytes, heldDiffBytes], (number) => number ?? NaN);
}

/** What the core refuses, it refuses by an ordinary error; only facts, once it is made. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.constructor === Error && !/recursive use|unsafe aliasing/.test(error.message);
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
