/** The time line as a chart: rows of bars to scale. */
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams, CustomSeriesRenderItemReturn } from "echarts";
import { type EChartsCoreOption, graphic } from "echarts/core";

import { count, duration, elapsed, shortId, words } from "../page/format.js";
import { NARROWEST } from "../reader/timeline-layout.js";
import type { Lane, MarkKind, PlacedMark, TimelineView } from "../reader/timeline-view.js";
import { colour, look, tip } from "./chart.js";
import { toneOf } from "./outcome.js";

export const ROW_HEIGHT = 24;
export const CHART_MARGINS = { left: 132, right: 18, top: 8, bottom: 66 };

export const KIND_LABELS: Readonly<Record<MarkKind, string>> = {
  turn: "Turn",
  command: "Command",
  file_change: "File change",
  mcp: "MCP tool",
  client_tool: "Client tool",
  agent_tool: "Agent tool",
  web_search: "Web search",
  image: "Image",
  control_tool: "Control tool",
  other_item: "Other item",
  approval: "Approval",
  steer: "Steer",
  compaction: "Compaction",
  hook: "Hook",
  lines: "Accepted lines",
  goal: "Goal",
  archive: "Archive",
};

const LANE_LABELS: Readonly<Record<Lane, string>> = {
  turns: "Turns",
  items: "Items",
  approvals: "Approvals",
  steers: "Beside the turns",
};

/** What happens at once, and is drawn as a diamond. */
const MOMENTS: readonly MarkKind[] = ["steer", "hook", "lines", "goal", "archive"];

function nameOf({ kind, label }: PlacedMark): string {
  return label === "" ? KIND_LABELS[kind] : `${KIND_LABELS[kind]}: ${label}`;
}

export function describeMark(mark: PlacedMark, first: number): string[] {
  const when = `from ${elapsed(mark.start - first)}`;
  const took = mark.isOpen ? "never ended" : duration(mark.end - mark.start);
  if (mark.count > 1)
    return [`${KIND_LABELS[mark.kind]} × ${count(mark.count)}`, when, "too narrow to be drawn one by one: zoom in"];
  const lines = [nameOf(mark)];
  lines.push(MOMENTS.includes(mark.kind) ? `at ${elapsed(mark.start - first)}` : `${when}, ${took}`);
  if (mark.outcome !== null) lines.push(words(mark.outcome));
  if (mark.event === null) lines.push("no event");
  return lines;
}

