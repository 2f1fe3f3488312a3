import type { ECharts } from "echarts/core";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { count, counted, duration, elapsed, shortId } from "../page/format.js";
import { isDark } from "../page/theme.js";
import type { MarkKind, PlacedMark, TimelineView } from "../reader/timeline-view.js";
import { Chart } from "./chart.js";
import type { EventLinks } from "./event-list.js";
import { Outcome } from "./outcome.js";
import { CHART_MARGINS, describeMark, KIND_LABELS, ROW_HEIGHT, timelineOption } from "./timeline-chart.js";

/** Dragging asks for the marks of the new window once it pauses. */
const SETTLE_MS = 120;
const MOST_IN_TABLE = 200;
const SHORTEST_MS = 5;

/** The part of a session that is shown. */
export interface TimelinePart {
  from: number | null;
  to: number | null;
  /** Empty for all. */
  thread: string;
}

export interface TimelineProps {
  view: TimelineView | undefined;
  part: TimelinePart;
  /** The threads that one may choose, with how many events each has. */
  threads: [id: string, events: number][];
  change: (part: Partial<TimelinePart>) => void;
  events: EventLinks;
  /** Told how many pixels there are. */
  measured: (width: number) => void;
}

export function TimelinePanel(props: TimelineProps) {
  const { view, measured } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      measured(Math.round((entry?.contentRect.width ?? 1000) / 50) * 50),
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <section class="panel timeline" aria-labelledby="timeline-title" ref={place}>
      <div class="panel-head">
        <h2 id="timeline-title">Time line</h2>
        {view !== undefined && <Controls {...props} view={view} />}
      </div>
      {view === undefined || view.extent === null ? (
        <p class="hint">Nothing has happened yet.</p>
      ) : (
        <>
          <Legend view={view} />
          <Drawn {...props} view={view} />
          <Note view={view} />
          <MarkTable view={view} events={props.events} />
        </>
      )}
    </section>
  );
}

type Shown = TimelineProps & { view: TimelineView };

/** Keeps a window within the recording. */
function within(view: TimelineView, from: number, to: number): { from: number | null; to: number | null } {
  const [first, last] = view.extent!;
  const length = Math.max(SHORTEST_MS, Math.min(to - from, last - first));
  const start = Math.max(first, Math.min(from, last - length));
  return start <= first && start + length >= last
    ? { from: null, to: null }
    : { from: Math.round(start), to: Math.round(start + length) };
}

function moved(view: TimelineView, share: number): { from: number | null; to: number | null } {
  const [from, to] = view.window;
  const by = (to - from) * share;
  return within(view, from + by, to + by);
}

function zoomed(view: TimelineView, factor: number): { from: number | null; to: number | null } {
  const [from, to] = view.window;
  const half = ((to - from) * factor) / 2;
  const middle = (from + to) / 2;
  return within(view, middle - half, middle + half);
}

const ALL = { from: null, to: null };

function Controls({ view, part, threads, change }: Shown) {
  const { thread } = part;
  const isAll = part.from === null && part.to === null;
  return (
    <div class="controls" role="group" aria-label="Part of the time line">
      {threads.length > 1 && (
        <select
          aria-label="Thread"
          value={thread}
          onChange={({ currentTarget }) => change({ thread: currentTarget.value })}
        >
          <option value="">All threads</option>
          {threads.map(([id]) => (
            <option key={id} value={id}>
              {shortId(id)}
            </option>
          ))}
        </select>
      )}
      <button type="button" aria-label="Earlier" disabled={isAll} onClick={() => change(moved(view, -0.5))}>
        ◀
      </button>
      <button type="button" aria-label="Later" disabled={isAll} onClick={() => change(moved(view, 0.5))}>
        ▶
      </button>
      <button type="button" aria-label="Zoom in" onClick={() => change(zoomed(view, 0.5))}>
        +
      </button>
      <button type="button" aria-label="Zoom out" disabled={isAll} onClick={() => change(zoomed(view, 2))}>
        −
      </button>
      <button type="button" disabled={isAll} onClick={() => change(ALL)}>
        All
      </button>
    </div>
  );
}

function Legend({ view }: { view: TimelineView }) {
  const kinds = new Set(view.marks.map((mark) => mark.kind));
  return (
    <ul class="legend" aria-label="Legend">
      {(Object.keys(KIND_LABELS) as MarkKind[])
        .filter((kind) => kinds.has(kind))
        .map((kind) => (
          <li key={kind}>
            <span class={`swatch ${kind.replace("_", "-")}`} aria-hidden="true" />
            {KIND_LABELS[kind]}
          </li>
        ))}
      <li>
        <span class="swatch outlined" aria-hidden="true" />
        failed, refused or broken off
      </li>
      <li>
        <span class="swatch faint" aria-hidden="true" />
        without an event
      </li>
    </ul>
  );
}

