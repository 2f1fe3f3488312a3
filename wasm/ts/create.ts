/** What every way to load the module shares. */
import { checkOptions } from "./check.js";
import { Ledger } from "./ledger.js";
import type { LedgerOptions } from "./options.js";
import { userSaysNo } from "./privacy.js";
import type { Storage } from "./storage.js";
import { inTime } from "./time.js";

/** `createLedger`, by how the module is loaded: once, and only for a ledger that does something. */
export function creator(load: () => Promise<WebAssembly.Module>): (options?: LedgerOptions) => Promise<Ledger> {
  let loaded: Promise<WebAssembly.Module> | undefined;
  return async (options = {}) => {
    checkOptions(options);
    const saysNo = userSaysNo();
    if (saysNo) await forget(options.storage);
    if (saysNo || options.enabled === false) return Ledger.start(undefined, options);
    loaded ??= load();
    // A network that was away may be back the next time.
    loaded.catch(() => (loaded = undefined));
    return Ledger.start(await loaded, options);
  };
}

/** What waits from before the user said no is not sent later. */
async function forget(storage: Storage | undefined): Promise<void> {
  try {
    for (const { id } of (await inTime(storage?.load())) ?? []) await inTime(storage?.remove(id));
  } catch (error) {
    console.error("turnledger: the storage cannot be emptied:", error);
  }
}
