/** Events by `for await`. */
import type { TurnledgerEvent } from "./generated/events.js";

/** How many events wait for a reader at most; the oldest go first. */
const MOST_UNREAD = 10_000;

/** A reader of events that may be slower than they come. */
export class Reader implements AsyncIterableIterator<TurnledgerEvent> {
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
