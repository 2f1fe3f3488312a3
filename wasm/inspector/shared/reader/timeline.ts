/** When what happened: turns, items, approvals and steers by thread, and the part of them that a window shows. */
import type { TurnledgerEvent } from "turnledger/inline";

import type { StoredEvent } from "./events.js";
import type { Named } from "./ids.js";
import { isToolType, type ToolType } from "./kinds.js";
import { Layout, MOST_LANE_ROWS, NARROWEST } from "./timeline-layout.js";
import type { Mark, MarkKind, TimelineView, TimelineWindow } from "./timeline-view.js";

const ITEM_KINDS: Readonly<Record<string, MarkKind>> = {
  commandExecution: "command",
  fileChange: "file_change",
  mcpToolCall: "mcp",
  dynamicToolCall: "client_tool",
  collabAgentToolCall: "agent_tool",
  webSearch: "web_search",
  imageGeneration: "image",
};

const TOOL_KINDS: Readonly<Record<ToolType, MarkKind>> = {
  codex_command_execution_event: "command",
  codex_file_change_event: "file_change",
  codex_mcp_tool_call_event: "mcp",
  codex_dynamic_tool_call_event: "client_tool",
  codex_collab_agent_tool_call_event: "agent_tool",
  codex_web_search_event: "web_search",
  codex_image_generation_event: "image",
  codex_control_tool_call_event: "control_tool",
};

const MOST_THREADS = 12;

type ToolEvent = Extract<TurnledgerEvent, { event_type: ToolType }>;

/** An event has whole seconds; what it lasted tells the rest, if it came out when its turn ended. */
function startOfTurn(startedAt: number | null, byDuration: number): number {
  if (startedAt === null) return byDuration;
  return Math.min(Math.max(byDuration, startedAt * 1000), startedAt * 1000 + 999);
}

export class Timeline {
  /** By thread, in the order of their first mark. */
  readonly #threads = new Map<string, Mark[]>();
  readonly #turns = new Map<string, Mark>();
  readonly #items = new Map<string, Mark>();
  /** The items that run, by their turn. */
  readonly #running = new Map<string, Set<Mark>>();
  #first = Infinity;
  #last = -Infinity;

  /** Something happened then. */
  moment(at: number): void {
    this.#first = Math.min(this.#first, at);
    this.#last = Math.max(this.#last, at);
  }

