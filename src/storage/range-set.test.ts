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
        const letters = [...DIGITS];
        const inside = (i: number): boolean => lo <= i && i < hi;
        // Compared as a whole: an `expect` for each letter would be most of the time.
        expect(letters.map((letter) => set.has(letter))).toEqual(wanted);
        expect(set.overlaps(at(lo), at(hi))).toBe(wanted.some((one, i) => one && inside(i)));
        const gaps = set.gaps(at(lo), at(hi));
        const inGap = letters.map((letter) => gaps.some((gap) => gap.lo <= letter && letter < gap.hi));
        expect(inGap).toEqual(wanted.map((one, i) => inside(i) && !one));
        const list = set.toArray();
        expect(list.every((range, i) => i === 0 || (list[i - 1]?.hi ?? '') < range.lo)).toBe(true);

        const both = fill(first);
        both.addAll(fill(second));
        const touching = fill(first);
        touching.addTouching(fill(second), at(lo), at(hi));
        const together = flags([...first, ...second]);
        expect(letters.map((letter) => both.has(letter))).toEqual(together);
        const touched = letters.filter((letter, i) => inside(i) && touching.has(letter) !== together[i]);
        expect(touched).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });
});
