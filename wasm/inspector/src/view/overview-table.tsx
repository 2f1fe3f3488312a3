import { count, counted, duration, moment, NOT_SAID, UNKNOWN, words } from "../../shared/page/format.js";
import { Outcome } from "../../shared/view/outcome.js";
import { names } from "../page/collection-state.js";
import { type Listed, outcomeOf, type OverviewKey, tokensOf } from "../page/overview.js";
import { go, linkTo, refine, SESSION_START, view } from "../page/view-state.js";
import type { FileKind } from "../reader/file-kind.js";
import type { SessionRow } from "../reader/survey-view.js";

const COLUMNS: { key: OverviewKey; label: string; class?: string }[] = [
  { key: "name", label: "Session" },
  { key: "time", label: "Began", class: "spare" },
  { key: "client", label: "Client", class: "spare" },
  { key: "model", label: "Model", class: "spare" },
  { key: "turns", label: "Turns", class: "number" },
  { key: "tokens", label: "Tokens", class: "number" },
  { key: "duration", label: "In turns", class: "number spare" },
  { key: "lines", label: "Lines", class: "number spare" },
  { key: "outcome", label: "Last turn" },
];

/** What is read from A to Z. */
const TEXTS: readonly OverviewKey[] = ["name", "client", "model", "outcome"];

const KIND_WORDS: Readonly<Record<FileKind, string>> = {
  recording: "recording",
  rollout: "rollout",
  events: "events",
  messages: "messages",
  other: "other",
};

export function OverviewTable({ rows }: { rows: Listed[] }) {
  const { by, isRising } = view.value;
  return (
    <div class="table-frame">
      <table class="events overview">
        <caption class="visually-hidden">Sessions; the headers of columns sort them</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Compare</span>
            </th>
            {COLUMNS.map(({ key, label, class: name }) => (
              <th
                key={key}
                scope="col"
                class={name}
                aria-sort={by === key ? (isRising ? "ascending" : "descending") : undefined}
              >
                <button
                  type="button"
                  onClick={() => refine({ by: key, isRising: by === key ? !isRising : TEXTS.includes(key), list: 0 })}
                >
                  {label}
                  <span aria-hidden="true" class="arrow">
                    {by === key ? (isRising ? "▲" : "▼") : ""}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ row, depth }) => (
            <Row key={row.id} row={row} depth={depth} />
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={COLUMNS.length + 1} class="nothing">
                No session is like that.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

const opening = (id: number) => ({ ...SESSION_START, session: id });

function Row({ row, depth }: { row: SessionRow; depth: number }) {
  const { pair } = view.value;
  const name = names.value.of(row);
  const began = row.first === null ? NOT_SAID : moment(row.first);
  const isChosen = pair.includes(row.id);
  const open = (click: MouseEvent): void => {
    if (click.metaKey || click.ctrlKey || click.shiftKey || getSelection()?.toString()) return;
    click.preventDefault();
    go(opening(row.id));
  };
  return (
    // The link in it is for the keyboard; a mouse may click anywhere.
    <tr onClick={open}>
      <td onClick={(click) => click.stopPropagation()}>
        <input
          type="checkbox"
          aria-label={`Compare ${name}`}
          checked={isChosen}
          disabled={!isChosen && pair.length === 2}
          onChange={({ currentTarget }) =>
            refine({ pair: currentTarget.checked ? [...pair, row.id] : pair.filter((id) => id !== row.id) })
          }
        />
      </td>
      <td class="what" style={depth > 0 ? { paddingLeft: `${10 + depth * 20}px` } : undefined}>
        {depth > 0 && (
          <span class="arrow-child" aria-hidden="true">
            ↳{" "}
          </span>
        )}
        <a href={linkTo(opening(row.id))} class="event-link">
          {depth > 0 && <span class="visually-hidden">agent of the session above: </span>}
          {name}
        </a>
        <span class="note below" title={row.path}>
          <span class="narrow-only">{began} · </span>
          {about(row, depth)}
        </span>
      </td>
      <td class="when spare">{began}</td>
      <td class="spare">
        {row.client ?? NOT_SAID}
        {row.version !== null && <span class="note below">{row.version}</span>}
      </td>
      <td class="spare">{row.models.join(", ") || NOT_SAID}</td>
      <td class="number">
        {count(row.turns)}
        <Beside
          texts={[
            unsuccessful(row),
            row.lostTurns === 0 ? "" : `${count(row.lostTurns)} without an event`,
            row.repeated === 0 ? "" : `${count(row.repeated)} in another file, too`,
          ]}
        />
      </td>
      <td class="number">
        {tokensOf(row) === null ? (row.turns === 0 ? UNKNOWN : NOT_SAID) : count(tokensOf(row))}
        <Beside
          texts={[
            tokensOf(row) === null || row.input.unknown === 0 ? "" : `${counted(row.input.unknown, "turn")} unknown`,
          ]}
        />
      </td>
      <td class="number spare">
        {duration(row.time.sum, row.turns > 0)}
        <Beside
          texts={[
            row.time.sum === null || row.time.unknown === 0 ? "" : `${counted(row.time.unknown, "turn")} unknown`,
          ]}
        />
      </td>
      <td class="number spare">
        {row.lines === null ? UNKNOWN : `+${count(row.lines.added)} −${count(row.lines.deleted)}`}
      </td>
      <td>
        <Outcome outcome={outcomeOf(row)} isUnknown />
      </td>
    </tr>
  );
}

function unsuccessful({ failed, interrupted, unended }: SessionRow): string {
  const parts = [
    failed === 0 ? "" : `${count(failed)} failed`,
    interrupted === 0 ? "" : `${count(interrupted)} interrupted`,
    unended === 0 ? "" : `${count(unended)} without a known end`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** Which file it is, and what is wrong with it. */
function about(row: SessionRow, depth: number): string {
  const parts = [KIND_WORDS[row.kind]];
  const folder = names.value.file(row).split("/").slice(0, -1).join("/");
  if (row.kind === "rollout" && folder !== "") parts.push(folder);
  else if (row.repository !== null || row.folder !== null) parts.push(row.repository ?? row.folder!);
  if (row.threads > 1) parts.push(counted(row.threads, "thread"));
  if (row.agent !== null) parts.push(`agent: ${words(row.agent)}`);
  else if (row.parent !== null && depth === 0) parts.push("of an agent");
  if (row.isCut) parts.push("cut off");
  if (row.badLines > 0) parts.push(counted(row.badLines, "bad line"));
  if (row.notUnderstood > 0) parts.push(counted(row.notUnderstood, "name not understood", "names not understood"));
  return parts.join(" · ");
}

function Beside({ texts }: { texts: string[] }) {
  const said = texts.filter(Boolean);
  return said.length === 0 ? null : <span class="note below">{said.join(", ")}</span>;
}
