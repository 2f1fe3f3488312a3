/** The page's side: the same API, with the answers as promises. */
import { checkFact, checkObserved, checkTime, messageText, type Message } from "./arguments.js";
import { Audience, call, type Listeners } from "./audience.js";
import { checkMethods, checkRemoteOptions } from "./check.js";
import type { Answers, Asked, Channel, FromWorker, RemoteOptions, Told } from "./channel.js";
import type { TurnledgerEvent } from "./generated/events.js";
import type { Fact } from "./generated/facts.js";
import type { Direction, Flushed, Stats } from "./options.js";
import { isGoing, unwatchPage, watchPage } from "./page.js";
import { userSaysNo } from "./privacy.js";
import { nothingRead, type ReadRollout, type RolloutOptions, rolloutRemote } from "./rollout.js";

/** Makes a ledger in a worker whose script calls `serveLedger`. */
export async function connectLedger(worker: Channel, options: RemoteOptions = {}): Promise<RemoteLedger> {
  checkMethods(worker, "worker", "postMessage", "addEventListener");
  checkRemoteOptions(options);
  return RemoteLedger.start(worker, options);
}

/** A ledger that lives in a worker. */
export class RemoteLedger {
  readonly #channel: Channel;
  readonly #options: RemoteOptions;
  readonly #clock: () => number;
  readonly #audience = new Audience();
  readonly #asked = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  readonly #seen = (event: Event): void => {
    this.#tell({ tell: isGoing(event) ? "leave" : "comeBack" });
    this.#post();
  };
  #nextId = 0;
  #isEnabled = false;
  /** A worker that has failed once is not trusted again. */
  #failure: Error | undefined;
  #closing: Promise<Flushed> | undefined;
  #wanted = { event: false, batch: false };
  /** Sent together when the page has done its work: a message of its own each would cost more than the reducing. */
  #unsent: unknown[] = [];

  private constructor(channel: Channel, options: RemoteOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    channel.addEventListener("message", ({ data }) => this.#hear(data as FromWorker));
    const failed = (): void => this.#fail(new Error("the ledger's worker failed"));
    channel.addEventListener("error", failed);
    channel.addEventListener("messageerror", failed);
    channel.start?.();
  }

  /** @internal */
  static async start(channel: Channel, options: RemoteOptions): Promise<RemoteLedger> {
    const ledger = new RemoteLedger(channel, options);
    const { clock, onDiscard, onQuestion, onTrouble, ...start } = options;
    // The page knows of settings that a worker is not told of.
    const enabled = options.enabled !== false && !userSaysNo();
    ledger.#isEnabled = await ledger.#ask<"start">({ ask: "start", options: { ...start, enabled } });
    if (!ledger.#isEnabled) ledger.#audience.end();
    watchPage(ledger.#seen);
    return ledger;
  }

  /** Whether it does anything: not if the user has said no, or after {@link close}. */
  get isEnabled(): boolean {
    return this.#isEnabled && this.#closing === undefined;
  }

  /** As `Ledger.observe`: the time is that of this call, whenever the worker comes to it. */
  observe(connectionId: number, direction: Direction, message: Message, at?: number): void {
    checkObserved(connectionId, direction, at);
    const text = messageText(message);
    if (!this.isEnabled) return;
    // Bytes may be overwritten before they cross.
    const own = typeof text === "string" ? text : text.slice();
    this.#tell({ tell: "observe", connectionId, direction, message: own, at: at ?? this.#clock() });
  }

  /** As `Ledger.ingest`; what is no fact rejects the promise with a TypeError. */
  async ingest(fact: Fact, at?: number): Promise<void> {
    checkFact(fact, at);
    if (this.isEnabled) await this.#ask<"ingest">({ ask: "ingest", fact, at: at ?? this.#clock() });
  }

  /** As `Ledger.readRollout`; what cannot be used rejects the promise. */
  async readRollout(source: string | Uint8Array | Blob, options: RolloutOptions = {}): Promise<ReadRollout> {
    rolloutRemote(options);
    if (!this.isEnabled) return nothingRead();
    return this.#ask<"readRollout">({ ask: "readRollout", source, options });
  }

  /** Calls `listener` from now on; returns what ends that. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    const stop = this.#audience.on(name, listener);
    this.#want();
    return () => {
      stop();
      this.#want();
    };
  }

  /** The events from now on, until {@link close}; more than 10,000 unread ones push out the oldest. */
  events(): AsyncIterableIterator<TurnledgerEvent> {
    const events = this.#audience.read();
    this.#want();
    return events;
  }

  /** Sends what waits, as far as that goes. */
  async flush(): Promise<Flushed> {
    return this.isEnabled ? this.#ask<"flush">({ ask: "flush" }) : { delivered: 0, waiting: 0 };
  }

  /** Ends the session and sends what waits; what cannot be sent stays in the storage. The worker is the caller's to end. */
  close(at?: number): Promise<Flushed> {
    checkTime(at);
    return (this.#closing ??= this.#end(at ?? this.#clock()));
  }

  async #end(at: number): Promise<Flushed> {
    try {
      return this.#isEnabled ? await this.#ask<"close">({ ask: "close", at }) : { delivered: 0, waiting: 0 };
    } finally {
      this.#audience.end();
      unwatchPage(this.#seen);
    }
  }

  stats(): Promise<Stats> {
    return this.#ask<"stats">({ ask: "stats" });
  }

  /** As `Ledger.snapshot`. */
  snapshot(): Promise<string> {
    return this.#ask<"snapshot">({ ask: "snapshot" });
  }

  #want(): void {
    for (const name of ["event", "batch"] as const) {
      const isWanted = this.#audience.wants(name);
      if (isWanted === this.#wanted[name]) continue;
      this.#wanted[name] = isWanted;
      this.#tell({ tell: "wanted", name, isWanted });
    }
  }

  #tell(message: Told | (Asked & { id: number })): void {
    if (this.#unsent.push(message) === 1) queueMicrotask(() => this.#post());
  }

  #post(): void {
    if (this.#unsent.length === 0) return;
    this.#channel.postMessage(this.#unsent);
    this.#unsent = [];
  }

  #ask<Ask extends Asked["ask"]>(asked: Asked & { ask: Ask }): Promise<Answers[Ask]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (answer: never) => void, reject });
      this.#tell({ ...asked, id });
    });
  }

  #hear(message: FromWorker): void {
    if ("event" in message) this.#audience.event(JSON.parse(message.event) as TurnledgerEvent, message.event);
    else if ("batch" in message) this.#audience.batch(message.batch);
    else if ("question" in message) call(this.#options.onQuestion, message.question);
    else if ("trouble" in message) call(this.#options.onTrouble, message.trouble);
    else if ("discard" in message) {
      call(this.#options.onDiscard, message.discard);
      this.#audience.discard(message.discard);
    } else {
      const asked = this.#asked.get(message.id);
      this.#asked.delete(message.id);
      if ("error" in message) {
        const { isTypeError, message: text } = message.error;
        asked?.reject(isTypeError ? new TypeError(text) : new Error(text));
      } else {
        asked?.resolve(message.answer as never);
      }
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
