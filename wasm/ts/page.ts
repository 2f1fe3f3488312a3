/** A page that goes and comes back, where there is one. */

type Listener = (event: Event) => void;

export function watchPage(listener: Listener): void {
  if (!("document" in globalThis)) return;
  for (const name of ["pagehide", "pageshow"]) globalThis.addEventListener(name, listener);
  document.addEventListener("visibilitychange", listener);
}

export function unwatchPage(listener: Listener): void {
  if (!("document" in globalThis)) return;
  for (const name of ["pagehide", "pageshow"]) globalThis.removeEventListener(name, listener);
  document.removeEventListener("visibilitychange", listener);
}

/** Whether the page goes, or may; otherwise it has come back. */
export function isGoing(event: Event): boolean {
  return event.type === "pagehide" || document.visibilityState === "hidden";
}
