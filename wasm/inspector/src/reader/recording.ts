/** The bytes of a recording: read once from end to end, and later again in pieces. */
import type { Source } from "./protocol.js";
import { type Packing, packingOf, unpack } from "./unpack.js";

/** What cannot be read, said so that somebody can do something about it. */
export class Unreadable extends Error {}

const POLL_MS = 400;
/** Long enough for others to be heard in between, short enough that it costs nothing. */
const PIECE = 2 ** 20;
/** By its first bytes a file is known again: those of a recording have the time in them. */
const HEAD = 256;

export interface Reading {
  push(piece: Uint8Array): void;
  /** Called after every piece; the reading goes on when it is done. */
  read(bytesRead: number, bytes: number): Promise<void>;
  isStopped(): boolean;
}

/** A recording that is whole. */
export class WholeRecording {
  private constructor(
    private readonly blob: Blob,
    /** What is wrong with it, although something could be read. */
    readonly problem?: string,
  ) {}

  static async open(blob: Blob, unpackedSo: (read: number) => void): Promise<WholeRecording> {
    const packing = packingOf(await slice(blob, 0, 4));
    if (packing === undefined) return new WholeRecording(blob);
    const { content, isDamaged } = await unpacked(blob, packing, unpackedSo);
    if (!isDamaged) return new WholeRecording(content);
    if (content.size === 0) throw new Unreadable(DAMAGED[packing]);
    return new WholeRecording(content, `${DAMAGED[packing]} What could be unpacked is shown.`);
  }

  async read(reading: Reading): Promise<void> {
    for (let at = 0; at < this.blob.size && !reading.isStopped(); at += PIECE) {
      reading.push(await slice(this.blob, at, at + PIECE));
      await reading.read(Math.min(at + PIECE, this.blob.size), this.blob.size);
    }
  }

  async text(start: number, end: number): Promise<Uint8Array> {
    return slice(this.blob, start, end);
  }
}

/** A recording that somebody still writes. */
export class LiveRecording {
  readonly problem = undefined;

  constructor(private readonly handle: FileSystemFileHandle) {}

  /** Reads what is there and what comes, until it is stopped. Resolves to whether another recording took its place. */
  async read(reading: Reading): Promise<"stopped" | "replaced"> {
    let at = 0;
    let head = new Uint8Array();
    while (!reading.isStopped()) {
      const file = await opened(this.handle);
      if (file.size < at) return "replaced";
      if (file.size > at) {
        let piece: Uint8Array;
        let start: Uint8Array;
        try {
          piece = await slice(file, at, at + PIECE);
          start = await slice(file, 0, HEAD);
        } catch {
          // It was written to in between; the next look sees it as it is now.
          continue;
        }
        if (head.some((byte, index) => start[index] !== byte)) return "replaced";
        at += piece.length;
        head = start.slice(0, at);
        reading.push(piece);
      }
      await reading.read(at, file.size);
      if (at >= file.size) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return "stopped";
  }

  async text(start: number, end: number): Promise<Uint8Array> {
    return slice(await opened(this.handle), start, end);
  }
}

export type Recording = WholeRecording | LiveRecording;

export async function openRecording(source: Source, unpackedSo: (read: number) => void): Promise<Recording> {
  return source.kind === "live" ? new LiveRecording(source.handle) : WholeRecording.open(source.blob, unpackedSo);
}

async function opened(handle: FileSystemFileHandle): Promise<File> {
  try {
    return await handle.getFile();
  } catch {
    throw new Unreadable(
      "The file is gone, or may not be read any more. What was read so far is shown; follow it again to go on.",
    );
  }
}

async function slice(blob: Blob, start: number, end: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.slice(start, end).arrayBuffer());
  } catch {
    throw new Unreadable(
      "The recording has changed or gone since it was opened. Open it again, or follow it as a live file if it grows.",
    );
  }
}

const DAMAGED: Readonly<Record<Packing, string>> = {
  gzip: "This file is packed with gzip, but damaged or made of several parts. Run gunzip on it first.",
  Zstandard: "This file is packed with Zstandard, but damaged.",
};

/** So many pieces are given to the browser at once, which keeps them where it keeps files. */
const TOGETHER = 256;

/** Messages can be read from it again. */
async function unpacked(blob: Blob, packing: Packing, unpackedSo: (read: number) => void) {
  let content = new Blob();
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  const end = await unpack(blob, packing, unpackedSo, (piece) => {
    if (pieces.push(piece) >= TOGETHER) {
      content = new Blob([content, ...pieces]);
      pieces = [];
    }
    return true;
  });
  return { content: new Blob([content, ...pieces]), isDamaged: end === "damaged" };
}
