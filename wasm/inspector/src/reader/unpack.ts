/** Packed files: gzip by the browser, Zstandard, which browsers do not know, by a package. */
import { Decompress } from "fzstd";

export type Packing = "gzip" | "Zstandard";

const MAGIC: readonly [Packing, number[]][] = [
  ["gzip", [0x1f, 0x8b]],
  ["Zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
];

/** How a file is packed, by its first bytes. */
export function packingOf(start: Uint8Array): Packing | undefined {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => start[at] === byte))?.[0];
}

type Bytes = Uint8Array<ArrayBuffer>;

function unpacking(packing: Packing): TransformStream<Bytes, Bytes> {
  if (packing === "gzip") return new DecompressionStream("gzip") as unknown as TransformStream<Bytes, Bytes>;
  let unpack: Decompress;
  return new TransformStream<Bytes, Bytes>({
    start(controller) {
      // The package uses its memory again.
      unpack = new Decompress((piece) => void (piece.length > 0 && controller.enqueue(piece.slice())));
    },
    transform: (piece) => void unpack.push(piece),
    flush: () => void unpack.push(new Uint8Array(), true),
  });
}

/** The content of a packed file, piece by piece. What is damaged ends early, and says so. */
export async function unpack(
  blob: Blob,
  packing: Packing,
  /** Hears how many of the packed bytes were taken. */
  taken: (bytes: number) => void,
  piece: (piece: Bytes) => boolean | Promise<boolean>,
): Promise<"whole" | "damaged" | "stopped"> {
  let read = 0;
  const counting = new TransformStream<Bytes, Bytes>({
    transform(bytes, controller) {
      taken((read += bytes.length));
      controller.enqueue(bytes);
    },
  });
  const reader = blob.stream().pipeThrough(counting).pipeThrough(unpacking(packing)).getReader();
  for (;;) {
    let next: ReadableStreamReadResult<Bytes>;
    try {
      next = await reader.read();
    } catch {
      return "damaged";
    }
    if (next.done) return "whole";
    if (!(await piece(next.value))) {
      void reader.cancel().catch(() => undefined);
      return "stopped";
    }
  }
}
