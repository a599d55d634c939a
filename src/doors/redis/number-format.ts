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
 * The sum of two decimal texts the way INCRBYFLOAT shows it. Redis adds 80-bit long doubles and prints 17 decimals with
 * the zeros at the end cut off. An exact decimal addition shows the same digits wherever the long double's error is
 * below the 17th decimal, which is what users expect (0.1 + 0.2 = 0.3). undefined: infinite or too large to write out.
 */
export function addDecimal(left: string, right: string): string | undefined {
  const a = toScaled(left);
  const b = toScaled(right);
  if (a === undefined || b === undefined) return undefined;
  const scale = Math.max(a.scale, b.scale);
  let sum = a.digits * 10n ** BigInt(scale - a.scale) + b.digits * 10n ** BigInt(scale - b.scale);
  let kept = scale;
  if (kept > 17) {
    const unit = 10n ** BigInt(kept - 17);
    const half = unit / 2n;
    sum = sum < 0n ? -((-sum + half) / unit) : (sum + half) / unit;
    kept = 17;
  }
  sum = roundToLongDouble(sum);
  return writeScaled(sum, kept);
}

/** A long double keeps 64 bits: integers above that are rounded to their nearest multiple of a power of two. */
function roundToLongDouble(value: bigint): bigint {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  const bits = magnitude.toString(2).length;
  // Up to 19 significant digits fit; fractions are cut at 17 decimals before, so only large numbers get here.
  if (bits <= 64 || magnitude < 10n ** 36n) return value;
  const shift = BigInt(bits - 64);
  const rounded = ((magnitude + (1n << (shift - 1n))) >> shift) << shift;
  return negative ? -rounded : rounded;
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
