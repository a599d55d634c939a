import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DECIMAL_DIGITS_MAX, putDecimal } from './decimal.ts';

it('writes what String writes, and nothing beside it', () => {
  const edges = Array.from({ length: 16 }, (_, i) => 10 ** i).flatMap((power) => [power - 1, power, power + 1]);
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(2_000), fc.constantFrom(...edges)), (value) => {
      const target = Buffer.alloc(DECIMAL_DIGITS_MAX + 4, '.');
      const end = putDecimal(target, 2, value);
      expect(target.latin1Slice()).toBe(`..${value}`.padEnd(target.length, '.'));
      expect(end).toBe(2 + String(value).length);
    }),
    { numRuns: 5_000 },
  );
});
