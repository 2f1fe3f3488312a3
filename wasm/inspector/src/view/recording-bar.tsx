import { count, counted, elapsed, moment, size } from "../../shared/page/format.js";
import { names, sessions } from "../page/collection-state.js";
import { follow, isKept, notice, opened, progress, setKept } from "../page/recording-state.js";
import { go, linkTo, SESSION_START } from "../page/view-state.js";
import type { Phase, Progress } from "../reader/protocol.js";
import type { SessionRow } from "../reader/survey-view.js";

export function RecordingBar() {
  const recording = opened.value;
  if (recording === null) return <section class="recording" aria-label="Recording" />;
  const known = progress.value;
  const isRunning = known !== null && ["unpacking", "reading", "following"].includes(known.phase);
  return (
    <section class="recording" aria-label="Recording">
      <div class="recording-line">
        <h2>{recording.name}</h2>
        {recording.isExample && <span class="badge">example</span>}
        {recording.isLive && known?.phase === "following" && <span class="badge live">live</span>}
        <p class="facts">{known === null ? "Opening…" : facts(known)}</p>
        {recording.session !== null && <Relatives session={recording.session} />}
        <div class="recording-actions">
          {isRunning && (
            <button type="button" onClick={() => void recording.client.ask("stop")}>
              {known.phase === "following" ? "End the session" : "Stop reading"}
            </button>
          )}
          {recording.handle !== null && !isRunning && (
            <button type="button" onClick={() => follow(recording.handle!)}>
              Follow it as it grows
            </button>
          )}
          {recording.blob !== null && (
            <label class="choice">
              <input
                type="checkbox"
                checked={isKept.value}
                onChange={({ currentTarget }) => void setKept(currentTarget.checked)}
              />
              Keep on this computer
            </label>
          )}
          {isKept.value && (
            <button type="button" onClick={() => void setKept(false)}>
              Forget
            </button>
          )}
        </div>
      </div>
      {known !== null && (known.phase === "reading" || known.phase === "unpacking") && <Bar known={known} />}
      <p class="visually-hidden" role="status">
        {known === null ? "" : spoken(known)}
      </p>
      <Problems known={known} />
    </section>
  );
}

/** The sessions that started this one, and that it started. */
function Relatives({ session }: { session: number }) {
  const all = sessions.value;
  const row = all.find(({ id }) => id === session);
  if (row === undefined || row.thread === null) return null;
  const parent = row.parent === null ? undefined : all.find(({ thread }) => thread === row.parent);
  const children = all.filter((one) => one.parent === row.thread && one !== row);
  const link = (to: SessionRow) => (
    <a
      key={to.id}
      href={linkTo({ ...SESSION_START, session: to.id })}
      onClick={(click) => {
        click.preventDefault();
        go({ ...SESSION_START, session: to.id });
      }}
    >
      {names.value.of(to)}
    </a>
  );
  return (
    <>
      {parent !== undefined && <p class="relatives">Started by {link(parent)}</p>}
      {children.length > 0 && <p class="relatives">Its agents: {children.map(link)}</p>}
    </>
  );
}

function facts(known: Progress): string {
  const parts = [size(known.bytes)];
  if (known.kind === "rollout") parts.push(counted(known.messages, "line"));
  else if (known.kind !== "events") parts.push(counted(known.messages, "message"));
  parts.push(counted(known.events, "event"));
  if (known.span !== null) parts.push(`${moment(known.span[0])}, ${elapsed(known.span[1] - known.span[0], 1)} long`);
  return parts.join(" · ");
}

function Bar({ known }: { known: Progress }) {
  const share = known.bytes === 0 ? 0 : Math.floor((known.bytesRead / known.bytes) * 100);
  return (
    <div class="progress">
      <progress max={100} value={share} aria-label={known.phase === "unpacking" ? "Unpacking" : "Reading"} />
      <span>
        {known.phase === "unpacking" ? "Unpacking" : "Reading"}: {size(known.bytesRead)} of {size(known.bytes)}
      </span>
    </div>
  );
}

/** Said in tenths, so that nobody has to listen to every percent. */
function spoken(known: Progress): string {
  const tenth = known.bytes === 0 ? 0 : Math.floor((known.bytesRead / known.bytes) * 10) * 10;
  const said: Readonly<Record<Phase, string>> = {
    unpacking: "Unpacking the recording",
    reading: `Reading: ${tenth} percent`,
    following: "Following the file",
    ended: `Read: ${counted(known.events, "event")}, ${counted(known.discards, "discard")}`,
    stopped: `Stopped: ${counted(known.events, "event")} so far`,
    failed: "The recording could not be read to its end",
  };
  return said[known.phase];
}

/** What the kind of a file says of what is shown of it. */
function ofKind({ kind, messages, isCut, lacksSession }: Progress): string[] {
  if (kind === "messages") {
    return ["Its messages are bare: they do not say who sent them, nor when. Paste traffic takes them."];
  }
  if (lacksSession) return ["It is no rollout: none of its lines names a session."];
  if (isCut) return ["Its last line is cut off: Codex may still be writing it, or was ended while it did."];
  if (kind === "rollout" || kind === "events" || messages > 0) return [];
  return [
    "There is no recorded message in it. What can be opened: a recording, as tap --record writes it, a rollout, as Codex " +
      "keeps it below ~/.codex/sessions, and events, as replay and import write them.",
  ];
}

const MOST_NAMED = 3;

function notUnderstood(unknown: Progress["unknown"]): string {
  const versions = unknown.filter(({ kind }) => kind === "version").map(({ name }) => name);
  const names = unknown.filter(({ kind }) => kind !== "version");
  const parts: string[] = [];
  if (versions.length > 0) parts.push(`Codex ${versions.join(", ")} is newer than any that this page knows.`);
  if (names.length > 0) {
    const named = names.slice(0, MOST_NAMED).map(({ kind, name, count: times }) => `${kind} ${name} ${count(times)}`);
    if (names.length > MOST_NAMED) named.push(`and ${names.length - MOST_NAMED} more`);
    parts.push(`Seen, not understood: ${named.join(", ")}. Events may lack what these say: see Discards.`);
  }
  return parts.join(" ");
}

function Problems({ known }: { known: Progress | null }) {
  const problems: string[] = [];
  if (notice.value !== "") problems.push(notice.value);
  if (known?.problem !== undefined) problems.push(known.problem);
  if (known?.phase === "stopped") {
    problems.push(
      `Stopped after ${size(known.bytesRead)} of ${size(known.bytes)}: what is shown is the session up to there.`,
    );
  }
  if (known?.phase === "following") {
    problems.push("The session is still running: what its end would settle comes out when you end it.");
  }
  if (known?.phase === "ended") problems.push(...ofKind(known));
  if (known !== null && known.badLines > 0) {
    problems.push(`${counted(known.badLines, "line")} could not be read: see Discards.`);
  }
  if (known !== null && known.unknown.length > 0) problems.push(notUnderstood(known.unknown));
  if (known !== null && known.internalErrors > 0) {
    problems.push(
      `The ledger failed ${counted(known.internalErrors, "time")} and went on with empty state: events may be missing.`,
    );
  }
  return (
    <div class="problems" role="status">
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}