  message(at: number, what: Named, parsed: unknown): void {
    this.moment(at);
    if (what.kind !== "notification" || what.thread === undefined || what.turn === undefined) return;
    const turnKey = `${what.thread} ${what.turn}`;
    if (what.method === "turn/started") {
      if (!this.#turns.has(turnKey)) this.#turns.set(turnKey, this.#add("turn", what.thread, at, null, ""));
    } else if (what.method === "turn/completed") {
      const turn = this.#turns.get(turnKey);
      if (turn !== undefined) turn.end = Math.max(turn.start, at);
      for (const item of this.#running.get(turnKey) ?? []) item.brokenOff = Math.max(item.start, at);
      this.#running.delete(turnKey);
    } else if (what.method === "item/started" || what.method === "item/completed") {
      this.#item(at, what as Named & { thread: string }, turnKey, parsed);
    }
  }

  #item(at: number, what: Named & { thread: string }, turnKey: string, parsed: unknown): void {
    const key = `${turnKey} ${what.item}`;
    const params = (parsed as { params: Record<string, unknown> }).params;
    const said = params[what.method === "item/started" ? "startedAtMs" : "completedAtMs"];
    const time = typeof said === "number" ? said : at;
    const known = this.#items.get(key);
    if (what.method === "item/started" && known === undefined) {
      const kind = ITEM_KINDS[what.itemType ?? ""];
      const label = kind === undefined ? (what.itemType ?? "") : "";
      const item = this.#add(kind ?? "other_item", what.thread, time, null, label);
      this.#items.set(key, item);
      const running = this.#running.get(turnKey);
      if (running === undefined) this.#running.set(turnKey, new Set([item]));
      else running.add(item);
    } else if (what.method === "item/completed" && known?.end === null) {
      known.end = Math.max(known.start, time);
      this.#running.get(turnKey)?.delete(known);
    }
  }

  /** `requestAt` is when the request was made on whose answer the event came out. */
  event(stored: StoredEvent, event: TurnledgerEvent, requestAt: number | undefined): void {
    const { thread, turn, item } = stored.ids;
    if (thread === undefined) return;
    const at = stored.at;
    const mark = (kind: MarkKind, start: number, end: number): void =>
      this.#attach(this.#add(kind, thread, start, end, ""), stored);
    switch (event.event_type) {
      case "codex_turn_event": {
        const known = this.#turns.get(`${thread} ${turn}`);
        const { started_at, duration_ms } = event.event_params;
        const start = startOfTurn(started_at, at - (duration_ms ?? 0));
        this.#attach(known ?? this.#add("turn", thread, start, start + (duration_ms ?? 0), ""), stored);
        break;
      }
      case "codex_review_event": {
        const { started_at_ms, completed_at_ms } = event.event_params;
        mark("approval", started_at_ms, Math.max(started_at_ms, completed_at_ms));
        break;
      }
      case "codex_turn_steer_event":
        mark("steer", requestAt ?? at, requestAt ?? at);
        break;
      case "codex_compaction_event":
        mark("compaction", at - (event.event_params.duration_ms ?? 0), at);
        break;
      case "codex_hook_run":
        mark("hook", at, at);
        break;
      case "codex_accepted_line_fingerprints":
        mark("lines", at, at);
        break;
      case "codex_goal_event":
        mark("goal", at, at);
        break;
      case "codex_thread_archive_event":
        mark("archive", event.event_params.occurred_at_ms, event.event_params.occurred_at_ms);
        break;
      default: {
        if (!isToolType(event.event_type)) return;
        const known = this.#items.get(`${thread} ${turn} ${item}`);
        if (known !== undefined) {
          known.kind = TOOL_KINDS[event.event_type];
          this.#attach(known, stored);
        } else this.#tool(stored, event as ToolEvent);
      }
    }
  }

  /** A call of which no message has told: its event alone says when it was. */
  #tool(stored: StoredEvent, { event_type, event_params: { started_at_ms, completed_at_ms } }: ToolEvent): void {
    const end = Math.max(started_at_ms, completed_at_ms);
    this.#attach(this.#add(TOOL_KINDS[event_type], stored.ids.thread!, started_at_ms, end, ""), stored);
  }

  #attach(mark: Mark, stored: StoredEvent): void {
    mark.event = stored.number;
    mark.outcome = stored.outcome;
    mark.label = stored.subject;
  }

  #add(kind: MarkKind, thread: string, start: number, end: number | null, label: string): Mark {
    const mark: Mark = { kind, thread, start, end, brokenOff: null, label, outcome: null, event: null };
    let marks = this.#threads.get(thread);
    if (marks === undefined) this.#threads.set(thread, (marks = []));
    marks.push(mark);
    this.#first = Math.min(this.#first, start);
    this.#last = Math.max(this.#last, end ?? start);
    return mark;
  }

  get extent(): [number, number] | null {
    return this.#first <= this.#last ? [this.#first, this.#last] : null;
  }

  view({ from, to, width, thread }: TimelineWindow): TimelineView {
    const [first, last] = this.extent ?? [0, 1];
    const window: [number, number] = [from ?? first, Math.max(to ?? last, (from ?? first) + 1)];
    const isSeen = (mark: Mark): boolean =>
      mark.start <= window[1] && (mark.end ?? mark.brokenOff ?? this.#last) >= window[0];
    const seen = [...this.#threads]
      .filter(([id]) => thread === "" || id === thread)
      .map(([id, marks]) => [id, marks.filter(isSeen)] as const)
      .filter(([, marks]) => marks.length > 0);
    const layout = new Layout(this.#last, ((window[1] - window[0]) / Math.max(1, width)) * NARROWEST);
    const areTogether = seen.length > MOST_THREADS;
    if (areTogether)
      layout.add(
        "",
        seen.flatMap(([, marks]) => marks),
        MOST_LANE_ROWS,
      );
    else for (const [id, marks] of seen) layout.add(id, marks, 1);
    return {
      extent: this.extent,
      window,
      rows: layout.rows,
      marks: layout.marks,
      threads: seen.length,
      areTogether,
      total: seen.reduce((sum, [, marks]) => sum + marks.length, 0),
    };
  }
}
