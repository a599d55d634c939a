/** Numbers as Redis prints and reads them. */

/**
 * A double in a reply: the fewest digits that read back as the same number. As Redis since 7.2, which prints whole numbers
 * of a 64-bit integer in full and the rest by the rules of its fpconv library; before, it printed up to 17 digits.
 */
export function formatDouble(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  if (Number.isNaN(value)) return 'nan';
  if (Object.is(value, -0)) return '-0';
  if (Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX) return BigInt(value).toString();
  const [mantissa, exponent] = Math.abs(value).toExponential().split('e') as [string, string];
  const text = layOut(mantissa.replace('.', ''), Number(exponent));
  return value < 0 ? `-${text}` : text;
}

/** Half of the largest 64-bit integer. */
const WHOLE_MAX = 2 ** 62;

/** digits[0].digits[1...] x 10^exponent: in full when that takes few zeros, otherwise with an exponent. */
function layOut(digits: string, exponent: number): string {
  const scale = exponent - digits.length + 1;
  const magnitude = Math.abs(exponent);
  if (scale >= 0 && magnitude < digits.length + 7) return digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || magnitude < 4)) {
    if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
    return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${magnitude}`;
}

/** A score as `strtod` reads it when it has to take all of the text; undefined when it would not, or out of range. */
export function parseScore(text: string): number | undefined {
  const value = parseFloatText(text);
  if (value === 0 && /[1-9]/.test(text.split(/[eE]/)[0] as string)) return undefined;
  return value;
}

/**
 * A number as Redis reads it where it is less careful, in bounds of ranges and in SORT: spaces before it, nothing at all
 * for 0, and whatever is after a zero byte. Infinite when it is too large. undefined when it is no number.
 */
export function parseLooseFloat(text: string): number | undefined {
  const end = text.indexOf('\0');
  const cut = end < 0 ? text : text.slice(0, end);
  if (cut === '') return 0;
  const trimmed = cut.replace(/^[ \t\n\v\f\r]+/, '');
  const value = parseFloatText(trimmed);
  if (value !== undefined || !FLOAT_TEXT.test(trimmed)) return value;
  return trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const FLOAT_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const HEX_TEXT = /^[+-]?0[xX]([0-9a-fA-F]+)$/;

/** What `strtold` accepts when it has to take all of the text; undefined when it would not. May be infinite, never NaN. */
export function parseFloatText(text: string): number | undefined {
  if (FLOAT_TEXT.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const lower = text.toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(lower))
    return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const hex = HEX_TEXT.exec(text);
  if (hex !== null) return Number.parseInt(hex[1] as string, 16) * (text.startsWith('-') ? -1 : 1);
  return undefined;
}

/**
 * The sum of two decimal texts the way INCRBYFLOAT shows it: Redis reads both as 80-bit long doubles, adds them, and prints
 * 17 decimals with the zeros at the end cut off. Done with integers here, exactly as that format rounds, so that the digits
 * are the same (0.1 + 0.2 = 0.3, and 1000 + 0.00001 = 1000.00001000000000001). undefined: infinite or too large to write out.
 */
export function addDecimal(left: string, right: string): string | undefined {
  const a = toLongDouble(left);
  const b = toLongDouble(right);
  if (a === undefined || b === undefined) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = shifted(a.mantissa, a.exponent - exponent) + shifted(b.mantissa, b.exponent - exponent);
  const rounded = roundedRatio(sum, 1n);
  const scale = rounded.exponent + exponent;
  const unit = 10n ** BigInt(DECIMALS);
  const digits =
    scale >= 0 ? shifted(rounded.mantissa, scale) * unit : divided(rounded.mantissa * unit, shifted(1n, -scale));
  return writeScaled(digits, DECIMALS);
}

const DECIMALS = 17;
/** Bits of a long double's mantissa on x86. */
const MANTISSA_BITS = 64;

/** mantissa x 2^exponent. */
interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

function toLongDouble(text: string): LongDouble | undefined {
  const scaled = toScaled(text);
  return scaled === undefined ? undefined : roundedRatio(scaled.digits, 10n ** BigInt(scaled.scale));
}

function shifted(value: bigint, bits: number): bigint {
  return value << BigInt(bits);
}

/** The long double next to numerator / denominator. */
function roundedRatio(numerator: bigint, denominator: bigint): LongDouble {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  const magnitude = numerator < 0n ? -numerator : numerator;
  let shift = MANTISSA_BITS - bitLength(magnitude) + bitLength(denominator);
  const scaled = (): bigint =>
    shift >= 0 ? divided(shifted(magnitude, shift), denominator) : divided(magnitude, shifted(denominator, -shift));
  // The estimate is at most one bit too many.
  if (bitLength(scaled()) > MANTISSA_BITS) shift -= 1;
  const mantissa = scaled();
  return { mantissa: numerator < 0n ? -mantissa : mantissa, exponent: -shift };
}

/** Rounds to the nearest, and half to even. */
function divided(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const quotient = magnitude / denominator;
  const twice = (magnitude % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return numerator < 0n ? -rounded : rounded;
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0] as string, 16)) + 28;
}

const EXPONENT_MAX = 4_932;

function toScaled(text: string): { digits: bigint; scale: number } | undefined {
  const hex = HEX_TEXT.exec(text);
  if (hex !== null) {
    const value = BigInt(`0x${hex[1] as string}`);
    return { digits: text.startsWith('-') ? -value : value, scale: 0 };
  }
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const whole = match[2] as string;
  const fraction = match[3] as string;
  const exponent = Number(match[4] ?? '0');
  if (Math.abs(exponent) > EXPONENT_MAX) return undefined;
  const magnitude = BigInt(`${whole}${fraction}` || '0');
  const digits = match[1] === '-' ? -magnitude : magnitude;
  const scale = fraction.length - exponent;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function writeScaled(value: bigint, scale: number): string {
  const negative = value < 0n;
  const text = (negative ? -value : value).toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale);
  const fraction = text.slice(text.length - scale).replace(/0+$/, '');
  const body = fraction === '' ? whole : `${whole}.${fraction}`;
  return negative && body !== '0' ? `-${body}` : body;
}
