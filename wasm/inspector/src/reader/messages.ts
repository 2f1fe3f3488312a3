/** Where every message of a recording is and what it is of. Its text stays in the recording. */
import { bytes, counts, floats, indexes, Names, NONE } from "../../shared/reader/columns.js";
import { MESSAGE_KINDS, type MessageKind, type Named } from "../../shared/reader/ids.js";

export interface Place {
  at: number;
  connection: number;
  isToServer: boolean;
  offset: number;
  length: number;
  line: number;
}

export class Messages {
  readonly #at = floats();
  readonly #offset = floats();
  readonly #length = counts();
  readonly #line = counts();
  readonly #connection = floats();
  readonly #kind = bytes();
  readonly #isToServer = bytes();
  readonly #method = indexes();
  readonly #thread = indexes();
  readonly #turn = indexes();
  readonly #item = indexes();
  readonly #review = indexes();
  readonly #requestId = indexes();
  /** A request's answer, or an answer's request. */
  readonly #pair = indexes();
  readonly #methods = new Names();
  readonly #ids = new Names();
  /** Requests by connection, sender and id: the latest one. */
  readonly #requests = new Map<string, number>();

  get length(): number {
    return this.#at.length;
  }

  add(place: Place, what: Named): number {
    const index = this.length;
    this.#at.push(place.at);
    this.#offset.push(place.offset);
    this.#length.push(place.length);
    this.#line.push(place.line);
    this.#connection.push(place.connection);
    this.#kind.push(MESSAGE_KINDS.indexOf(what.kind));
    this.#isToServer.push(place.isToServer ? 1 : 0);
    this.#method.push(this.#methods.add(what.method));
    this.#thread.push(this.#ids.add(what.thread));
    this.#turn.push(this.#ids.add(what.turn));
    this.#item.push(this.#ids.add(what.item));
    this.#review.push(this.#ids.add(what.review));
    this.#requestId.push(this.#ids.add(what.requestId ?? what.about));
    this.#pair.push(NONE);
    const key = (isToServer: boolean, id: string): string => `${place.connection} ${isToServer ? "c" : "s"} ${id}`;
    if (what.requestId !== undefined) {
      if (what.kind === "request") this.#requests.set(key(place.isToServer, what.requestId), index);
      else this.#answer(index, this.#requests.get(key(!place.isToServer, what.requestId)));
    } else if (what.about !== undefined) {
      const request = this.#requests.get(key(place.isToServer, what.about));
      if (request !== undefined) this.#inherit(index, request);
    }
    return index;
  }

  /** An answer is of what its request is of, and a request of what its answer says that came of it. */
  #answer(answer: number, request: number | undefined): void {
    if (request === undefined || this.#pair.at(request) !== NONE) return;
    this.#pair.set(answer, request);
    this.#pair.set(request, answer);
    this.#inherit(answer, request);
    this.#inherit(request, answer);
  }

  #inherit(to: number, from: number): void {
    for (const column of [this.#thread, this.#turn, this.#item, this.#review]) {
      if (column.at(to) === NONE) column.set(to, column.at(from));
    }
  }

  at(index: number): number {
    return this.#at.at(index);
  }

  line(index: number): number {
    return this.#line.at(index);
  }

  span(index: number): [start: number, end: number] {
    const start = this.#offset.at(index);
    return [start, start + this.#length.at(index)];
  }

  size(index: number): number {
    return this.#length.at(index);
  }

  connection(index: number): number {
    return this.#connection.at(index);
  }

  isToServer(index: number): boolean {
    return this.#isToServer.at(index) === 1;
  }

  kind(index: number): MessageKind {
    return MESSAGE_KINDS[this.#kind.at(index)]!;
  }

  /** An answer has its request's. */
  method(index: number): string | undefined {
    const own = this.#methods.text(this.#method.at(index));
    const pair = this.#pair.at(index);
    return own ?? (pair === NONE ? undefined : this.#methods.text(this.#method.at(pair)));
  }

  requestId(index: number): string | undefined {
    return this.#ids.text(this.#requestId.at(index));
  }

  /** The request or the answer that belongs to this one. */
  pair(index: number): number | undefined {
    const pair = this.#pair.at(index);
    return pair === NONE ? undefined : pair;
  }

  /** Lines grow from message to message. */
  indexOfLine(line: number): number | undefined {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.line(middle) < line) low = middle + 1;
      else high = middle;
    }
    return low < this.length && this.line(low) === line ? low : undefined;
  }

  /** Those whose ids are all these; an id that is not given may be any. */
  of(wanted: { thread?: string; turn?: string; item?: string; review?: string; requestId?: string }): number[] {
    const conditions = (
      [
        [this.#thread, wanted.thread],
        [this.#turn, wanted.turn],
        [this.#item, wanted.item],
        [this.#review, wanted.review],
        [this.#requestId, wanted.requestId],
      ] as const
    )
      .filter(([, id]) => id !== undefined)
      .map(([column, id]) => [column, this.#ids.find(id)] as const);
    if (conditions.length === 0 || conditions.some(([, id]) => id === NONE)) return [];
    const found: number[] = [];
    for (let index = 0; index < this.length; index++) {
      if (conditions.every(([column, id]) => column.at(index) === id)) found.push(index);
    }
    return found;
  }

  /** Those of a method on a connection, and their answers. */
  calls(method: string, connection: number): number[] {
    const wanted = this.#methods.find(method);
    if (wanted === NONE) return [];
    const found: number[] = [];
    for (let index = 0; index < this.length; index++) {
      if (this.#method.at(index) !== wanted || this.#connection.at(index) !== connection) continue;
      found.push(index, ...[this.pair(index)].filter((pair) => pair !== undefined));
    }
    return found;
  }
}
