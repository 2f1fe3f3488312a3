/** A report's numbers as people read them, in the same words as `turnledger report`. */
import { count, duration, NOT_SAID } from "../../../shared/page/format.js";
import type { Gap, NumberInfo, Numbers, Unit } from "./api.js";

/** `9,876`, `12.3 k`, `4.56 M`, `789 M`, `1.23 G` */
export function short(value: number): string {
  if (value < 10_000) return count(value);
  let rest = value;
  for (const unit of ["k", "M", "G"]) {
    rest /= 1000;
    if (rest < 999.5 || unit === "G") return `${rest.toFixed(rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0)} ${unit}`;
  }
  return count(value);
}

/** `7.3 %`, `91 %` */
export function percent(share: number): string {
  const value = share * 100;
  return `${value.toFixed(value > 0 && value < 9.95 ? 1 : 0)} %`;
}

export function amount(unit: Unit, value: number): string {
  switch (unit) {
    case "milliseconds":
      return duration(value);
    case "tokens":
      return short(value);
    case "share":
      return percent(value);
    case "dollars":
      return value > 0 && value < 1 ? `$${value.toFixed(4)}` : `$${value.toFixed(2)}`;
    default:
      return count(value);
  }
}

/** What has numbers. */
interface Counted {
  numbers: Numbers;
  gaps?: Record<string, Gap>;
}

export const valueOf = (row: Counted, id: string): number | null => row.numbers[id] ?? null;

/** Whether a number can be more than it says. */
export function isLowerBound(row: Counted, info: NumberInfo): boolean {
  return valueOf(row, info.id) !== null && row.gaps?.[info.id] !== undefined && info.lower_bound !== null;
}

/** A number, with `≥` before it if it leaves something out; what is not known is never a zero. */
export function said(row: Counted, info: NumberInfo): string {
  const value = valueOf(row, info.id);
  if (value === null) return NOT_SAID;
  return `${isLowerBound(row, info) ? "≥ " : ""}${amount(info.unit, value)}`;
}

const WHAT: Readonly<Record<string, string>> = {
  turns: "turns",
  calls: "calls",
  approvals: "sessions",
  sessions: "sessions",
  others: "sessions",
};

/** `9 of 318 turns do not say` */
export function gapWords(gap: Gap, info: NumberInfo): string {
  const what = gap.what ?? WHAT[info.subject] ?? info.subject;
  return `${count(gap.unknown)} of ${count(gap.of)} ${what} do not ${what === "sessions" ? "tell" : "say"}`;
}

export function gapOf(row: Counted, info: NumberInfo): string {
  const gap = row.gaps?.[info.id];
  return gap === undefined ? "" : gapWords(gap, info);
}
