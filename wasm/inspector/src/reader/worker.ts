/** The reader: it has the recording, the ledger and all that comes of them, so that the page stays quick. */
import { LineSplitter } from "../../../ts/lines.js";
import { row } from "../../shared/reader/events.js";
import { csv } from "./csv.js";
import type { Call, Phase, Progress, Reader, Reply, Source } from "./protocol.js";
import { openRecording, type Recording, Unreadable } from "./recording.js";
import { messageRow, related } from "./related.js";
import { Session } from "./session.js";
import type { SurveyFile } from "./survey-view.js";
import { Survey } from "./survey.js";

/** How often the page hears of progress, and how long it may have to wait for an answer. */
const PROGRESS_MS = 100;
/** Events are put together to pieces of about this many characters before they are downloaded. */
const DOWNLOAD_PIECE = 2 ** 20;
const FIRST_MESSAGES = 50;

// The ledger does nothing for a user who has said no to being measured. Nobody is measured here: nothing is sent, and
// the user asked to see what would be.
if ("globalPrivacyControl" in navigator) Object.defineProperty(navigator, "globalPrivacyControl", { value: false });

const page = globalThis as unknown as {
  postMessage(reply: Reply): void;
  onmessage: ((message: MessageEvent<Call>) => void) | null;
};

let session: Session;
const ready = Session.start().then((started) => (session = started));
let recording: Recording | undefined;
let survey: Survey | undefined;
let isStopped = false;
let phase: Phase = "reading";
let bytesRead = 0;
let bytes = 0;
let problem: string | undefined;

function progress(): Progress {
  return {
    phase,
    kind: session.kind,
    bytesRead,
    bytes,
    lines: session.lines,
    messages: session.messages.length,
    events: session.events.length,
    discards: session.discards.length,
    badLines: session.badLines.length,
    span: session.timeline.extent,
    unknown: session.unknown,
    ...(problem === undefined ? {} : { problem }),
    isCut: session.isCut,
    lacksSession: !session.namesSession,
    internalErrors: session.internalErrors,
  };
}

let told = 0;
function tell(isAlways = true): void {
  if (!isAlways && performance.now() - told < PROGRESS_MS) return;
  told = performance.now();
  page.postMessage(survey === undefined ? { progress: progress() } : { survey: survey.progress });
}

async function surveyFiles(files: SurveyFile[]): Promise<void> {
  survey = new Survey(
    files,
    () => tell(false),
    () => isStopped,
  );
  await survey.read();
  tell();
}

async function read(source: Source): Promise<void> {
  phase = "unpacking";
  bytes = source.kind === "file" ? source.blob.size : 0;
  recording = await openRecording(source, (unpacked) => {
    bytesRead = unpacked;
    tell(false);
  });
  problem = recording.problem;
  for (let isReplaced = true; isReplaced;) {
    phase = source.kind === "live" ? "following" : "reading";
    bytesRead = 0;
    const lines = new LineSplitter((line) => session.line(line));
    const reading = {
      push: (piece: Uint8Array) => lines.push(piece),
      read: async (read: number, all: number) => {
        const isNew = read !== bytesRead || all !== bytes;
        bytesRead = read;
        bytes = all;
        if (isNew) tell(read >= all);
        // Questions of the page are answered between two pieces.
        await new Promise((resolve) => setTimeout(resolve));
      },
      isStopped: () => isStopped,
    };
    isReplaced = (await recording.read(reading)) === "replaced";
    if (isReplaced) session = await Session.start();
    else if (!isStopped || source.kind === "live") lines.finish();
  }
}

async function open(source: Source): Promise<void> {
  try {
    await read(source);
    phase = isStopped && bytesRead < bytes ? "stopped" : "ended";
  } catch (error) {
    if (!(error instanceof Unreadable)) console.error(error);
    problem = error instanceof Unreadable ? error.message : `The recording cannot be read: ${String(error)}`;
    phase = "failed";
  }
  await session.finish();
  tell();
}

async function messageText(index: number): Promise<string> {
  if (recording === undefined) throw new Unreadable("There is no recording.");
  return session.text(await recording.text(...session.messages.span(index)));
}

function download(texts: Iterable<string>): Blob {
  const pieces: Blob[] = [];
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < DOWNLOAD_PIECE) continue;
    pieces.push(new Blob([piece]));
    piece = "";
  }
  return new Blob([...pieces, piece]);
}

const reader: Reader = {
  open: (source) => void open(source),
  stop: () => void (isStopped = true),
  facets: () => session.events.facets(),
  events: (query, offset, limit) => {
    const found = session.events.select(query);
    return { rows: found.slice(offset, offset + limit).map(row), total: found.length };
  },
  event: (number) => {
    const event = session.events.get(number);
    if (event === undefined) return null;
    const groups = related(event, session.messages).map(({ title, messages }) => {
      const rows = messages.slice(0, FIRST_MESSAGES).map((index) => messageRow(index, session.messages, event.message));
      const isLate = event.message !== null && messages.indexOf(event.message) >= FIRST_MESSAGES;
      const completing = isLate ? messageRow(event.message!, session.messages, event.message) : null;
      return { title, total: messages.length, rows, completing };
    });
    return { row: row(event), ids: event.ids, json: event.json, groups };
  },
  messages: (number, group, offset, limit) => {
    const event = session.events.get(number);
    if (event === undefined) return [];
    const messages = related(event, session.messages)[group]?.messages ?? [];
    return messages.slice(offset, offset + limit).map((index) => messageRow(index, session.messages, event.message));
  },
  message: messageText,
  messageAt: (line) => {
    const index = session.messages.indexOfLine(line);
    return index === undefined ? null : messageRow(index, session.messages, null);
  },
  losses: (discardOffset, badLineOffset, limit) => {
    const reasons = new Map<string, { subject: string; text: string; count: number }>();
    for (const { subject, text } of session.discards) {
      const known = reasons.get(text);
      if (known === undefined) reasons.set(text, { subject, text, count: 1 });
      else known.count++;
    }
    return {
      reasons: [...reasons.values()].sort((a, b) => b.count - a.count),
      discards: { rows: session.discards.slice(discardOffset, discardOffset + limit), total: session.discards.length },
      badLines: { rows: session.badLines.slice(badLineOffset, badLineOffset + limit), total: session.badLines.length },
      unknown: session.unknown,
    };
  },
  totals: () => session.totals.totals(),
  timeline: (window) => session.timeline.view(window),
  download: (query, format) => {
    const events = session.events.select(query).map(({ json }) => json);
    return download(format === "csv" ? csv(events) : events.map((json) => `${json}\n`));
  },
  survey: (files) => void surveyFiles(files),
  sessions: () => ({ rows: survey?.rows ?? [], problems: survey?.problems ?? [] }),
  summary: (id) => survey?.summary(id) ?? null,
};

page.onmessage = async ({ data: { id, name, arguments: given } }) => {
  try {
    await ready;
    const answer = reader[name] as (...given: unknown[]) => unknown;
    page.postMessage({ id, value: await answer(...given) });
  } catch (error) {
    page.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
