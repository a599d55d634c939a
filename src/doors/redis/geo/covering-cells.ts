/**
 * The cells that have all positions of a shape in them: the one around its centre, of a size not much below the shape's, and
 * those of its eight neighbours that the shape reaches. Each is one range of scores.
 *
 * The choice and the order are Redis's, since a search without sorting answers in this order.
 */
import { areaOf, type Cell, type CellArea, cellOf, STEP_MAX, scoreEnd, scoreStart } from './geohash.ts';
import { baseOf, boundsOf, reach_m, type Shape } from './shape.ts';

/** start <= score < end */
export interface ScoreRange {
  readonly start: number;
  readonly end: number;
}

/** Half the way around the Earth in the web Mercator projection. */
const MERCATOR_MAX_M = 20_037_726.37;

/** How often to halve the world so that a cell and its neighbours cover the distance. */
function estimatedStep(reach: number, latitude: number): number {
  if (reach === 0) return STEP_MAX;
  let step = -1;
  for (let doubled = reach; doubled < MERCATOR_MAX_M; doubled *= 2) step += 1;
  // Cells become narrower towards the poles.
  if (Math.abs(latitude) > 66) step -= 1;
  if (Math.abs(latitude) > 80) step -= 1;
  return Math.min(STEP_MAX, Math.max(1, step));
}

/** The cell so many columns east and rows north; the grid has no ends. */
function neighbour(cell: Cell, east: number, north: number): Cell {
  const last = 2 ** cell.step - 1;
  return {
    column: east === 0 ? cell.column : (cell.column + east) & last,
    row: north === 0 ? cell.row : (cell.row + north) & last,
    step: cell.step,
  };
}

/** True when the shape ends before the outer sides of the cell's four neighbours. */
function suffices(cell: Cell, shape: Shape): boolean {
  const bounds = boundsOf(shape);
  const beside = (east: number, north: number): CellArea =>
    // A polygon ends at the edge of the map: it does not go on at the other side.
    areaOf(
      shape.extent.kind === 'polygon'
        ? { column: cell.column + east, row: cell.row + north, step: cell.step }
        : neighbour(cell, east, north),
    );
  return (
    beside(0, 1).north >= bounds.north &&
    beside(0, -1).south <= bounds.south &&
    beside(1, 0).east >= bounds.east &&
    beside(-1, 0).west <= bounds.west
  );
}

/** The neighbours in the order in which they are searched: columns to the east, rows to the north. */
const NEIGHBOURS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

export function coveringCells(shape: Shape): Cell[] {
  const base = baseOf(shape);
  let step = estimatedStep(reach_m(shape), base.latitude);
  let middle = cellOf(base, step);
  while (step > 1 && !suffices(middle, shape)) {
    step -= 1;
    middle = cellOf(base, step);
    // Circles and boxes are as in Redis, which looks once.
    if (shape.extent.kind !== 'polygon') break;
  }
  const cells = [middle];
  const area = areaOf(middle);
  const bounds = boundsOf(shape);
  for (const [east, north] of NEIGHBOURS) {
    // Of the four largest cells each is needed: a shape may reach round the world.
    const isOutside =
      step >= 2 &&
      ((north < 0 && area.south < bounds.south) ||
        (north > 0 && area.north > bounds.north) ||
        (east < 0 && area.west < bounds.west) ||
        (east > 0 && area.east > bounds.east));
    if (!isOutside) cells.push(neighbour(middle, east, north));
  }
  return cells;
}

/** The ranges of scores of a shape's cells, in the order in which they are searched, each once. */
export function coveringRanges(shape: Shape): ScoreRange[] {
  const ranges = new Map<number, ScoreRange>();
  for (const cell of coveringCells(shape)) {
    const start = scoreStart(cell);
    if (!ranges.has(start)) ranges.set(start, { start, end: scoreEnd(cell) });
  }
  return [...ranges.values()];
}
