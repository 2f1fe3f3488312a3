/** What this extension exports, for the extension that owns the connection to the app-server. */
import type { Direction } from "turnledger/inline";

export interface TurnledgerApi {
  /**
   * Takes a JSON-RPC message that passed: its text, its bytes, or the object. A connection is one client of the
   * app-server; its number is the caller's to choose. It never throws: whoever passes messages on has other things to do.
   */
  observe(connectionId: number, direction: Direction, message: string | Uint8Array | object): void;
}
