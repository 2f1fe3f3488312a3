/** Rollouts: the files that Codex keeps of its threads, below `~/.codex/sessions`. */
import { isBlank, type Line, LineSplitter } from "./lines.js";

/** Why a line of a rollout could not be read: it is longer than 256 MiB, is no JSON, or lacks what its kind must have. */
export type LineProblem = "too_long" | "not_json" | "wrong_shape";

/** What a rollout's content may be given as: its text, its bytes, a file, or pieces of its bytes. */
export type RolloutSource = string | Uint8Array | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** What a host knows of a rollout. */
export interface RolloutOptions {
  /**
   * The remote of the repository that the thread worked in, if it was one: `git@github.com:owner/name.git`. Without it,
   * nothing of the thread leaves by a policy with a rule about repositories, and nothing from then on either.
   */
  remote?: string;
}

/** @throws TypeError */
export function rolloutRemote({ remote }: RolloutOptions): string | undefined {
  if (remote !== undefined && typeof remote !== "string") throw new TypeError("remote: expected the remote's URL");
  return remote;
}

/** What reading a rollout came to. */
export interface ReadRollout {
  /** The thread of the file; `null` if no line names one: the file is no rollout. */
  threadId: string | null;
  /** How many lines there were, empty ones included. */
  lines: number;
  /** The lines that could not be read, by their numbers from 1 on, without one that is cut off. None if it is no rollout. */
  badLines: { line: number; problem: LineProblem }[];
  /** Whether the last line is cut off: Codex still writes it, or was ended while it did. */
  isCut: boolean;
}

export const nothingRead = (): ReadRollout => ({ threadId: null, lines: 0, badLines: [], isCut: false });

/** What a rollout has of its ledger. */
interface Reading {
  line(line: string | Uint8Array): LineProblem | null;
  end(): void;
  threadId(): string | undefined;
  at(): number;
}

/** A rollout that is read line by line. Its events come out of its ledger. */
export class Rollout {
  readonly #reading: Reading;
  #last = { threadId: null as string | null, at: 0 };
  #hasEnded = false;

  /** @internal */
  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** The thread of the file; `null` before the line that names it, which is the first. */
  get threadId(): string | null {
    return this.#hasEnded ? this.#last.threadId : (this.#reading.threadId() ?? null);
  }

  /** When the latest line was written, in Unix milliseconds, as it says itself; 0 before a line says so. */
  get at(): number {
    return this.#hasEnded ? this.#last.at : this.#reading.at();
  }

  /**
   * Takes the next line, without its line end. An empty one is passed over. Returns what is wrong with it, or `null`; a bad
   * line is counted and discarded, and the file goes on.
   */
  line(line: string | Uint8Array): LineProblem | null {
    if (this.#hasEnded || isEmpty(line)) return null;
    return this.#reading.line(line);
  }

  /** The file has no more lines: what waited for them comes out. A file that grows ends with its ledger. */
  end(): void {
    if (this.#hasEnded) return;
    this.#last = { threadId: this.threadId, at: this.at };
    this.#hasEnded = true;
    this.#reading.end();
  }
}

const isEmpty = (line: string | Uint8Array): boolean =>
  typeof line === "string" ? /^[ \t\n\f\r]*$/.test(line) : isBlank(line);

/** Reads a rollout to its end. */
export async function readRollout(rollout: Rollout, source: RolloutSource): Promise<ReadRollout> {
  const read = nothingRead();
  /** A bad line is told once another follows: the last one may be still being written. */
  let bad: LineProblem | null = null;
  const splitter = new LineSplitter(({ bytes, number }: Line) => {
    if (bad !== null) read.badLines.push({ line: number - 1, problem: bad });
    bad = bytes === undefined ? "too_long" : rollout.line(bytes);
    read.lines = number;
  });
  let isFirst = true;
  for await (const piece of pieces(source)) {
    if (isFirst && isPacked(piece)) throw new TypeError(PACKED);
    isFirst = false;
    splitter.push(piece);
  }
  splitter.finish();
  rollout.end();
  read.threadId = rollout.threadId;
  if (bad === "not_json" && read.lines > 1) read.isCut = true;
  else if (bad !== null) read.badLines.push({ line: read.lines, problem: bad });
  if (read.threadId === null) [read.badLines, read.isCut] = [[], false];
  return read;
}

const PACKED =
  "source: it is packed with Zstandard; unpack it first, in Node 22.15 or newer by createZstdDecompress of node:zlib";

const isPacked = (bytes: Uint8Array): boolean =>
  [0x28, 0xb5, 0x2f, 0xfd].every((magic, index) => bytes[index] === magic);

async function* pieces(source: RolloutSource): AsyncGenerator<Uint8Array> {
  if (typeof source === "string") yield new TextEncoder().encode(source);
  else if (Object.prototype.toString.call(source) === "[object Uint8Array]") yield source as Uint8Array;
  else if (typeof (source as Blob).stream === "function") yield* ofStream((source as Blob).stream());
  else if (typeof (source as ReadableStream).getReader === "function") yield* ofStream(source as ReadableStream);
  else if (typeof (source as AsyncIterable<Uint8Array>)?.[Symbol.asyncIterator] === "function") {
    yield* source as AsyncIterable<Uint8Array>;
  } else throw new TypeError("source: expected text, bytes, a Blob, a stream, or pieces by `for await`");
}

/** Not every browser has streams that are read by `for await`. */
async function* ofStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    reader.releaseLock();
  }
}
