/** The ledger in a web worker: the worker's script serves it, the page connects to it. */
export { RemoteLedger } from "./remote.js";
export type { Channel, RemoteOptions } from "./channel.js";
export type { ReadRollout } from "./rollout.js";
export { connectLedger } from "./remote.js";
export { serveLedger } from "./serve.js";
