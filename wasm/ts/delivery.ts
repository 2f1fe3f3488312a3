/** Requests on their way: one at a time, tried again until the server takes or refuses each. */
import type { Batch, Outcome, Upload, UploadTo } from "./options.js";
import type { Storage } from "./storage.js";

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

export class Delivery {
  readonly counts: Counts = { delivered: 0, refused: 0, evicted: 0 };
  readonly #send: (batch: Batch, outlives: boolean) => Promise<Outcome>;
  readonly #storage: Storage | undefined;
  #queue: Batch[] = [];
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isHeld = false;
  /** What the storage was asked so far. */
  #stored: Promise<void> = Promise.resolve();

  constructor(upload: Upload, storage: Storage | undefined) {
    this.#send = typeof upload === "function" ? upload : poster(upload);
    this.#storage = storage;
  }

  /** Takes up what an earlier ledger left behind. */
  async start(): Promise<void> {
    this.#queue = [...((await this.#storage?.load()) ?? []), ...this.#queue];
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
    // What is added now goes with the rest, not before it.
    this.#isHeld = true;
    complete();
    this.#isHeld = false;
    this.#cancel();
    await this.#run();
    await this.#stored;
  }

  #run(): Promise<void> {
    return (this.#running ??= this.#sendAll().finally(() => (this.#running = undefined)));
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#queue[0]; batch !== undefined && this.#timer === undefined; batch = this.#queue[0]) {
      const outcome = await this.#attempt(batch);
      if (outcome.kind === "try_again") {
        if (!this.#isClosed) this.#tryLater(outcome.afterMs);
        return;
      }
      this.#failures = 0;
      this.#queue.shift();
      if (outcome.kind === "delivered") this.counts.delivered += batch.events;
      else this.counts.refused += batch.events;
      this.#store((storage) => storage.remove(batch.id));
    }
  }

  async #attempt(batch: Batch): Promise<Outcome> {
    try {
      return await this.#send(batch, false);
    } catch {
      // Whoever sends says what failed by an outcome; anything else is a network that is away.
      return { kind: "try_again" };
    }
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

  /**
   * The page goes: what waits is sent so that it outlives the page, as far as browsers allow. What a storage has is sent
   * again by the next page, with the same key.
   */
  leave(): void {
    let bytes = 0;
    for (const batch of this.#queue) {
      bytes += batch.body.length;
      if (bytes > MOST_KEPT_ALIVE) return;
      this.#send(batch, true).catch(() => undefined);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One thing after another; a storage that fails is done without, since what waits is in memory, too. */
  #store(work: (storage: Storage) => Promise<void>): void {
    const storage = this.#storage;
    if (storage !== undefined) this.#stored = this.#stored.then(() => work(storage)).catch(() => undefined);
  }
}

function poster(to: UploadTo): (batch: Batch, outlives: boolean) => Promise<Outcome> {
  const url = to.url.replace(/\/+$/, "") + PATH;
  /** Those of the latest request: a page that goes cannot wait for others. */
  let known: Record<string, string> = {};
  return async (batch, outlives) => {
    if (!outlives && to.headers !== undefined) known = await to.headers();
    const response = await (to.fetch ?? fetch)(url, {
      method: "POST",
      headers: { ...known, "Content-Type": "application/json", "Idempotency-Key": batch.id },
      body: batch.body,
      keepalive: outlives,
      // Events and credentials go where the user said, and nowhere else.
      redirect: "manual",
      signal: AbortSignal.timeout(to.timeoutMs ?? 10_000),
    });
    await response.arrayBuffer().catch(() => undefined);
    const { status } = response;
    if (response.ok) return { kind: "delivered" };
    if (status === 401 || status === 408 || status === 429 || status >= 500) {
      const afterMs = retryAfter(response.headers.get("Retry-After"));
      return afterMs === undefined ? { kind: "try_again" } : { kind: "try_again", afterMs };
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
