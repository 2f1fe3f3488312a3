/** What a caller hands over, looked at before it is used. */
import type { Direction } from "./options.js";

/** A message's text, its bytes, or the object that it was parsed to. */
export type Message = string | Uint8Array | ArrayBuffer | object;

/** @throws TypeError */
export function checkObserved(connectionId: number, direction: Direction, at: number | undefined): void {
  if (!Number.isSafeInteger(connectionId) || connectionId < 0) {
    throw new TypeError("connectionId: expected a whole number, 0 or more");
  }
  if (direction !== "client_to_server" && direction !== "server_to_client") {
    throw new TypeError('direction: expected "client_to_server" or "server_to_client"');
  }
  checkTime(at);
}

/** @throws TypeError */
export function checkFact(fact: unknown, at: number | undefined): void {
  if (typeof fact !== "object" || fact === null) throw new TypeError("fact: expected an object");
  checkTime(at);
}

/** @throws TypeError */
export function checkTime(at: number | undefined): void {
  if (at !== undefined && !(typeof at === "number" && at >= 0)) throw new TypeError("at: expected Unix milliseconds");
}

/** @throws TypeError */
export function messageText(message: Message): string | Uint8Array {
  if (typeof message === "string") return message;
  const kind = Object.prototype.toString.call(message);
  // Also of another realm, as a frame's or a test environment's are.
  if (kind === "[object ArrayBuffer]") return new Uint8Array(message as ArrayBuffer);
  if (ArrayBuffer.isView(message)) return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  if (kind !== "[object Object]" && kind !== "[object Array]") {
    throw new TypeError("message: expected a string, bytes, or the object that the message is");
  }
  return JSON.stringify(message);
}