function Drawn({ view, change, events }: Shown) {
  const option = useMemo(() => timelineOption(view), [view, isDark.value]);
  const current = useRef(view);
  current.current = view;
  const ready = (chart: ECharts): void => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    chart.on("datazoom", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const [zoom] = (chart.getOption() as { dataZoom: { startValue: number; endValue: number }[] }).dataZoom;
        const first = current.current.extent![0];
        const [from, to] = current.current.window;
        const wanted = [first + zoom!.startValue, first + zoom!.endValue] as const;
        // The option itself sets the window, too.
        if (Math.abs(wanted[0] - from) > 1 || Math.abs(wanted[1] - to) > 1) change(within(current.current, ...wanted));
      }, SETTLE_MS);
    });
    chart.on("click", ({ dataIndex }: { dataIndex?: number }) => {
      const mark = current.current.marks[dataIndex ?? -1];
      if (mark === undefined) return;
      if (mark.count > 1) change(zoomed({ ...current.current, window: [mark.start - 50, mark.end + 50] }, 1));
      else if (mark.event !== null) events.go(mark.event);
    });
  };
  const keys = (event: KeyboardEvent): void => {
    const part =
      event.key === "ArrowLeft"
        ? moved(view, -0.2)
        : event.key === "ArrowRight"
          ? moved(view, 0.2)
          : event.key === "+" || event.key === "="
            ? zoomed(view, 0.5)
            : event.key === "-"
              ? zoomed(view, 2)
              : event.key === "0" || event.key === "Home"
                ? ALL
                : undefined;
    if (part === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    change(part);
  };
  const [from, to] = view.window.map((time) => elapsed(time - view.extent![0]));
  return (
    <div
      class="timeline-keys"
      tabIndex={0}
      role="group"
      aria-label="Time line: arrow keys move, plus and minus zoom, 0 shows all"
      onKeyDown={keys}
    >
      <Chart
        option={option}
        ready={ready}
        height={Math.max(1, view.rows.length) * ROW_HEIGHT + CHART_MARGINS.top + CHART_MARGINS.bottom}
        label={`${counted(view.marks.length, "mark")} from ${from} to ${to}; the table after it says the same`}
        replace={["series", "yAxis"]}
      />
    </div>
  );
}

function Note({ view }: { view: TimelineView }) {
  const { threads, areTogether, total, marks, window } = view;
  const together = marks.reduce((sum, mark) => sum + (mark.count > 1 ? mark.count : 0), 0);
  const parts = [`${duration(window[1] - window[0])} shown`];
  if (areTogether) parts.push(`${counted(threads, "thread")} drawn together: zoom in or choose one to see them apart`);
  if (together > 0) parts.push(`${count(together)} of ${counted(total, "mark")} too narrow to be drawn one by one`);
  parts.push("drag to move, Ctrl and the wheel to zoom, or the keys ← → + − 0");
  return <p class="hint">{parts.join(" · ")}</p>;
}

function MarkTable({ view, events }: { view: TimelineView; events: EventLinks }) {
  const [isOpen, setOpen] = useState(false);
  const first = view.extent![0];
  const marks = isOpen ? [...view.marks].sort((a, b) => a.start - b.start) : [];
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>The same as a table</summary>
      {isOpen && (
        <div class="table-frame">
          <table class="compact">
            <caption>
              {marks.length > MOST_IN_TABLE
                ? `The first ${MOST_IN_TABLE} of ${count(marks.length)} marks in the window: zoom in to see others`
                : `${counted(marks.length, "mark")} in the window`}
            </caption>
            <thead>
              <tr>
                <th scope="col" class="number">
                  From
                </th>
                <th scope="col" class="number">
                  Duration
                </th>
                <th scope="col">What</th>
                <th scope="col">Outcome</th>
                <th scope="col">Thread</th>
                <th scope="col">Event</th>
              </tr>
            </thead>
            <tbody>
              {marks.slice(0, MOST_IN_TABLE).map((mark, index) => (
                <MarkRow key={index} mark={mark} first={first} events={events} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function MarkRow({ mark, first, events }: { mark: PlacedMark; first: number; events: EventLinks }) {
  const { event } = mark;
  return (
    <tr>
      <td class="number">{elapsed(mark.start - first)}</td>
      <td class="number">{mark.isOpen ? "never ended" : duration(mark.end - mark.start)}</td>
      <td>
        <span class={`swatch ${mark.kind.replace("_", "-")}`} aria-hidden="true" />
        {describeMark(mark, first)[0]}
      </td>
      <td>
        <Outcome outcome={mark.outcome} />
      </td>
      <td class="id" title={mark.thread}>
        {shortId(mark.thread)}
      </td>
      <td>
        {event === null ? (
          "none"
        ) : (
          <a
            href={events.link(event)}
            onClick={(click) => {
              click.preventDefault();
              events.go(event);
            }}
          >
            event {count(event + 1)}
          </a>
        )}
      </td>
    </tr>
  );
}
