/**
 * Pasted traffic as a recording. Bare messages say neither who sent them nor when: that is inferred as far as it goes.
 */
import type { Direction } from "turnledger/inline";

import { kindOf, requestIdOf } from "../../shared/reader/ids.js";
import { type FileKind, kindOfLine, MOST_LOOKED_AT } from "../reader/file-kind.js";

export interface Pasted {
  /** As a recording; a rollout and events as they are. */
  text: string;
  kind: FileKind;
  recorded: number;
  /** Bare messages by how it is known who sent them. */
  byMethod: number;
  byRequest: number;
  unknown: number;
  unreadable: number;
}

/** What the app-server asks its clients, beside approvals of items; all else that has an id is asked by a client. */
const SERVER_REQUESTS = [
  "item/tool/call",
  "item/tool/requestUserInput",
  "mcpServer/elicitation/request",
  "account/chatgptAuthTokens/refresh",
  "attestation/generate",
  "applyPatchApproval",
  "execCommandApproval",
];
const APPROVAL_REQUEST = /^item\/.*\/requestApproval$/;
/** The one notification that a client sends. */
const CLIENT_NOTIFICATION = "initialized";

const encoder = new TextEncoder();

const opposite = (direction: Direction): Direction =>
  direction === "client_to_server" ? "server_to_client" : "client_to_server";

export function recordingOf(pasted: string, whenUnknown: Direction | "leave_out", now: number): Pasted {
  const kind = kindOfText(pasted);
  const found: Pasted = { text: "", kind, recorded: 0, byMethod: 0, byRequest: 0, unknown: 0, unreadable: 0 };
  if (kind === "rollout" || kind === "events") return { ...found, text: pasted, recorded: messagesOf(pasted).length };
  const lines: string[] = [];
  const open = new Map<string, Direction>();
  let at = now;
  for (const line of messagesOf(pasted)) {
    const parsed = parse(line);
    if (parsed === undefined) {
      // The reader counts it and names it by its line.
      found.unreadable++;
      lines.push(line);
      continue;
    }
    if ("message" in parsed && "direction" in parsed) {
      found.recorded++;
      lines.push(line);
      continue;
    }
    const direction = senderOf(parsed, open, found) ?? whenUnknown;
    if (direction === "leave_out") continue;
    lines.push(`{"at_ms":${at++},"connection_id":1,"direction":"${direction}","message":${line}}`);
  }
  found.text = lines.map((line) => `${line}\n`).join("");
  return found;
}

/** By its first lines, as a file's. */
function kindOfText(pasted: string): FileKind {
  const lines = pasted.split("\n", MOST_LOOKED_AT).map((line) => kindOfLine(encoder.encode(line)));
  return lines.find((kind) => kind !== undefined) ?? "other";
}

function senderOf(
  message: Record<string, unknown>,
  open: Map<string, Direction>,
  found: Pasted,
): Direction | undefined {
  const kind = kindOf(message);
  const id = requestIdOf(message["id"]);
  const method = String(message["method"]);
  if (kind === "request") {
    const isOfServer = SERVER_REQUESTS.includes(method) || APPROVAL_REQUEST.test(method);
    const direction = isOfServer ? "server_to_client" : "client_to_server";
    open.set(`${direction} ${id}`, direction);
    found.byMethod++;
    return direction;
  }
  if (kind === "notification") {
    found.byMethod++;
    return method === CLIENT_NOTIFICATION ? "client_to_server" : "server_to_client";
  }
  const asked = (["client_to_server", "server_to_client"] as const).filter((direction) =>
    open.has(`${direction} ${id}`),
  );
  if (asked.length !== 1) {
    // Both sides have asked with this id, or neither has.
    found.unknown++;
    return undefined;
  }
  open.delete(`${asked[0]} ${id}`);
  found.byRequest++;
  return opposite(asked[0]!);
}

/** One a line, or all in one array. */
function messagesOf(pasted: string): string[] {
  if (pasted.trimStart().startsWith("[")) {
    try {
      const parsed: unknown = JSON.parse(pasted);
      if (Array.isArray(parsed)) return parsed.map((message) => JSON.stringify(message));
    } catch {
      // Lines, then.
    }
  }
  return pasted.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
