/** A recording that `turnledger tap --record` writes, followed as it grows. */
import * as vscode from "vscode";
import { createLedger, type Ledger } from "turnledger/inline";

import { Lines, recorded } from "./lines.js";
import { Tally } from "./numbers.js";
import type { Today } from "./today.js";

/** Files are read as a whole: VS Code has no other way that works with every file system. */
const MOST_BYTES = 256 << 20;
/** Reading takes at most this part of the time. */
const SHARE = 10;
/** Others in the extension host have their turn after this long. */
const SLICE_MS = 30;

export class Recording implements vscode.Disposable {
  readonly #uri: vscode.Uri;
  readonly #today: Today;
  readonly #log: vscode.LogOutputChannel;
  readonly #onRead: () => void;
  readonly #watching: vscode.Disposable[] = [];
  #lines = new Lines();
  #ledger: Ledger | undefined;
  #tally = new Tally();
  #malformed = 0;
  #at = 0;
  #name: string | undefined;
  /** Size and time of change when it was last read. */
  #seen = "";
  #notBefore = 0;
  #reading: Promise<void> | undefined;
  /** It changed while it was read. */
  #isAskedAgain = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDisposed = false;
  /** What is wrong with it, for a person. */
  problem: string | undefined;

  constructor(uri: vscode.Uri, today: Today, log: vscode.LogOutputChannel, onRead: () => void) {
    this.#uri = uri;
    this.#today = today;
    this.#log = log;
    this.#onRead = onRead;
    // A pattern of the file's own name would take brackets in it for something else.
    const pattern = new vscode.RelativePattern(vscode.Uri.joinPath(uri, ".."), "*");
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const changed = (of: vscode.Uri): void => {
      if (of.toString() === uri.toString()) this.check();
    };
    this.#watching.push(watcher, watcher.onDidCreate(changed), watcher.onDidChange(changed), watcher.onDidDelete(changed));
  }

  /** Reads what is new, once it may. Not every file system can be watched, so this is also called from time to time. */
  check(): void {
    if (this.#isDisposed || this.#timer !== undefined) return;
    this.#isAskedAgain = this.#reading !== undefined;
    if (this.#isAskedAgain) return;
    const wait = this.#notBefore - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.check();
      }, wait);
      return;
    }
    this.#reading = this.#check().finally(() => {
      this.#reading = undefined;
      if (this.#isAskedAgain) this.check();
    });
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const watching of this.#watching) watching.dispose();
    void Promise.resolve(this.#reading).then(() => this.#ledger?.close());
  }

  async #check(): Promise<void> {
    const began = performance.now();
    try {
      const { mtime, size } = await vscode.workspace.fs.stat(this.#uri);
      const seen = `${size} ${mtime}`;
      if (seen === this.#seen) return;
      if (size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES >> 20} MiB`);
      await this.#read(await vscode.workspace.fs.readFile(this.#uri));
      this.#seen = seen;
      if (!this.#isDisposed) this.#onRead();
      this.#say(undefined);
    } catch (error) {
      this.#seen = "";
      this.#say(reason(error));
    }
    const ended = performance.now();
    this.#notBefore = ended + (ended - began) * SHARE;
  }

  async #read(file: Uint8Array): Promise<void> {
    if (this.#ledger === undefined || !this.#lines.isOf(file)) await this.#begin();
    const ledger = this.#ledger!;
    const bad: number[] = [];
    let since = performance.now();
    for (const line of this.#lines.take(file)) {
      if (line.length === 0) continue;
      const message = recorded(line);
      if (message === undefined) {
        bad.push(this.#lines.count);
        continue;
      }
      // Another window that follows it calls it by the same name, and so does this one after a restart.
      this.#name ??= `recording ${message.at}`;
      this.#at = message.at;
      ledger.observe(message.connectionId, message.direction, message.message, message.at);
      if (performance.now() - since < SLICE_MS) continue;
      await new Promise((resolve) => setTimeout(resolve));
      if (this.#isDisposed) return;
      since = performance.now();
    }
    // Not before: numbers of a recording that is half read would go down and up again.
    if (this.#name !== undefined) this.#today.set(this.#name, this.#tally);
    if (bad.length > 0) {
      this.#log.warn(`recording: ${bad.length} new line(s) are not recorded messages, the first of them line ${bad[0]}`);
    }
    const { malformed } = ledger.stats();
    if (malformed > this.#malformed) this.#log.warn(`recording: ${malformed - this.#malformed} new message(s) cannot be read`);
    this.#malformed = malformed;
  }

  /** A session of its own: what was counted of another recording in the same place stays counted. */
  async #begin(): Promise<void> {
    await this.#ledger?.close(this.#at);
    this.#lines = new Lines();
    this.#name = undefined;
    this.#malformed = 0;
    const tally = (this.#tally = new Tally());
    const ledger = (this.#ledger = await createLedger());
    ledger.on("event", (event) => tally.count(event, this.#at));
  }

  /** A problem is said once, and once that it is over. */
  #say(problem: string | undefined): void {
    if (problem === this.problem) return;
    this.problem = problem;
    if (problem === undefined) this.#log.info("recording: it can be read again");
    else this.#log.error(`recording: it cannot be read: ${problem}`);
    if (!this.#isDisposed) this.#onRead();
  }
}

/** Without the path that a file system's own message has. */
function reason(error: unknown): string {
  if (error instanceof vscode.FileSystemError) return error.code === "FileNotFound" ? "there is no such file yet" : error.code;
  return error instanceof Error ? error.message : String(error);
}
