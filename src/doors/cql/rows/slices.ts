/**
 * Slices of a partition from what WHERE says of the clustering columns, also where some of them descend: `(a, b) > (1, 2)` compares
 * values, and is then more than one slice of keys.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Column, Table } from '../schema/model.ts';
import type { Slice } from './commands.ts';
import { clusteringKey, clusteringPart } from './layout.ts';

/** Of the clustering columns that follow those which are equal. */
export interface Bound {
  readonly values: readonly Buffer[];
  readonly isInclusive: boolean;
}

export const WHOLE_PARTITION: Slice = { lo: '', hi: null, isRow: false };

/** The one row with all clustering columns given. */
export function rowSlice(table: Table, values: readonly Buffer[]): Slice {
  return { lo: clusteringKey(table, values), hi: null, isRow: true };
}

/** Rows whose first clustering columns are `equal`, and whose next ones are within bounds, in the order of keys. */
export function slicesWithin(
  table: Table,
  equal: readonly Buffer[],
  lower: Bound | null,
  upper: Bound | null,
): Slice[] {
  if (equal.length === table.clustering.length) return [rowSlice(table, equal)];
  const prefix = clusteringKey(table, equal);
  const whole: Slice = { lo: prefix, hi: behind(prefix), isRow: false };
  let slices = [whole];
  const columns = table.clustering.slice(equal.length);
  if (lower !== null) slices = intersection(slices, beyond(columns, prefix, lower, 1));
  if (upper !== null) slices = intersection(slices, beyond(columns, prefix, upper, -1));
  return slices;
}

/** Sorted, and without what overlaps: for IN on clustering columns. */
export function unionOfSlices(slices: readonly Slice[]): Slice[] {
  if (slices.length < 2) return [...slices];
  const sorted = [...slices].sort((a, b) => (a.lo < b.lo ? -1 : a.lo > b.lo ? 1 : 0));
  const union: Slice[] = [];
  for (const slice of sorted) {
    const last = union[union.length - 1];
    if (last === undefined || !reaches(last, slice)) union.push(slice);
    else if (!last.isRow && !slice.isRow && last.hi !== null && (slice.hi === null || slice.hi > last.hi)) {
      union[union.length - 1] = { lo: last.lo, hi: slice.hi, isRow: false };
    } else if (last.isRow && !slice.isRow) union[union.length - 1] = slice;
  }
  return union;
}

/** Whether a slice that begins no earlier overlaps or touches `slice`. */
function reaches(slice: Slice, next: Slice): boolean {
  if (slice.isRow) return slice.lo === next.lo;
  return slice.hi === null || next.lo < slice.hi || (next.lo === slice.hi && !next.isRow);
}

/** Everything greater (`direction` 1) or less than a bound: greater in the first column, or equal in it and greater in the next, and so on. */
function beyond(columns: readonly Column[], prefix: ByteKey, bound: Bound, direction: 1 | -1): Slice[] {
  const slices: Slice[] = [];
  let start = prefix;
  for (let i = 0; i < bound.values.length; i += 1) {
    const column = columns[i] as Column;
    const part = start + clusteringPart(column, bound.values[i] as Buffer);
    const isUpwards = (direction === 1) !== column.isDescending;
    if (isUpwards) {
      const lo = behind(part);
      if (lo !== null) slices.push({ lo, hi: behind(start), isRow: false });
    } else slices.push({ lo: start, hi: part, isRow: false });
    start = part;
  }
  if (bound.isInclusive) slices.push({ lo: start, hi: behind(start), isRow: false });
  return unionOfSlices(slices);
}

function intersection(left: readonly Slice[], right: readonly Slice[]): Slice[] {
  const slices: Slice[] = [];
  for (const a of left) {
    for (const b of right) {
      const lo = later(a.lo, b.lo);
      const hi = earlier(a.hi, b.hi);
      if (hi === null || lo < hi) slices.push({ lo, hi, isRow: false });
    }
  }
  return slices;
}

function later(a: ByteKey, b: ByteKey): ByteKey {
  if (a >= b) return a;
  return b;
}

function earlier(a: ByteKey | null, b: ByteKey | null): ByteKey | null {
  if (a === null || b === null) return a ?? b;
  if (a <= b) return a;
  return b;
}

/** The least text above all that begin with `prefix`; null when there is none. */
function behind(prefix: ByteKey): ByteKey | null {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end -= 1;
  return end === 0 ? null : prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}
