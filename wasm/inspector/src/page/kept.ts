/** The recording that the user asked to keep for the next visit: in this browser, on this computer. */

export interface Kept {
  name: string;
  blob: Blob;
}

const STORE = "recordings";
const KEY = "kept";

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open("turnledger-inspector", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB cannot be opened"));
  });
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    return await new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB failed"));
    });
  } finally {
    database.close();
  }
}

export async function keep(recording: Kept): Promise<void> {
  await within("readwrite", (store) => store.put(recording, KEY));
}

export async function forget(): Promise<void> {
  await within("readwrite", (store) => store.delete(KEY));
}

/** A browser that keeps nothing has kept nothing. */
export async function kept(): Promise<Kept | undefined> {
  try {
    return await within<Kept | undefined>("readonly", (store) => store.get(KEY));
  } catch {
    return undefined;
  }
}
