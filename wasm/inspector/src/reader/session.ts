/**
 * A session through the ledger, as the native program's replay and import do it: by the file's own clock. A file of events
 * needs no ledger.
 */
import {
  createLedger,
  type Discard,
  type Ledger,
  type Question,
  type Rollout,
  type Stats,
  type TurnledgerEvent,
} from "turnledger/inline";

import { isBlank, type Line } from "../../../ts/lines.js";
import { NONE } from "../../shared/reader/columns.js";
import { timeOf } from "../../shared/reader/event-time.js";
import { Events } from "../../shared/reader/events.js";
import { named } from "../../shared/reader/ids.js";
import { Timeline } from "../../shared/reader/timeline.js";
import { Totalling } from "../../shared/reader/totals.js";
import { ByKind, type FileKind, isEvent } from "./file-kind.js";
import {
  BAD_MESSAGE,
  BadLine,
  NOT_EVENT,
  NOT_JSON,
  parseLine,
  type RecordedMessage,
  textOf,
  TOO_LONG,
} from "./line.js";
import { Messages } from "./messages.js";
import type { BadLineRow, DiscardRow } from "./protocol.js";
import { Repositories } from "./repositories.js";
import { RolloutLines } from "./rollout-line.js";

export class Session {
  readonly messages = new Messages();
  readonly events = new Events();
  readonly timeline = new Timeline();
  readonly totals = new Totalling();
  readonly discards: DiscardRow[] = [];
  readonly badLines: BadLineRow[] = [];
  /** How many lines there were, empty ones included. */
  lines = 0;
  /** What the file is, once it is known. */
  kind: FileKind | null = null;
  /** Whether the last line of a rollout is cut off. */
  isCut = false;
  #ledger!: Ledger;
  #now = 0;
  #last = 0;
  /** The message that the ledger has before it, and its line. */
  #message = NONE;
  #line: number | null = null;
  #hasBadMessage = false;
  readonly #repositories = new Repositories();
  #questions: Question[] = [];
  #rollout: Rollout | undefined;
  readonly #rolloutLines = new RolloutLines();
  /** A rollout's bad line is told once another follows: the last one may be still being written. */
  #badLine: BadLineRow | undefined;
  readonly #byKind = new ByKind((kind) => this.#begin(kind));

