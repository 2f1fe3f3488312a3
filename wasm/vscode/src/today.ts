/** Today's numbers, of this window and of others, kept over a restart. */
import type { Memento } from "vscode";

import { Tally, add, dayOf, none, type Numbers } from "./numbers.js";

const KEY = "tallies";

/**
 * Every source has a tally of its own, and a window writes those of its own sources only. Two windows that follow the same
 * recording have the same tally of it; so nothing counts twice.
 */
export class Today {
  readonly #state: Memento;
  readonly #own = new Map<string, Tally>();

  constructor(state: Memento) {
    this.#state = state;
  }

  /** What was saved of a source. */
  saved(source: string): Tally | undefined {
    return Tally.from(this.#state.get<Record<string, unknown>>(KEY)?.[source]);
  }

  set(source: string, tally: Tally): void {
    this.#own.set(source, tally);
  }

  /** Undefined: no source has had anything to count today. */
  total(): Numbers | undefined {
    const tallies = this.#ofToday();
    if (tallies.size === 0) return undefined;
    const total = none();
    for (const { numbers } of tallies.values()) add(total, numbers);
    return total;
  }

  /** Others may have saved theirs meanwhile; what is of yesterday goes. */
  async save(): Promise<void> {
    const tallies = [...this.#ofToday()].map(([source, { day, numbers }]) => [source, { day, numbers }]);
    await this.#state.update(KEY, Object.fromEntries(tallies));
  }

  #ofToday(): Map<string, Tally> {
    const day = dayOf(Date.now());
    const tallies = new Map<string, Tally>();
    for (const source of Object.keys(this.#state.get<object>(KEY) ?? {})) {
      const tally = this.saved(source);
      if (tally !== undefined) tallies.set(source, tally);
    }
    for (const [source, tally] of this.#own) tallies.set(source, tally);
    for (const [source, tally] of tallies) if (tally.day !== day) tallies.delete(source);
    return tallies;
  }
}
