/** Addresses of the collector's answers to what is looked at. */
import type { Grouping, Me } from "./api.js";
import { periodOf } from "./period.js";
import { FILTERS, type Place } from "./place.js";

function query(place: Place, { time_zone }: Me, more: Record<string, string | null>): string {
  const { since, until } = periodOf(place, time_zone);
  const asked = new URLSearchParams({ since, until });
  for (const filter of FILTERS) for (const value of place[filter]) asked.append(filter, value);
  for (const [name, value] of Object.entries(more)) if (value !== null && value !== "") asked.set(name, value);
  return asked.toString();
}

export const reportPath = (place: Place, me: Me, by: Grouping | null): string =>
  `/api/report?${query(place, me, { by })}`;

export const SESSIONS_A_PAGE = 50;

export const sessionsPath = (place: Place, me: Me): string =>
  `/api/sessions?${query(place, me, { limit: String(SESSIONS_A_PAGE), after: place.after })}`;

export const exportPath = (place: Place, me: Me, format: "csv" | "jsonl", by: Grouping | null): string =>
  `/api/export?${query(place, me, { format, by: format === "csv" ? by : null })}`;

export const sessionPath = (id: string): string => `/api/sessions/${encodeURIComponent(id)}`;