  static async start(): Promise<Session> {
    const session = new Session();
    session.#ledger = await createLedger({
      onDiscard: (discard) => session.#discard(discard),
      onQuestion: (question) => session.#questions.push(question),
    });
    session.#ledger.on("event", (event, json) => session.#event(event, json));
    return session;
  }

  get internalErrors(): number {
    return this.#ledger.stats().internalErrors;
  }

  /** What this version does not know, the most frequent first. */
  get unknown(): Stats["unknown"] {
    return this.#ledger.stats().unknown.sort((one, other) => other.count - one.count);
  }

  line(line: Line): void {
    this.lines = line.number;
    this.#byKind.line(line);
  }

  /** What a line shows when it is looked at. */
  text(line: Uint8Array): string {
    return this.kind === "rollout" ? textOf(line) : parseLine(line).text;
  }

  #begin(kind: FileKind): (line: Line) => void {
    this.kind = kind;
    if (kind === "rollout") this.#rollout = this.#ledger.openRollout();
    const take = kind === "rollout" ? this.#ofRollout : kind === "events" ? this.#ofEvents : this.#ofRecording;
    return (line) => {
      const { bytes, number } = line;
      this.#tellBadLine();
      if (bytes === undefined) this.badLines.push({ line: number, reason: TOO_LONG });
      else if (!isBlank(bytes)) take.call(this, bytes, line);
    };
  }

  #ofRecording(bytes: Uint8Array, { offset, number }: Line): void {
    let recorded: RecordedMessage;
    try {
      recorded = parseLine(bytes);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
      this.badLines.push({ line: number, reason: error.message });
      return;
    }
    this.#observe(recorded, bytes, offset, number);
  }

  #observe(recorded: RecordedMessage, line: Uint8Array, offset: number, number: number): void {
    const { at, connection, isToServer, text, span, parsed } = recorded;
    const what = named(parsed);
    this.#message = this.messages.add({ at, connection, isToServer, offset, length: line.length, line: number }, what);
    this.#line = number;
    this.#now = at;
    this.#last = Math.max(this.#last, at);
    this.timeline.message(at, what, parsed);
    this.#hasBadMessage = false;
    const message = span === undefined ? text : line.subarray(...span);
    this.#repositories.see(parsed);
    this.#ledger.observe(connection, isToServer ? "client_to_server" : "server_to_client", message, at);
    this.#answer(at);
    if (this.#hasBadMessage) this.badLines.push({ line: number, reason: BAD_MESSAGE });
  }

  /** After the events of the step that asked. */
  #answer(at: number): void {
    while (this.#questions.length > 0) {
      const asked = this.#questions;
      this.#questions = [];
      for (const question of asked) this.#ledger.ingest(this.#repositories.answer(question), at);
    }
  }

  #ofRollout(bytes: Uint8Array, { offset, number }: Line): void {
    this.#line = number;
    const parsed = parse(bytes);
    if (parsed !== undefined) {
      const what = this.#rolloutLines.named(parsed);
      const place = { at: this.#rolloutLines.at, connection: 0, isToServer: false, offset, length: bytes.length };
      this.#message = this.messages.add({ ...place, line: number }, what);
    }
    const problem = this.#rollout!.line(bytes);
    if (problem !== null) this.#badLine = { line: number, reason: problem === "not_json" ? NOT_JSON : BAD_MESSAGE };
  }

  #tellBadLine(): void {
    if (this.#badLine !== undefined) this.badLines.push(this.#badLine);
    this.#badLine = undefined;
  }

  #ofEvents(bytes: Uint8Array, { number }: Line): void {
    const parsed = parse(bytes);
    if (parsed === undefined) {
      this.badLines.push({ line: number, reason: NOT_JSON });
      return;
    }
    this.#line = number;
    // A line is an event, or the body of a request.
    const { events } = parsed as { events?: unknown };
    for (const event of Array.isArray(events) ? (events as unknown[]) : [parsed]) {
      if (!isEvent(event)) {
        this.badLines.push({ line: number, reason: NOT_EVENT });
        continue;
      }
      this.#now = timeOf(event as TurnledgerEvent) ?? this.#now;
      this.#event(event as TurnledgerEvent, event === parsed ? textOf(bytes) : JSON.stringify(event));
    }
  }

  /** What only waited for an answer comes out. */
  async finish(): Promise<void> {
    this.#byKind.finish();
    this.isCut = this.#badLine?.reason === NOT_JSON && this.lines > 1;
    if (!this.isCut) this.#tellBadLine();
    this.#message = NONE;
    this.#line = null;
    this.#now = this.#last;
    this.#rollout?.end();
    await this.#ledger.close(this.#last);
  }

  /** Whether a line has named the session of a rollout. */
  get namesSession(): boolean {
    return this.#rollout === undefined || this.#rollout.threadId !== null;
  }

  #event(event: TurnledgerEvent, json: string): void {
    const at = this.#rollout?.at ?? this.#now;
    const stored = this.events.add(json, event, at, this.#message, this.#line);
    this.totals.add(event);
    if (this.kind !== "recording") this.timeline.moment(at);
    const request = this.#message === NONE ? undefined : this.messages.pair(this.#message);
    this.timeline.event(stored, event, request === undefined ? undefined : this.messages.at(request));
  }

  #discard(discard: Discard): void {
    // The ledger says of a message that it cannot read, and of nothing else, that the message yielded nothing.
    if (discard.subject === "message") this.#hasBadMessage = true;
    // Of a rollout these are its bad lines, and told as such.
    if (this.kind === "rollout" && ["not_json", "wrong_shape"].includes(discard.reason)) return;
    this.totals.discard(discard.subject);
    const { at, subject, reason, text, connectionId, requestId, threadId, turnId, itemId } = discard;
    const ids = Object.entries({
      connection: connectionId,
      request: requestId,
      thread: threadId,
      turn: turnId,
      item: itemId,
    }).flatMap(([name, value]): [string, string][] =>
      value === undefined || value === null ? [] : [[name, String(value)]],
    );
    this.discards.push({ at, line: this.#line, subject, reason, text, ids });
  }
}

/** Nothing if it is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    return undefined;
  }
}
