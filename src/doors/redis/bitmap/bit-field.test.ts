import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FieldType, fittedSum, fittedValue, parseFieldType, readField, writeField } from './bit-field.ts';

const type: fc.Arbitrary<FieldType> = fc.oneof(
  fc.record({ signed: fc.constant(true), width: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ signed: fc.constant(false), width: fc.integer({ min: 1, max: 63 }) }),
);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const offset = fc.integer({ min: 0, max: 100 });

function rangeOf({ signed, width }: FieldType): [bigint, bigint] {
  const size = 2n ** BigInt(width);
  return signed ? [-size / 2n, size / 2n - 1n] : [0n, size - 1n];
}

function wrap({ signed, width }: FieldType, value: bigint): bigint {
  return signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}

describe('fields of bits', () => {
  test('come back as they were written, and leave the bits around them alone', () => {
    fc.assert(
      fc.property(type, offset, int64, fc.constantFrom(0, 0xff, 0x5a), (field, at, number, fill) => {
        const value = wrap(field, number);
        const bytes = Buffer.alloc(24, fill);
        const before = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
        writeField(bytes, at, field, field.width <= 52 ? Number(value) : value);
        expect(BigInt(readField(bytes, at, field))).toBe(value);
        const written = BigInt.asUintN(field.width, value).toString(2).padStart(field.width, '0');
        const expected = before.slice(0, at) + written + before.slice(at + field.width);
        expect([...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are zeros past the end of the string', () => {
    expect(readField(Buffer.from([0xff]), 4, { signed: false, width: 8 })).toBe(0xf0);
    expect(readField(Buffer.from([0xff]), 800, { signed: true, width: 64 })).toBe(0n);
  });

  test('wrap, stop at their ends or refuse exactly as integers of any size do', () => {
    fc.assert(
      fc.property(type, int64, int64, (field, number, amount) => {
        const before = wrap(field, number);
        const [min, max] = rangeOf(field);
        const sum = before + amount;
        const fits = sum >= min && sum <= max;
        const held = field.width <= 52 ? Number(before) : before;
        const big = (value: number | bigint | undefined): bigint | undefined =>
          value === undefined ? undefined : BigInt(value);
        expect(big(fittedSum(field, held, amount, 'WRAP'))).toBe(wrap(field, sum));
        expect(big(fittedSum(field, held, amount, 'SAT'))).toBe(fits ? sum : sum > max ? max : min);
        expect(big(fittedSum(field, held, amount, 'FAIL'))).toBe(fits ? sum : undefined);
        const seen = field.signed ? amount : BigInt.asUintN(64, amount);
        expect(big(fittedValue(field, amount, 'WRAP'))).toBe(wrap(field, amount));
        expect(big(fittedValue(field, amount, 'SAT'))).toBe(seen > max ? max : seen < min ? min : seen);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(['u1', 'u63', 'i1', 'i64'])('have the type %s', (text) => {
    expect(parseFieldType(text)).toEqual({ signed: text.startsWith('i'), width: Number(text.slice(1)) });
  });

  test.each(['', 'i', 'u0', 'u64', 'i65', 'I8', 'u08', 'u-1', 'u1 ', 'u100', 'x8'])(
    'do not have the type "%s"',
    (text) => {
      expect(parseFieldType(text)).toBeUndefined();
    },
  );
});
