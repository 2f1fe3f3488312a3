/** What a message is of: its kind, its method, and the thread, turn, item, review or request that it names. */

/** `line`: no message, but a line of a file that an agent writes for itself. */
export type MessageKind = "request" | "notification" | "response" | "error" | "unknown" | "line";
export const MESSAGE_KINDS: readonly MessageKind[] = [
  "request",
  "notification",
  "response",
  "error",
  "unknown",
  "line",
];

export interface Named {
  kind: MessageKind;
  method?: string;
  /** As JSON, since `7` and `"7"` are two. */
  requestId?: string;
  thread?: string;
  turn?: string;
  item?: string;
  itemType?: string;
  review?: string;
  /** The request that a notification is about, as JSON. */
  about?: string;
}

type Members = Record<string, unknown>;

const members = (value: unknown): Members => (typeof value === "object" && value !== null ? (value as Members) : {});

function text(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === "string" && value !== "");
}

export function requestIdOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : undefined;
}

export function kindOf(message: Members): MessageKind {
  if (typeof message["method"] === "string") return message["id"] === undefined ? "notification" : "request";
  if (message["id"] === undefined) return "unknown";
  if ("result" in message) return "response";
  return "error" in message ? "error" : "unknown";
}

export function named(parsed: unknown): Named {
  const message = members(parsed);
  const found: Members = { kind: kindOf(message) };
  const params = members(message["params"]);
  const result = members(message["result"]);
  const item = members(params["item"]);
  const put = (name: keyof Named, value: string | undefined): void => {
    if (value !== undefined) found[name] = value;
  };
  put("method", text(message["method"]));
  put("requestId", requestIdOf(message["id"]));
  put("thread", text(params["threadId"], members(params["thread"])["id"], members(result["thread"])["id"]));
  put(
    "turn",
    text(
      params["turnId"],
      members(params["turn"])["id"],
      params["expectedTurnId"],
      members(result["turn"])["id"],
      result["turnId"],
    ),
  );
  put("item", text(params["itemId"], item["id"], params["callId"], params["targetItemId"]));
  put("itemType", text(item["type"]));
  put("review", text(params["reviewId"]));
  put("about", requestIdOf(params["requestId"]));
  return found as unknown as Named;
}
