/**
 * Many files, one after the other: what each adds up to. A file is read again when it is opened, so that nothing else of it
 * has to be kept.
 */
import { createLedger, type Discard, type Ledger, type TurnledgerEvent } from "turnledger/inline";

import { isBlank, type Line, LineSplitter } from "../../../ts/lines.js";
import { timeOf } from "../../shared/reader/event-time.js";
import type { Totals } from "../../shared/reader/totals.js";
import { ByKind, type FileKind, isEvent } from "./file-kind.js";
import { BadLine, parseLine, textOf } from "./line.js";
import { type SessionHead, sessionHead } from "./rollout-line.js";
import type { FileProblem, SessionRow, Summary, SurveyFile, SurveyProgress } from "./survey-view.js";
import { Tally } from "./tally.js";
import { packingOf, unpack } from "./unpack.js";

const MOST_PROBLEMS = 200;
const PIECE = 2 ** 20;

/** Why a file is not in the overview. */
class NoSession extends Error {}

const OTHER = "neither a recording, nor a rollout, nor a file of events";
const BARE = "bare messages, which do not say who sent them, nor when: paste them";
const NAMELESS = "no rollout: no line of the file names a session";

const UNREADABLE = "it cannot be read: it is damaged, gone, or may not be read";
const PARTLY = "damaged or changed: what could be read of it is in the list";

interface Found {
  lines: number;
  row: SessionRow;
  totals: Totals;
}

interface Taking {
  line(bytes: Uint8Array): void;
  end(): Promise<void>;
}

export class Survey {
  /** By the numbers of their files. */
  readonly #found = new Map<number, Found>();
  readonly #problems: FileProblem[] = [];
  /** The rollout of a thread. */
  readonly #byThread = new Map<string, number>();
  /** The file in which a turn counts; of a thread's rollouts, whichever is shown, the first one. */
  readonly #turns = new Map<string, number>();
  readonly #firsts = new Map<string, number>();
  #rollouts: Ledger | undefined;
  /** The file that is being read. */
  #tally!: Tally;
  #first = 0;
  /** Lines that were read before what takes them was there. */
  #waiting: Line[] = [];
  #at: () => number = () => 0;
  readonly progress: SurveyProgress;

  constructor(
    private readonly files: SurveyFile[],
    private readonly tell: () => void,
    private readonly isStopped: () => boolean,
  ) {
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    const none = { filesRead: 0, bytesRead: 0, sessions: 0, duplicates: 0, problems: 0, internalErrors: 0 };
    this.progress = { files: files.length, bytes, state: "reading", ...none };
  }

