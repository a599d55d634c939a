/** CAST: between numbers, between times, and of most types to text. */
import type { NativeName } from '../data-type.ts';
import type { ScalarFunction } from '../function.ts';
import {
  type CqlNumber,
  encodeNumber,
  NUMBERS,
  type NumericName,
  numberOf,
  toDecimal,
  toInteger,
} from '../number-arithmetic.ts';
import { type Decimal, floatText, parseDecimal } from '../numbers.ts';
import { castText } from '../text.ts';
import { nativeFunction } from './native.ts';
import { toDate, toTimestamp } from './times.ts';

const AS_TEXT: readonly NativeName[] = [...NUMBERS, 'boolean', 'date', 'inet', 'time', 'timestamp', 'timeuuid', 'uuid'];

/** All casts to a type; none to those that nothing is cast to. */
export function castFunctions(to: NativeName): readonly ScalarFunction[] {
  return BY_TARGET.get(to) ?? [];
}

const BY_TARGET: ReadonlyMap<NativeName, readonly ScalarFunction[]> = new Map<NativeName, ScalarFunction[]>([
  ...NUMBERS.filter((to) => to !== 'counter').map(
    (to) => [to, NUMBERS.filter((from) => from !== to).map((from) => numeric(from, to))] as const,
  ),
  ['ascii', AS_TEXT.map((from) => textual(from, 'ascii'))],
  ['text', [...AS_TEXT.map((from) => textual(from, 'text')), nativeFunction('cast_as_text', ['ascii'], 'text', same)]],
  ['date', [toDate('cast_as_date', 'timeuuid'), toDate('cast_as_date', 'timestamp')]],
  ['timestamp', [toTimestamp('cast_as_timestamp', 'timeuuid'), toTimestamp('cast_as_timestamp', 'date')]],
]);

function same(value?: Buffer): Buffer {
  return value as Buffer;
}

function numeric(from: NumericName, to: NumericName): ScalarFunction {
  return nativeFunction(`cast_as_${to}`, [from], to, (value) => {
    if (value === undefined || value.length === 0) return null;
    const number = numberOf(from, value);
    switch (to) {
      case 'decimal':
        return encodeNumber(to, from === 'float' ? decimalOfFloat(number) : toDecimal(number));
      case 'varint':
        // By way of a long, whose bits are what is left of larger numbers.
        return encodeNumber(to, BigInt.asIntN(64, toInteger(number)));
      case 'tinyint':
      case 'smallint':
      case 'int':
        return encodeNumber(to, typeof number === 'number' ? saturatedInt(number) : number);
      default:
        return encodeNumber(to, number);
    }
  });
}

/** Of the digits that a float is written with, which are fewer than those of the same double. */
function decimalOfFloat(value: CqlNumber): Decimal {
  return parseDecimal(floatText(value as number)) ?? toDecimal(value);
}

/** Java makes an int of a double before it makes anything smaller. */
function saturatedInt(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  return BigInt(Math.trunc(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), value))));
}

function textual(from: NativeName, to: 'ascii' | 'text'): ScalarFunction {
  return nativeFunction(`cast_as_${to}`, [from], to, (value) =>
    value === undefined ? null : Buffer.from(castText(from, value)),
  );
}
