/** Days of the collector's time zone, as `2026-11-28`. */

const DAY_MS = 86_400_000;

export const PERIODS = [7, 30, 90, 365] as const;

export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && isoDay(Date.parse(text)) === text;
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** A time zone may be one that the browser does not know: then it is the browser's own. */
export function formatIn(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en-GB", options);
  }
}

/** The day that it is there. */
export function today(timeZone: string, now = Date.now()): string {
  const parts = formatIn(timeZone, { year: "numeric", month: "2-digit", day: "2-digit" });
  const of = Object.fromEntries(parts.formatToParts(now).map(({ type, value }) => [type, value]));
  return `${of["year"]}-${of["month"]}-${of["day"]}`;
}

export interface Period {
  since: string;
  until: string;
}

/** The last so many days, today among them; 0 for a period of one's own. */
export function periodOf({ days, since, until }: Period & { days: number }, timeZone: string): Period {
  if (days === 0) return { since, until };
  const last = today(timeZone);
  return { since: isoDay(Date.parse(last) - (days - 1) * DAY_MS), until: last };
}

const days = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

/** `31 October to 29 November 2026` */
export function periodWords({ since, until }: Period): string {
  return since === until ? days.format(Date.parse(since)) : days.formatRange(Date.parse(since), Date.parse(until));
}
