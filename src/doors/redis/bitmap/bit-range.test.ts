import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countOnes, countOnesOfBits, findBit } from './bit-range.ts';

/** Runs of equal bytes, so that words are skipped, at any alignment. */
const runs = fc
  .array(fc.tuple(fc.constantFrom(0, 255, 1, 128, 90), fc.integer({ min: 0, max: 20 })), { maxLength: 5 })
  .map((parts) => Buffer.concat(parts.map(([byte, length]) => Buffer.alloc(length, byte))));
const placed = fc.tuple(fc.integer({ min: 0, max: 7 }), runs).map(([before, bytes]) => {
  const all = Buffer.concat([Buffer.alloc(before, 0xa5), bytes, Buffer.alloc(3, 0xa5)]);
  return { range: { bytes: all, start: before, end: before + bytes.length }, bits: bitsOf(bytes) };
});
const placedWithBits = placed
  .filter(({ bits }) => bits.length > 0)
  .chain((each) => {
    const position = fc.integer({ min: 0, max: each.bits.length - 1 });
    return fc.tuple(fc.constant(each), position, position);
  });

function bitsOf(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

const onesIn = (bits: string): number => bits.replaceAll('0', '').length;

describe('bits of a range', () => {
  test('are counted as one by one, at every alignment', () => {
    fc.assert(
      fc.property(placed, ({ range, bits }) => {
        expect(countOnes(range)).toBe(onesIn(bits));
      }),
      { numRuns: 500 },
    );
  });

  test('from one bit to another are counted as one by one', () => {
    fc.assert(
      fc.property(placedWithBits, ([{ range, bits }, one, other]) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        expect(countOnesOfBits(range, first, last)).toBe(onesIn(bits.slice(first, last + 1)));
      }),
      { numRuns: 500 },
    );
  });

  test('are found as one by one, the first of each kind', () => {
    fc.assert(
      fc.property(placedWithBits, fc.constantFrom(0, 1), ([{ range, bits }, one, other], wanted) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        const found = bits.slice(first, last + 1).indexOf(String(wanted));
        expect(findBit(range, wanted, first, last)).toBe(found < 0 ? -1 : first + found);
      }),
      { numRuns: 500 },
    );
  });
});
