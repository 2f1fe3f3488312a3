/** The ledger: messages and facts in, events out, to listeners and to a server. */
import { Delivery } from "./delivery.js";
import { DIGEST_FAILED, Engine, type EventText, type Formed, type Yield } from "./engine.js";
import type { TurnledgerEvent } from "./generated/events.js";
import type { Batch, Direction, Discard, Flushed, LedgerOptions, Stats } from "./options.js";

/** What listeners hear of. */
export interface Listeners {
  event: (event: TurnledgerEvent) => void;
  discard: (discard: Discard) => void;
  batch: (batch: Batch) => void;
}

/** How many events wait for a reader of {@link Ledger.events} at most; the oldest go first. */
const MOST_UNREAD = 10_000;
/** Timers know no longer time. */
const LONGEST_AGE_MS = 2 ** 31 - 1;

export class Ledger {
  readonly #engine: Engine | undefined;
  readonly #options: LedgerOptions;
  readonly #clock: () => number;
  readonly #delivery: Delivery | undefined;
  readonly #listeners: { [Name in keyof Listeners]: Set<Listeners[Name]> } = {
    event: new Set(),
    discard: new Set(),
    batch: new Set(),
  };
  readonly #readers = new Set<Reader>();
  readonly #leave = (): void => this.#left();
  #malformed = 0;
  #vetoed = 0;
  /** Events in the request that is being formed. */
  #forming = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #closing: Promise<Flushed> | undefined;
  /** The counts of a closed ledger. */
  #lastStats: string | undefined;

  private constructor(module: WebAssembly.Module | undefined, options: LedgerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    if (module === undefined) return;
    if (options.upload !== undefined) this.#delivery = new Delivery(options.upload, options.storage);
    this.#engine = new Engine(module, options);
    this.#engine.onLoss = () => (this.#forming = 0);
  }

  /** @internal */
  static async start(module: WebAssembly.Module | undefined, options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(module, options);
    await ledger.#delivery?.start();
    if (ledger.#delivery !== undefined && "document" in globalThis) {
      globalThis.addEventListener("pagehide", ledger.#leave);
      document.addEventListener("visibilitychange", ledger.#leave);
    }
    return ledger;
  }

  /** Whether it does anything: not if the user has said no, or after {@link close}. */
  get isEnabled(): boolean {
    return this.#engine !== undefined && !this.#isClosed;
  }

  /**
   * Takes a message that passed between a client and the app-server: its text, its bytes, or the object that it was
   * parsed to.
   *
   * @throws TypeError if an argument is of another kind.
   */
  observe(connectionId: number, direction: Direction, message: string | Uint8Array | ArrayBuffer | object): void {
    if (!Number.isSafeInteger(connectionId) || connectionId < 0) {
      throw new TypeError("connectionId: expected a whole number from 0 on");
    }
    if (direction !== "client_to_server" && direction !== "server_to_client") {
      throw new TypeError('direction: expected "client_to_server" or "server_to_client"');
    }
    const text = messageText(message);
    if (!this.isEnabled) return;
    const toServer = direction === "client_to_server";
    this.#take(this.#engine!.observe(this.#clock(), connectionId, toServer, text));
  }

  /**
   * Takes a fact, for a host that has them, or the answer to a question.
   *
   * @throws TypeError if it is no fact.
   */
  ingest(fact: object): void {
    if (typeof fact !== "object" || fact === null) throw new TypeError("fact: expected an object");
    if (!this.isEnabled) return;
    let yielded: Yield;
    try {
      yielded = this.#engine!.ingest(this.#clock(), JSON.stringify(fact));
    } catch (error) {
      throw new TypeError(`fact: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    this.#take(yielded);
  }

  /** Calls `listener` from now on; returns what ends that. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    const listeners = this.#listeners[name] as Set<Listeners[Name]> | undefined;
    if (listeners === undefined) throw new TypeError(`there is no "${String(name)}" to listen for`);
    if (typeof listener !== "function") throw new TypeError("listener: expected a function");
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The events from now on, until {@link close}. */
  events(): AsyncIterableIterator<TurnledgerEvent> {
    const reader = new Reader(() => this.#readers.delete(reader));
    if (this.isEnabled) this.#readers.add(reader);
    else reader.end();
    return reader;
  }

  /** Sends what waits, as far as that goes. */
  async flush(): Promise<Flushed> {
    return this.isEnabled ? this.#flush() : { delivered: 0, waiting: 0 };
  }

  async #flush(): Promise<Flushed> {
    if (this.#delivery === undefined) {
      this.#flushBatch();
      return { delivered: 0, waiting: 0 };
    }
    const before = this.#delivery.counts.delivered;
    await this.#delivery.flush(() => this.#flushBatch());
    return { delivered: this.#delivery.counts.delivered - before, waiting: this.#delivery.waiting };
  }

  /** Ends the session and sends what waits; what cannot be sent stays in the storage. */
  close(): Promise<Flushed> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<Flushed> {
    if (this.#engine === undefined) return { delivered: 0, waiting: 0 };
    try {
      this.#take(this.#engine.finish(this.#clock()));
    } finally {
      // What comes from here on is not taken any more.
      this.#isClosed = true;
      for (const reader of this.#readers) reader.end();
    }
    try {
      return await this.#flush();
    } finally {
      this.#delivery?.close();
      clearTimeout(this.#timer);
      if ("document" in globalThis) {
        globalThis.removeEventListener("pagehide", this.#leave);
        document.removeEventListener("visibilitychange", this.#leave);
      }
      this.#lastStats = this.#engine.stats();
      this.#engine.free();
    }
  }

  stats(): Stats {
    const core = JSON.parse(this.#lastStats ?? this.#engine?.stats() ?? "{}") as CoreStats;
    const counts = this.#delivery?.counts;
    return {
      messages: core.messages ?? 0,
      irrelevantMessages: core.irrelevant_messages ?? 0,
      facts: core.facts ?? {},
      events: core.events ?? {},
      discards: (core.discards ?? []).map(([[subject, reason], count]) => ({ subject, reason, count })),
      malformed: this.#malformed,
      vetoed: this.#vetoed,
      delivered: counts?.delivered ?? 0,
      refused: counts?.refused ?? 0,
      evicted: counts?.evicted ?? 0,
      waiting: this.#forming + (this.#delivery?.waiting ?? 0),
      internalErrors: this.#engine?.internalErrors ?? 0,
    };
  }

  /**
   * The state as text, for {@link LedgerOptions.snapshot}: a ledger that goes on from it gives the events that this one
   * would have given. It has no prompt, path, command or code in it, and no event: those that wait are in the storage
   * once {@link flush} is over, which comes first before a suspension.
   *
   * @throws TypeError if the host's own hash function fails.
   */
  snapshot(): string {
    return this.isEnabled ? this.#engine!.snapshot() : "";
  }

  #take({ events, discards, questions, isMalformed, hasDigestFailed }: Yield): void {
    if (isMalformed) this.#malformed += 1;
    for (const discard of discards) {
      call(this.#options.onDiscard, discard);
      for (const listener of this.#listeners.discard) call(listener, discard);
    }
    for (const question of questions) call(this.#options.onQuestion, question);
    if (hasDigestFailed) {
      // Hashes that are none must not be taken for hashes.
      this.#vetoed += events.length;
      throw new TypeError(DIGEST_FAILED);
    }
    for (const event of events) this.#event(event);
  }

  #event(text: EventText): void {
    const { beforeSend } = this.#options;
    let { json } = text;
    if (beforeSend !== undefined || this.#listeners.event.size > 0 || this.#readers.size > 0) {
      let event = JSON.parse(json) as TurnledgerEvent;
      if (beforeSend !== undefined) {
        const passed = veto(beforeSend, event);
        if (passed === null) {
          this.#vetoed += 1;
          return;
        }
        ({ event, json } = passed);
      }
      for (const listener of this.#listeners.event) call(listener, event);
      for (const reader of this.#readers) reader.push(event);
    }
    if (this.#delivery === undefined && this.#listeners.batch.size === 0) return;
    this.#forming += 1;
    for (const batch of this.#engine!.batch({ json, isIsolated: text.isIsolated })) this.#send(batch);
    if (this.#forming > 0) {
      const age = Math.min(this.#options.batch?.ageMs ?? 5000, LONGEST_AGE_MS);
      this.#timer ??= setTimeout(() => this.#flushBatch(), age);
    }
  }

  #flushBatch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const batch of this.#engine!.flushBatch()) this.#send(batch);
  }

  #send(formed: Formed): void {
    const batch = { id: key(), ...formed };
    this.#forming -= batch.events;
    for (const listener of this.#listeners.batch) call(listener, batch);
    this.#delivery?.add(batch);
  }

  /** The page is hidden, and may be gone before anything else is heard of it. */
  #left(): void {
    if (this.isEnabled && document.visibilityState === "hidden") this.#delivery?.leave(() => this.#flushBatch());
  }
}

/** The core's own names. */
interface CoreStats {
  messages?: number;
  irrelevant_messages?: number;
  facts?: Record<string, number>;
  events?: Record<string, number>;
  discards?: [[string, string], number][];
}

function messageText(message: string | Uint8Array | ArrayBuffer | object): string | Uint8Array {
  if (typeof message === "string") return message;
  const kind = Object.prototype.toString.call(message);
  // Also of another realm, as a frame's or a test environment's are.
  if (kind === "[object ArrayBuffer]") return new Uint8Array(message as ArrayBuffer);
  if (ArrayBuffer.isView(message)) return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  if (kind !== "[object Object]" && kind !== "[object Array]") {
    throw new TypeError("message: expected a string, bytes, or the object that the message is");
  }
  return JSON.stringify(message);
}

/** An idempotency key: two sessions may have equal bodies, so it is not made of one. */
function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A listener that throws is no reason to stop, nor to end a process: the host reads of it in its console. */
function call<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value);
  } catch (error) {
    console.error("turnledger: a listener failed:", error);
  }
}

/** What a hook lets pass. One that throws, or returns something else than an event, holds the event back. */
function veto(
  hook: (event: TurnledgerEvent) => TurnledgerEvent | null,
  event: TurnledgerEvent,
): { event: TurnledgerEvent; json: string } | null {
  try {
    const passed = hook(event);
    if (passed === null) return null;
    if (typeof passed?.event_type === "string") return { event: passed, json: JSON.stringify(passed) };
    console.error("turnledger: beforeSend: expected an event or null, got", passed);
  } catch (error) {
    console.error("turnledger: beforeSend failed:", error);
  }
  return null;
}

/** A reader of events that may be slower than they come. */
class Reader implements AsyncIterableIterator<TurnledgerEvent> {
  #unread: TurnledgerEvent[] = [];
  #waiting: ((result: IteratorResult<TurnledgerEvent>) => void)[] = [];
  #isEnded = false;
  readonly #left: () => void;

  constructor(left: () => void) {
    this.#left = left;
  }

  push(event: TurnledgerEvent): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: event, done: false });
      return;
    }
    this.#unread.push(event);
    if (this.#unread.length > MOST_UNREAD) this.#unread.shift();
  }

  end(): void {
    this.#isEnded = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<TurnledgerEvent>> {
    const event = this.#unread.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<TurnledgerEvent>> {
    this.#left();
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
