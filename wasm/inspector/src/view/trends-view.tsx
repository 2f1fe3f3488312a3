/** Turns and tokens by time and by model, of the sessions that the filters let through. */
import { useMemo, useState } from "preact/hooks";

import { count, counted, NOT_SAID, UNKNOWN } from "../../shared/page/format.js";
import { isDark } from "../../shared/page/theme.js";
import { Chart, colour, look, tip } from "../../shared/view/chart.js";
import { sessions } from "../page/collection-state.js";
import { type Added, added, type Trend, trends, type Unit, unitOf } from "../page/overview.js";
import { type Measure, MEASURES, refine, view } from "../page/view-state.js";
import type { SessionRow } from "../reader/survey-view.js";
import { Filters, useListed } from "./overview-view.js";

const UNITS: readonly Unit[] = ["day", "week", "month"];
const MEASURE_WORDS: Readonly<Record<Measure, string>> = { tokens: "Tokens", turns: "Turns" };

/** In an order in which neighbours are told apart; more models than these share the last. */
const COLOURS = ["turn", "client-tool", "lines", "steer", "web-search", "image", "mcp", "other-item"];

const valueOf = ({ input, output, turns }: Added, measure: Measure): number =>
  measure === "turns" ? turns : input + output;

export function TrendsView() {
  const found = useListed();
  const rows = useMemo(() => found.map(({ row }) => row), [found]);
  const [chosen, choose] = useState<Unit | null>(null);
  const unit = chosen ?? unitOf(rows);
  const periods = useMemo(() => trends(rows, unit), [rows, unit]);
  const models = useMemo(() => byModel(rows), [rows]);
  const { measure } = view.value;
  const total = added(rows);
  return (
    <>
      <Filters all={sessions.value} />
      <section class="panel trends" aria-labelledby="trends-title">
        <div class="panel-head">
          <h2 id="trends-title">
            {MEASURE_WORDS[measure]} by {unit} and model
          </h2>
          <div class="controls">
            <select
              aria-label="What is shown"
              value={measure}
              onChange={({ currentTarget }) => refine({ measure: currentTarget.value as Measure })}
            >
              {MEASURES.map((name) => (
                <option key={name} value={name}>
                  {MEASURE_WORDS[name]}
                </option>
              ))}
            </select>
            <select aria-label="By" value={unit} onChange={({ currentTarget }) => choose(currentTarget.value as Unit)}>
              {UNITS.map((name) => (
                <option key={name} value={name}>
                  by {name}
                </option>
              ))}
            </select>
          </div>
        </div>
        {periods.length === 0 ? (
          <p class="hint">There is no turn yet.</p>
        ) : (
          <>
            <Legend models={models} />
            <Bars periods={periods} models={models} measure={measure} unit={unit} />
            {total.unknown > 0 && (
              <p class="hint">
                {counted(total.unknown, "turn")} of {count(total.turns)} {total.unknown === 1 ? "does" : "do"} not say
                the tokens: {total.unknown === 1 ? "it is" : "they are"} in no sum of tokens.
              </p>
            )}
          </>
        )}
      </section>
      {periods.length > 0 && (
        <div class="panels">
          <section class="panel" aria-labelledby="periods-title">
            <h2 id="periods-title">By {unit}</h2>
            <Sums
              head={unit}
              rows={[...periods].reverse().map(({ period, sum }) => [period, sum])}
              caption={`By ${unit}`}
            />
          </section>
          <section class="panel" aria-labelledby="models-title">
            <h2 id="models-title">By model</h2>
            <Sums head="model" rows={models.map(([model, sum]) => [model ?? NOT_SAID, sum])} caption="By model" />
          </section>
        </div>
      )}
    </>
  );
}

type Models = [model: string | null, sum: Added][];

/** The one with the most tokens first. */
function byModel(rows: SessionRow[]): Models {
  const models = new Set(rows.flatMap(({ cells }) => cells.map(({ model }) => model)));
  return [...models]
    .map((model): Models[number] => [model, added(rows, (cell) => cell.model === model)])
    .sort(([, a], [, b]) => valueOf(b, "tokens") - valueOf(a, "tokens") || b.turns - a.turns);
}

const colourOf = (index: number): string => COLOURS[Math.min(index, COLOURS.length - 1)]!;

function Legend({ models }: { models: Models }) {
  return (
    <ul class="legend" aria-label="Models">
      {models.map(([model], index) => (
        <li key={model}>
          <span class={`swatch ${colourOf(index)}`} aria-hidden="true" />
          {model ?? "unknown model"}
        </li>
      ))}
    </ul>
  );
}

function Bars({ periods, models, measure, unit }: { periods: Trend[]; models: Models; measure: Measure; unit: Unit }) {
  const option = useMemo(() => {
    const { textStyle, tooltip, axis } = look();
    return {
      textStyle,
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      tooltip: { ...tooltip, trigger: "item" },
      xAxis: { type: "category", data: periods.map(({ period }) => period), ...axis, splitLine: { show: false } },
      yAxis: {
        type: "value",
        minInterval: 1,
        ...axis,
        axisLabel: { ...axis.axisLabel, formatter: (value: number) => count(value) },
      },
      series: models.map(([model], index) => ({
        type: "bar",
        stack: "models",
        name: model ?? "unknown model",
        barMaxWidth: 40,
        itemStyle: { color: colour(colourOf(index)) },
        data: periods.map((trend) => {
          const part = trend.models.get(model);
          return part === undefined ? 0 : valueOf(part, measure);
        }),
        tooltip: {
          formatter: ({ name, seriesName, value }: { name: string; seriesName: string; value: number }) =>
            tip(name, seriesName, `${count(value)} ${measure}`),
        },
      })),
    };
  }, [periods, models, measure, isDark.value]);
  return (
    <Chart
      option={option}
      height={240}
      label={`${MEASURE_WORDS[measure]} by ${unit} and model; the tables after it say the same`}
    />
  );
}

function Sums({ head, rows, caption }: { head: string; rows: [string, Added][]; caption: string }) {
  return (
    <div class="table-frame">
      <table class="compact">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{head[0]!.toUpperCase() + head.slice(1)}</th>
            <th scope="col" class="number spare">
              Sessions
            </th>
            <th scope="col" class="number">
              Turns
            </th>
            <th scope="col" class="number">
              Input
            </th>
            <th scope="col" class="number">
              Output
            </th>
            <th scope="col">Not said</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, sum]) => {
            const isSaid = sum.turns > sum.unknown;
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number spare">{count(sum.sessions)}</td>
                <td class="number">{count(sum.turns)}</td>
                <td class="number">{isSaid ? count(sum.input) : NOT_SAID}</td>
                <td class="number">{isSaid ? count(sum.output) : NOT_SAID}</td>
                <td class="hint">{sum.unknown === 0 ? UNKNOWN : `by ${counted(sum.unknown, "turn")}`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
