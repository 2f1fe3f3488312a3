/** A chart on a canvas, as large as its place. What it says is said beside it in words, too. */
import { BarChart, CustomChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { type ECharts, type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "preact/hooks";

import { isDark } from "../page/theme.js";

use([BarChart, CustomChart, DataZoomComponent, GridComponent, TooltipComponent, CanvasRenderer]);

interface ChartProps {
  option: EChartsCoreOption;
  height: number;
  label: string;
  /** Called once with a chart that is there. */
  ready?: (chart: ECharts) => void;
  /** Which parts of the option replace those of the one before. */
  replace?: string[];
}

export function Chart({ option, height, label, ready, replace = ["series", "xAxis", "yAxis"] }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  useEffect(() => {
    const made = init(place.current, null, { renderer: "canvas" });
    chart.current = made;
    ready?.(made);
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(place.current!);
    return () => {
      observer.disconnect();
      made.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption({ animation: false, ...option }, { replaceMerge: replace });
  }, [option, isDark.value]);
  useEffect(() => chart.current?.resize(), [height]);
  return <div ref={place} class="chart" role="img" aria-label={label} style={{ height: `${height}px` }} />;
}

/** What a colour of the style sheet is at the moment. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  // On a canvas all colours would be one where a user's own are forced.
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Lines of text for a tooltip: never markup, since some of it is others'. */
export function tip(...lines: string[]): HTMLElement {
  const box = document.createElement("div");
  for (const [index, line] of lines.entries()) {
    const part = document.createElement("div");
    part.textContent = line;
    if (index === 0) part.style.fontWeight = "600";
    box.append(part);
  }
  return box;
}

/** What all charts look alike in. */
export function look() {
  return {
    textStyle: { fontFamily: "inherit", color: colour("text-soft"), fontSize: 12 },
    tooltip: {
      backgroundColor: colour("surface"),
      borderColor: colour("line"),
      textStyle: { color: colour("text"), fontSize: 12 },
      confine: true,
      transitionDuration: 0,
    },
    axis: {
      axisLine: { lineStyle: { color: colour("line") } },
      axisTick: { show: false },
      axisLabel: { color: colour("text-soft"), fontSize: 11 },
      splitLine: { lineStyle: { color: colour("line-soft") } },
    },
  };
}
