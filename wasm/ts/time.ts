/** How long others may take. */

/** What a storage does not do within this time, it does not do. */
const LONGEST_STORED_MS = 5_000;

/** @throws a timeout if a storage takes too long. */
export function inTime<T>(work: Promise<T> | undefined): Promise<T> | undefined {
  return work && Promise.race([work, aborted(AbortSignal.timeout(LONGEST_STORED_MS))]);
}

/** Whether {@link inTime} gave up. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** @throws what a signal is aborted with. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

/** Milliseconds that no correction of the machine's clock turns back or forth. */
export class SteadyClock {
  /** How far it is behind: it may stand still while a machine or a page sleeps. */
  #behind = 0;

  now(): number {
    return performance.now() + this.#behind;
  }

  /** A timer says that it is no earlier than that. */
  atLeast(then: number): void {
    this.#behind += Math.max(0, then - this.now());
  }
}
