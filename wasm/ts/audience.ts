/** Who hears of what comes out: listeners, and readers by `for await`. */
import type { TurnledgerEvent } from "./generated/events.js";
import type { Batch, Discard } from "./options.js";
import { Reader } from "./reader.js";

/** What listeners hear of. */
export interface Listeners {
  /** `json` is the event's text, as it goes into a request. */
  event: (event: TurnledgerEvent, json: string) => void;
  discard: (discard: Discard) => void;
  batch: (batch: Batch) => void;
}

export class Audience {
  readonly #listeners: { [Name in keyof Listeners]: Set<Listeners[Name]> } = {
    event: new Set(),
    discard: new Set(),
    batch: new Set(),
  };
  readonly #readers = new Set<Reader>();
  #isOver = false;

  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    const listeners = this.#listeners[name] as Set<Listeners[Name]> | undefined;
    if (listeners === undefined) throw new TypeError(`there is no "${String(name)}" to listen for`);
    if (typeof listener !== "function") throw new TypeError("listener: expected a function");
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  read(): AsyncIterableIterator<TurnledgerEvent> {
    const reader = new Reader(() => this.#readers.delete(reader));
    if (this.#isOver) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  /** Whether anybody wants it. */
  wants(name: keyof Listeners): boolean {
    return this.#listeners[name].size > 0 || (name === "event" && this.#readers.size > 0);
  }

  event(event: TurnledgerEvent, json: string): void {
    for (const listener of this.#listeners.event) call(listener, event, json);
    for (const reader of this.#readers) reader.push(event);
  }

  discard(discard: Discard): void {
    for (const listener of this.#listeners.discard) call(listener, discard);
  }

  batch(batch: Batch): void {
    for (const listener of this.#listeners.batch) call(listener, batch);
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }
}

/** A listener that throws is no reason to stop, nor to end a process: the host reads of it in its console. */
export function call<Values extends unknown[]>(listener: ((...values: Values) => void) | undefined, ...values: Values): void {
  try {
    listener?.(...values);
  } catch (error) {
    console.error("turnledger: a listener failed:", error);
  }
}
