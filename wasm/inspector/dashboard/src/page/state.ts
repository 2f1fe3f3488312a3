/** Who looks, what there is to look at, and what is wrong at the moment. */
import { computed, signal } from "@preact/signals";

import { ask, type Choices, type Definitions, type Me, type NumberInfo, Refused, request } from "./api.js";
import { periodOf } from "./period.js";
import { place, START } from "./place.js";

/** Undefined until it is known; null if nobody is signed in. */
export const me = signal<Me | null | undefined>(undefined);
/** Whether the one who was signed in is no more: what is on the screen stays. */
export const isSignedOut = signal(false);
export const definitions = signal<Definitions | undefined>(undefined);
export const choices = signal<Choices | undefined>(undefined);
/** What could not be had, by its address. */
export const troubles = signal<ReadonlyMap<string, Refused>>(new Map());
/** Grows when everything is to be asked anew. */
export const revision = signal(0);
/** Something that has just been done, or could not be. */
export const notice = signal("");

export const numbers = computed<ReadonlyMap<string, NumberInfo>>(
  () => new Map((definitions.value?.numbers ?? []).map((info) => [info.id, info])),
);

export function trouble(path: string, refused: Refused | null): void {
  if (refused?.status === 401) {
    isSignedOut.value = true;
    refused = null;
  }
  if (refused === null && !troubles.value.has(path)) return;
  const next = new Map(troubles.value);
  if (refused === null) next.delete(path);
  else next.set(path, refused);
  troubles.value = next;
}

/** Asks everything anew. */
export function again(): void {
  notice.value = "";
  if (me.value === undefined) void begin();
  else if (!isSignedOut.value) revision.value++;
}

const ME = "/api/me";

export async function begin(): Promise<void> {
  try {
    const known = await ask<Me>(ME);
    // Somebody else sees other things.
    if (me.value !== null && me.value !== undefined && me.value.name !== known.name) {
      place.value = { ...START, view: place.value.view === "session" ? "sessions" : place.value.view };
    }
    isSignedOut.value = false;
    me.value = known;
    troubles.value = new Map();
    revision.value++;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) {
      if (me.value === undefined) me.value = null;
      else isSignedOut.value = me.value !== null;
    } else trouble(ME, error);
  }
}

/** Where what may be chosen is: for viewers it is what was published of a period. */
export const choicesPath = computed(() => {
  const who = me.value;
  if (who?.role !== "viewer") return "/api/choices";
  return `/api/choices?${new URLSearchParams({ ...periodOf(place.value, who.time_zone) })}`;
});

/** @throws {Refused} */
export async function signIn(key: string): Promise<void> {
  await request("/api/session", { method: "POST", body: { key } });
  await begin();
}

export async function signOut(): Promise<void> {
  try {
    await request("/api/session", { method: "DELETE" });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Who is signed out already is signed out.
    if (error.status !== 401) {
      notice.value = `You are still signed in. ${error.message}`;
      return;
    }
  }
  // Nothing of it stays in memory.
  location.reload();
}

const RETRY_MS = 15_000;

// What failed for no fault of the page is tried again.
setInterval(() => {
  const mayHeal = [...troubles.value.values()].some(({ status }) => status === 0 || status === 503 || status === 429);
  if (mayHeal && document.visibilityState === "visible") again();
}, RETRY_MS);
addEventListener("online", again);
