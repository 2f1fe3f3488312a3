/** What a line of a rollout is of: a method as messages have one, and the thread, turn and item. */
import type { Named } from "../../shared/reader/ids.js";

type Members = Record<string, unknown>;

const members = (value: unknown): Members => (typeof value === "object" && value !== null ? (value as Members) : {});
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** What a file's session is, as its first line says. Nothing of it leaves the page. */
export interface SessionHead {
  thread: string;
  client: string | undefined;
  version: string | undefined;
  folder: string | undefined;
  remote: string | undefined;
}

/** The head, if the line has it. */
export function sessionHead(parsed: unknown): SessionHead | undefined {
  const line = members(parsed);
  const isBare = line["payload"] === undefined && line["type"] === undefined;
  if (!isBare && line["type"] !== "session_meta") return undefined;
  const meta = isBare ? line : members(line["payload"]);
  const thread = text(meta["id"]);
  if (thread === undefined) return undefined;
  return {
    thread,
    client: text(meta["originator"]),
    version: text(meta["cli_version"]),
    folder: text(meta["cwd"]),
    remote: text(members(meta["git"])["repository_url"]),
  };
}

/** Lines do not all say their thread and their turn: those are the file's and the running one. */
export class RolloutLines {
  #thread: string | undefined;
  #turn: string | undefined;
  #at = 0;

  /** The line's own time, or that of the one before. */
  get at(): number {
    return this.#at;
  }

  named(parsed: unknown): Named {
    const line = members(parsed);
    const payload = line["payload"] === undefined ? line : members(line["payload"]);
    const at = Date.parse(text(line["timestamp"]) ?? "");
    if (!Number.isNaN(at)) this.#at = at;
    this.#thread ??= sessionHead(parsed)?.thread;
    const type = text(payload["type"]);
    const kind = line["payload"] === undefined ? undefined : text(line["type"]);
    const isTurn = kind === "event_msg" || kind === "turn_context";
    const said = text(payload["turn_id"]);
    if (isTurn && said !== undefined) this.#turn = said;
    const item = members(payload["item"]);
    const found: Named = { kind: "line", method: [kind, type].filter(Boolean).join(" ") || "session_meta" };
    const put = (name: "thread" | "turn" | "item" | "itemType", value: string | undefined): void => {
      if (value !== undefined) found[name] = value;
    };
    put("thread", this.#thread);
    put("turn", said ?? this.#turn);
    put("item", text(payload["call_id"]) ?? text(item["id"]));
    put("itemType", text(item["type"]));
    if (kind === "event_msg" && (type === "task_complete" || type === "turn_complete" || type === "turn_aborted"))
      this.#turn = undefined;
    return found;
  }
}