  get rows(): SessionRow[] {
    return [...this.#found.values()].map(({ row }) => row);
  }

  get problems(): FileProblem[] {
    return this.#problems;
  }

  summary(id: number): Summary | null {
    const found = this.#found.get(id);
    return found === undefined ? null : { row: found.row, totals: found.totals };
  }

  async read(): Promise<void> {
    for (const [id, file] of this.files.entries()) {
      if (this.isStopped()) break;
      const before = this.progress.bytesRead;
      try {
        await this.#file(id, file);
      } catch (error) {
        if (!(error instanceof NoSession)) console.error(error);
        this.#problem(file.path, error instanceof NoSession ? error.message : `it cannot be read: ${String(error)}`);
      }
      this.progress.filesRead++;
      this.progress.bytesRead = before + file.blob.size;
      this.progress.sessions = this.#found.size;
      this.tell();
    }
    this.progress.state = this.progress.filesRead < this.files.length ? "stopped" : "ended";
    if (this.#rollouts !== undefined) await this.#end(this.#rollouts);
  }

  #problem(path: string, text: string): void {
    this.progress.problems++;
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push({ path, text });
  }

  async #file(id: number, { path, blob }: SurveyFile): Promise<void> {
    const tally = new Tally(id, path, blob.size, (turn) => this.#isNew(turn));
    this.#tally = tally;
    this.#first = id;
    let taking: Taking | undefined;
    let kind: FileKind | undefined;
    const byKind = new ByKind((found) => {
      kind = tally.kind = found;
      // Made when the piece has been read: a ledger takes a moment to start.
      const waiting: Line[] = [];
      this.#waiting = waiting;
      return (line) => {
        if (taking !== undefined) take(line);
        else waiting.push({ ...line, bytes: line.bytes?.slice() });
      };
    });
    const take = ({ bytes, number }: Line): void => {
      tally.lines = number;
      if (bytes === undefined) tally.badLines++;
      // A rollout's bad line is its last one only if nothing follows, be it a blank line.
      else if (kind === "rollout" || !isBlank(bytes)) taking!.line(bytes);
    };
    const begin = async (): Promise<void> => {
      if (kind === undefined || taking !== undefined) return;
      if (kind === "other" || kind === "messages") throw new NoSession(kind === "other" ? OTHER : BARE);
      taking = await this.#taking(kind);
      for (const line of this.#waiting) take(line);
    };
    const lines = new LineSplitter((line) => byKind.line(line));
    const before = this.progress.bytesRead;
    const taken = (bytes: number): void => void (this.progress.bytesRead = before + bytes);
    const isWhole = await read(blob, taken, async (piece) => {
      lines.push(piece);
      await begin();
      this.tell();
      return !this.isStopped();
    });
    if (!isWhole && kind === undefined) throw new NoSession(UNREADABLE);
    lines.finish();
    byKind.finish();
    await begin();
    await taking!.end();
    this.#add(tally);
    if (!isWhole) this.#problem(path, PARTLY);
  }

  async #taking(kind: FileKind): Promise<Taking> {
    const tally = this.#tally;
    if (kind === "recording") return ofRecording(tally, await this.#ledger(), (ledger) => this.#end(ledger));
    if (kind === "events") return ofEvents(tally);
    this.#rollouts ??= await this.#ledger();
    const rollout = this.#rollouts.openRollout();
    this.#at = () => rollout.at;
    let hasHead = false;
    let isLastCut = false;
    return {
      line: (bytes) => {
        if (isLastCut) tally.badLines++;
        isLastCut = false;
        if (!hasHead) {
          const head = sessionHead(parse(bytes));
          hasHead = head !== undefined;
          if (head !== undefined) this.#head(head);
        }
        const problem = rollout.line(bytes);
        if (problem === "not_json") isLastCut = true;
        else if (problem !== null) tally.badLines++;
        else if (rollout.at > 0) tally.moment(rollout.at);
      },
      end: async () => {
        rollout.end();
        tally.isCut = isLastCut && tally.lines > 1;
        if (rollout.threadId === null) throw new NoSession(NAMELESS);
      },
    };
  }

  #head(head: SessionHead): void {
    this.#tally.head(head);
    this.#first = this.#firsts.get(head.thread) ?? this.#tally.id;
    this.#firsts.set(head.thread, this.#first);
  }

  async #ledger(): Promise<Ledger> {
    this.#at = () => this.#tally.now;
    const ledger = await createLedger({ onDiscard: (discard) => this.#discard(discard) });
    ledger.on("event", (event) => this.#tally.event(event, this.#at()));
    return ledger;
  }

  async #end(ledger: Ledger): Promise<void> {
    await ledger.close(this.#tally.last);
    this.progress.internalErrors += ledger.stats().internalErrors;
  }

  #discard({ subject, reason }: Discard): void {
    // A message that cannot be read is a bad line.
    if (reason !== "not_json" && reason !== "wrong_shape") this.#tally.discard(subject);
    else if (this.#tally.kind === "recording") this.#tally.badLines++;
  }

  /** A turn that several files have counts in the first one. */
  #isNew(turn: string): boolean {
    const known = this.#turns.get(turn);
    if (known === undefined) this.#turns.set(turn, this.#first);
    return known === undefined || known === this.#first;
  }

  #add(tally: Tally): void {
    const { id, kind, thread } = tally;
    if (kind === "rollout" && thread !== null) {
      const other = this.#byThread.get(thread);
      if (other !== undefined) {
        this.progress.duplicates++;
        // Of a thread that is in two files the one is shown that has more of it.
        if (tally.lines <= this.#found.get(other)!.lines) return;
        this.#found.delete(other);
      }
      this.#byThread.set(thread, id);
    }
    this.#found.set(id, { lines: tally.lines, row: tally.row(), totals: tally.totals.totals() });
  }
}

function ofRecording(tally: Tally, ledger: Ledger, end: (ledger: Ledger) => Promise<void>): Taking {
  return {
    line: (bytes) => {
      try {
        const { at, connection, isToServer, text, span, parsed } = parseLine(bytes);
        tally.moment(at);
        const { thread, cwd } = ((parsed as { result?: unknown }).result ?? {}) as {
          thread?: { gitInfo?: { originUrl?: string | null } | null; cwd?: string } | null;
          cwd?: string;
        };
        if (typeof thread === "object" && thread !== null)
          tally.where(cwd ?? thread.cwd, thread.gitInfo?.originUrl ?? undefined);
        const message = span === undefined ? text : bytes.subarray(...span);
        ledger.observe(connection, isToServer ? "client_to_server" : "server_to_client", message, at);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        tally.badLines++;
      }
    },
    end: () => {
      tally.notUnderstood = ledger.stats().unknown.length;
      return end(ledger);
    },
  };
}

function ofEvents(tally: Tally): Taking {
  return {
    line: (bytes) => {
      const parsed = parse(bytes);
      const { events } = (parsed ?? {}) as { events?: unknown };
      for (const event of Array.isArray(events) ? (events as unknown[]) : [parsed]) {
        if (isEvent(event)) tally.event(event as TurnledgerEvent, timeOf(event as TurnledgerEvent) ?? tally.now);
        else tally.badLines++;
      }
    },
    end: async () => {},
  };
}

/** Nothing if it is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    return undefined;
  }
}

/** A file's content, unpacked, in pieces, until `take` wants no more. Returns whether it was read to its end. */
async function read(
  blob: Blob,
  taken: (bytes: number) => void,
  take: (piece: Uint8Array) => Promise<boolean>,
): Promise<boolean> {
  const slice = async (start: number, end: number): Promise<Uint8Array | undefined> => {
    try {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch {
      return undefined;
    }
  };
  const packing = packingOf((await slice(0, 4)) ?? new Uint8Array());
  if (packing !== undefined) return (await unpack(blob, packing, taken, take)) !== "damaged";
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = await slice(at, at + PIECE);
    if (piece === undefined) return false;
    taken(Math.min(at + PIECE, blob.size));
    if (!(await take(piece))) return true;
  }
  return true;
}
