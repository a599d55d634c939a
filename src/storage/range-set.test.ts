import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from './range-set.ts';

const DIGITS = 'abcdefghijklmnop';
const at = (i: number): string => DIGITS[i] as string;
const rangeArbitrary = fc.tuple(fc.nat(15), fc.nat(15));

/** The same set as one flag per letter. */
function flags(ranges: readonly (readonly [number, number])[]): boolean[] {
  return Array.from({ length: 16 }, (_, i) => ranges.some(([lo, hi]) => lo <= i && i < hi));
}

function fill(ranges: readonly (readonly [number, number])[]): RangeSet {
  const set = new RangeSet();
  for (const [lo, hi] of ranges) set.add(at(lo), at(hi));
  return set;
}

describe('a set of ranges', () => {
  it('melts ranges that overlap or touch', () => {
    const set = fill([
      [0, 2],
      [4, 6],
      [2, 3],
      [5, 8],
      [10, 10],
    ]);
    expect(set.toArray()).toEqual([
      { lo: 'a', hi: 'd' },
      { lo: 'e', hi: 'i' },
    ]);
    expect(set.size).toBe(2);
  });

  it('agrees with a flag per key', () => {
    fc.assert(
      fc.property(fc.array(rangeArbitrary), fc.array(rangeArbitrary), rangeArbitrary, (first, second, [lo, hi]) => {
        const set = fill(first);
        const wanted = flags(first);
        for (let i = 0; i < 16; i += 1) expect(set.has(at(i))).toBe(wanted[i]);
        expect(set.overlaps(at(lo), at(hi))).toBe(wanted.some((one, i) => one && lo <= i && i < hi));
        const gaps = set.gaps(at(lo), at(hi));
        for (let i = 0; i < 16; i += 1) {
          const inGap = gaps.some((gap) => gap.lo <= at(i) && at(i) < gap.hi);
          expect(inGap).toBe(lo <= i && i < hi && !wanted[i]);
        }
        const list = set.toArray();
        for (let i = 1; i < list.length; i += 1) expect((list[i - 1]?.hi ?? '') < (list[i]?.lo ?? '')).toBe(true);

        const both = fill(first);
        both.addAll(fill(second));
        const touching = fill(first);
        touching.addTouching(fill(second), at(lo), at(hi));
        const together = flags([...first, ...second]);
        for (let i = 0; i < 16; i += 1) {
          expect(both.has(at(i))).toBe(together[i]);
          if (lo <= i && i < hi) expect(touching.has(at(i))).toBe(together[i]);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
