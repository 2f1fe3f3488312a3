/** Requests on their way: one at a time, tried again until the server takes or refuses each. */
import type { Batch, Outcome, Upload, UploadTo } from "./options.js";
import type { Storage } from "./storage.js";
import { aborted, inTime, isTimeout } from "./time.js";

const PATH = "/codex/analytics-events/events";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;
const LONGEST_ASKED_MS = 3_600_000;
/** How many bytes of requests wait at most; the oldest go first. */
const MOST_BYTES = 16 << 20;
/** Browsers allow this much for requests that outlive their page. */
const MOST_KEPT_ALIVE = 60 << 10;

export interface Counts {
  delivered: number;
  refused: number;
  evicted: number;
}

type Send = (batch: Batch, leaving: boolean) => Promise<Outcome>;

export class Delivery {
  readonly counts: Counts = { delivered: 0, refused: 0, evicted: 0 };
  /** Why the latest request was not taken, if it was not. */
  lastFailure: string | null = null;
  readonly #send: Send;
  #storage: Storage | undefined;
  #queue: Batch[] = [];
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isHeld = false;
  /** What the storage was asked so far. */
  #stored: Promise<void> = Promise.resolve();

  /** @throws TypeError if the target is none that is safe. */
  constructor(upload: Upload, storage: Storage | undefined) {
    this.#send = typeof upload === "function" ? (batch, leaving) => upload(batch, { leaving }) : poster(upload);
    this.#storage = storage;
  }

  /** Takes up what an earlier ledger left behind. A storage that cannot be read is done without. */
  async start(): Promise<void> {
    let left: Batch[] = [];
    try {
      left = ((await inTime(this.#storage?.load())) ?? []).filter(isBatch);
    } catch (error) {
      console.error("turnledger: the storage cannot be read; what waits, waits in memory:", error);
      this.#storage = undefined;
    }
    this.#queue = [...left, ...this.#queue];
    if (this.#queue.length > 0) void this.#run();
  }

  get waiting(): number {
    return this.#queue.reduce((sum, batch) => sum + batch.events, 0);
  }

  add(batch: Batch): void {
    this.#queue.push(batch);
    let bytes = this.#queue.reduce((sum, { body }) => sum + body.length, 0);
    // What is being sent may have arrived already, so the first one stays.
    while (bytes > MOST_BYTES && this.#queue.length > 2) {
      const [oldest] = this.#queue.splice(1, 1) as [Batch];
      bytes -= oldest.body.length;
      this.counts.evicted += oldest.events;
      this.#store((storage) => storage.remove(oldest.id));
    }
    this.#store((storage) => storage.add(batch));
    if (this.#timer === undefined && !this.#isHeld) void this.#run();
  }

  /** Sends what waits and what `complete` adds, whatever failed before, until something fails again. */
  async flush(complete: () => void): Promise<void> {
    await this.#running;
    this.#hold(complete);
    this.#cancel();
    await this.#run();
    await this.#stored;
  }

  /**
   * The page goes, and perhaps comes back: what waits, with what `complete` adds, is sent so that it outlives the page,
   * as far as browsers allow. What a storage has is sent again by the next page, with the same key.
   */
  leave(complete: () => void): void {
    this.#hold(complete);
    let bytes = 0;
    for (const batch of [...this.#queue]) {
      const size = new TextEncoder().encode(batch.body).length;
      if (bytes + size > MOST_KEPT_ALIVE) continue;
      bytes += size;
      void this.#attempt(batch, true).then((outcome) => this.#settle(batch, outcome));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
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
      for (let batch = this.#queue[0]; batch !== undefined && this.#timer === undefined; batch = this.#queue[0]) {
        const outcome = await this.#attempt(batch, false);
        if (outcome.kind === "try_again") {
          if (!this.#isClosed) this.#tryLater(outcome.afterMs);
          return;
        }
        this.#failures = 0;
        this.#settle(batch, outcome);
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Never rejects: whoever sends says what failed by an outcome; anything else is a network that is away. */
  async #attempt(batch: Batch, leaving: boolean): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = await this.#send(batch, leaving);
      if (!["delivered", "try_again", "refused"].includes(outcome?.kind)) {
        console.error('turnledger: upload: expected { kind: "delivered" | "try_again" | "refused" }, got', outcome);
        outcome = { kind: "try_again", reason: "upload gave no outcome" };
      }
    } catch (error) {
      outcome = { kind: "try_again", reason: error instanceof Error ? error.message : String(error) };
    }
    if (outcome.kind === "delivered") this.lastFailure = null;
    else if (outcome.kind === "refused") this.lastFailure = `refused with status ${outcome.status}`;
    else this.lastFailure = outcome.reason ?? "it may be tried again";
    return outcome;
  }

  /** A batch is done with, if it is; it may be done with already. */
  #settle(batch: Batch, outcome: Outcome): void {
    const at = this.#queue.indexOf(batch);
    if (outcome.kind === "try_again" || at < 0) return;
    this.#queue.splice(at, 1);
    if (outcome.kind === "delivered") this.counts.delivered += batch.events;
    else this.counts.refused += batch.events;
    this.#store((storage) => storage.remove(batch.id));
  }

  #tryLater(askedMs = 0): void {
    const own = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS) * (1 + Math.random());
    this.#failures += 1;
    const delay = Math.max(own, Math.min(askedMs, LONGEST_ASKED_MS));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, delay);
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
        console.error("turnledger: the storage does not answer; what waits, waits in memory:", error);
        this.#storage = undefined;
      }
    });
  }
}

function isBatch(value: unknown): value is Batch {
  const { id, events, body } = (value ?? {}) as Partial<Batch>;
  return typeof id === "string" && typeof events === "number" && typeof body === "string";
}

/** Events and credentials go over TLS, or stay on this machine. */
function endpoint(base: unknown): string {
  const url = typeof base === "string" && URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined) throw new TypeError("upload.url: expected an absolute URL");
  const isLocal = /^(localhost|127\..*|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) {
    throw new TypeError("upload.url: expected https://, or http:// on this machine");
  }
  if (url.username !== "" || url.password !== "") throw new TypeError("upload.url: it has a user or a password");
  return url.href.replace(/\/+$/, "") + PATH;
}

function poster(to: UploadTo): Send {
  const url = endpoint(to?.url);
  const timeoutMs = to.timeoutMs ?? 10_000;
  /** Those of the latest request: a page that goes cannot wait for others. */
  let known: Record<string, string> = {};
  return async (batch, leaving) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const given = to.headers?.();
    if (given !== undefined && !("then" in given)) known = given;
    else if (given !== undefined && !leaving) known = await Promise.race([given as Promise<typeof known>, aborted(signal)]);
    const response = await (to.fetch ?? fetch)(url, {
      method: "POST",
      headers: { ...known, "Content-Type": "application/json", "Idempotency-Key": batch.id },
      body: batch.body,
      keepalive: leaving,
      // Events and credentials go where the user said, and nowhere else.
      redirect: "manual",
      signal,
    });
    await response.arrayBuffer().catch(() => undefined);
    const { status } = response;
    if (response.ok) return { kind: "delivered" };
    // A redirection is not followed and has no status in a browser.
    if (status === 401 || status === 408 || status === 429 || status >= 500) {
      const afterMs = retryAfter(response.headers.get("Retry-After"));
      const outcome = { kind: "try_again", reason: `status ${status}` } as const;
      return afterMs === undefined ? outcome : { ...outcome, afterMs };
    }
    return { kind: "refused", status };
  };
}

/** Seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
