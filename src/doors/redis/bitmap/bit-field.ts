/**
 * Integers of any width inside a string of bits, as BITFIELD reads and writes them: most significant bit first, bit 0 the
 * first byte's highest. Up to 52 bits they are numbers, which are exact there; wider ones are bigints, which cost ten
 * times as much.
 */
import { assert } from '../../../base/assert.ts';

export interface FieldType {
  readonly signed: boolean;
  /** 1 to 64 when signed, 1 to 63 when not. */
  readonly width: number;
}

/** What becomes of a number that does not fit its field. */
export type Overflow = 'WRAP' | 'SAT' | 'FAIL';

/** With this width and amounts below 2^52, sums are below 2^53: exact as doubles. */
const NUMBER_WIDTH_MAX = 52;
const NUMBER_AMOUNT_MAX = 2 ** 52;

/** Reads `i16`, `u8` and so on; undefined for what is no type. */
export function parseFieldType(text: string): FieldType | undefined {
  if (!/^[iu][1-9]\d?$/.test(text)) return undefined;
  const signed = text.startsWith('i');
  const width = Number(text.slice(1));
  return width <= (signed ? 64 : 63) ? { signed, width } : undefined;
}

/** An unsigned number of at most 52 bits. Bits past the end of `bytes` are zeros. */
function readNumber(bytes: Uint8Array, offset: number, width: number): number {
  let value = 0;
  let at = offset;
  for (let left = width; left > 0; ) {
    const skip = at % 8;
    const taken = Math.min(8 - skip, left);
    const byte = bytes[Math.floor(at / 8)] ?? 0;
    value = value * 2 ** taken + ((byte >>> (8 - skip - taken)) & (2 ** taken - 1));
    at += taken;
    left -= taken;
  }
  return value;
}

function writeNumber(bytes: Uint8Array, offset: number, width: number, value: number): void {
  let rest = value;
  let end = offset + width;
  for (let left = width; left > 0; ) {
    // The last bits first: they are the remainder of a division, whatever the width.
    const after = (8 - (end % 8)) % 8;
    const taken = Math.min(8 - after, left);
    const index = Math.floor((end - 1) / 8);
    const mask = (2 ** taken - 1) << after;
    const part = (rest % 2 ** taken) << after;
    bytes[index] = ((bytes[index] as number) & ~mask) | part;
    rest = Math.floor(rest / 2 ** taken);
    end -= taken;
    left -= taken;
  }
}

/** The field at bit `offset`. A bigint exactly when the type has more than 52 bits. */
export function readField(bytes: Uint8Array, offset: number, { signed, width }: FieldType): number | bigint {
  if (width <= NUMBER_WIDTH_MAX) {
    const value = readNumber(bytes, offset, width);
    return signed && value >= 2 ** (width - 1) ? value - 2 ** width : value;
  }
  const high = BigInt(readNumber(bytes, offset, width - 32));
  const bits = (high << 32n) | BigInt(readNumber(bytes, offset + width - 32, 32));
  return signed ? BigInt.asIntN(width, bits) : bits;
}

/** Writes a number that fits the type, at bit `offset`; the field must lie inside `bytes`. */
export function writeField(bytes: Uint8Array, offset: number, { width }: FieldType, value: number | bigint): void {
  assert(offset + width <= bytes.length * 8, 'a field lies inside its string');
  if (width <= NUMBER_WIDTH_MAX) {
    const number = Number(value);
    writeNumber(bytes, offset, width, number < 0 ? number + 2 ** width : number);
    return;
  }
  const bits = BigInt.asUintN(width, BigInt(value));
  writeNumber(bytes, offset, width - 32, Number(bits >> 32n));
  writeNumber(bytes, offset + width - 32, 32, Number(bits & 0xffff_ffffn));
}

/** What SET writes for a number; undefined when it does not fit and may not be changed. */
export function fittedValue(type: FieldType, value: bigint, overflow: Overflow): number | bigint | undefined {
  // To an unsigned field a negative number is a very large one: the same 64 bits.
  const seen = type.signed ? value : BigInt.asUintN(64, value);
  return isExact(type, seen) ? fitNumber(type, Number(seen), overflow) : fitBigInt(type, seen, overflow);
}

/** What INCRBY writes for a field that holds `before`; undefined as for `fittedValue`. */
export function fittedSum(
  type: FieldType,
  before: number | bigint,
  amount: bigint,
  overflow: Overflow,
): number | bigint | undefined {
  return isExact(type, amount)
    ? fitNumber(type, Number(before) + Number(amount), overflow)
    : fitBigInt(type, BigInt(before) + amount, overflow);
}

function isExact(type: FieldType, amount: bigint): boolean {
  return type.width <= NUMBER_WIDTH_MAX && amount <= NUMBER_AMOUNT_MAX && amount >= -NUMBER_AMOUNT_MAX;
}

function fitNumber({ signed, width }: FieldType, value: number, overflow: Overflow): number | undefined {
  const size = 2 ** width;
  const min = signed ? -size / 2 : 0;
  const max = min + size - 1;
  if (value >= min && value <= max) return value;
  if (overflow === 'FAIL') return undefined;
  if (overflow === 'SAT') return value > max ? max : min;
  const wrapped = ((value % size) + size) % size;
  return wrapped > max ? wrapped - size : wrapped;
}

function fitBigInt({ signed, width }: FieldType, value: bigint, overflow: Overflow): bigint | undefined {
  const size = 1n << BigInt(width);
  const min = signed ? -size / 2n : 0n;
  const max = min + size - 1n;
  if (value >= min && value <= max) return value;
  if (overflow === 'FAIL') return undefined;
  if (overflow === 'SAT') return value > max ? max : min;
  return signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}
