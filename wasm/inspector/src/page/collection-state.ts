/** The files that are open together, and what is known of their sessions. */
import { effect, signal } from "@preact/signals";

import { counted } from "../../shared/page/format.js";
import type { FileProblem, SessionRow, SurveyProgress } from "../reader/survey-view.js";
import { Client } from "./client.js";
import { Names } from "./overview.js";
import type { Picked, Picking } from "./picking.js";
import { endRecording, notice, openBlob, opened, openSession } from "./recording-state.js";
import { adopt, START, view } from "./view-state.js";

export interface Collection {
  name: string;
  files: Picked[];
  passedOver: number;
  unreadable: number;
  client: Client;
}

const REFRESH_MS = 500;

export const collection = signal<Collection | null>(null);
export const survey = signal<SurveyProgress | null>(null);
export const sessions = signal<SessionRow[]>([]);
export const names = signal(new Names([]));
export const problems = signal<FileProblem[]>([]);

let refreshed = 0;

/** One file is shown by itself; several, and a folder, as an overview. */
export function openPicked(picking: Picking, handle: FileSystemFileHandle | null = null): void {
  const { picked, name, isFolder } = picking;
  const [first] = picked;
  if (first === undefined) {
    if (isFolder) notice.value = `There is no *.jsonl file in the folder ${name}.`;
    return;
  }
  if (picked.length === 1 && !isFolder) openBlob(first.file, first.file.name, handle);
  else openCollection(picking);
}

function openCollection({ name, picked: files, passedOver, unreadable }: Picking): void {
  endCollection();
  endRecording();
  notice.value = "";
  refreshed = 0;
  const client = new Client(
    (told) => {
      if (collection.value?.client !== client || !("survey" in told)) return;
      survey.value = told.survey;
      if (told.survey.state !== "reading" || performance.now() - refreshed > REFRESH_MS) void refresh(client);
    },
    (problem) => (notice.value = problem),
  );
  if (adopt(`${name}~${files.length}`, { ...START, view: "sessions" }))
    notice.value = "This address was made with other files. Open those to see the same view.";
  collection.value = { name, files, passedOver, unreadable, client };
  document.title = `${name} – Turnledger inspector`;
  void client.ask(
    "survey",
    files.map(({ path, file }) => ({ path, blob: file })),
  );
}

async function refresh(client: Client): Promise<void> {
  refreshed = performance.now();
  const surveyed = await client.ask("sessions");
  if (collection.value?.client !== client) return;
  names.value = new Names(surveyed.rows);
  problems.value = surveyed.problems;
  sessions.value = surveyed.rows;
}

export function endCollection(): void {
  collection.value?.client.end();
  collection.value = null;
  survey.value = null;
  sessions.value = [];
  problems.value = [];
}

/** What the overview says of the files that have no session. */
export function passedOver({ passedOver: others, unreadable }: Collection, known: SurveyProgress | null): string {
  const parts: string[] = [];
  if (others > 0) parts.push(`${counted(others, "file")} of the folder with other names`);
  if (unreadable > 0) parts.push(`${counted(unreadable, "entry", "entries")} that may not be read`);
  if (known !== null && known.duplicates > 0)
    parts.push(`${counted(known.duplicates, "file")} of a thread that another file has more of`);
  return parts.length === 0 ? "" : `Passed over: ${parts.join(", ")}.`;
}

// The address says which session is open, also when the user goes back to it.
effect(() => {
  const { session } = view.value;
  const files = collection.value?.files;
  if (files === undefined || session === null || opened.peek()?.session === session) return;
  const picked = files[session];
  if (picked === undefined) return;
  const row = sessions.peek().find(({ id }) => id === session);
  openSession(picked.file, row === undefined ? picked.path : names.peek().file(row), session);
});

// Another recording takes the place of the overview.
effect(() => {
  if (opened.value !== null && opened.value.session === null && collection.peek() !== null) endCollection();
});
