import { useMemo } from "preact/hooks";

import { count, duration, missing, words } from "../page/format.js";
import { isDark } from "../page/theme.js";
import { TYPE_LABELS } from "../reader/kinds.js";
import type { ReviewTotals, ToolTotals, Totals } from "../reader/totals.js";
import { Chart, colour, look, tip } from "./chart.js";
import { Outcome } from "./outcome.js";
import { isOfFiles, Rest, TokenTable } from "./totals-tables.js";

export function TotalsPanels({ totals }: { totals: Totals }) {
  return (
    <div class="panels">
      <section class="panel" aria-labelledby="tools-title">
        <h2 id="tools-title">Tool calls by kind and outcome</h2>
        {totals.tools.length === 0 ? <p class="hint">No tool was called.</p> : <Tools tools={totals.tools} />}
      </section>
      <section class="panel" aria-labelledby="reviews-title">
        <h2 id="reviews-title">Approvals by decision and waiting time</h2>
        {totals.reviews.length === 0 ? (
          <p class="hint">
            {isOfFiles(totals) ? "Unknown: rollouts say nothing of approvals." : "Nothing had to be approved."}
          </p>
        ) : (
          <Reviews reviews={totals.reviews} />
        )}
      </section>
      <section class="panel" aria-labelledby="tokens-title">
        <h2 id="tokens-title">Tokens</h2>
        <TokenTable totals={totals} />
      </section>
      <section class="panel" aria-labelledby="rest-title">
        <h2 id="rest-title">Turns, steers, compactions</h2>
        <Rest totals={totals} />
      </section>
    </div>
  );
}

const OUTCOMES = ["completed", "failed", "rejected", "interrupted"] as const;
const OUTCOME_COLOURS = {
  completed: "good-fill",
  failed: "bad-fill",
  rejected: "neither-fill",
  interrupted: "neither-fill",
} as const;

/** Only control tools are interrupted: a narrow page leaves it out. */
const numberClass = (outcome: (typeof OUTCOMES)[number]) => (outcome === "interrupted" ? "number spare" : "number");

/** Rows of bars, named at their left, the first on top. */
function bars(names: string[], series: object[], value: (ms: number) => string) {
  const { textStyle, tooltip, axis } = look();
  return {
    textStyle,
    grid: { left: 4, right: 16, top: 6, bottom: 4, containLabel: true },
    tooltip: { ...tooltip, trigger: "item" },
    xAxis: {
      type: "value",
      minInterval: 1,
      ...axis,
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: value },
    },
    yAxis: { type: "category", inverse: true, data: names, ...axis, splitLine: { show: false } },
    series: series.map((one) => ({ type: "bar", barMaxWidth: 16, ...one })),
  };
}

function Tools({ tools }: { tools: ToolTotals[] }) {
  const option = useMemo(
    () =>
      bars(
        tools.map(({ type }) => TYPE_LABELS[type]),
        OUTCOMES.map((outcome) => ({
          name: outcome,
          stack: "outcomes",
          itemStyle: { color: colour(OUTCOME_COLOURS[outcome]) },
          data: tools.map(({ outcomes }) => outcomes[outcome]),
          tooltip: {
            formatter: ({ name, value }: { name: string; value: number }) => tip(name, `${count(value)} ${outcome}`),
          },
        })),
        count,
      ),
    [tools, isDark.value],
  );
  return (
    <>
      <Chart
        option={option}
        height={36 + tools.length * 26}
        label="Tool calls by kind and outcome; the table after it says the same"
      />
      <table class="compact">
        <caption class="visually-hidden">Tool calls by kind and outcome</caption>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            {OUTCOMES.map((outcome) => (
              <th scope="col" class={numberClass(outcome)} key={outcome}>
                <span class={`swatch ${OUTCOME_COLOURS[outcome]}`} aria-hidden="true" />
                {outcome}
              </th>
            ))}
            <th scope="col" class="number spare">
              median
            </th>
            <th scope="col" class="number">
              longest
            </th>
          </tr>
        </thead>
        <tbody>
          {tools.map(({ type, outcomes, duration: took }) => (
            <tr key={type}>
              <th scope="row">{TYPE_LABELS[type]}</th>
              {OUTCOMES.map((outcome) => (
                <td class={numberClass(outcome)} key={outcome}>
                  {count(outcomes[outcome])}
                </td>
              ))}
              <td class="number spare">{duration(took.median)}</td>
              <td class="number" title={missing(took.unknown) || undefined}>
                {duration(took.max)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

const WAITS = [
  ["median", "median"],
  ["p95", "95th percentile"],
  ["max", "longest"],
] as const;

function Reviews({ reviews }: { reviews: ReviewTotals[] }) {
  const option = useMemo(
    () =>
      bars(
        reviews.map(({ reviewer, status }) => `${words(status)}, by ${reviewer}`),
        WAITS.map(([member, name], index) => ({
          name,
          itemStyle: { color: colour("approval"), opacity: 1 - index * 0.3 },
          barMaxWidth: 8,
          data: reviews.map(({ waiting }) => waiting[member]),
          tooltip: {
            formatter: (bar: { name: string; value: number | null }) =>
              tip(bar.name, `${name} wait: ${duration(bar.value)}`),
          },
        })),
        duration,
      ),
    [reviews, isDark.value],
  );
  return (
    <>
      <Chart
        option={option}
        height={36 + reviews.length * 36}
        label="Waiting times of approvals by decision; the table after it says the same"
      />
      <table class="compact">
        <caption class="visually-hidden">Approvals by decision and waiting time</caption>
        <thead>
          <tr>
            <th scope="col">Decision</th>
            <th scope="col">By</th>
            <th scope="col" class="number">
              times
            </th>
            {WAITS.map(([member, name]) => (
              <th scope="col" class={member === "p95" ? "number spare" : "number"} key={member}>
                <span class={`swatch ${member}`} aria-hidden="true" />
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {reviews.map(({ reviewer, status, count: times, waiting }) => (
            <tr key={`${reviewer} ${status}`}>
              <th scope="row">
                <Outcome outcome={status} />
              </th>
              <td>{reviewer}</td>
              <td class="number">{count(times)}</td>
              {WAITS.map(([member]) => (
                <td
                  class={member === "p95" ? "number spare" : "number"}
                  key={member}
                  title={missing(waiting.unknown) || undefined}
                >
                  {duration(waiting[member])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
