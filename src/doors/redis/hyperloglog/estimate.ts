/**
 * The cardinality that a set of registers speaks for: the improved raw estimator of Otmar Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017, arXiv:1702.01284), algorithm 6, as Redis has used it since 5.0. It needs no
 * correction by tables, for small or for large numbers.
 */
import { REGISTER_COUNT, RUN_BITS } from './registers.ts';

/** 1 / (2 ln 2) */
const ALPHA_INFINITY = 0.5 / Math.LN2;

/** How many registers have each value; index 0 to 63. */
export type Histogram = Uint32Array;

export function newHistogram(): Histogram {
  return new Uint32Array(64);
}

/** The estimate, a whole number. */
export function estimate(histogram: Histogram): number {
  const m = REGISTER_COUNT;
  const of = (value: number): number => histogram[value] as number;
  let z = m * tau((m - of(RUN_BITS + 1)) / m);
  for (let value = RUN_BITS; value >= 1; value -= 1) z = (z + of(value)) * 0.5;
  z += m * sigma(of(0) / m);
  return Math.round((ALPHA_INFINITY * m * m) / z);
}

/** The share of registers that are full; section 4.2 of the paper. Summed until a double changes no more. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - x;
  for (let before = Number.NaN; before !== z; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

/** The share of registers that are empty; section 4.2 of the paper. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let y = 1;
  let z = x;
  for (let before = Number.NaN; before !== z; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}
