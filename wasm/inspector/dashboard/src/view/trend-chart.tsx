/** Bars over time, as a picture that takes on the page's colours. */
import { useEffect, useRef, useState } from "preact/hooks";

export interface Series {
  name: string;
  /** Of the palette. */
  colour: string;
  /** Null draws nothing: it is not known. */
  values: (number | null)[];
}

interface Charted {
  keys: string[];
  /** Stacked, the first at the bottom. */
  series: Series[];
  /** The distances that the scale's lines may have. */
  steps: readonly number[];
  label: string;
  /** What a value of the scale is in words. */
  say: (value: number) => string;
  /** What is said of a bar; the first line stands out. */
  tell: (index: number) => string[];
  /** What a key is at the axis. */
  name: (key: string) => string;
}

const HEIGHT = 220;
const TOP = 10;
const BOTTOM = 24;
const LETTER = 6.6;
const WIDEST = 28;

export function TrendChart({ keys, series, steps, label, say, tell, name }: Charted) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  const [pointed, setPointed] = useState<number | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry!.contentRect.width)));
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const sums = keys.map((_, index) => series.reduce((sum, { values }) => sum + Math.max(0, values[index] ?? 0), 0));
  const ticks = scale(Math.max(0, ...sums), steps);
  const most = ticks.at(-1)!;
  const left = Math.max(...ticks.map((tick) => say(tick).length)) * LETTER + 10;
  const slot = (width - left - 4) / Math.max(1, keys.length);
  const bar = Math.max(1, Math.min(WIDEST, slot * 0.74));
  const floor = HEIGHT - BOTTOM;
  const y = (value: number): number => floor - (value / most) * (floor - TOP);
  const middle = (index: number): number => left + slot * (index + 0.5);
  const names = keys.map(name);
  const every = Math.max(1, Math.ceil((Math.max(0, ...names.map(({ length }) => length)) * LETTER + 14) / slot));
  const point = ({ offsetX }: PointerEvent): void => {
    const index = Math.floor((offsetX - left) / slot);
    setPointed(index >= 0 && index < keys.length ? index : null);
  };
  return (
    <div class="trend-chart" ref={place} onPointerLeave={() => setPointed(null)}>
      <svg width={width} height={HEIGHT} role="img" aria-label={label} onPointerMove={point} onPointerDown={point}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line class={tick === 0 ? "floor" : "line"} x1={left} x2={width} y1={y(tick)} y2={y(tick)} />
            <text x={left - 7} y={y(tick) + 4} text-anchor="end">
              {say(tick)}
            </text>
          </g>
        ))}
        {pointed !== null && (
          <rect class="pointed" x={left + slot * pointed} y={TOP} width={slot} height={floor - TOP} />
        )}
        {keys.map((key, index) => (
          <Stack
            key={key}
            parts={series.map(({ colour, values }) => [colour, values[index] ?? 0])}
            x={middle(index) - bar / 2}
            width={bar}
            y={y}
          />
        ))}
        {names.map(
          (text, index) =>
            index % every === 0 && (
              <text
                key={keys[index]}
                x={Math.min(middle(index), width - (text.length * LETTER) / 2)}
                y={HEIGHT - 6}
                text-anchor="middle"
              >
                {text}
              </text>
            ),
        )}
      </svg>
      {pointed !== null && pointed < keys.length && (
        <div
          class="trend-tip"
          aria-hidden="true"
          style={
            middle(pointed) > width / 2
              ? { right: `${width - middle(pointed) + slot / 2 + 6}px` }
              : { left: `${middle(pointed) + slot / 2 + 6}px` }
          }
        >
          {tell(pointed).map((line) => (
            <p key={line}>{line}</p>
          ))}
        </div>
      )}
    </div>
  );
}

interface Stacked {
  parts: [colour: string, value: number][];
  x: number;
  width: number;
  y: (value: number) => number;
}

function Stack({ parts, x, width, y }: Stacked) {
  let below = 0;
  return (
    <>
      {parts.map(([colour, value]) => {
        if (value <= 0) return null;
        const bottom = y(below);
        below += value;
        // Whatever there is is seen.
        const height = Math.max(1.5, bottom - y(below));
        return (
          <rect
            key={colour}
            x={x}
            y={bottom - height}
            width={width}
            height={height}
            rx={Math.min(1.5, width / 4)}
            style={{ fill: `var(--${colour})` }}
          />
        );
      })}
    </>
  );
}

const MOST_LINES = 5;

/** The values of the scale's lines, from 0 to what is not below the largest value. */
export function scale(largest: number, steps: readonly number[]): number[] {
  const step = steps.find((one) => largest / one <= MOST_LINES) ?? steps.at(-1)!;
  const lines = Math.min(50, Math.max(1, Math.ceil(largest / step)));
  return Array.from({ length: lines + 1 }, (_, index) => index * step);
}
