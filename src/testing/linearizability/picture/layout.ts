/** Where everything in a scene is drawn, in pixels. */
import type { Bar, Point, Scene } from './scene.ts';

export const ROW_HEIGHT = 34;
export const LANE_GAP = 10;
const MIN_GAP = 14;
const POINT_WIDTH = 26;
/** Of the font of the labels, on average; and what else a bar needs. */
export const CHARACTER_WIDTH = 7.3;
const MAX_LABEL = 34;
const LABEL_PADDING = 18;
const MARGIN = 16;

export interface PlacedBar {
  readonly bar: Bar;
  readonly left: number;
  readonly right: number;
  readonly row: number;
}

export interface PlacedPoint {
  readonly point: Point;
  readonly x: number;
}

export interface Lane {
  readonly process: number;
  readonly firstRow: number;
  readonly rows: number;
}

export interface Layout {
  readonly columns: readonly number[];
  readonly bars: readonly PlacedBar[];
  readonly points: readonly PlacedPoint[];
  readonly lanes: readonly Lane[];
  readonly rows: number;
  readonly width: number;
}

export function layOut(scene: Scene): Layout {
  const columns = columnPositions(scene);
  const width = (columns.at(-1) ?? MARGIN) + 2 * MARGIN;
  const points = pointPositions(scene, columns);
  const pointOf = new Map(points.map(({ point, x }) => [point.bar, x]));
  const spans = scene.bars.map((bar) => {
    const left = bar.from === -1 ? 0 : (columns[bar.from] ?? 0);
    const open = Math.max(left + labelWidth(bar), (pointOf.get(bar) ?? 0) + POINT_WIDTH);
    const right = bar.operation.outcome === 'unknown' ? open : (columns[bar.to] ?? width);
    return { bar, left, right };
  });
  const { lanes, bars, rows } = lanesOf(spans);
  return { columns, bars, points, lanes, rows, width: Math.max(width, ...bars.map(({ right }) => right + MARGIN)) };
}

function labelWidth(bar: Bar): number {
  return textWidth(bar) + LABEL_PADDING;
}

/** A long label is cut when its bar is not long anyway. */
export function textWidth({ label }: Bar): number {
  return Math.min(label.length, MAX_LABEL) * CHARACTER_WIDTH;
}

/** Gaps are wide enough for the points in them, and bars for their labels, which stand before or behind the point. */
function columnPositions({ bars, points, times }: Scene): number[] {
  const inGap = new Map<number, number>();
  const places = new Map<Bar, { readonly after: number; readonly index: number }>();
  for (const { bar, after } of points) {
    const index = inGap.get(after) ?? 0;
    places.set(bar, { after, index });
    inGap.set(after, index + 1);
  }
  const columns: number[] = [];
  let x = MARGIN + (inGap.get(-1) ?? 0) * POINT_WIDTH;
  for (let column = 0; column <= times.length; column++) {
    for (const bar of bars) {
      if (bar.to !== column) continue;
      const left = columns[bar.from] ?? 0;
      const place = places.get(bar);
      const point = place === undefined ? left : pointX(columns, place.after, place.index);
      const fitsBefore = point - left >= labelWidth(bar);
      x = Math.max(x, fitsBefore ? point + POINT_WIDTH / 2 : point + labelWidth(bar));
    }
    columns.push(x);
    x += Math.max(MIN_GAP, (inGap.get(column) ?? 0) * POINT_WIDTH);
  }
  return columns;
}

/** Points stand right behind the column that made them possible. */
function pointX(columns: readonly number[], after: number, index: number): number {
  return (columns[after] ?? 0) + POINT_WIDTH * (index + 0.5);
}

function pointPositions({ points }: Scene, columns: readonly number[]): PlacedPoint[] {
  let index = 0;
  return points.map((point, at) => {
    index = points[at - 1]?.after === point.after ? index + 1 : 0;
    return { point, x: pointX(columns, point.after, index) };
  });
}

/** A lane for each process; operations of one process that overlap get rows of their own. */
function lanesOf(spans: readonly Omit<PlacedBar, 'row'>[]): Pick<Layout, 'lanes' | 'bars' | 'rows'> {
  const processes = [...new Set(spans.map(({ bar }) => bar.operation.process))].sort((a, b) => a - b);
  const lanes: Lane[] = [];
  const bars: PlacedBar[] = [];
  let rows = 0;
  for (const process of processes) {
    const ends: number[] = [];
    const own = spans.filter(({ bar }) => bar.operation.process === process).sort((a, b) => a.left - b.left);
    for (const span of own) {
      const free = ends.findIndex((end) => end <= span.left);
      const row = free === -1 ? ends.length : free;
      ends[row] = span.right;
      bars.push({ ...span, row: rows + row });
    }
    lanes.push({ process, firstRow: rows, rows: ends.length });
    rows += ends.length;
  }
  return { lanes, bars, rows };
}
