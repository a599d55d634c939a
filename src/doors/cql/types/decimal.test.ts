import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ArithmeticError,
  addDecimals,
  decimalToNumber,
  divideDecimals,
  multiplyDecimals,
  remainderOfDecimals,
  roundDecimal,
  subtractDecimals,
  truncateDecimal,
} from './decimal.ts';
import { expOfDecimal, log10OfDecimal, logOfDecimal } from './decimal-functions.ts';
import { compareDecimals, type Decimal, decimalText, parseDecimal } from './numbers.ts';

const decimals = fc.record({
  unscaled: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
  scale: fc.integer({ min: -9, max: 12 }),
});

function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  return value ?? expect.unreachable(`${text} is a decimal`);
}

test('what is subtracted can be added again, and a product divided', () => {
  fc.assert(
    fc.property(decimals, decimals, (a, b) => {
      expect(compareDecimals(addDecimals(subtractDecimals(a, b), b), a)).toBe(0);
      if (b.unscaled !== 0n) expect(compareDecimals(divideDecimals(multiplyDecimals(a, b), b), a)).toBe(0);
    }),
  );
});

test('a remainder is smaller than the divisor and has the sign of the dividend', () => {
  fc.assert(
    fc.property(decimals, decimals, (a, b) => {
      fc.pre(b.unscaled !== 0n);
      const rest = remainderOfDecimals(a, b);
      const size = (value: Decimal): Decimal => ({
        ...value,
        unscaled: value.unscaled < 0n ? -value.unscaled : value.unscaled,
      });
      expect(compareDecimals(size(rest), size(b))).toBeLessThan(0);
      if (rest.unscaled !== 0n) expect(rest.unscaled > 0n).toBe(a.unscaled > 0n);
    }),
  );
});

test('text is read back as it was written', () => {
  fc.assert(
    fc.property(decimals, (value) => {
      expect(parseDecimal(decimalText(value))).toEqual(value);
    }),
  );
});

test('the exponential function and the logarithms are near those of doubles, and undo each other', () => {
  fc.assert(
    fc.property(fc.integer({ min: -400_000, max: 400_000 }), (thousandths) => {
      const value = { unscaled: BigInt(thousandths), scale: 3 };
      const power = expOfDecimal(value) ?? expect.unreachable('there is a power');
      const expected = Math.exp(thousandths / 1_000);
      expect(Math.abs(decimalToNumber(power) / expected - 1)).toBeLessThan(1e-9);
      if (thousandths === 0) return;
      const back = logOfDecimal(power) ?? expect.unreachable('there is a logarithm');
      expect(Math.abs(decimalToNumber(subtractDecimals(back, value)))).toBeLessThan(1e-28);
    }),
    { numRuns: 30 },
  );
  expect(decimalText(log10OfDecimal(decimal('1000')) ?? decimal('0'))).toBe('3');
  expect(logOfDecimal(decimal('0'))).toBeUndefined();
  expect(log10OfDecimal(decimal('-1'))).toBeUndefined();
});

test('scales of thousands of millions end in an error or a result, never in a number of that many digits', () => {
  const [large, small] = [decimal('1e999999999'), decimal('3e-999999999')];
  const one = decimal('1');
  for (const run of [
    () => addDecimals(large, one),
    () => truncateDecimal(large),
    () => remainderOfDecimals(large, small),
  ]) {
    expect(run).toThrow(ArithmeticError);
  }
  expect(expOfDecimal(large)).toBeUndefined();
  expect(decimalToNumber(expOfDecimal(small) ?? large)).toBe(1);
  expect(truncateDecimal(small)).toBe(0n);
  expect(roundDecimal(small)).toEqual({ unscaled: 0n, scale: 0 });
  expect(decimalToNumber(log10OfDecimal(small) ?? one)).toBeCloseTo(-999_999_998.522879, 5);
  expect(compareDecimals(large, small)).toBeGreaterThan(0);
  expect(decimalText(multiplyDecimals(large, small))).toBe('3');
});
