import { useState } from "preact/hooks";
import type { Direction } from "turnledger/inline";

import { count, counted, elapsed, moment, size } from "../../shared/page/format.js";
import type { MessageKind } from "../../shared/reader/ids.js";
import { JsonText } from "../../shared/view/json-text.js";
import { opened, progress } from "../page/recording-state.js";
import type { FileKind } from "../reader/file-kind.js";
import type { MessageGroup, MessageRow } from "../reader/protocol.js";

const MORE = 100;

interface Groups {
  kind: FileKind | null;
  number: number;
  groups: MessageGroup[];
  completing: number | null;
}

export function MessageGroups({ kind, number, groups, completing }: Groups) {
  if (kind === "events") return <p class="hint">The file has events alone: what made them is not in it.</p>;
  const what = kind === "rollout" ? "line" : "message";
  return (
    <>
      {completing === null && (
        <p class="hint">It came out when the session ended: what these {what}s left open was settled then.</p>
      )}
      {groups.length === 0 && <p class="hint">No {what} of this file has its ids.</p>}
      {groups.map((group, index) => (
        <Group key={`${number} ${group.title}`} what={what} number={number} index={index} group={group} />
      ))}
    </>
  );
}

interface GroupOf {
  what: string;
  number: number;
  index: number;
  group: MessageGroup;
}

function Group({ what, number, index, group }: GroupOf) {
  const [rows, setRows] = useState(group.rows);
  // The one on which the event came out is seen at once, however many there are before it.
  const late = rows.some((row) => row.index === group.completing?.index) ? null : group.completing;
  const rest = group.total - rows.length - (late === null ? 0 : 1);
  const more = async (): Promise<void> => {
    const next = await opened.value?.client.ask("messages", number, index, rows.length, MORE);
    if (next !== undefined) setRows([...rows, ...next]);
  };
  return (
    <section class="group" aria-label={`Messages ${group.title}`}>
      <h4>
        {counted(group.total, what)} {group.title}
      </h4>
      <ol class="messages">
        {rows.map((row) => (
          <Message key={row.index} row={row} isOpen={row.isCompleting} />
        ))}
        {rest > 0 && (
          <li class="more">
            <button type="button" onClick={() => void more()}>
              Show {count(Math.min(MORE, rest))} more of {count(rest)}
            </button>
          </li>
        )}
        {late !== null && <Message row={late} isOpen />}
      </ol>
    </section>
  );
}

export function Message({ row, isOpen }: { row: MessageRow; isOpen: boolean }) {
  const [isShown, setShown] = useState(isOpen);
  const [text, setText] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const first = progress.value?.span?.[0] ?? 0;
  const read = async (): Promise<void> => {
    try {
      setText(await opened.value?.client.ask("message", row.index));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  if (isShown && text === undefined && problem === "") void read();
  return (
    <li class={row.isCompleting ? "message is-completing" : "message"}>
      <details open={isShown} onToggle={({ currentTarget }) => setShown(currentTarget.open)}>
        <summary>
          {row.direction !== null && <Sender direction={row.direction} />}
          <span class="method">{row.method ?? "message"}</span>
          <span class="kind">{KIND_WORDS[row.kind]}</span>
          {row.isCompleting && <span class="badge">completed it</span>}
          <span class="where" title={moment(row.at)}>
            line {count(row.line)} · {elapsed(row.at - first)} · {size(row.bytes)}
          </span>
        </summary>
        {isShown && text !== undefined && <JsonText text={text} label={`The message of line ${row.line}`} />}
        {problem !== "" && <p class="hint">{problem}</p>}
      </details>
    </li>
  );
}

const KIND_WORDS: Readonly<Record<MessageKind, string>> = {
  request: "request",
  notification: "",
  response: "answer",
  error: "error answer",
  unknown: "unknown",
  line: "",
};

function Sender({ direction }: { direction: Direction }) {
  const isToServer = direction === "client_to_server";
  return (
    <>
      <span class="arrow" aria-hidden="true">
        {isToServer ? "→" : "←"}
      </span>
      <span class="visually-hidden">{isToServer ? "Client to server:" : "Server to client:"}</span>
    </>
  );
}
