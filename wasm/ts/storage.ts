/** Where unsent requests wait. */
import type { Batch } from "./batch.js";
import { checkMethods, isText } from "./check.js";

/** Requests in their order. A ledger makes one call at a time. */
export interface Storage {
  /** All requests, oldest first. Called once, when a ledger starts. */
  load(): Promise<Batch[]>;
  /** Keeps a request. */
  add(batch: Batch): Promise<void>;
  /** Deletes a request that is delivered, refused or dropped. */
  remove(id: string): Promise<void>;
  /** Replaces one request by others, in one step. Without this method, they are added and the one is removed. */
  replace?(id: string, batches: Batch[]): Promise<void>;
}

/** The part of `node:fs/promises` that {@link fileStorage} uses. */
export interface Files {
  readFile(path: string, encoding: "utf8"): Promise<string>;
  writeFile(path: string, text: string, options: { mode: number }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  chmod?(path: string, mode: number): Promise<void>;
}

/** Only its user can read what waits. */
const MODE = 0o600;

/**
 * Keeps requests in a file: `fileStorage("queue.json", await import("node:fs/promises"))`. The file is always replaced
 * as a whole, so it is complete whenever the process ends. Only its user can read it. Only one process may use it at a
 * time.
 */
export function fileStorage(path: string, files: Files): Storage {
  isText(path, "path");
  checkMethods(files, "files", "readFile", "writeFile", "rename");
  let kept: Batch[] = [];
  const write = async (): Promise<void> => {
    await files.writeFile(`${path}.new`, JSON.stringify(kept), { mode: MODE });
    // It may be left over from an earlier time.
    await files.chmod?.(`${path}.new`, MODE);
    await files.rename(`${path}.new`, path);
  };
  return {
    load: async () => {
      try {
        const read: unknown = JSON.parse(await files.readFile(path, "utf8"));
        kept = Array.isArray(read) ? (read as Batch[]) : [];
        await files.chmod?.(path, MODE).catch(() => {});
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
    replace: async (id, batches) => {
      kept = kept.flatMap((batch) => (batch.id === id ? batches : [batch]));
      await write();
    },
  };
}
