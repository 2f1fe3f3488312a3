/** A session made of its events alone. */
import type { TurnledgerEvent } from "turnledger/inline";

import { NONE } from "../../../shared/reader/columns.js";
import { timeOf } from "../../../shared/reader/event-time.js";
import { Events } from "../../../shared/reader/events.js";
import { idsOf, isToolType, TYPE_LABELS } from "../../../shared/reader/kinds.js";
import { Timeline } from "../../../shared/reader/timeline.js";
import { Totalling, type Totals } from "../../../shared/reader/totals.js";
import type { Session } from "./api.js";

/** A thread of a session, below the one that started it. */
export interface Thread {
  id: string;
  depth: number;
  /** Why the server itself started it; null if a client did, or nobody says. */
  agent: string | null;
  model: string | null;
  totals: Totals;
}

export interface Opened {
  events: Events;
  timeline: Timeline;
  totals: Totals;
  threads: Thread[];
  first: number;
  /** Events of a later version, which this page does not know. */
  unknown: number;
}

interface Known {
  parent: string | null;
  agent: string | null;
  model: string | null;
  totals: Totalling;
}

export function open({ events: given, session }: Session): Opened {
  const events = new Events();
  const timeline = new Timeline();
  const totals = new Totalling();
  const threads = new Map<string, Known>();
  let now = session.first_at ?? 0;
  let first: number | null = null;
  let unknown = 0;
  const turns = new Turns(given.map(({ event }) => event));
  for (const { at, event } of given) {
    if (!(event.event_type in TYPE_LABELS)) {
      unknown++;
      continue;
    }
    now = at ?? timeOf(event) ?? now;
    first ??= now;
    const stored = events.add(JSON.stringify(event), event, now, NONE, null);
    timeline.moment(now);
    timeline.event({ ...stored, at: turns.endOf(event) ?? now }, event, undefined);
    totals.add(event);
    threadOf(event, threads)?.totals.add(event);
  }
  first = timeline.extent?.[0] ?? first ?? now;
  return { events, timeline, totals: totals.totals(), threads: tree(threads), first, unknown };
}

type TurnEvent = Extract<TurnledgerEvent, { event_type: "codex_turn_event" }>;

/** When turns ended. They say it in whole seconds; the calls within them say milliseconds. */
class Turns {
  readonly #calls = new Map<string, [first: number, last: number]>();
  readonly #ends = new Map<string, number>();

  constructor(events: TurnledgerEvent[]) {
    for (const event of events) {
      const { thread, turn } = event.event_type in TYPE_LABELS ? idsOf(event) : {};
      if (turn === undefined || !isToolType(event.event_type)) continue;
      const { started_at_ms: first, completed_at_ms: last } = event.event_params as unknown as Record<string, unknown>;
      if (typeof first !== "number" || typeof last !== "number") continue;
      const known = this.#calls.get(`${thread} ${turn}`);
      this.#calls.set(`${thread} ${turn}`, [Math.min(known?.[0] ?? first, first), Math.max(known?.[1] ?? last, last)]);
    }
    for (const event of events) if (event.event_type === "codex_turn_event") this.#turn(event);
  }

  #turn({ event_params: { thread_id, turn_id, started_at, duration_ms } }: TurnEvent): void {
    const calls = this.#calls.get(`${thread_id} ${turn_id}`);
    if (calls === undefined || started_at === null || duration_ms === null) return;
    // In the middle of where it may have begun: after its second did, and so that its calls are within it.
    const second = started_at * 1000;
    const earliest = Math.max(second, calls[1] - duration_ms);
    const latest = Math.min(second + 999, calls[0]);
    this.#ends.set(`${thread_id} ${turn_id}`, Math.round((earliest + Math.max(earliest, latest)) / 2) + duration_ms);
  }

  /** When the turn ended of which an event tells as it ends; undefined if there is no more to say than the event does. */
  endOf(event: TurnledgerEvent): number | undefined {
    if (event.event_type !== "codex_turn_event" && event.event_type !== "codex_accepted_line_fingerprints")
      return undefined;
    const { thread_id, turn_id } = event.event_params;
    return this.#ends.get(`${thread_id} ${turn_id}`);
  }
}

function threadOf(event: TurnledgerEvent, threads: Map<string, Known>): Known | undefined {
  const { thread: id } = idsOf(event);
  if (id === undefined) return undefined;
  let thread = threads.get(id);
  if (thread === undefined) {
    thread = { parent: null, agent: null, model: null, totals: new Totalling() };
    threads.set(id, thread);
  }
  if (event.event_type === "codex_thread_initialized") {
    const { parent_thread_id, subagent_source, model } = event.event_params;
    thread.parent ??= parent_thread_id ?? null;
    thread.agent ??= subagent_source;
    thread.model ??= model;
  } else if (event.event_type === "codex_turn_event") thread.model ??= event.event_params.model;
  return thread;
}

/** Agents below who started them, in the order of their first events. */
function tree(threads: Map<string, Known>): Thread[] {
  const found: Thread[] = [];
  const seen = new Set<string>();
  const add = (id: string, depth: number): void => {
    // Events may say of two threads that each started the other.
    if (seen.has(id)) return;
    seen.add(id);
    const { agent, model, totals } = threads.get(id)!;
    found.push({ id, depth, agent, model, totals: totals.totals() });
    for (const [child, { parent }] of threads) if (parent === id) add(child, depth + 1);
  };
  for (const [id, { parent }] of threads) if (parent === null || !threads.has(parent)) add(id, 0);
  for (const id of threads.keys()) add(id, 0);
  return found;
}
