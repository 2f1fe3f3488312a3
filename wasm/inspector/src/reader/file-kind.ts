/** What a file is, by its first lines: its name says nothing. */
import { KINDS } from "../../../ts/generated/kinds.js";
import { isBlank, type Line } from "../../../ts/lines.js";

/** `other`: none of these. */
export type FileKind = "recording" | "rollout" | "events" | "messages" | "other";

/** A file whose first lines say nothing is none. */
export const MOST_LOOKED_AT = 20;

const decoder = new TextDecoder();

/** What a line says of its file; nothing if it could be of any. */
export function kindOfLine(line: Uint8Array): FileKind | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const members = parsed as Record<string, unknown>;
  const has = (...names: string[]): boolean => names.every((name) => name in members);
  if (has("at_ms", "message")) return "recording";
  if (isEvent(parsed) || (Array.isArray(members["events"]) && members["events"].some(isEvent))) return "events";
  if (has("timestamp", "payload") && typeof members["type"] === "string") return "rollout";
  // Before 0.32 the session stood in the line itself.
  if (has("id", "timestamp", "instructions") && !has("type")) return "rollout";
  if (typeof members["method"] === "string" || (has("id") && (has("result") || has("error")))) return "messages";
  return undefined;
}

export function isEvent(value: unknown): boolean {
  const type = (value as { event_type?: unknown } | null)?.event_type;
  return typeof type === "string" && type in KINDS;
}

/** Lines to whoever reads files of their kind, which the first of them decide. */
export class ByKind {
  #first: Line[] = [];
  #take: ((line: Line) => void) | undefined;

  constructor(private readonly begin: (kind: FileKind) => (line: Line) => void) {}

  line(line: Line): void {
    if (this.#take !== undefined) {
      this.#take(line);
      return;
    }
    const kind = line.bytes === undefined || isBlank(line.bytes) ? undefined : kindOfLine(line.bytes);
    // The piece's memory is used again.
    this.#first.push({ ...line, bytes: line.bytes?.slice() });
    if (kind !== undefined || this.#first.length >= MOST_LOOKED_AT) this.#decide(kind ?? "other");
  }

  /** There are no more lines. */
  finish(): void {
    if (this.#take === undefined) this.#decide("other");
  }

  #decide(kind: FileKind): void {
    this.#take = this.begin(kind);
    const first = this.#first;
    this.#first = [];
    for (const line of first) this.#take(line);
  }
}
