/** The ledger: messages and facts in, events out, to listeners and to a server. */
import { checkFact, checkObserved, checkTime, messageText, type Message } from "./arguments.js";
import { Audience, call, type Listeners } from "./audience.js";
import { Delivery, tellUnsaved } from "./delivery.js";
import { DIGEST_FAILED, Engine, type EventText, type Formed, type Yield } from "./engine.js";
import type { TurnledgerEvent } from "./generated/events.js";
import type { Fact } from "./generated/facts.js";
import { key } from "./key.js";
import type { Cap, Direction, Discard, Flushed, LedgerOptions, Stats } from "./options.js";
import { isGoing, unwatchPage, watchPage } from "./page.js";
import { type LineProblem, nothingRead, type ReadRollout, readRollout, Rollout, rolloutRemote, type RolloutOptions, type RolloutSource } from "./rollout.js";

/** The longest time of a timer. */
const LONGEST_AGE_MS = 2 ** 31 - 1;

/** The longest time between two looks for what has expired. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

export class Ledger {
  readonly #engine: Engine | undefined;
  readonly #options: LedgerOptions;
  readonly #clock: () => number;
  readonly #delivery: Delivery | undefined;
  readonly #audience = new Audience();
  readonly #seen = (event: Event): void => (isGoing(event) ? this.leave() : this.comeBack());
  #malformed = 0;
  #vetoed = 0;
  #withheld = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The timer for what expires in a session in which nothing happens. */
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** The latest time that the core was given. */
  #at = 0;
  /** How many rollouts were opened, and those that have not ended. */
  #rollouts = 0;
  readonly #openRollouts = new Set<Rollout>();
  #isClosed = false;
  #hasSaidUnsaved = false;
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
    if (options.upload !== undefined) this.#delivery = new Delivery(module, options.upload, options);
    this.#engine = new Engine(module, options);
  }

  /** @internal */
  static async start(module: WebAssembly.Module | undefined, options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(module, options);
    await ledger.#delivery?.start();
    if (ledger.#delivery !== undefined) watchPage(ledger.#seen);
    return ledger;
  }

  /** Whether it does anything. It does nothing if the user has said no, or after {@link close}. */
  get isEnabled(): boolean {
    return this.#engine !== undefined && !this.#isClosed;
  }

  /**
   * Takes a message that passed between a client and the app-server: its text, its bytes, or the parsed object. `at` is
   * its time in Unix milliseconds, for a recording; otherwise the clock is asked.
   *
   * @throws TypeError if an argument has the wrong type.
   */
  observe(connectionId: number, direction: Direction, message: Message, at?: number): void {
    checkObserved(connectionId, direction, at);
    const text = messageText(message);
    if (!this.isEnabled) return;
    const toServer = direction === "client_to_server";
    this.#at = at ?? this.#clock();
    this.#take(this.#engine!.observe(this.#at, connectionId, toServer, text));
    if (this.#watch === undefined) this.#await();
  }

  /**
   * Takes a fact in place of messages, or the answer to a question.
   *
   * @throws TypeError if it is not a fact.
   */
  ingest(fact: Fact, at?: number): void {
    checkFact(fact, at);
    if (!this.isEnabled) return;
    let yielded: Yield;
    this.#at = at ?? this.#clock();
    try {
      yielded = this.#engine!.ingest(this.#at, JSON.stringify(fact));
    } catch (error) {
      throw new TypeError(`fact: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    this.#take(yielded);
    if (this.#watch === undefined) this.#await();
  }

  /**
   * Opens a rollout, a file that Codex keeps of a thread, to be read line by line: its events come out of this ledger, each
   * with `source` `rollout`. Any number may be open; none is in a {@link snapshot}.
   *
   * @throws TypeError if an option has the wrong type.
   */
  openRollout(options: RolloutOptions = {}): Rollout {
    const remote = rolloutRemote(options);
    const number = this.#rollouts++;
    if (remote !== undefined && this.isEnabled) this.#engine!.rolloutRemote(number, remote);
    const rollout: Rollout = new Rollout({
      line: (line) => {
        if (!this.isEnabled) return null;
        const yielded = this.#engine!.readLine(number, line);
        this.#take(yielded);
        const isBad = ({ subject }: Discard): boolean => subject === "message";
        return yielded.isMalformed ? ((yielded.discards.find(isBad)?.reason ?? "wrong_shape") as LineProblem) : null;
      },
      end: () => {
        this.#openRollouts.delete(rollout);
        if (this.isEnabled) this.#take(this.#engine!.endRollout(number));
      },
      threadId: () => (this.isEnabled ? this.#engine!.rolloutThread(number) : undefined),
      at: () => (this.isEnabled ? this.#engine!.rolloutAt(number) : 0),
    });
    this.#openRollouts.add(rollout);
    return rollout;
  }

  /**
   * Reads a whole rollout, as the native `import` does. A bad line is passed over, and named in the result.
   *
   * @throws TypeError if the source or an option is of no such type, or packed with Zstandard; and what the source throws.
   */
  async readRollout(source: RolloutSource, options: RolloutOptions = {}): Promise<ReadRollout> {
    rolloutRemote(options);
    if (!this.isEnabled) return nothingRead();
    const rollout = this.openRollout(options);
    try {
      return await readRollout(rollout, source);
    } finally {
      rollout.end();
    }
  }

  /** Sees to it that what is idle for too long is given up, although nothing comes. */
  #await(): void {
    const deadline = this.#engine!.nextDeadline();
    if (deadline === Infinity) return;
    const [told, start] = [this.#at, performance.now()];
    // What comes in between may expire earlier.
    const caps = Object.values(this.#options.limits ?? {}) as (Partial<Cap> | undefined)[];
    const shortest = Math.min(LONGEST_WAIT_MS, ...caps.map((cap) => cap?.idleMs ?? LONGEST_WAIT_MS));
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      // Times may be of the past, and clocks are set: what has passed is measured. If something came, it has told the time.
      if (this.#at === told) this.#at += performance.now() - start;
      this.#take(this.#engine!.tick(this.#at));
      if (this.isEnabled) this.#await();
    }, Math.max(1, Math.min(Math.max(1000, shortest), deadline - told)));
    // It alone keeps no process running.
    (this.#watch as { unref?: () => void }).unref?.();
  }

  /** Calls `listener` from now on. Returns a function that ends this. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    return this.#audience.on(name, listener);
  }

  /** The events from now on, until {@link close}. Of more than 10,000 unread events the oldest are dropped. */
  events(): AsyncIterableIterator<TurnledgerEvent> {
    return this.#audience.read();
  }

  /** Sends what waits, as far as possible. `Retry-After` is obeyed. */
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

  /** Ends the session and sends what waits, as {@link flush} does. What cannot be sent stays in the storage; without one it is lost. */
  close(at?: number): Promise<Flushed> {
    checkTime(at);
    return (this.#closing ??= this.#end(at));
  }

  async #end(at: number | undefined): Promise<Flushed> {
    if (this.#engine === undefined) return { delivered: 0, waiting: 0 };
    try {
      for (const rollout of this.#openRollouts) rollout.end();
      this.#take(this.#engine.finish(at ?? this.#clock()));
    } finally {
      // What comes from here on is not taken any more.
      this.#isClosed = true;
      clearTimeout(this.#watch);
      this.#audience.end();
    }
    try {
      return await this.#flush();
    } finally {
      this.#delivery?.close();
      clearTimeout(this.#timer);
      unwatchPage(this.#seen);
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
      unknown: (core.unknown ?? []).map(([kind, name, count]) => ({ kind, name, count })),
      malformed: this.#malformed,
      vetoed: this.#vetoed,
      withheld: this.#withheld + (this.#engine?.stayed ?? 0),
      delivered: counts?.delivered ?? 0,
      refused: counts?.refused ?? 0,
      lastFailure: this.#delivery?.lastFailure ?? null,
      held: this.#delivery?.held ?? null,
      evicted: counts?.evicted ?? 0,
      waiting: (this.#engine?.forming ?? 0) + (this.#delivery?.waiting ?? 0),
      unsaved: this.#unsaved,
      internalErrors: this.#engine?.internalErrors ?? 0,
    };
  }

  /** Events that wait and that no storage has. */
  get #unsaved(): number {
    return (this.#engine?.forming ?? 0) + (this.#delivery?.unsaved ?? 0);
  }

  /**
   * The state as text, for {@link LedgerOptions.snapshot}. A ledger that goes on from it gives the events that this one
   * would have given. It holds no prompt, path, command or code.
   *
   * It holds no events either. Call {@link flush} before it: events that wait are then in the storage. Events that are
   * in no storage (`stats().unsaved`) are lost with this ledger. `onTrouble` reports this each time, the console once.
   *
   * @throws TypeError if your own hash function fails.
   */
  snapshot(): string {
    if (!this.isEnabled) return "";
    const snapshot = this.#engine!.snapshot();
    const unsaved = this.#unsaved;
    if (unsaved > 0) {
      const what = this.#hasSaidUnsaved ? undefined : "wait that neither the snapshot nor a storage has: flush() first";
      this.#hasSaidUnsaved = true;
      tellUnsaved(this.#options.onTrouble, "snapshot", unsaved, what);
    }
    return snapshot;
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
    this.#wait();
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
    const formed = this.#engine!.batch({ json, isIsolated: text.isIsolated });
    if (formed === undefined) {
      this.#withheld += 1;
      return;
    }
    for (const batch of formed) this.#send(batch);
  }

  /** An answer may let events go that waited for it. */
  #wait(): void {
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

  /** @internal The page is seen again. */
  comeBack(): void {
    if (this.isEnabled) this.#delivery?.comeBack();
  }
}

/** The core's own names. */
interface CoreStats {
  messages?: number;
  irrelevant_messages?: number;
  facts?: Record<string, number>;
  events?: Record<string, number>;
  discards?: [[string, string], number][];
  unknown?: [Stats["unknown"][number]["kind"], string, number][];
}

/** What a hook lets pass. A hook that throws, or returns something other than an event, holds the event back. */
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
