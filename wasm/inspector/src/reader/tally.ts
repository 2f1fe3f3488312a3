/** One file of many: what it adds up to, and nothing else of it. */
import type { TurnledgerEvent } from "turnledger/inline";

import { idsOf } from "../../shared/reader/kinds.js";
import { totalTokens, Totalling } from "../../shared/reader/totals.js";
import type { FileKind } from "./file-kind.js";
import type { SessionHead } from "./rollout-line.js";
import type { Cell, SessionRow } from "./survey-view.js";

type TurnEvent = Extract<TurnledgerEvent, { event_type: "codex_turn_event" }>;

export class Tally {
  readonly totals = new Totalling();
  kind: FileKind = "other";
  lines = 0;
  badLines = 0;
  isCut = false;
  notUnderstood = 0;
  /** The latest time that the file has said. */
  now = 0;
  #first: number | null = null;
  #last: number | null = null;
  #discards = 0;
  readonly #threads = new Set<string>();
  readonly #models = new Set<string>();
  readonly #cells = new Map<string, Cell>();
  #parent: string | null = null;
  #agent: string | null = null;
  /** Whether a thread of the file was started by a client. */
  #hasRoot = false;
  #client: string | null = null;
  #version: string | null = null;
  #remote: string | null = null;
  #folder: string | null = null;
  #outcome: string | null = null;
  #repeated = 0;

  constructor(
    readonly id: number,
    readonly path: string,
    readonly bytes: number,
    /** Whether a turn was not counted before. */
    private readonly isNew: (turn: string) => boolean,
  ) {}

  /** Whether a line or an event has named a thread. */
  get thread(): string | null {
    return this.#threads.values().next().value ?? null;
  }

  /** The latest time of the file; 0 if it says none. */
  get last(): number {
    return this.#last ?? 0;
  }

  /** Something happened then. */
  moment(at: number): void {
    this.now = at;
    this.#first = Math.min(this.#first ?? at, at);
    this.#last = Math.max(this.#last ?? at, at);
  }

  head({ thread, client, version, folder, remote }: SessionHead): void {
    this.#threads.add(thread);
    this.#client ??= client ?? null;
    this.#version ??= version ?? null;
    this.where(folder, remote);
  }

  where(folder: string | undefined, remote: string | undefined): void {
    this.#folder ??= lastPart(folder, 1);
    this.#remote ??= lastPart(remote?.replace(/\.git\/?$/, ""), 2);
  }

  discard(subject: string): void {
    this.#discards++;
    this.totals.discard(subject);
  }

  event(event: TurnledgerEvent, at: number): void {
    this.moment(at);
    this.totals.add(event);
    const { thread } = idsOf(event);
    if (thread !== undefined) this.#threads.add(thread);
    const params = event.event_params as {
      app_server_client?: { product_client_id?: string | null } | null;
      runtime?: { codex_rs_version?: string | null } | null;
    };
    this.#client ??= params.app_server_client?.product_client_id ?? null;
    this.#version ??= params.runtime?.codex_rs_version ?? null;
    if (event.event_type === "codex_thread_initialized") {
      const { model, parent_thread_id, subagent_source } = event.event_params;
      this.#agent ??= subagent_source;
      if (subagent_source === null) this.#hasRoot = true;
      this.#parent ??= parent_thread_id ?? null;
      if (model !== null) this.#models.add(model);
    } else if (event.event_type === "codex_turn_event") this.#turn(event, at);
  }

  #turn({ event_params: params }: TurnEvent, at: number): void {
    const { model, status, thread_id, turn_id } = params;
    this.#outcome = status;
    if (model !== null) this.#models.add(model);
    if (!this.isNew(`${thread_id} ${turn_id}`)) {
      this.#repeated++;
      return;
    }
    const day = dayOf(at);
    const key = `${day} ${model ?? ""}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { day, model, turns: 0, unsuccessful: 0, unended: 0, input: 0, output: 0, unknown: 0 };
      this.#cells.set(key, cell);
    }
    cell.turns++;
    if (status === "failed" || status === "interrupted") cell.unsuccessful++;
    else if (status === null) cell.unended++;
    if (totalTokens(params) === null) cell.unknown++;
    else {
      cell.input += params.input_tokens!;
      cell.output += params.output_tokens!;
    }
  }

  row(): SessionRow {
    const totals = this.totals.totals();
    const { turns, tokens, tools, lines } = totals;
    const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);
    return {
      id: this.id,
      path: this.path,
      kind: this.kind,
      bytes: this.bytes,
      thread: this.thread,
      threads: this.#threads.size,
      parent: this.#hasRoot ? null : this.#parent,
      agent: this.#hasRoot ? null : this.#agent,
      first: this.#first,
      last: this.#last,
      client: known(this.#client),
      version: known(this.#version),
      repository: this.#remote,
      folder: this.#folder,
      models: [...this.#models],
      turns: turns.completed + turns.failed + turns.interrupted + turns.unknown,
      failed: turns.failed,
      interrupted: turns.interrupted,
      unended: turns.unknown,
      input: tokens.input_tokens,
      output: tokens.output_tokens,
      time: turns.duration,
      calls: sum(tools.flatMap(({ outcomes }) => Object.values(outcomes))),
      failedCalls: sum(tools.map(({ outcomes }) => outcomes.failed)),
      lines: lines.turns === 0 ? null : { added: lines.added, deleted: lines.deleted },
      outcome: this.#outcome,
      lostTurns: totals.missing.turns,
      events: totals.events,
      discards: this.#discards,
      badLines: this.badLines,
      isCut: this.isCut,
      notUnderstood: this.notUnderstood,
      isFromFile: totals.events > 0 && totals.events === totals.fromFiles,
      repeated: this.#repeated,
      cells: [...this.#cells.values()],
    };
  }
}

/** What a rollout writes if nobody said it. */
const known = (text: string | null): string | null => (text === "unknown" || text === "" ? null : text);

/** The last parts of a path or an address, without what may be secret before them. */
function lastPart(path: string | undefined, parts: number): string | null {
  const found = path
    ?.split(/[/\\:]+/)
    .filter((part) => part !== "" && !part.includes("@"))
    .slice(-parts)
    .join("/");
  return found === undefined || found === "" ? null : found;
}

export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