export function timelineOption(view: TimelineView): EChartsCoreOption {
  const { textStyle, tooltip, axis } = look();
  const [first, last] = view.extent ?? [0, 1];
  const colours = Object.fromEntries(
    Object.keys(KIND_LABELS).map((kind) => [kind, colour(kind.replace("_", "-"))]),
  ) as Record<MarkKind, string>;
  const [bad, surface, text] = [colour("bad"), colour("surface"), colour("bar-text")];

  const renderItem = (
    params: CustomSeriesRenderItemParams,
    api: CustomSeriesRenderItemAPI,
  ): CustomSeriesRenderItemReturn => {
    const mark = view.marks[params.dataIndex]!;
    const [left, middle] = api.coord([mark.start - first, mark.row]) as [number, number];
    const [right] = api.coord([mark.end - first, mark.row]) as [number, number];
    const area = params.coordSys as unknown as { x: number; y: number; width: number; height: number };
    const isBad = toneOf(mark.outcome) === "bad" || toneOf(mark.outcome) === "neither";
    const style = {
      fill: colours[mark.kind],
      opacity: mark.event === null ? 0.4 : 1,
      ...(isBad ? { stroke: bad, lineWidth: 2 } : {}),
    };
    const emphasis = { style: { stroke: text, lineWidth: 1.5 } };
    if (MOMENTS.includes(mark.kind)) {
      if (left < area.x || left > area.x + area.width) return null as unknown as CustomSeriesRenderItemReturn;
      const shape = {
        points: [
          [left, middle - 7],
          [left + 6, middle],
          [left, middle + 7],
          [left - 6, middle],
        ],
      };
      return {
        type: "polygon",
        shape,
        style: { ...style, stroke: isBad ? bad : surface, lineWidth: isBad ? 2 : 1 },
        emphasis,
      };
    }
    const height = mark.kind === "turn" ? 16 : 12;
    const rectangle = graphic.clipRectByRect(
      { x: left, y: middle - height / 2, width: Math.max(NARROWEST, right - left), height },
      area,
    );
    if (rectangle === undefined) return null as unknown as CustomSeriesRenderItemReturn;
    const bar = { type: "rect" as const, shape: { ...rectangle, r: 2 }, style, emphasis };
    const caption = mark.count > 1 ? `× ${mark.count}` : nameOf(mark);
    if (rectangle.width < 56) return bar;
    return {
      ...bar,
      textContent: {
        type: "text",
        style: {
          text: caption,
          fill: mark.event === null ? colour("text") : text,
          fontSize: 10.5,
          width: rectangle.width - 8,
          overflow: "truncate",
        },
      },
      textConfig: { position: "insideLeft", distance: 4 },
    };
  };

  return {
    textStyle,
    grid: CHART_MARGINS,
    tooltip: {
      ...tooltip,
      trigger: "item",
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const mark = view.marks[dataIndex];
        return mark === undefined ? "" : tip(...describeMark(mark, first));
      },
    },
    xAxis: {
      type: "value",
      min: 0,
      max: Math.max(1, last - first),
      ...axis,
      axisLabel: {
        ...axis.axisLabel,
        hideOverlap: true,
        showMaxLabel: false,
        formatter: (value: number) =>
          elapsed(
            value,
            view.window[1] - view.window[0] < 20_000 ? (view.window[1] - view.window[0] < 200 ? 3 : 1) : 0,
          ),
      },
      splitLine: { show: true, lineStyle: { color: colour("line-soft") } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: view.rows.map(({ thread, lane }, index) => `${index} ${thread} ${lane}`),
      ...axis,
      axisLabel: {
        interval: 0,
        formatter: (_: string, index: number) => rowLabel(view, index),
        rich: {
          thread: { color: colour("text"), fontSize: 11, fontWeight: 600, align: "right" },
          lane: { color: colour("text-soft"), fontSize: 11, align: "right" },
        },
      },
      splitLine: { show: false },
      splitArea: { show: true, areaStyle: { color: [colour("surface"), colour("row")] } },
    },
    dataZoom: [
      {
        type: "inside",
        filterMode: "none",
        // The page scrolls by the wheel alone.
        zoomOnMouseWheel: "ctrl",
        moveOnMouseMove: true,
        moveOnMouseWheel: false,
        preventDefaultMouseMove: false,
        minValueSpan: 5,
        startValue: view.window[0] - first,
        endValue: view.window[1] - first,
      },
      {
        type: "slider",
        filterMode: "none",
        height: 22,
        bottom: 8,
        minValueSpan: 5,
        startValue: view.window[0] - first,
        endValue: view.window[1] - first,
        showDataShadow: false,
        brushSelect: false,
        labelFormatter: (value: number) => elapsed(value, 1),
        textStyle: { color: colour("text-soft"), fontSize: 11 },
        borderColor: colour("line"),
        backgroundColor: colour("row"),
        fillerColor: colour("window"),
        handleStyle: { color: colour("surface"), borderColor: colour("accent") },
        moveHandleStyle: { color: colour("accent"), opacity: 0.5 },
        emphasis: { handleStyle: { borderColor: colour("accent") }, moveHandleStyle: { color: colour("accent") } },
      },
    ],
    series: [
      {
        type: "custom",
        renderItem,
        // What reaches beyond the ends is cut above; a diamond at an end is seen whole.
        clip: false,
        cursor: "pointer",
        encode: { x: [0, 1], y: 2 },
        data: view.marks.map((mark) => [mark.start - first, mark.end - first, mark.row]),
      },
    ],
  };
}

function rowLabel({ rows }: TimelineView, index: number): string {
  const row = rows[index];
  if (row === undefined) return "";
  const isSame = rows[index - 1]?.lane === row.lane && rows[index - 1]?.thread === row.thread;
  if (isSame) return "";
  const thread = row.thread === "" ? "All threads" : shortId(row.thread);
  return row.isFirst ? `{thread|${thread}} {lane|${LANE_LABELS[row.lane]}}` : `{lane|${LANE_LABELS[row.lane]}}`;
}
