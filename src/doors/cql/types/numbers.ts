/** Numbers in wire format: varint and decimal by BigInt, the others by Buffer's own methods. */
import { MarshalError } from './composite.ts';

export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** Two's complement, big-endian, as short as it can be; at least one byte. */
export function encodeVarint(value: bigint): Buffer {
  let length = 1;
  while (value < -(1n << BigInt(8 * length - 1)) || value >= 1n << BigInt(8 * length - 1)) length += 1;
  const bytes = Buffer.allocUnsafe(length);
  let left = value;
  for (let i = length - 1; i >= 0; i -= 1) {
    bytes[i] = Number(left & 0xffn);
    left >>= 8n;
  }
  return bytes;
}

export function decodeVarint(bytes: Buffer): bigint {
  if (bytes.length === 0) throw new MarshalError('A varint has at least one byte');
  if (bytes.length <= 6) return BigInt(bytes.readIntBE(0, bytes.length));
  const value = BigInt(`0x${bytes.toString('hex')}`);
  return (bytes[0] as number) >= 0x80 ? value - (1n << BigInt(8 * bytes.length)) : value;
}

export function encodeDecimal({ unscaled, scale }: Decimal): Buffer {
  const digits = encodeVarint(unscaled);
  const bytes = Buffer.allocUnsafe(4 + digits.length);
  bytes.writeInt32BE(scale, 0);
  digits.copy(bytes, 4);
  return bytes;
}

export function decodeDecimal(bytes: Buffer): Decimal {
  if (bytes.length < 5) throw new MarshalError(`Expected at least 5 bytes for a decimal (${bytes.length})`);
  return { scale: bytes.readInt32BE(0), unscaled: decodeVarint(bytes.subarray(4)) };
}

/** Undefined when the text is no decimal number. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const unscaled = BigInt(whole + fraction);
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: fraction.length - Number(exponent) };
}

/** As java.math.BigDecimal writes it, which is what drivers and cqlsh show. */
export function decimalText({ unscaled, scale }: Decimal): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString();
  const sign = negative ? '-' : '';
  if (scale === 0) return sign + digits;
  const adjusted = digits.length - 1 - scale;
  if (scale > 0 && adjusted >= -6) {
    if (digits.length > scale) return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    return `${sign}0.${'0'.repeat(scale - digits.length)}${digits}`;
  }
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
  return `${sign}${mantissa}E${adjusted >= 0 ? '+' : ''}${adjusted}`;
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const signs = sign(a.unscaled) - sign(b.unscaled);
  if (signs !== 0 || a.unscaled === 0n) return signs;
  // The order of magnitude decides without making one of them as long as the other.
  const magnitudes = magnitudeOf(a) - magnitudeOf(b);
  if (magnitudes !== 0) return a.unscaled > 0n ? magnitudes : -magnitudes;
  const scale = Math.max(a.scale, b.scale);
  const left = a.unscaled * 10n ** BigInt(scale - a.scale);
  const right = b.unscaled * 10n ** BigInt(scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

function magnitudeOf({ unscaled, scale }: Decimal): number {
  return (unscaled < 0n ? -unscaled : unscaled).toString().length - scale;
}

function sign(value: bigint): number {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

/** As Java writes numbers: a point always, and an exponent from ten millions on and below a thousandth. */
export function doubleText(value: number): string {
  // One digit would do, but Java writes two at least, and with two the smallest number is nearer to this.
  if (Math.abs(value) === Number.MIN_VALUE) return value > 0 ? '4.9E-324' : '-4.9E-324';
  return javaText(value, value);
}

const FLOAT_MIN = 2 ** -149;

/** The same of a float, with no more digits than tell it from its neighbours. */
export function floatText(value: number): string {
  if (Math.abs(value) === FLOAT_MIN) return value > 0 ? '1.4E-45' : '-1.4E-45';
  return javaText(value, Number.isFinite(value) ? shortestSingle(value) : value);
}

function javaText(value: number, shortest: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const absolute = Math.abs(shortest);
  if (absolute >= 1e-3 && absolute < 1e7) {
    const text = String(shortest);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [mantissa = '', exponent = '0'] = shortest.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

/** The number with the fewest digits that is this float. */
function shortestSingle(value: number): number {
  for (let digits = 1; digits <= 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
