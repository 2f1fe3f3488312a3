/** For browsers and their bundlers: the module is an asset beside this one. */
import { creator } from "./create.js";

export * from "./api.js";

/** Makes a ledger. */
export const createLedger = /* @__PURE__ */ creator(async () => {
  const response = await fetch(new URL("./turnledger.wasm", import.meta.url));
  if (!response.ok) throw new Error(`turnledger.wasm cannot be loaded (status ${response.status})`);
  // A server that does not know the type of the file serves it all the same.
  if (response.headers.get("Content-Type") === "application/wasm") return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
});
