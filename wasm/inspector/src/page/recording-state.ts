/** The recording that is open, and how far it is read. */
import { signal } from "@preact/signals";

import example from "../../example/traffic.jsonl?raw";
import type { Progress, Source } from "../reader/protocol.js";
import { Client } from "./client.js";
import { forget, keep, kept } from "./kept.js";
import { adopt } from "./view-state.js";

export interface Opened {
  name: string;
  isExample: boolean;
  isLive: boolean;
  /** To be kept for the next visit, if it can be. */
  blob: Blob | null;
  /** To be followed, if it can be. */
  handle: FileSystemFileHandle | null;
  /** The number of its file among those that are open together. */
  session: number | null;
  client: Client;
}

/** Often enough to look alive, seldom enough to leave the reader time to read. */
const REFRESH_MS = 400;

export const opened = signal<Opened | null>(null);
export const progress = signal<Progress | null>(null);
/** Grows when there is something new to be asked for. */
export const revision = signal(0);
export const isKept = signal(false);
/** One sentence that the user should read. */
export const notice = signal("");

let refreshed = 0;
/** Whether the user has opened something. */
let isUsed = false;

export function endRecording(): void {
  isUsed = true;
  opened.value?.client.end();
  opened.value = null;
  progress.value = null;
  isKept.value = false;
}

/** `identity` names it in the address, if it is not one of an overview, which has its own. */
function start(source: Source, about: Omit<Opened, "client" | "name">, identity: string | null): void {
  isUsed = true;
  opened.value?.client.end();
  progress.value = null;
  notice.value = "";
  refreshed = 0;
  const client = new Client(
    (told) => {
      if (opened.value?.client !== client || !("progress" in told)) return;
      const heard = (progress.value = told.progress);
      const isOver = heard.phase !== "reading" && heard.phase !== "unpacking";
      if (isOver || performance.now() - refreshed > REFRESH_MS) {
        refreshed = performance.now();
        revision.value++;
      }
    },
    (problem) => (notice.value = problem),
  );
  if (identity !== null && adopt(identity))
    notice.value = "This address was made with another recording. Open that one to see the same view.";
  opened.value = { ...about, name: source.name, client };
  document.title = `${source.name} – Turnledger inspector`;
  void client.ask("open", source);
}

export function openExample(): void {
  isKept.value = false;
  const blob = new Blob([example]);
  const source: Source = { kind: "file", name: "Example: a real session", blob };
  start(source, { isExample: true, isLive: false, blob: null, handle: null, session: null }, "example");
}

export function openBlob(blob: Blob, name: string, handle: FileSystemFileHandle | null = null): void {
  isKept.value = false;
  const about = { isExample: false, isLive: false, blob, handle, session: null };
  start({ kind: "file", name, blob }, about, `${name}~${blob.size}`);
}

/** One of an overview's. */
export function openSession(blob: Blob, name: string, session: number): void {
  isKept.value = false;
  start({ kind: "file", name, blob }, { isExample: false, isLive: false, blob: null, handle: null, session }, null);
}

export function follow(handle: FileSystemFileHandle): void {
  isKept.value = false;
  const source: Source = { kind: "live", name: handle.name, handle };
  start(source, { isExample: false, isLive: true, blob: null, handle: null, session: null }, `${handle.name}~live`);
}

export async function askForLiveFile(): Promise<void> {
  if (!("showOpenFilePicker" in globalThis)) {
    notice.value =
      "This browser cannot follow a file. Use Chrome or Edge, or open the recording again when there is more of it.";
    return;
  }
  try {
    const [handle] = await showOpenFilePicker();
    if (handle !== undefined) follow(handle);
  } catch (error) {
    // Who closes the dialogue wants nothing.
    if ((error as Error).name !== "AbortError")
      notice.value = `The file cannot be followed: ${(error as Error).message}`;
  }
}

export async function setKept(isWanted: boolean): Promise<void> {
  const recording = opened.value;
  try {
    if (!isWanted) await forget();
    else if (recording?.blob) await keep({ name: recording.name, blob: recording.blob });
    isKept.value = isWanted;
  } catch (error) {
    isKept.value = false;
    const why = (error as Error).message;
    notice.value = `The recording cannot be kept here: ${why}. It stays open until you close the page.`;
  }
}

/** What was kept, or the example. */
export async function begin(): Promise<void> {
  const recording = await kept();
  // Something may have been dropped meanwhile.
  if (isUsed) return;
  if (recording === undefined) {
    openExample();
    return;
  }
  openBlob(recording.blob, recording.name);
  isKept.value = true;
}
