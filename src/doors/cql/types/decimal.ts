/** Arithmetic of decimals with the results of java.math.BigDecimal in every digit, since scales are part of a value. */
import { CqlError, ErrorCode } from '../errors.ts';
import type { Decimal } from './numbers.ts';

/** Sums and products are rounded to so many digits. */
const DIGITS_MAX = 10_000;
/** A quotient has at least so many digits after its point, and so many that are not leading zeros. */
const QUOTIENT_DIGITS = 32;
const QUOTIENT_SCALE_MAX = 1_000;

/** A power of ten beyond that is refused: nobody counts with a million digits, and scales of four bytes can ask for thousands of millions. */
const POWER_MAX = 1_000_000;

/** There is no result. The client gets the text, which is Java's where Java has one. */
export class ArithmeticError extends CqlError {
  constructor(text: string) {
    super(ErrorCode.functionFailure, text);
  }
}

function powerOfTen(exponent: number): bigint {
  if (exponent > POWER_MAX) throw new ArithmeticError('Overflow');
  return 10n ** BigInt(exponent);
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return roundToDigits({ unscaled: unscaledAt(a, scale) + unscaledAt(b, scale), scale }, DIGITS_MAX);
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negateDecimal(b));
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return roundToDigits({ unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale }, DIGITS_MAX);
}

/** Cassandra's quotient: to 32 digits at least, without zeros at its end. Throws ArithmeticError. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.unscaled === 0n) throw new ArithmeticError('BigInteger divide by zero');
  const digitsBeforePoint = digitsOf(a) - a.scale - (digitsOf(b) - b.scale);
  const scale = Math.min(
    Math.max(QUOTIENT_DIGITS - digitsBeforePoint, a.scale, b.scale, QUOTIENT_DIGITS),
    QUOTIENT_SCALE_MAX,
  );
  return stripZeros(divideAt(a, b, scale));
}

/** Of a quotient with this scale; halves go away from zero, or to the even digit. */
export function divideAt(a: Decimal, b: Decimal, scale: number, halfToEven = false): Decimal {
  const shift = scale - (a.scale - b.scale);
  const dividend = shift > 0 ? a.unscaled * powerOfTen(shift) : a.unscaled;
  const divisor = shift < 0 ? b.unscaled * powerOfTen(-shift) : b.unscaled;
  return { unscaled: roundedQuotient(dividend, divisor, halfToEven), scale };
}

function roundedQuotient(dividend: bigint, divisor: bigint, halfToEven: boolean): bigint {
  const quotient = dividend / divisor;
  const rest = 2n * absolute(dividend % divisor);
  const whole = absolute(divisor);
  const isUp = rest > whole || (rest === whole && (!halfToEven || quotient % 2n !== 0n));
  if (!isUp) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** What is left of `a` by whole multiples of `b`. Throws ArithmeticError. */
export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.unscaled === 0n) throw new ArithmeticError('Division by zero');
  const common = Math.max(a.scale, b.scale);
  const wanted = a.scale - b.scale;
  const quotient = toScale({ unscaled: unscaledAt(a, common) / unscaledAt(b, common), scale: 0 }, wanted);
  const product = { unscaled: quotient.unscaled * b.unscaled, scale: quotient.scale + b.scale };
  const scale = Math.max(a.scale, product.scale);
  return { unscaled: unscaledAt(a, scale) - unscaledAt(product, scale), scale };
}

/** The scale that is wanted, or as near to it as zeros at the end allow. */
function toScale(value: Decimal, wanted: number): Decimal {
  if (wanted >= value.scale) return { unscaled: unscaledAt(value, wanted), scale: wanted };
  if (value.unscaled === 0n) return { unscaled: 0n, scale: wanted };
  return stripZeros(value, wanted);
}

export function negateDecimal({ unscaled, scale }: Decimal): Decimal {
  return { unscaled: -unscaled, scale };
}

/** To a whole number, halves away from zero. */
export function roundDecimal(value: Decimal): Decimal {
  if (value.scale <= 0) return { unscaled: unscaledAt(value, 0), scale: 0 };
  if (digitsOf(value) < value.scale) return { unscaled: 0n, scale: 0 };
  return { unscaled: roundedQuotient(value.unscaled, powerOfTen(value.scale), false), scale: 0 };
}

/** The whole part. */
export function truncateDecimal({ unscaled, scale }: Decimal): bigint {
  if (scale <= 0) return unscaled === 0n ? 0n : unscaled * powerOfTen(-scale);
  return digitsOf({ unscaled, scale }) <= scale ? 0n : unscaled / powerOfTen(scale);
}

/** The nearest double. */
export function decimalToNumber({ unscaled, scale }: Decimal): number {
  return Number(`${unscaled}e${-scale}`);
}

/** No more digits than this. */
export function roundToDigits(value: Decimal, digits: number, halfToEven = false): Decimal {
  const excess = digitsOf(value) - digits;
  if (excess <= 0) return value;
  const unscaled = roundedQuotient(value.unscaled, powerOfTen(excess), halfToEven);
  // 9.99 becomes 10.0, which has one digit too many again.
  return roundToDigits({ unscaled, scale: value.scale - excess }, digits, halfToEven);
}

/** Without zeros at the end, down to `scaleMin`; zero has scale 0. */
export function stripZeros({ unscaled, scale }: Decimal, scaleMin = Number.NEGATIVE_INFINITY): Decimal {
  if (unscaled === 0n) return { unscaled, scale: 0 };
  const zeros = /0*$/.exec(unscaled.toString())?.[0].length ?? 0;
  const removed = Math.min(zeros, scale - scaleMin);
  return removed <= 0 ? { unscaled, scale } : { unscaled: unscaled / powerOfTen(removed), scale: scale - removed };
}

export function digitsOf({ unscaled }: Decimal): number {
  return absolute(unscaled).toString().length;
}

function unscaledAt({ unscaled, scale }: Decimal, wanted: number): bigint {
  return unscaled === 0n ? 0n : unscaled * powerOfTen(wanted - scale);
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
