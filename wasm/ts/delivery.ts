/** Requests on their way, one at a time. When one goes and what its answer means, the core decides. */
import { sender, type Answer, type Send } from "./answer.js";
import { call } from "./audience.js";
import { LONGEST_TIMER_MS } from "./check.js";
import { glue } from "./generated/glue.js";
import type { Delivery as Policy } from "./generated/turnledger_wasm.js";
import { key } from "./key.js";
import type { Batch, LedgerOptions, Trouble, Upload } from "./options.js";
import type { Storage } from "./storage.js";
import { inTime, isTimeout, SteadyClock } from "./time.js";

/** What the core says of a batch; otherwise it is the status of a refusal. `wasm/src/delivery.rs` has the same. */
const DELIVERED = 0;
const HALVE = 1;
const AGAIN = 2;
const HOLD = 3;
const DEFER = 4;

/** How many bytes of requests wait at most; the oldest go first. */
const MOST_BYTES = 16 << 20;
/** Browsers allow this much for requests that outlive their page. */
const MOST_KEPT_ALIVE = 60 << 10;

export interface Counts {
  delivered: number;
  refused: number;
  evicted: number;
}

export class Delivery {
  readonly counts: Counts = { delivered: 0, refused: 0, evicted: 0 };
  /** Why the latest request was not taken, if it was not. */
  lastFailure: string | null = null;
  /** Why events wait, for a person. */
  held: string | null = null;
  readonly #policy: Policy;
  readonly #send: Send;
  readonly #onTrouble: LedgerOptions["onTrouble"];
  readonly #clock = new SteadyClock();
  #storage: Storage | undefined;
  #queue: Batch[] = [];
  /** Those that the storage has. */
  readonly #saved = new Set<string>();
  /** Those that may have arrived: they stay as they are. */
  readonly #tried = new Set<string>();
  /** Those that were sent so as to outlive the page, until they are answered. */
  readonly #leaving = new Map<string, Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isHeld = false;
  /** The status of the latest refusal that was said. */
  #refusal: number | undefined;
  /** What the storage was asked so far. */
  #stored: Promise<void> = Promise.resolve();

  /** @throws TypeError if the target is none that is safe. */
  constructor(module: WebAssembly.Module, upload: Upload, { storage, onTrouble }: LedgerOptions) {
    // An instance of its own: what a server asked for is known even if a session's core fails.
    const { Delivery: Policy, initSync, isLoopback } = glue();
    initSync({ module });
    this.#policy = new Policy();
    this.#send = sender(upload, isLoopback);
    this.#storage = storage;
    this.#onTrouble = onTrouble;
  }

