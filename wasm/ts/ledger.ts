/** The ledger: messages and facts in, events out, to listeners and to a server. */
import { checkFact, checkObserved, checkTime, messageText, type Message } from "./arguments.js";
import { Audience, call, type Listeners } from "./audience.js";
import { Delivery } from "./delivery.js";
import { DIGEST_FAILED, Engine, type EventText, type Formed, type Yield } from "./engine.js";
import type { TurnledgerEvent } from "./generated/events.js";
import type { Fact } from "./generated/facts.js";
import type { Direction, Flushed, LedgerOptions, Stats } from "./options.js";

/** Timers know no longer time. */
const LONGEST_AGE_MS = 2 ** 31 - 1;

export class Ledger {
  readonly #engine: Engine | undefined;
  readonly #options: LedgerOptions;
  readonly #clock: () => number;
  readonly #delivery: Delivery | undefined;
  readonly #audience = new Audience();
  readonly #hidden = (): void => {
    if (document.visibilityState === "hidden") this.leave();
  };
  #malformed = 0;
  #vetoed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #closing: Promise<Flushed> | undefined;
  /** The counts of a closed ledger. */
  #lastStats: string | undefined;

  private constructor(module: WebAssembly.Module | undefined, options: LedgerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    if (module === undefined) {
      this.#audience.end();
      return;
    }
    if (options.upload !== undefined) this.#delivery = new Delivery(options.upload, options.storage);
    this.#engine = new Engine(module, options);
  }

  /** @internal */
  static async start(module: WebAssembly.Module | undefined, options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(module, options);
    await ledger.#delivery?.start();
    if (ledger.#delivery !== undefined && "document" in globalThis) {
      globalThis.addEventListener("pagehide", ledger.#hidden);
      document.addEventListener("visibilitychange", ledger.#hidden);
    }
    return ledger;
  }

  /** Whether it does anything: not if the user has said no, or after {@link close}. */
  get isEnabled(): boolean {
    return this.#engine !== undefined && !this.#isClosed;
  }

  /**
   * Takes a message that passed between a client and the app-server: its text, its bytes, or the object that it was
   * parsed to. `at` is when, in Unix milliseconds, for a host that was not there itself; otherwise the clock says it.
   *
   * @throws TypeError if an argument is of another kind.
   */
  observe(connectionId: number, direction: Direction, message: Message, at?: number): void {
    checkObserved(connectionId, direction, at);
    const text = messageText(message);
    if (!this.isEnabled) return;
    const toServer = direction === "client_to_server";
    this.#take(this.#engine!.observe(at ?? this.#clock(), connectionId, toServer, text));
  }

  /**
   * Takes a fact, for a host that has them, or the answer to a question.
   *
   * @throws TypeError if it is no fact.
   */
  ingest(fact: Fact, at?: number): void {
    checkFact(fact, at);
    if (!this.isEnabled) return;
    let yielded: Yield;
    try {
      yielded = this.#engine!.ingest(at ?? this.#clock(), JSON.stringify(fact));
    } catch (error) {
      throw new TypeError(`fact: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    this.#take(yielded);
  }

  /** Calls `listener` from now on; returns what ends that. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    return this.#audience.on(name, listener);
  }

  /** The events from now on, until {@link close}; more than 10,000 unread ones push out the oldest. */
  events(): AsyncIterableIterator<TurnledgerEvent> {
    return this.#audience.read();
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
  close(at?: number): Promise<Flushed> {
    checkTime(at);
    return (this.#closing ??= this.#end(at));
  }

  async #end(at: number | undefined): Promise<Flushed> {
    if (this.#engine === undefined) return { delivered: 0, waiting: 0 };
    try {
      this.#take(this.#engine.finish(at ?? this.#clock()));
    } finally {
      // What comes from here on is not taken any more.
      this.#isClosed = true;
      this.#audience.end();
    }
    try {
      return await this.#flush();
    } finally {
      this.#delivery?.close();
      clearTimeout(this.#timer);
      if ("document" in globalThis) {
        globalThis.removeEventListener("pagehide", this.#hidden);
        document.removeEventListener("visibilitychange", this.#hidden);
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
      lastFailure: this.#delivery?.lastFailure ?? null,
      evicted: counts?.evicted ?? 0,
      waiting: (this.#engine?.forming ?? 0) + (this.#delivery?.waiting ?? 0),
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
      this.#audience.discard(discard);
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
    if (beforeSend !== undefined || this.#audience.wants("event")) {
      let event = JSON.parse(json) as TurnledgerEvent;
      if (beforeSend !== undefined) {
        const passed = veto(beforeSend, event);
        if (passed === null) {
          this.#vetoed += 1;
          return;
        }
        ({ event, json } = passed);
      }
      this.#audience.event(event, json);
    }
    if (this.#delivery === undefined && !this.#audience.wants("batch")) return;
    for (const batch of this.#engine!.batch({ json, isIsolated: text.isIsolated })) this.#send(batch);
    if (this.#engine!.forming > 0) {
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
    this.#audience.batch(batch);
    this.#delivery?.add(batch);
  }

  /** @internal The page is hidden, and may be gone before anything else is heard of it. */
  leave(): void {
    if (this.isEnabled) this.#delivery?.leave(() => this.#flushBatch());
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

/** An idempotency key: two sessions may have equal bodies, so it is not made of one. */
function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
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
