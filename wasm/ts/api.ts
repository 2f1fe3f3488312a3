/** What the package exports beside `createLedger`. */
export type * from "./generated/events.js";
export type * from "./options.js";
export type { Message } from "./arguments.js";
export type { Listeners } from "./audience.js";
export type { Fact } from "./generated/facts.js";
export { Ledger } from "./ledger.js";
export type { LineProblem, ReadRollout, Rollout, RolloutOptions, RolloutSource } from "./rollout.js";
export { indexedDbStorage } from "./indexed-db.js";
export { fileStorage, type Files, type Storage } from "./storage.js";