  /** Takes up what an earlier ledger left behind. A storage that cannot be read is done without. */
  async start(): Promise<void> {
    let left: Batch[] = [];
    try {
      left = ((await inTime(this.#storage?.load())) ?? []).filter(isBatch);
    } catch (error) {
      console.error("turnledger: the storage cannot be read, so events wait in memory:", error);
      this.#storage = undefined;
    }
    for (const { id } of left) {
      this.#saved.add(id);
      this.#tried.add(id);
    }
    this.#queue = [...left, ...this.#queue];
    void this.#run();
  }

  get waiting(): number {
    return events(this.#queue);
  }

  /** Events that wait and that no storage has. */
  get unsaved(): number {
    return events(this.#queue.filter(({ id }) => !this.#saved.has(id)));
  }

  add(batch: Batch): void {
    this.#queue.push(batch);
    let bytes = this.#queue.reduce((sum, { body }) => sum + body.length, 0);
    // What is being sent may have arrived already, so the first one stays.
    while (bytes > MOST_BYTES && this.#queue.length > 2) {
      const oldest = this.#queue[1] as Batch;
      bytes -= oldest.body.length;
      this.counts.evicted += oldest.events;
      this.#forget(oldest);
    }
    this.#store(async (storage) => {
      await storage.add(batch);
      this.#saved.add(batch.id);
    });
    if (!this.#isHeld) void this.#run();
  }

  /** Sends what waits and what `complete` adds, unless the server asked for time, until something fails. */
  async flush(complete: () => void): Promise<void> {
    await this.#running;
    await Promise.all(this.#leaving.values());
    this.#hold(complete);
    this.#policy.hurry();
    await this.#run();
    await this.#stored;
  }

  /**
   * The page goes, and perhaps comes back: what waits, with what `complete` adds, is sent so that it outlives the page,
   * as far as browsers and the server allow. What a storage has is sent again by the next page, with the same key.
   */
  leave(complete: () => void): void {
    this.#hold(complete);
    this.#policy.hurry();
    if (this.#policy.poll(this.#clock.now()) > 0) return;
    let bytes = 0;
    for (const batch of [...this.#queue]) {
      const size = new TextEncoder().encode(batch.body).length;
      if (bytes + size > MOST_KEPT_ALIVE || this.#leaving.has(batch.id)) continue;
      bytes += size;
      const sent = this.#deliver(batch, true).then(() => {
        this.#leaving.delete(batch.id);
        void this.#run();
      });
      this.#leaving.set(batch.id, sent);
    }
  }

  /** The page is seen again: its timers may have stood still. */
  comeBack(): void {
    void this.#run();
  }

  /** Nothing is sent any more, and what that means for what waits is said. */
  close(): void {
    this.#isClosed = true;
    this.#cancel();
    const why = this.held ?? this.lastFailure ?? "it was not sent";
    const { unsaved, waiting } = this;
    if (unsaved > 0) tellUnsaved(this.#onTrouble, "close", unsaved, `are lost, because no storage has them: ${why}`);
    else if (waiting > 0 && !this.#policy.mayPass()) say(`${waiting} events wait in the storage: ${why}`);
  }

  /** What is added meanwhile goes with the rest, not before it. */
  #hold(complete: () => void): void {
    this.#isHeld = true;
    try {
      complete();
    } finally {
      this.#isHeld = false;
    }
  }

  #run(): Promise<void> {
    return (this.#running ??= this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    try {
      // Not with what is left of a caller's stack.
      await undefined;
      for (;;) {
        const batch = this.#queue.find(({ id }) => !this.#leaving.has(id));
        if (batch === undefined || this.#isClosed) return;
        const until = this.#policy.poll(this.#clock.now());
        if (until > 0) return this.#wake(until);
        await this.#deliver(batch, false);
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Sends a batch once, or once more at once if the core says so. */
  async #deliver(batch: Batch, leaving: boolean): Promise<void> {
    const most = this.#policy.mostEvents(this.#clock.now());
    if (batch.events > most && !this.#tried.has(batch.id) && this.#split(batch, most)) return;
    this.#tried.add(batch.id);
    for (;;) {
      const answer = await this.#send(batch, { leaving, renew: this.#policy.renews(this.#clock.now()) });
      const jitter = Math.floor(Math.random() * 2 ** 32);
      const verdict = this.#policy.handle(this.#clock.now(), answer.status, answer.afterMs, batch.events, jitter);
      this.#settle(batch, verdict, answer);
      if (verdict !== AGAIN || leaving) return;
    }
  }

  /** Does what the core says of a batch; it may be done with already. */
  #settle(batch: Batch, verdict: number, answer: Answer): void {
    this.lastFailure = verdict === DELIVERED ? null : answer.reason;
    this.#tellHold(answer);
    const at = this.#queue.indexOf(batch);
    if (at < 0 || verdict === AGAIN || verdict === HOLD) return;
    if (verdict === DELIVERED) {
      this.counts.delivered += batch.events;
      this.#forget(batch);
    } else if (verdict === DEFER) {
      this.#queue.push(...this.#queue.splice(at, 1));
    } else if (verdict !== HALVE) {
      this.#refuse(batch, answer.refused ?? verdict);
    } else if (!this.#split(batch, this.#policy.mostEvents(this.#clock.now()))) {
      // It is none of ours.
      this.#refuse(batch, answer.status);
    }
  }

  #refuse(batch: Batch, status: number): void {
    this.counts.refused += batch.events;
    this.lastFailure = `refused with status ${status}`;
    if (status !== this.#refusal) say(`the server refused ${batch.events} events for good (status ${status})`);
    this.#refusal = status;
    this.#forget(batch);
    this.#tell({ kind: "refused", status, batch });
  }

  /** Puts batches of so many events in the place of one, whose key is gone with it. Whether that could be done. */
  #split(batch: Batch, most: number): boolean {
    const texts = eventTexts(batch.body);
    const at = this.#queue.indexOf(batch);
    if (texts.length <= most || at < 0) return false;
    const parts: Batch[] = [];
    for (let from = 0; from < texts.length; from += most) {
      const some = texts.slice(from, from + most);
      parts.push({ id: key(), events: some.length, body: `{"events":[${some.join()}]}` });
    }
    this.#queue.splice(at, 1, ...parts);
    this.#tried.delete(batch.id);
    this.#store(async (storage) => {
      if (storage.replace !== undefined) {
        await storage.replace(batch.id, parts);
      } else {
        for (const part of parts) await storage.add(part);
        await storage.remove(batch.id);
      }
      for (const { id } of parts) this.#saved.add(id);
      this.#saved.delete(batch.id);
    });
    return true;
  }

  #forget(batch: Batch): void {
    this.#queue.splice(this.#queue.indexOf(batch), 1);
    this.#tried.delete(batch.id);
    this.#store(async (storage) => {
      this.#saved.delete(batch.id);
      await storage.remove(batch.id);
    });
  }

  /** Said when it begins, and when it is another one. */
  #tellHold({ status, reason, isOwn }: Answer): void {
    const hold = this.#policy.hold();
    const held = hold === undefined ? null : isOwn ? reason : hold;
    if (held === this.held) return;
    this.held = held;
    if (held === null) return;
    const mayPass = this.#policy.mayPass();
    if (!mayPass) say(`${held}: ${this.waiting} events wait`);
    this.#tell({ kind: "held", reason: held, status: isOwn || status < 0 ? null : status, mayPass });
  }

  #tell(trouble: Trouble): void {
    call(this.#onTrouble, trouble);
  }

  /** Looks again then. */
  #wake(until: number): void {
    this.#cancel();
    const ms = Math.min(Math.max(1, Math.ceil(until - this.#clock.now())), LONGEST_TIMER_MS);
    const then = this.#clock.now() + ms;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#clock.atLeast(then);
      void this.#run();
    }, ms);
    // In Node, what waits does not keep the process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One thing after another; what fails is done without, since what waits is in memory, too. */
  #store(work: (storage: Storage) => Promise<void>): void {
    this.#stored = this.#stored.then(async () => {
      if (this.#storage === undefined) return;
      try {
        await inTime(work(this.#storage));
      } catch (error) {
        if (!isTimeout(error)) return;
        console.error("turnledger: the storage does not answer, so events wait in memory:", error);
        this.#storage = undefined;
      }
    });
  }
}

/** Says that events are in no storage. */
export function tellUnsaved(onTrouble: LedgerOptions["onTrouble"], when: "snapshot" | "close", count: number, what?: string): void {
  if (what !== undefined) say(`${count} events ${what}`);
  call(onTrouble, { kind: "unsaved", when, events: count });
}

function say(text: string): void {
  console.error(`turnledger: ${text}`);
}

function events(batches: Batch[]): number {
  return batches.reduce((sum, batch) => sum + batch.events, 0);
}

function isBatch(value: unknown): value is Batch {
  const { id, events, body } = (value ?? {}) as Partial<Batch>;
  return typeof id === "string" && typeof events === "number" && typeof body === "string";
}

/** The events of a body as they stand there: numbers that JavaScript does not have would not come through a parser. */
export function eventTexts(body: string): string[] {
  const texts: string[] = [];
  let [from, depth] = [body.indexOf("[") + 1, 0];
  for (let at = from; at < body.length; at += 1) {
    const character = body[at];
    if (character === '"') {
      for (at += 1; at < body.length && body[at] !== '"'; at += 1) if (body[at] === "\\") at += 1;
    } else if (character === "{" || character === "[") {
      depth += 1;
    } else if (character === "," && depth === 0) {
      texts.push(body.slice(from, at));
      from = at + 1;
    } else if (character === "}" || character === "]") {
      depth -= 1;
      if (depth < 0) return [...texts, body.slice(from, at)];
    }
  }
  return [];
}
