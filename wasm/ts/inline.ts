/** For extensions that cannot load a file: the module is part of this one. */
import { creator } from "./create.js";
import base64 from "./generated/turnledger.wasm";

export * from "./api.js";

/** Makes a ledger. */
export const createLedger = /* @__PURE__ */ creator(() =>
  WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))),
);
