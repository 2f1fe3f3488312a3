/** Requests in a database of the browser. */
import { isText } from "./check.js";
import type { Batch } from "./options.js";
import type { Storage } from "./storage.js";

interface Row extends Batch {
  number: number;
  /** Whose it is: a page's name, which is a lock's, too, for as long as the page lives. */
  owner?: string;
}

/**
 * Requests in an IndexedDB database: they outlive the page. Each belongs to one page, so that two pages do not both send
 * it; what a page leaves behind goes to the next one that begins.
 */
export function indexedDbStorage(name = "turnledger"): Storage {
  isText(name, "name");
  const owner = `turnledger ${name} ${Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16)).join("")}`;
  let opened: Promise<IDBDatabase> | undefined;
  const open = (): Promise<IDBDatabase> =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        const store = request.result.createObjectStore("requests", { keyPath: "number", autoIncrement: true });
        store.createIndex("id", "id", { unique: true });
      };
      request.onsuccess = () => {
        request.result.onclose = () => (opened = undefined);
        resolve(request.result);
      };
      request.onerror = () => {
        // It may be opened the next time.
        opened = undefined;
        reject(request.error ?? new Error("IndexedDB cannot be opened"));
      };
    }));
  const within = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const transaction = (await open()).transaction("requests", mode);
    const request = work(transaction.objectStore("requests"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB failed"));
    });
  };
  /** Makes those requests this page's that no living page has. */
  const takeOver = async (): Promise<Batch[]> => {
    const living = await livingOwners();
    const rows = (await within<Row[]>("readonly", (store) => store.getAll())).filter((row) => !living.has(row.owner));
    if (rows.length > 0) {
      await within("readwrite", (store) => rows.map((row) => store.put({ ...row, owner })).at(-1)!);
    }
    return rows.map(({ id, events, body }) => ({ id, events, body }));
  };
  return {
    load: async () => {
      const { locks } = navigator;
      // Where there are none (a page without TLS), pages share what waits, and servers know a request by its key.
      if (locks === undefined) return takeOver();
      await new Promise<void>((resolve, reject) => {
        // Held until the page goes.
        locks.request(owner, () => (resolve(), new Promise(() => {}))).catch(reject);
      });
      // One page after another.
      return locks.request(`turnledger ${name}`, takeOver);
    },
    add: async ({ id, events, body }) => {
      await within("readwrite", (store) => store.add({ id, events, body, owner }));
    },
    remove: async (id) => {
      const key = await within("readonly", (store) => store.index("id").getKey(id));
      if (key !== undefined) await within("readwrite", (store) => store.delete(key));
    },
    replace: async (id, batches) => {
      const key = await within("readonly", (store) => store.index("id").getKey(id));
      await within("readwrite", (store): IDBRequest => {
        for (const batch of batches) store.add({ ...batch, owner });
        return key === undefined ? store.count() : store.delete(key);
      });
    },
  };
}

async function livingOwners(): Promise<Set<string | undefined>> {
  const held = (await navigator.locks?.query())?.held ?? [];
  return new Set(held.map((lock) => lock.name));
}
