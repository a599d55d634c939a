/**
 * Numbers of all types of CQL for arithmetic. Integers are bigints, float and double are numbers, decimals have a class of their own;
 * every operation is done in the type of its result, with Java's overflow.
 */
import { unreachable } from '../../../base/assert.ts';
import type { ArithmeticOperator } from '../language/ast.ts';
import {
  ArithmeticError,
  addDecimals,
  decimalToNumber,
  divideDecimals,
  multiplyDecimals,
  remainderOfDecimals,
  subtractDecimals,
  truncateDecimal,
} from './decimal.ts';
import {
  type Decimal,
  decodeDecimal,
  decodeVarint,
  doubleText,
  encodeDecimal,
  encodeVarint,
  parseDecimal,
} from './numbers.ts';

export const NUMBERS = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'decimal',
  'varint',
  'counter',
] as const;
export type NumericName = (typeof NUMBERS)[number];
export type CqlNumber = bigint | number | Decimal;

export function isNumeric(name: string): name is NumericName {
  return (NUMBERS as readonly string[]).includes(name);
}

/** Bytes of the types that have as many always; the others have as many as it takes. */
const SIZES: Readonly<Record<NumericName, number>> = {
  tinyint: 1,
  smallint: 2,
  int: 4,
  bigint: 8,
  counter: 8,
  float: 4,
  double: 8,
  decimal: Number.POSITIVE_INFINITY,
  varint: Number.POSITIVE_INFINITY,
};

/** The type of a result: as large as the larger of the two, and floating if one is. */
export function numericResult(left: NumericName, right: NumericName): NumericName {
  const size = Math.max(SIZES[left], SIZES[right]);
  if (isFloating(left) || isFloating(right))
    return size === 4 || size < 4 ? 'float' : size === 8 ? 'double' : 'decimal';
  switch (size) {
    case 1:
      return 'tinyint';
    case 2:
      return 'smallint';
    case 4:
      return 'int';
    case 8:
      return 'bigint';
    default:
      return 'varint';
  }
}

function isFloating(name: NumericName): boolean {
  return name === 'float' || name === 'double' || name === 'decimal';
}

/** The number in wire format, which must not be empty. */
export function numberOf(name: NumericName, bytes: Buffer): CqlNumber {
  switch (name) {
    case 'tinyint':
      return BigInt(bytes.readInt8(0));
    case 'smallint':
      return BigInt(bytes.readInt16BE(0));
    case 'int':
      return BigInt(bytes.readInt32BE(0));
    case 'bigint':
    case 'counter':
      return bytes.readBigInt64BE(0);
    case 'varint':
      return decodeVarint(bytes);
    case 'float':
      return bytes.readFloatBE(0);
    case 'double':
      return bytes.readDoubleBE(0);
    case 'decimal':
      return decodeDecimal(bytes);
  }
}

/**
 * The same for an operation with this result. Integers come into decimals by way of doubles, as in Cassandra, which shows in the
 * scale (2 is 2.0), but not where that would change them.
 */
export function operandOf(result: NumericName, name: NumericName, bytes: Buffer): CqlNumber {
  const number = numberOf(name, bytes);
  if (result !== 'decimal' || name === 'varint' || typeof number !== 'bigint') return number;
  const double = Number(number);
  return Number.isSafeInteger(double) ? decimalOfDouble(double) : number;
}

/** In wire format; integers lose the bits that do not fit. */
export function encodeNumber(name: NumericName, value: CqlNumber): Buffer {
  switch (name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'counter': {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeBigInt64BE(BigInt.asIntN(64, toInteger(value)), 0);
      return bytes.subarray(8 - SIZES[name]);
    }
    case 'varint':
      return encodeVarint(toInteger(value));
    case 'float': {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeFloatBE(withPlainNaN(toFloating(value)), 0);
      return bytes;
    }
    case 'double': {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeDoubleBE(withPlainNaN(toFloating(value)), 0);
      return bytes;
    }
    case 'decimal':
      return encodeDecimal(toDecimal(value));
  }
}

/** There are many NaNs; one is enough. */
function withPlainNaN(value: number): number {
  return Number.isNaN(value) ? Number.NaN : value;
}

/** Throws ArithmeticError, whose texts are Java's. */
export function operate(result: NumericName, operator: ArithmeticOperator, a: CqlNumber, b: CqlNumber): CqlNumber {
  switch (result) {
    case 'float':
      return Math.fround(onFloating(operator, Math.fround(toFloating(a)), Math.fround(toFloating(b))));
    case 'double':
      return onFloating(operator, toFloating(a), toFloating(b));
    case 'decimal':
      return onDecimals(operator, toDecimal(a), toDecimal(b));
    default:
      return onIntegers(operator, toInteger(a), toInteger(b), result === 'varint');
  }
}

function onFloating(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
  }
}

function onIntegers(operator: ArithmeticOperator, a: bigint, b: bigint, isVarint: boolean): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
    case '%':
      if (b === 0n) throw new ArithmeticError(isVarint ? 'BigInteger divide by zero' : '/ by zero');
      return operator === '/' ? a / b : a % b;
  }
}

function onDecimals(operator: ArithmeticOperator, a: Decimal, b: Decimal): Decimal {
  switch (operator) {
    case '+':
      return addDecimals(a, b);
    case '-':
      return subtractDecimals(a, b);
    case '*':
      return multiplyDecimals(a, b);
    case '/':
      return divideDecimals(a, b);
    case '%':
      return remainderOfDecimals(a, b);
  }
}

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

/** Numbers with a fraction lose it; doubles beyond a long become the longest one, as in Java. */
export function toInteger(value: CqlNumber): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number') return truncateDecimal(value);
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return LONG_MAX;
  if (value < -(2 ** 63)) return LONG_MIN;
  return BigInt(Math.trunc(value));
}

export function toFloating(value: CqlNumber): number {
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' ? Number(value) : decimalToNumber(value);
}

export function toDecimal(value: CqlNumber): Decimal {
  if (typeof value === 'bigint') return { unscaled: value, scale: 0 };
  if (typeof value !== 'number') return value;
  if (Number.isNaN(value)) throw new ArithmeticError('A NaN cannot be converted into a decimal');
  if (!Number.isFinite(value)) throw new ArithmeticError('An infinite number cannot be converted into a decimal');
  return decimalOfDouble(value);
}

/** Of the digits that Java writes for it: with one zero behind the point where there is no fraction. */
function decimalOfDouble(value: number): Decimal {
  const decimal = parseDecimal(doubleText(value));
  return decimal ?? unreachable('a finite number has a text');
}
