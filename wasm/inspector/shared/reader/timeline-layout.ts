/** Where the marks of the time line are drawn: in rows, and as one where they would lie on the same spot. */
import { type Lane, LANES, type Mark, type MarkKind, type PlacedMark, type TimelineRow } from "./timeline-view.js";

export const MOST_LANE_ROWS = 4;
/** Marks are drawn at least this many pixels wide. */
export const NARROWEST = 3;

export class Layout {
  readonly rows: TimelineRow[] = [];
  readonly marks: PlacedMark[] = [];

  constructor(
    private readonly now: number,
    /** The shortest time that can be told from none. */
    private readonly grain: number,
  ) {}

  add(thread: string, marks: Mark[], mostTurnRows: number): void {
    const first = this.rows.length;
    for (const lane of LANES) {
      const own = marks.filter((mark) => laneOf(mark.kind) === lane).sort((a, b) => a.start - b.start);
      if (own.length === 0) continue;
      const rows: PlacedMark[][] = [[]];
      for (const mark of own) this.#place(mark, rows, lane === "turns" ? mostTurnRows : MOST_LANE_ROWS);
      for (const placed of rows) {
        for (const mark of placed) mark.row = this.rows.length;
        this.marks.push(...placed);
        this.rows.push({ thread, lane, isFirst: this.rows.length === first });
      }
    }
  }

  /** Marks come in the order of their starts. */
  #place(mark: Mark, rows: PlacedMark[][], mostRows: number): void {
    const { brokenOff, ...drawn } = mark;
    const end = Math.max(mark.start, mark.end ?? brokenOff ?? this.now);
    const placed: PlacedMark = { ...drawn, end, isOpen: mark.end === null, row: 0, count: 1 };
    for (const row of rows) {
      const before = row.at(-1);
      if (before === undefined || before.start + Math.max(this.grain, before.end - before.start) <= mark.start) {
        row.push(placed);
        return;
      }
      const areAlike =
        before.kind === mark.kind &&
        before.outcome === mark.outcome &&
        (before.event === null) === (mark.event === null);
      if (areAlike && this.#isSpot(before) && this.#isSpot(placed)) {
        this.#join(before, placed);
        return;
      }
    }
    if (rows.length < mostRows) {
      rows.push([placed]);
      return;
    }
    // There is no room left where it would not cover another: what is on the same spot counts with it.
    const last = rows.at(-1)!;
    const before = last.at(-1)!;
    if (mark.start - before.start < this.grain) this.#join(before, placed);
    else last.push(placed);
  }

  #isSpot({ start, end }: PlacedMark): boolean {
    return end - start < this.grain;
  }

  #join(to: PlacedMark, from: PlacedMark): void {
    to.count += from.count;
    to.end = Math.max(to.end, from.end);
  }
}

const BESIDE_TURNS: readonly MarkKind[] = ["steer", "compaction", "hook", "lines", "goal", "archive"];

function laneOf(kind: MarkKind): Lane {
  if (kind === "turn") return "turns";
  if (kind === "approval") return "approvals";
  return BESIDE_TURNS.includes(kind) ? "steers" : "items";
}
