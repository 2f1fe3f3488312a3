/** A session through the ledger, as the native program's replay does it: by the recording's own clock. */
import { createLedger, type Discard, type Ledger, type Stats, type TurnledgerEvent } from "turnledger/inline";

import { isBlank, type Line } from "../../../ts/lines.js";
import { NONE } from "./columns.js";
import { Events } from "./events.js";
import { named } from "./ids.js";
import { BAD_MESSAGE, BadLine, parseLine, type RecordedMessage, TOO_LONG } from "./line.js";
import { Messages } from "./messages.js";
import type { BadLineRow, DiscardRow } from "./protocol.js";
import { Timeline } from "./timeline.js";
import { Totalling } from "./totals.js";

export class Session {
  readonly messages = new Messages();
  readonly events = new Events();
  readonly timeline = new Timeline();
  readonly totals = new Totalling();
  readonly discards: DiscardRow[] = [];
  readonly badLines: BadLineRow[] = [];
  /** How many lines there were, empty ones included. */
  lines = 0;
  #ledger!: Ledger;
  #now = 0;
  #last = 0;
  /** The message that the ledger has before it, and its line. */
  #message = NONE;
  #line: number | null = null;
  #hasBadMessage = false;

  static async start(): Promise<Session> {
    const session = new Session();
    session.#ledger = await createLedger({
      onDiscard: (discard) => session.#discard(discard),
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

  line({ bytes, offset, number }: Line): void {
    this.lines = number;
    if (bytes === undefined) {
      this.badLines.push({ line: number, reason: TOO_LONG });
      return;
    }
    if (isBlank(bytes)) return;
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
    this.#ledger.observe(connection, isToServer ? "client_to_server" : "server_to_client", message, at);
    if (this.#hasBadMessage) this.badLines.push({ line: number, reason: BAD_MESSAGE });
  }

  /** What only waited for an answer comes out. */
  async finish(): Promise<void> {
    this.#message = NONE;
    this.#line = null;
    this.#now = this.#last;
    await this.#ledger.close(this.#last);
  }

  #event(event: TurnledgerEvent, json: string): void {
    const stored = this.events.add(json, event, this.#now, this.#message, this.#line ?? 0);
    this.totals.add(event);
    const request = this.#message === NONE ? undefined : this.messages.pair(this.#message);
    this.timeline.event(stored, event, request === undefined ? undefined : this.messages.at(request));
  }

  #discard(discard: Discard): void {
    // The ledger says of a message that it cannot read, and of nothing else, that the message yielded nothing.
    if (discard.subject === "message") this.#hasBadMessage = true;
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
