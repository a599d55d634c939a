/** abs, exp, log, log10 and round of every type of number, with results of that type. */
import { CqlError, ErrorCode } from '../../errors.ts';
import { absolute, roundDecimal, truncateDecimal } from '../decimal.ts';
import { expOfDecimal, log10OfDecimal, logOfDecimal } from '../decimal-functions.ts';
import type { ScalarFunction } from '../function.ts';
import {
  type CqlNumber,
  encodeNumber,
  NUMBERS,
  type NumericName,
  numberOf,
  toDecimal,
  toFloating,
} from '../number-arithmetic.ts';
import type { Decimal } from '../numbers.ts';
import { nativeFunction } from './native.ts';

export function mathFunctions(): ScalarFunction[] {
  return NUMBERS.flatMap((type) => [
    math('abs', type, (value) => absoluteOf(value)),
    math('exp', type, (value) => transcendental('exp', type, value, Math.exp, expOfDecimal)),
    math('log', type, (value) => transcendental('log', type, value, Math.log, logOfDecimal)),
    math('log10', type, (value) => transcendental('log10', type, value, Math.log10, log10OfDecimal)),
    math('round', type, (value) => rounded(type, value)),
  ]);
}

function math(name: string, type: NumericName, run: (value: CqlNumber) => CqlNumber): ScalarFunction {
  return nativeFunction(name, [type], type, (value) =>
    value === undefined || value.length === 0 ? null : encodeNumber(type, run(numberOf(type, value))),
  );
}

function absoluteOf(value: CqlNumber): CqlNumber {
  if (typeof value === 'bigint') return absolute(value);
  return typeof value === 'number' ? Math.abs(value) : { ...value, unscaled: absolute(value.unscaled) };
}

function transcendental(
  name: string,
  type: NumericName,
  value: CqlNumber,
  ofDouble: (value: number) => number,
  ofDecimal: (value: Decimal) => Decimal | undefined,
): CqlNumber {
  switch (type) {
    case 'float':
    case 'double':
      return ofDouble(toFloating(value));
    case 'decimal':
    case 'varint': {
      const result = ofDecimal(toDecimal(value));
      if (result === undefined) throw failure(name, type);
      return type === 'decimal' ? result : truncateDecimal(result);
    }
    default:
      return saturated(ofDouble(toFloating(value)), type === 'bigint' || type === 'counter' ? 63n : 31n);
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  exp: 'Overflow',
  log: 'Natural log of number zero or less',
  log10: 'Log10 of number zero or less',
};

function failure(name: string, type: NumericName): CqlError {
  return new CqlError(ErrorCode.functionFailure, `execution of 'system.${name}[${type}]' failed: ${FAILURES[name]}`, {
    keyspace: 'system',
    functionName: name,
    argumentTypes: [type],
  });
}

/** As Java makes integers of doubles: the nearest that there is, 0 of NaN; what is smaller than an int keeps its lowest bits. */
function saturated(value: number, bits: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  const bound = 1n << bits;
  if (value >= Number(bound)) return bound - 1n;
  return value <= -Number(bound) ? -bound : BigInt(Math.trunc(value));
}

function rounded(type: NumericName, value: CqlNumber): CqlNumber {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number') return roundDecimal(value);
  return Number(saturated(Math.floor(value + 0.5), type === 'float' ? 31n : 63n));
}
