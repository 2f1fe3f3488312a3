/** Bytes to lines, whatever pieces the bytes come in. */
/** The longest line that is read; the native program has the same. */
export const MAX_LINE_BYTES = 256 * 2 ** 20;

export interface Line {
  /** Without its line end; `undefined` if the line was too long to be held. */
  bytes: Uint8Array | undefined;
  /** Where it begins. */
  offset: number;
  /** From 1 on. */
  number: number;
}

const LINE_END = 0x0a;

export class LineSplitter {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isTooLong = false;
  #offset = 0;
  #number = 0;

  constructor(private readonly take: (line: Line) => void) {}

  push(piece: Uint8Array): void {
    let start = 0;
    for (let end = piece.indexOf(LINE_END); end >= 0; end = piece.indexOf(LINE_END, start)) {
      this.#end(piece.subarray(start, end), 1);
      start = end + 1;
    }
    if (start < piece.length) this.#hold(piece.subarray(start));
  }

  /** The last line needs no end. */
  finish(): void {
    if (this.#heldBytes > 0) this.#end(new Uint8Array(), 0);
  }

  #hold(rest: Uint8Array): void {
    this.#heldBytes += rest.length;
    if (this.#heldBytes > MAX_LINE_BYTES) {
      this.#isTooLong = true;
      this.#held = [];
    }
    // The piece's memory is the reader's to use again.
    if (!this.#isTooLong) this.#held.push(rest.slice());
  }

  #end(last: Uint8Array, lineEnd: number): void {
    const length = this.#heldBytes + last.length;
    this.#number++;
    const isTooLong = this.#isTooLong || length > MAX_LINE_BYTES;
    this.take({ bytes: isTooLong ? undefined : this.#join(last, length), offset: this.#offset, number: this.#number });
    this.#offset += length + lineEnd;
    this.#held = [];
    this.#heldBytes = 0;
    this.#isTooLong = false;
  }

  #join(last: Uint8Array, length: number): Uint8Array {
    if (this.#held.length === 0) return last;
    const joined = new Uint8Array(length);
    let at = 0;
    for (const part of [...this.#held, last]) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }
}

/** Whether a line has nothing in it; the native program passes over those. */
export function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b));
}
