/** A recording as it grows: one JSON object a line. */
import type { Direction } from "turnledger/inline";

const HEAD_BYTES = 256;
const LINE_END = 10;

/** One recorded message. */
export interface Recorded {
  at: number;
  connectionId: number;
  direction: Direction;
  message: object;
}

/** The lines of a file that is read again and again: each once, as soon as it is whole. */
export class Lines {
  /** How many bytes were taken. */
  #taken = 0;
  /** The first of them. They begin with a time, so that another recording has others. */
  #head = new Uint8Array();
  /** How many lines were taken. */
  count = 0;

  /** Whether the file is still the one that the lines were taken from: nothing was cut off, and it begins as it did. */
  isOf(file: Uint8Array): boolean {
    return file.length >= this.#taken && this.#head.every((byte, at) => file[at] === byte);
  }

  *take(file: Uint8Array): Generator<Uint8Array> {
    for (let end = file.indexOf(LINE_END, this.#taken); end >= 0; end = file.indexOf(LINE_END, this.#taken)) {
      const line = file.subarray(this.#taken, end);
      this.#taken = end + 1;
      this.#head = file.slice(0, Math.min(HEAD_BYTES, this.#taken));
      this.count += 1;
      yield line;
    }
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a line says, or undefined if it is no recorded message. */
export function recorded(line: Uint8Array): Recorded | undefined {
  try {
    const { at_ms, connection_id, direction, message } = JSON.parse(decoder.decode(line)) as Record<string, unknown>;
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!isCount(at_ms) || !isCount(connection_id)) return undefined;
    if (direction !== "client_to_server" && direction !== "server_to_client") return undefined;
    if (typeof message !== "object" || message === null) return undefined;
    return { at: at_ms, connectionId: connection_id, direction, message };
  } catch {
    return undefined;
  }
}
