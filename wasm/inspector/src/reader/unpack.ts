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

export function unpacking(packing: Packing): TransformStream<Bytes, Bytes> {
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
