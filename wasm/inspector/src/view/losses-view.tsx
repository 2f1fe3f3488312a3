import { useState } from "preact/hooks";

import { count, elapsed, moment, words } from "../../shared/page/format.js";
import { Pager } from "../../shared/view/pager.js";
import { opened, progress } from "../page/recording-state.js";
import type { BadLineRow, DiscardRow, Losses, MessageRow } from "../reader/protocol.js";
import { Message } from "./message-groups.js";
import { useAnswer } from "./use-answer.js";

const PER_PAGE = 100;

export function LossesView() {
  const [discardPage, setDiscardPage] = useState(0);
  const [badPage, setBadPage] = useState(0);
  const losses = useAnswer(
    (client) => client.ask("losses", discardPage * PER_PAGE, badPage * PER_PAGE, PER_PAGE),
    [discardPage, badPage],
  );
  if (losses === undefined) return null;
  return (
    <>
      <section aria-labelledby="discards-title" class="panel">
        <h2 id="discards-title">What yielded no event, and why</h2>
        {losses.discards.total === 0 ? (
          <p class="hint">Nothing was given up: all that was meant to be an event is one.</p>
        ) : (
          <>
            <Reasons losses={losses} />
            <Discards rows={losses.discards.rows} />
          </>
        )}
        <Pager
          label="Pages of discards"
          page={discardPage}
          perPage={PER_PAGE}
          total={losses.discards.total}
          go={setDiscardPage}
        />
      </section>
      <section aria-labelledby="bad-lines-title" class="panel">
        <h2 id="bad-lines-title">Lines that could not be read</h2>
        {losses.badLines.total === 0 ? (
          <p class="hint">Every line could be read.</p>
        ) : (
          <BadLines rows={losses.badLines.rows} />
        )}
        <Pager label="Pages of lines" page={badPage} perPage={PER_PAGE} total={losses.badLines.total} go={setBadPage} />
      </section>
      <NotUnderstood unknown={losses.unknown} />
    </>
  );
}

const UNKNOWN_KINDS: Readonly<Record<Losses["unknown"][number]["kind"], string>> = {
  version: "version of Codex",
  method: "method",
  item: "kind of item",
  value: "value",
  member: "member",
};

function NotUnderstood({ unknown }: { unknown: Losses["unknown"] }) {
  return (
    <section aria-labelledby="unknown-title" class="panel">
      <h2 id="unknown-title">Seen, not understood</h2>
      {unknown.length === 0 ? (
        <p class="hint">Nothing was seen that this page does not know.</p>
      ) : (
        <>
          <p class="hint">
            What a newer Codex has and this page does not know: events may lack what these say. Members are looked for
            in the first 128 messages and in every 256th after these.
          </p>
          <table class="compact">
            <caption class="visually-hidden">Seen, not understood</caption>
            <thead>
              <tr>
                <th scope="col" class="number">
                  Times
                </th>
                <th scope="col">Kind</th>
                <th scope="col">Name</th>
              </tr>
            </thead>
            <tbody>
              {unknown.map(({ kind, name, count: times }) => (
                <tr key={`${kind} ${name}`}>
                  <td class="number">{count(times)}</td>
                  <td>{UNKNOWN_KINDS[kind]}</td>
                  <td class="id">{name}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}

function Reasons({ losses }: { losses: Losses }) {
  return (
    <table class="compact reasons">
      <caption>By reason</caption>
      <thead>
        <tr>
          <th scope="col" class="number">
            Times
          </th>
          <th scope="col">Reason</th>
        </tr>
      </thead>
      <tbody>
        {losses.reasons.map(({ text, count: times }) => (
          <tr key={text}>
            <td class="number">{count(times)}</td>
            <td>{text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Discards({ rows }: { rows: DiscardRow[] }) {
  const first = progress.value?.span?.[0] ?? 0;
  return (
    <div class="table-frame">
      <table>
        <caption>One by one</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              Time
            </th>
            <th scope="col">What</th>
            <th scope="col">Reason</th>
            <th scope="col">Which one</th>
            <th scope="col">Message</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <DiscardLines key={index} row={row} first={first} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DiscardLines({ row, first }: { row: DiscardRow; first: number }) {
  const [message, setMessage] = useState<MessageRow | null>(null);
  const { line } = row;
  const show = (): void => {
    if (message !== null) setMessage(null);
    else void opened.value?.client.ask("messageAt", line!).then(setMessage);
  };
  return (
    <>
      <tr>
        <td class="number" title={moment(row.at)}>
          {elapsed(row.at - first)}
        </td>
        <td>{words(row.subject)}</td>
        <td>{row.text.replace(/^no event \([^)]*\): /, "")}</td>
        <td class="which">
          {row.ids.map(([name, value]) => (
            <span key={name}>
              {name} <code>{value}</code>
            </span>
          ))}
        </td>
        <td>
          {line === null ? (
            "at the session’s end"
          ) : (
            <button type="button" aria-expanded={message !== null} onClick={show}>
              Line {count(line)}
            </button>
          )}
        </td>
      </tr>
      {message !== null && (
        <tr>
          <td colSpan={5}>
            <ol class="messages">
              <Message row={message} isOpen />
            </ol>
          </td>
        </tr>
      )}
    </>
  );
}

function BadLines({ rows }: { rows: BadLineRow[] }) {
  return (
    <div class="table-frame">
      <table class="compact">
        <caption class="visually-hidden">Lines that could not be read</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              Line
            </th>
            <th scope="col">What is wrong with it</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ line, reason }) => (
            <tr key={line}>
              <td class="number">{count(line)}</td>
              <td>{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
