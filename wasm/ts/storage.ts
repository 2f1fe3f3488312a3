/** Where requests wait that could not be sent. */
import type { Batch } from "./options.js";

/** Requests in their order. A ledger asks one thing after another. */
export interface Storage {
  /** All of them, oldest first: asked once, when a ledger begins. */
  load(): Promise<Batch[]>;
  /** Keeps a request. */
  add(batch: Batch): Promise<void>;
  /** Forgets a request that is done with, or had to go. */
  remove(id: string): Promise<void>;
}

/** The part of `node:fs/promises` that {@link fileStorage} uses. */
export interface Files {
  readFile(path: string, encoding: "utf8"): Promise<string>;
  writeFile(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

/**
 * Requests in a file: `fileStorage("queue.json", await import("node:fs/promises"))`. The file is replaced as a whole, so
 * that it is whole whenever the process ends. One process has it at a time.
 */
export function fileStorage(path: string, files: Files): Storage {
  let kept: Batch[] = [];
  const write = async (): Promise<void> => {
    await files.writeFile(`${path}.new`, JSON.stringify(kept));
    await files.rename(`${path}.new`, path);
  };
  return {
    load: async () => {
      try {
        const read: unknown = JSON.parse(await files.readFile(path, "utf8"));
        kept = Array.isArray(read) ? (read as Batch[]) : [];
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOENT") throw error;
      }
      return [...kept];
    },
    add: async (batch) => {
      kept.push(batch);
      await write();
    },
    remove: async (id) => {
      kept = kept.filter((batch) => batch.id !== id);
      await write();
    },
  };
}
