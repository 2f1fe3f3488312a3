/** The messages that made an event: its own, by the ids that it has, and those that it takes its context from. */
import type { StoredEvent } from "../../shared/reader/events.js";
import type { Messages } from "./messages.js";
import type { MessageRow } from "./protocol.js";

export interface RelatedGroup {
  title: string;
  messages: number[];
}

export function related(event: StoredEvent, messages: Messages): RelatedGroup[] {
  const groups: RelatedGroup[] = [];
  const taken = new Set<number>();
  const add = (title: string, found: number[]): void => {
    const rest = [...new Set(found)].filter((index) => !taken.has(index)).sort((a, b) => a - b);
    for (const index of rest) taken.add(index);
    if (rest.length > 0) groups.push({ title, messages: rest });
  };
  const { thread, turn, item, review } = event.ids;
  const within = { ...(thread === undefined ? {} : { thread }), ...(turn === undefined ? {} : { turn }) };
  const completing =
    event.message === null ? [] : [event.message, messages.pair(event.message)].filter((one) => one !== undefined);

  switch (event.type) {
    case "codex_thread_initialized":
      add("of the request that gave the thread", completing);
      break;
    case "codex_turn_steer_event":
      add("of this steer", completing);
      break;
    case "codex_review_event":
    case "codex_guardian_review": {
      const own = review === undefined ? [] : ofReview(review, within, messages);
      add("of this review", [...own, ...completing]);
      if (item !== undefined) add("of the item under review", messages.of({ ...within, item }));
      break;
    }
    default:
      if (item !== undefined) add("of this item", [...messages.of({ ...within, item }), ...completing]);
      else if (turn !== undefined) add("of this turn", [...messages.of(within), ...completing]);
      else add("of the request", completing);
  }
  const connection = connectionOf(event, groups, messages);
  if (connection !== undefined) {
    add("that began the connection", messages.calls("initialize", connection));
    add("that names the session", messages.calls("session_meta", connection).slice(0, 1));
  }
  return groups;
}

/** A user's review is named after its request; the answer that settled it has the same id. */
function ofReview(review: string, within: { thread?: string; turn?: string }, messages: Messages): number[] {
  const request = /^user:(.*)$/s.exec(review)?.[1];
  if (request === undefined) return messages.of({ ...within, review });
  const ids = [JSON.stringify(request), ...(/^-?\d+$/.test(request) ? [request] : [])];
  return ids.flatMap((requestId) => messages.of({ ...within, requestId }));
}

/** The client and the runtime of an event are those of the connection that its messages came by. */
function connectionOf(event: StoredEvent, groups: RelatedGroup[], messages: Messages): number | undefined {
  if (event.message !== null) return messages.connection(event.message);
  const any = groups[0]?.messages[0];
  return any === undefined ? undefined : messages.connection(any);
}

function direction(index: number, messages: Messages): MessageRow["direction"] {
  if (messages.kind(index) === "line") return null;
  return messages.isToServer(index) ? "client_to_server" : "server_to_client";
}

export function messageRow(index: number, messages: Messages, completing: number | null): MessageRow {
  return {
    index,
    line: messages.line(index),
    at: messages.at(index),
    connection: messages.connection(index),
    direction: direction(index, messages),
    kind: messages.kind(index),
    method: messages.method(index) ?? null,
    requestId: messages.requestId(index) ?? null,
    bytes: messages.size(index),
    isCompleting: index === completing,
  };
}
