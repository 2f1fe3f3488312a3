/** For Node: the module is a file beside this one. */
import { readFile } from "node:fs/promises";

import { creator } from "./create.js";

export * from "./api.js";

/** Makes a ledger. */
export const createLedger = /* @__PURE__ */ creator(async () =>
  WebAssembly.compile(new Uint8Array(await readFile(new URL("./turnledger.wasm", import.meta.url)))),
);
