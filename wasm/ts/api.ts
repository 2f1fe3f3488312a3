/** What the package exports beside `createLedger`. */
export type * from "./generated/events.js";
export type * from "./options.js";
export type { Listeners } from "./ledger.js";
export { Ledger } from "./ledger.js";
export { fileStorage, indexedDbStorage, type Files, type Storage } from "./storage.js";
