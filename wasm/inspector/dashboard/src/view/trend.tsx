/** A number over time: a chart, and the same as a table. */
import { useMemo } from "preact/hooks";

import { count, counted, NOT_SAID } from "../../../shared/page/format.js";
import type { NumberInfo, Report, Row, Unit } from "../page/api.js";
import { amount, gapOf, said, valueOf } from "../page/numbers.js";
import { place, refine } from "../page/place.js";
import { numbers } from "../page/state.js";
import { GroupTable } from "./group-table.js";
import { Help } from "./help.js";
import { type Series, TrendChart } from "./trend-chart.js";

interface Part {
  id: string;
  name: string;
  colour: string;
}

/** Numbers that are made of others; what is in none of them is drawn in the colour of the whole. */
const PARTS: Readonly<Record<string, Part[]>> = {
  turns: [
    { id: "turns_completed", name: "completed", colour: "turn" },
    { id: "turns_interrupted", name: "interrupted", colour: "neither-fill" },
    { id: "turns_failed", name: "failed", colour: "bad-fill" },
  ],
  tokens: [
    { id: "input_tokens", name: "input", colour: "command" },
    { id: "output_tokens", name: "output", colour: "mcp" },
  ],
  calls: [
    { id: "calls_interrupted", name: "interrupted", colour: "neither-fill" },
    { id: "calls_rejected", name: "refused", colour: "approval" },
    { id: "calls_failed", name: "failed", colour: "bad-fill" },
  ],
};

export function Trend({ report: { trend, trend_by: unit } }: { report: Report }) {
  const rows = useMemo(() => trend.filter((row) => row.key !== null), [trend]);
  const offered = [...numbers.value.values()].filter(({ id }) => rows.some((row) => valueOf(row, id) !== null));
  const info = offered.find(({ id }) => id === place.value.chart) ?? offered[0];
  if (info === undefined) return null;
  return (
    <section class="panel" aria-labelledby="trend-title">
      <div class="panel-head">
        <h2 id="trend-title">
          {info.label}, each {unit} <Help infos={[info]} name={info.label} />
        </h2>
        <label class="inline">
          <span>Show</span>
          <select value={info.id} onChange={({ currentTarget }) => refine({ chart: currentTarget.value })}>
            {offered.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Bars rows={rows} info={info} unit={unit} />
      <Unknown rows={rows} info={info} unit={unit} />
      <details>
        <summary>Each {unit} as a table</summary>
        <GroupTable by={unit} rows={[...rows].reverse()} extra={info} isInOrder />
      </details>
    </section>
  );
}

function Bars({ rows, info, unit }: { rows: Row[]; info: NumberInfo; unit: string }) {
  const parts = (PARTS[info.id] ?? []).filter(({ id }) => rows.some((row) => (valueOf(row, id) ?? 0) > 0));
  const series = seriesOf(rows, info, parts);
  const tell = (index: number): string[] => {
    const row = rows[index]!;
    const lines = [`${row.key}: ${said(row, info)}`];
    for (const { id, name } of parts) {
      const part = numbers.value.get(id);
      if (part !== undefined && valueOf(row, id) !== 0) lines.push(`${said(row, part)} ${name}`);
    }
    const gap = gapOf(row, info);
    return gap === "" ? lines : [...lines, gap];
  };
  return (
    <>
      {series.length > 1 && (
        <ul class="legend" aria-label="Parts">
          {series.map(({ name, colour }) => (
            <li key={name}>
              <span class={`swatch ${colour}`} aria-hidden="true" />
              {name}
            </li>
          ))}
        </ul>
      )}
      <TrendChart
        keys={rows.map(({ key }) => key!)}
        series={series}
        steps={STEPS[info.unit] ?? WHOLE}
        label={`${info.label}, each ${unit}, from ${rows[0]?.key} to ${rows.at(-1)?.key}; the table after it says the same`}
        say={(value) => (info.unit === "milliseconds" ? time(value) : amount(info.unit, value))}
        tell={tell}
        name={axisWords}
      />
    </>
  );
}

/** The parts of a number, and what is in none of them. */
function seriesOf(rows: Row[], info: NumberInfo, parts: Part[]): Series[] {
  const rest = rows.map((row) => {
    const value = valueOf(row, info.id);
    return value === null ? null : value - parts.reduce((sum, { id }) => sum + (valueOf(row, id) ?? 0), 0);
  });
  const whole = { name: parts.length === 0 ? info.label : "other", colour: "turn", values: rest };
  // Where a part has the colour of the whole, the rest has another.
  if (parts.some(({ colour }) => colour === "turn")) whole.colour = "other-item";
  const isWhole = parts.length === 0 || rest.some((value) => value !== null && value > 0);
  return [
    ...(isWhole ? [whole] : []),
    ...parts.map(({ id, name, colour }) => ({ name, colour, values: rows.map((row) => valueOf(row, id)) })),
  ];
}

const powers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => 10 ** (from + index)).flatMap((power) => [
    power,
    2 * power,
    5 * power,
  ]);

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];
const WHOLE = powers(0, 15);
/** Where lines of the scale may be, by what is counted. */
const STEPS: Partial<Record<Unit, readonly number[]>> = {
  share: powers(-4, 1),
  dollars: powers(-4, 9),
  milliseconds: [
    ...powers(0, 3),
    ...[1, 2, 5, 10, 15, 30].map((step) => step * SECOND),
    ...[1, 2, 5, 10, 15, 30].map((step) => step * MINUTE),
    ...powers(0, 9).map((step) => step * HOUR),
  ],
};

/** Round times, without what is nothing. */
function time(ms: number): string {
  if (ms === 0) return "0";
  if (ms < SECOND) return `${count(ms)} ms`;
  if (ms < MINUTE) return `${count(ms / SECOND)} s`;
  if (ms % HOUR === 0) return `${count(ms / HOUR)} h`;
  return `${count(Math.floor(ms / MINUTE))} min${ms % MINUTE === 0 ? "" : ` ${Math.round((ms % MINUTE) / SECOND)} s`}`;
}

/** `28 Nov`; a week stays as it is called. */
function axisWords(key: string): string {
  const day = Date.parse(key);
  if (key.includes("W") || Number.isNaN(day)) return key;
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(day);
}

function Unknown({ rows, info, unit }: { rows: Row[]; info: NumberInfo; unit: string }) {
  const unknown = rows.filter((row) => valueOf(row, info.id) === null).length;
  if (unknown === 0) return null;
  return (
    <p class="hint">
      {counted(unknown, unit)} without a bar: there the number is {NOT_SAID}.
    </p>
  );
}
