/** The events of a recording: as they would be sent, and as rows to look through. */
import type { TurnledgerEvent } from "turnledger/inline";

import { NONE } from "./columns.js";
import type { EventQuery, EventRow, Facets } from "./event-rows.js";
import { type EventIds, type EventType, gist, idsOf, sourceOf, TYPE_LABELS } from "./kinds.js";

export interface StoredEvent extends EventRow {
  json: string;
  ids: EventIds;
}

/** What a rollout's event does not say is unknown; what its type has no member for is not. */
function fromFile(event: TurnledgerEvent): Pick<EventRow, "isFromFile" | "lacksOutcome" | "lacksDuration"> {
  const params = event.event_params as unknown as Record<string, unknown>;
  const isFromFile = sourceOf(event) === "rollout";
  const lacks = (name: string): boolean => isFromFile && params[name] === null;
  return { isFromFile, lacksOutcome: lacks("status"), lacksDuration: lacks("duration_ms") };
}

export class Events {
  readonly #all: StoredEvent[] = [];

  get length(): number {
    return this.#all.length;
  }

  /** `message` is the one on which the event came out; {@link NONE}, without a line, for those that the session's end gave. */
  add(json: string, event: TurnledgerEvent, at: number, message: number, line: number | null): StoredEvent {
    const ids = idsOf(event);
    const stored: StoredEvent = {
      number: this.#all.length,
      at,
      type: event.event_type,
      thread: ids.thread ?? null,
      turn: ids.turn ?? null,
      message: message === NONE ? null : message,
      line,
      ...fromFile(event),
      ...gist(event),
      json,
      ids,
    };
    this.#all.push(stored);
    return stored;
  }

  get(number: number): StoredEvent | undefined {
    return this.#all[number];
  }

  /** Those that a query wants, in the order that it wants. */
  select(query: EventQuery): StoredEvent[] {
    const types = new Set<string>(query.types);
    const wanted = query.search.trim();
    // Case matters to nobody who searches; what is special to regular expressions is not special here.
    const pattern = wanted === "" ? undefined : new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
    const found = this.#all.filter(
      (event) =>
        (types.size === 0 || types.has(event.type)) &&
        (query.thread === "" || event.thread === query.thread) &&
        (query.outcome === "" || event.outcome === query.outcome) &&
        (pattern === undefined || pattern.test(event.json)),
    );
    return sorted(found, query.sort, query.isDescending);
  }

  facets(): Facets {
    const types = new Map<EventType, number>();
    const threads = new Map<string, number>();
    const outcomes = new Map<string, number>();
    const add = <K>(counts: Map<K, number>, key: K | null): void => {
      if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
    };
    for (const event of this.#all) {
      add(types, event.type);
      add(threads, event.thread);
      add(outcomes, event.outcome);
    }
    const order = Object.keys(TYPE_LABELS);
    return {
      types: [...types].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)),
      threads: [...threads],
      outcomes: [...outcomes].sort(([a], [b]) => a.localeCompare(b)),
    };
  }
}

export function row({ json: _, ids: __, ...shown }: StoredEvent): EventRow {
  return shown;
}

function sorted(events: StoredEvent[], by: EventQuery["sort"], isDescending: boolean): StoredEvent[] {
  const order = Object.keys(TYPE_LABELS);
  const compare: Record<EventQuery["sort"], (a: StoredEvent, b: StoredEvent) => number> = {
    number: (a, b) => a.number - b.number,
    type: (a, b) => order.indexOf(a.type) - order.indexOf(b.type),
    subject: (a, b) => a.subject.localeCompare(b.subject),
    outcome: (a, b) => (a.outcome ?? "").localeCompare(b.outcome ?? ""),
    duration: (a, b) => (a.duration ?? 0) - (b.duration ?? 0),
  };
  const sign = isDescending ? -1 : 1;
  const isUnknown = (event: StoredEvent): boolean =>
    (by === "duration" && event.duration === null) || (by === "outcome" && event.outcome === null);
  return events.sort((a, b) => {
    // What is not known comes last, whichever way the rest is sorted.
    if (isUnknown(a) !== isUnknown(b)) return isUnknown(a) ? 1 : -1;
    return sign * compare[by](a, b) || a.number - b.number;
  });
}
