/** What the collector answers, and how it is asked. */
import type { TurnledgerEvent } from "turnledger/inline";

export type Role = "owner" | "analyst" | "viewer" | "member";

export interface Me {
  name: string;
  role: Role;
  person: string | null;
  /** How many persons a number must have behind it for a viewer to see it. */
  smallest_group: number;
  may: { events: boolean; tokens: boolean; persons: boolean };
  /** Whose days a report has. */
  time_zone: string;
}

export type Unit = "count" | "tokens" | "lines" | "milliseconds" | "share" | "dollars";

export interface NumberInfo {
  id: string;
  label: string;
  unit: Unit;
  subject: string;
  definition: string;
  /** Why it can be more; null if it is never less than it should be. */
  lower_bound: string | null;
  for_viewers: boolean;
}

export type Grouping = "day" | "week" | "model" | "repository" | "client" | "tool" | "tool_kind" | "team" | "person";

export interface Definitions {
  numbers: NumberInfo[];
  groupings: Grouping[];
}

export interface Choices {
  teams: string[];
  persons: string[];
  models: string[];
  clients: string[];
  repositories: string[];
}

/** How many do not tell a number, of how many. */
export interface Gap {
  unknown: number;
  of: number;
  /** Of what, in the plural. */
  what?: string;
}

export type Numbers = Record<string, number | null>;

export interface Row {
  /** Null if it is unknown. */
  key: string | null;
  /** Whether it holds what is too small to stand alone. */
  is_rest?: boolean;
  first_at: number | null;
  last_at: number | null;
  numbers: Numbers;
  gaps: Record<string, Gap>;
}

export interface Withheld {
  smallest_group: number;
  /** What is withheld, and why. */
  sentence: string;
  weeks: string[];
}

export interface Report {
  since: string;
  until: string;
  time_zone: string;
  by: Grouping | null;
  /** Viewers are not told. */
  events?: number;
  total: Row;
  rows: Row[];
  trend_by: "day" | "week";
  trend: Row[];
  models: Row[];
  tool_kinds: Row[];
  missing?: { events_without_time: number; sessions_without_beginning: number; unreadable_events: number };
  withheld: Withheld | null;
}

export interface SessionRow {
  id: string;
  thread_id: string;
  team: string | null;
  person: string | null;
  client: string | null;
  models: string[];
  repository: string | null;
  first_at: number | null;
  last_at: number | null;
  numbers: Numbers;
  gaps?: Record<string, Gap>;
}

export interface Sessions {
  sessions: SessionRow[];
  next: string | null;
  total: number;
}

export interface Session {
  session: SessionRow;
  events: { at: number | null; event: TurnledgerEvent }[];
  unreadable_events: number;
  /** Events beyond those that a session's page has. */
  events_left_out?: number;
}

export interface Token {
  id: number;
  person: string;
  team: string | null;
  created_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
}

export interface User {
  id: number;
  name: string;
  role: Role;
  person: string | null;
  created_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
}

/** An answer that is none; `status` is 0 if there was no answer. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** The collector's own sentence, if it gave one. */
    readonly sentence: string | null,
  ) {
    super(sentenceFor(status, sentence));
  }
}

function sentenceFor(status: number, sentence: string | null): string {
  if (status === 0) return "The collector does not answer: is it running, and are you online?";
  if (status === 401) return "You are signed out: sign in to go on.";
  if (sentence !== null) return sentence;
  if (status === 403) return "Your role may not see this.";
  if (status === 404) return "There is no such thing here.";
  if (status === 429) return "The collector was asked too often: wait a moment.";
  if (status === 503) return "The collector cannot answer at the moment.";
  return `The collector gave an answer that is not expected here (HTTP ${status}).`;
}

type Asking = Pick<RequestInit, "method" | "signal"> & { body?: unknown };

/** @throws {Refused} unless the answer is what was asked for. */
export async function request(path: string, { body, method = "GET", signal }: Asking = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      ...(signal ? { signal } : {}),
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        ...(method === "GET" ? {} : { "X-Turnledger": "1" }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new Refused(0, null);
  }
  if (!answer.ok) throw new Refused(answer.status, await sentenceOf(answer));
  return answer;
}

async function sentenceOf(answer: Response): Promise<string | null> {
  try {
    const { error } = (await answer.json()) as { error?: unknown };
    return typeof error === "string" && error !== "" ? error : null;
  } catch {
    return null;
  }
}

/** @throws {Refused} */
export async function ask<T>(path: string, asking: Asking = {}): Promise<T> {
  const answer = await request(path, asking);
  try {
    return (await answer.json()) as T;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new Refused(answer.status, "The collector's answer cannot be read: reload the page.");
  }
}
