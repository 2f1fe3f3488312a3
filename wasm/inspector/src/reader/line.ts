/** One line of a recording, read as the native program reads it. */
import { MAX_LINE_BYTES } from "../../../ts/lines.js";

export interface RecordedMessage {
  at: number;
  connection: number;
  isToServer: boolean;
  /** The message as it was recorded, character for character. */
  text: string;
  /** Where its bytes are in the line, if that is known without counting. */
  span: [start: number, end: number] | undefined;
  parsed: unknown;
}

/** Why a line is none. It says nothing of what the line has in it. */
export class BadLine extends Error {}

export const NOT_JSON = "not JSON";
export const NOT_EVENT = "not an event that this page knows";
const NOT_RECORDED = "not a line of a recording: expected at_ms, connection_id, direction and message";
export const BAD_MESSAGE = "a member that events need is missing or has the wrong type";
export const TOO_LONG = `longer than ${MAX_LINE_BYTES} bytes`;

const MEMBERS = ["at_ms", "connection_id", "direction", "message"];
/** How `tap --record` writes every line; there may be space where `~` is. */
const USUAL = new RegExp(
  [
    '^~{~"at_ms"~:~(0|[1-9]\\d*)',
    ',~"connection_id"~:~(0|[1-9]\\d*)',
    ',~"direction"~:~"(client_to_server|server_to_client)"',
    ',~"message"~:~',
  ]
    .join("~")
    .replaceAll("{", "\\{")
    .replaceAll("~", "[ \\t\\r]*"),
);

// As the native program does, it reads over a byte-order mark, and takes no bytes that are not UTF-8.
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * A line's text.
 *
 * @throws BadLine
 */
export function textOf(line: Uint8Array): string {
  try {
    return decoder.decode(line);
  } catch {
    throw new BadLine(NOT_JSON);
  }
}

/** @throws BadLine */
export function parseLine(line: Uint8Array): RecordedMessage {
  const text = textOf(line);
  const mark = line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0;
  return usual(text, line.length, mark) ?? general(text);
}

/** The message can be cut out of a line of the usual form, and is read once only. */
function usual(text: string, bytes: number, mark: number): RecordedMessage | undefined {
  const match = USUAL.exec(text);
  if (match === null) return undefined;
  const start = match[0].length;
  const close = text.lastIndexOf("}");
  if (close <= start || text.slice(close + 1).trim() !== "") return undefined;
  const message = text.slice(start, close).trimEnd();
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  return {
    at: whole(match[1]!),
    connection: whole(match[2]!),
    isToServer: match[3] === "client_to_server",
    text: message,
    // All before and after the message is ASCII.
    span: [mark + start, bytes - (text.length - start - message.length)],
    parsed,
  };
}

function general(text: string): RecordedMessage {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BadLine(NOT_JSON);
  }
  if (typeof parsed !== "object" || parsed === null) throw new BadLine(NOT_RECORDED);
  const values = new Map<string, string>();
  for (const [index, part] of parts(text).entries()) {
    // The program also takes the members alone, in their order.
    const name = Array.isArray(parsed) ? MEMBERS[index] : part.name;
    if (name === undefined) throw new BadLine(NOT_RECORDED);
    if (!MEMBERS.includes(name)) continue;
    if (values.has(name)) throw new BadLine(NOT_RECORDED);
    values.set(name, part.value);
  }
  const [at, connection, direction, message] = MEMBERS.map((name) => values.get(name));
  if (direction === undefined || message === undefined) throw new BadLine(NOT_RECORDED);
  const sender: unknown = JSON.parse(direction);
  if (sender !== "client_to_server" && sender !== "server_to_client") throw new BadLine(NOT_RECORDED);
  return {
    at: whole(at),
    connection: whole(connection),
    isToServer: sender === "client_to_server",
    text: message,
    span: undefined,
    parsed: JSON.parse(message),
  };
}

function whole(digits: string | undefined): number {
  if (digits === undefined || !/^\d+$/.test(digits)) throw new BadLine(NOT_RECORDED);
  const number = Number(digits);
  // The program counts further; JavaScript cannot.
  if (!Number.isSafeInteger(number)) throw new BadLine(NOT_RECORDED);
  return number;
}

interface Part {
  name?: string;
  value: string;
}

/** The members of an object or the elements of an array, as they are written. The text must be JSON. */
function parts(text: string): Part[] {
  const found: Part[] = [];
  let depth = 0;
  let start = 0;
  let name: string | undefined;
  const take = (end: number): void => {
    const value = text.slice(start, end).trim();
    if (value !== "") found.push(name === undefined ? { value } : { name, value });
    name = undefined;
    start = end + 1;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (character === "{" || character === "[") {
      depth++;
      if (depth === 1) start = at + 1;
    } else if (character === "}" || character === "]") {
      if (depth === 1) take(at);
      depth--;
    } else if (depth === 1 && character === ",") {
      take(at);
    } else if (depth === 1 && character === ":" && name === undefined) {
      name = JSON.parse(text.slice(start, at)) as string;
      start = at + 1;
    }
  }
  return found;
}
