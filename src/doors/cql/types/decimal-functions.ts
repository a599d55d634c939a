/** exp, log and log10 of decimals, by BigInt, to as many digits as Cassandra gives: those of the argument, 32 at least. */
import { digitsOf, roundToDigits, stripZeros } from './decimal.ts';
import type { Decimal } from './numbers.ts';

const DIGITS_MIN = 32;
/** What takes longer to work out than anybody waits for is not asked for. */
const DIGITS_MAX = 1_000;
/** More digits than are asked for, so that the last of those is right. */
const GUARD_DIGITS = 12;
/** e^x beyond that has an exponent that no decimal can have. */
const EXP_MAX = 2_000_000_000;

/** Undefined when the result is out of range. */
export function expOfDecimal(argument: Decimal): Decimal | undefined {
  if (argument.unscaled === 0n) return { unscaled: 1n, scale: 0 };
  const value = shortened(argument);
  const digits = wantedDigits(value);
  const approximate = Number(`${value.unscaled}e${-value.scale}`);
  if (!(Math.abs(approximate) < EXP_MAX)) return undefined;
  // e^x = 10^n * e^r where r is what is left of x by multiples of ln 10.
  const integerDigits = Math.max(1, Math.ceil(Math.log10(Math.abs(approximate) + 1)));
  const places = digits + GUARD_DIGITS + integerDigits;
  const x = fixed(value, places);
  const ln10 = naturalLogOf10(places);
  const n = x / ln10;
  return roundToDigits({ unscaled: fixedExp(x - n * ln10, places), scale: places - Number(n) }, digits, true);
}

/** Undefined for what has no logarithm. */
export function logOfDecimal(argument: Decimal): Decimal | undefined {
  if (argument.unscaled <= 0n) return undefined;
  const value = shortened(argument);
  if (isOne(value)) return { unscaled: 0n, scale: 0 };
  const digits = wantedDigits(value);
  const places = logPlaces(value, digits);
  return roundToDigits({ unscaled: fixedLog(value, places), scale: places }, digits, true);
}

/** Undefined for what has no logarithm. */
export function log10OfDecimal(argument: Decimal): Decimal | undefined {
  if (argument.unscaled <= 0n) return undefined;
  const value = shortened(argument);
  const stripped = stripZeros(value);
  if (stripped.unscaled === 1n) return { unscaled: BigInt(-stripped.scale), scale: 0 };
  const digits = wantedDigits(value);
  const places = logPlaces(value, digits);
  const quotient = (fixedLog(value, places) * 10n ** BigInt(places)) / naturalLogOf10(places);
  return roundToDigits({ unscaled: quotient, scale: places }, digits, true);
}

/** Digits that cannot be seen in the result are left out. */
function shortened(value: Decimal): Decimal {
  return roundToDigits(value, DIGITS_MAX + GUARD_DIGITS);
}

function wantedDigits(value: Decimal): number {
  return Math.min(DIGITS_MAX, Math.max(DIGITS_MIN, digitsOf(value)));
}

/** Logarithms of numbers near 1 are small, so that their digits begin far behind the point. */
function logPlaces(value: Decimal, digits: number): number {
  return digits + GUARD_DIGITS + digitsOf(value);
}

function isOne(value: Decimal): boolean {
  const stripped = stripZeros(value);
  return stripped.unscaled === 1n && stripped.scale === 0;
}

/** The value with so many places behind its point, as one integer. */
function fixed({ unscaled, scale }: Decimal, places: number): bigint {
  const shift = places - scale;
  if (shift >= 0) return unscaled * 10n ** BigInt(shift);
  // Scales can be thousands of millions, of which no power of ten is made.
  return digitsOf({ unscaled, scale }) <= -shift ? 0n : unscaled / 10n ** BigInt(-shift);
}

/** By the series, for |x| < 3, which halving makes short. */
function fixedExp(x: bigint, places: number): bigint {
  const halvings = 12;
  const working = places + 8;
  const one = 10n ** BigInt(working);
  const small = (x * 10n ** 8n) >> BigInt(halvings);
  let sum = one;
  let term = one;
  for (let i = 1n; term !== 0n && term !== -1n; i += 1n) {
    term = (term * small) / (one * i);
    sum += term;
  }
  for (let i = 0; i < halvings; i += 1) sum = (sum * sum) / one;
  return sum / 10n ** 8n;
}

/** ln of m * 10^e, where 1 <= m < 10: e * ln 10 + 2 artanh((m - 1) / (m + 1)), after m has been brought near to 1 by roots. */
function fixedLog(value: Decimal, places: number): bigint {
  const exponent = digitsOf(value) - 1 - value.scale;
  const working = places + 10;
  let mantissa = fixed({ unscaled: value.unscaled, scale: value.scale + exponent }, working);
  const one = 10n ** BigInt(working);
  let doublings = 1n;
  while (mantissa > one + one / 8n) {
    mantissa = squareRoot(mantissa * one);
    doublings *= 2n;
  }
  const logarithm = 2n * doublings * artanh(((mantissa - one) * one) / (mantissa + one), one);
  return (logarithm + BigInt(exponent) * naturalLogOf10(working)) / 10n ** 10n;
}

function artanh(x: bigint, one: bigint): bigint {
  const square = (x * x) / one;
  let power = x;
  let sum = 0n;
  for (let i = 1n; power !== 0n; i += 2n) {
    sum += power / i;
    power = (power * square) / one;
  }
  return sum;
}

function squareRoot(value: bigint): bigint {
  if (value === 0n) return 0n;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const logsOf10 = new Map<number, bigint>();

/** ln 10 = 3 ln 2 + ln 1.25, both by artanh. */
function naturalLogOf10(places: number): bigint {
  const known = logsOf10.get(places);
  if (known !== undefined) return known;
  const one = 10n ** BigInt(places + 10);
  const value = (6n * artanh(one / 3n, one) + 2n * artanh(one / 9n, one)) / 10n ** 10n;
  // The digits that are asked for are nearly always the same; a few are kept.
  if (logsOf10.size > 16) logsOf10.clear();
  logsOf10.set(places, value);
  return value;
}
