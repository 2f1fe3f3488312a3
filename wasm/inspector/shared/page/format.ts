/** Numbers, times and sizes as people read them. What is not known is a dash, never a zero. */
export const UNKNOWN = "–";
/** What a rollout does not say; elsewhere a dash can mean "none". */
export const NOT_SAID = "unknown";

const numbers = new Intl.NumberFormat("en-GB");

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : numbers.format(value);
}

/** `1 event`, `2 events`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function duration(ms: number | null | undefined, isUnknown = false): string {
  if (ms === null || ms === undefined) return isUnknown ? NOT_SAID : UNKNOWN;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** The time since the recording's first message; `digits` of its seconds' fraction. */
export function elapsed(ms: number, digits = 3): string {
  const sign = ms < 0 ? "−" : "";
  const scale = 10 ** digits;
  const all = Math.round((Math.abs(ms) / 1000) * scale) / scale;
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor((all % 3600) / 60);
  const seconds = (all % 60).toFixed(digits).padStart(digits === 0 ? 2 : digits + 3, "0");
  return hours > 0 ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${sign}${minutes}:${seconds}`;
}

const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** The date and time here. */
export function moment(ms: number): string {
  return moments.format(ms);
}

export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `command_execution` as words. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Ids are told apart by their ends: those of one session begin alike. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : `…${id.slice(-8)}`;
}

/** How many events did not say it. */
export function missing(unknown: number): string {
  if (unknown === 0) return "";
  return unknown === 1 ? "1 event does not say" : `${count(unknown)} events do not say`;
}

/** How many things had no event, and are in no sum. */
export function withoutEvent(number: number, one: string, many = `${one}s`): string {
  return number === 0 ? "" : `not in it: ${counted(number, one, many)} without an event`;
}
