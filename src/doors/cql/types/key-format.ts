/**
 * Values as parts of keys: bytes whose order is the order of the values, and of which none is the beginning of another, so that a part
 * can be followed by the next one. Kept as latin1 text like every key of the store.
 *
 * Numbers of fixed size are big-endian with the sign turned; IEEE numbers as Cassandra orders them; texts and blobs have 00 written as
 * 00 ff and end with 00 01. Decimals and varints carry their magnitude first. The empty value of a type of fixed size is marked before all others.
 *
 * Descending order is the same bytes inverted.
 */
import { assert, unreachable } from '../../../base/assert.ts';
import {
  fieldTypes,
  packCollection,
  packFields,
  packVector,
  splitCollection,
  splitFields,
  splitVector,
} from './composite.ts';
import type { DataType, NativeName } from './data-type.ts';
import { decodeDecimal, encodeDecimal } from './numbers.ts';

/** Before an empty value, and before one that is not; composites mark the end of their parts with the lower one. */
const EMPTY = '\x00';
const PRESENT = '\x01';

/** The part of a key for a value in wire format that is valid for its type. */
export function encodeKeyPart(type: DataType, bytes: Buffer): string {
  switch (type.kind) {
    case 'native':
      return encodeNative(type.name, bytes);
    case 'list':
    case 'set':
      return encodeAll(splitCollection(bytes).map((part) => encodeKeyPart(type.element, part)));
    case 'map': {
      const parts = splitCollection(bytes, 2);
      return encodeAll(parts.map((part, i) => encodeKeyPart(i % 2 === 0 ? type.key : type.value, part)));
    }
    case 'tuple':
    case 'udt': {
      const types = fieldTypes(type);
      // Fields that were not there when the value was made are nulls at its end, and compare as such.
      const fields = splitFields(bytes, types.length);
      return fields
        .map((field, i) => (field === null ? EMPTY : PRESENT + encodeKeyPart(types[i] as DataType, field)))
        .join('');
    }
    case 'vector':
      return splitVector(bytes, type)
        .map((part) => encodeKeyPart(type.element, part))
        .join('');
    default:
      return unreachable('a type has a kind');
  }
}

/** Keys are made of numbers one by one: cheaper than a call into the runtime up to some tens of bytes. */
const byteText = String.fromCharCode;

/** The same bytes with every bit turned: descending order. */
export function invert(part: string): string {
  if (part.length <= 24) {
    let inverted = '';
    for (let i = 0; i < part.length; i += 1) inverted += byteText(part.charCodeAt(i) ^ 0xff);
    return inverted;
  }
  const bytes = Buffer.from(part, 'latin1');
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = (bytes[i] as number) ^ 0xff;
  return bytes.latin1Slice();
}

/** What follows all keys that begin with `prefix`, and is before every other greater key. */
export function afterPrefix(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end -= 1;
  assert(end > 0, 'a prefix of a key begins with a space below ffffffff');
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

function encodeAll(parts: readonly string[]): string {
  return parts.map((part) => PRESENT + part).join('') + EMPTY;
}

function encodeNative(name: NativeName, bytes: Buffer): string {
  switch (name) {
    case 'text':
    case 'ascii':
    case 'blob':
    case 'inet':
      return escaped(bytes);
    case 'boolean':
      return bytes.length === 0 ? EMPTY : PRESENT + (bytes[0] === 0 ? '\x00' : '\x01');
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'counter':
    case 'timestamp':
      return bytes.length === 0 ? EMPTY : PRESENT + signed(bytes);
    case 'date':
    case 'time':
      return bytes.latin1Slice();
    case 'float':
    case 'double':
      return bytes.length === 0 ? EMPTY : PRESENT + ieee(bytes);
    case 'uuid':
      return bytes.length === 0 ? EMPTY : PRESENT + uuid(bytes);
    case 'timeuuid':
      return bytes.length === 0 ? EMPTY : PRESENT + timeUuid(bytes);
    case 'varint':
      return bytes.length === 0 ? EMPTY : PRESENT + varint(bytes);
    case 'decimal':
      return bytes.length === 0 ? EMPTY : PRESENT + decimal(bytes);
    case 'duration':
      return unreachable('durations have no order and are part of no key');
    default:
      return unreachable('a native type has a name');
  }
}

/** 00 becomes 00 ff; the end is 00 01, which is before everything that could follow. */
function escaped(bytes: Buffer): string {
  const text = bytes.latin1Slice();
  return `${text.includes('\x00') ? text.replaceAll('\x00', '\x00\xff') : text}\x00\x01`;
}

function signed(bytes: Buffer): string {
  const first = (bytes[0] as number) ^ 0x80;
  switch (bytes.length) {
    case 1:
      return byteText(first);
    case 2:
      return byteText(first, bytes[1] as number);
    case 4:
      return byteText(first, bytes[1] as number, bytes[2] as number, bytes[3] as number);
    default:
      return byteText(
        first,
        bytes[1] as number,
        bytes[2] as number,
        bytes[3] as number,
        bytes[4] as number,
        bytes[5] as number,
        bytes[6] as number,
        bytes[7] as number,
      );
  }
}

/** Negative numbers have all bits turned, others the first: the order of Java's Double.compareTo, -0 before 0, NaN last. */
function ieee(bytes: Buffer): string {
  const isNotANumber = bytes.length === 4 ? Number.isNaN(bytes.readFloatBE(0)) : Number.isNaN(bytes.readDoubleBE(0));
  if (isNotANumber) return '\xff'.repeat(bytes.length);
  return (bytes[0] as number) >= 0x80 ? invert(bytes.latin1Slice()) : signed(bytes);
}

/** By version first; those of version 1 by time. */
function uuid(bytes: Buffer): string {
  const version = (bytes[6] as number) >>> 4;
  return byteText(version) + (version === 1 ? timeUuid(bytes) : bytes.latin1Slice());
}

/** The time, most significant part first, then the rest as signed bytes. */
function timeUuid(bytes: Buffer): string {
  return byteText(
    bytes[6] as number,
    bytes[7] as number,
    bytes[4] as number,
    bytes[5] as number,
    bytes[0] as number,
    bytes[1] as number,
    bytes[2] as number,
    bytes[3] as number,
    (bytes[8] as number) ^ 0x80,
    (bytes[9] as number) ^ 0x80,
    (bytes[10] as number) ^ 0x80,
    (bytes[11] as number) ^ 0x80,
    (bytes[12] as number) ^ 0x80,
    (bytes[13] as number) ^ 0x80,
    (bytes[14] as number) ^ 0x80,
    (bytes[15] as number) ^ 0x80,
  );
}

/** Length with sign, then the bytes. A value has one shortest form; longer ones are stored as it. */
function varint(bytes: Buffer): string {
  let at = 0;
  while (at + 1 < bytes.length && isSignByte(bytes, at)) at += 1;
  const length = bytes.length - at;
  const negative = (bytes[at] as number) >= 0x80;
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32BE(negative ? 0x80000000 - length : 0x80000000 + length, 0);
  return size.latin1Slice() + bytes.latin1Slice(at);
}

function isSignByte(bytes: Buffer, at: number): boolean {
  const next = bytes[at + 1] as number;
  return (bytes[at] === 0 && next < 0x80) || (bytes[at] === 0xff && next >= 0x80);
}

/**
 * Sign, power of ten, digits without zeros at the end, and then the scale, by which 1.0 and 1.00 are two keys: the first before the
 * second, where Cassandra takes them for one clustering and two partitions.
 */
function decimal(bytes: Buffer): string {
  const { unscaled, scale } = decodeDecimal(bytes);
  const scaleBytes = signed(bytes.subarray(0, 4));
  if (unscaled === 0n) return `\x80${scaleBytes}`;
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString();
  const power = Buffer.allocUnsafe(8);
  power.writeDoubleBE(digits.length - scale, 0);
  const magnitude = `${ieee(power)}${digits.replace(/0+$/, '')}\x00`;
  return (negative ? `\x7f${invert(magnitude)}` : `\x81${magnitude}`) + scaleBytes;
}

/** Takes values out of a key again, one part after the other. */
export class KeyReader {
  readonly #key: string;
  at: number;
  /** ff while a descending part is read. */
  #mask = 0;

  constructor(key: string, at: number) {
    this.#key = key;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#key.length;
  }

  /** The value in wire format. */
  value(type: DataType, descending = false): Buffer {
    this.#mask = descending ? 0xff : 0;
    const bytes = this.#value(type);
    this.#mask = 0;
    return bytes;
  }

  #value(type: DataType): Buffer {
    switch (type.kind) {
      case 'native':
        return this.#native(type.name);
      case 'list':
      case 'set':
        return this.#collection([type.element]);
      case 'map':
        return this.#collection([type.key, type.value]);
      case 'tuple':
      case 'udt':
        return packFields(fieldTypes(type).map((field) => (this.#byte() === 0 ? null : this.#value(field))));
      case 'vector':
        return packVector(
          Array.from({ length: type.dimensions }, () => this.#value(type.element)),
          type,
        );
      default:
        return unreachable('a type has a kind');
    }
  }

  #collection(types: readonly DataType[]): Buffer {
    const parts: Buffer[] = [];
    while (this.#byte() !== 0) parts.push(this.#value(types[parts.length % types.length] as DataType));
    return packCollection(parts.length / types.length, parts);
  }

  #native(name: NativeName): Buffer {
    switch (name) {
      case 'text':
      case 'ascii':
      case 'blob':
      case 'inet':
        return this.#unescaped();
      case 'date':
        return this.#take(4);
      case 'time':
        return this.#take(8);
      default:
        return this.#byte() === 0 ? Buffer.alloc(0) : this.#present(name);
    }
  }

  #present(name: NativeName): Buffer {
    switch (name) {
      case 'boolean':
        return this.#take(1);
      case 'tinyint':
        return this.#signed(1);
      case 'smallint':
        return this.#signed(2);
      case 'int':
        return this.#signed(4);
      case 'bigint':
      case 'counter':
      case 'timestamp':
        return this.#signed(8);
      case 'float':
        return this.#ieee(4);
      case 'double':
        return this.#ieee(8);
      case 'uuid':
        return this.#byte() === 1 ? this.#timeUuid() : this.#take(16);
      case 'timeuuid':
        return this.#timeUuid();
      case 'varint': {
        const size = this.#take(4).readUInt32BE(0);
        return this.#take(size < 0x80000000 ? 0x80000000 - size : size - 0x80000000);
      }
      case 'decimal':
        return this.#decimal();
      default:
        return unreachable('a type that is part of a key has a form in it');
    }
  }

  #byte(): number {
    const byte = this.#key.charCodeAt(this.at) ^ this.#mask;
    this.at += 1;
    return byte;
  }

  #take(length: number): Buffer {
    const key = this.#key;
    const at = this.at;
    assert(at + length <= key.length, 'a key has all its parts');
    this.at = at + length;
    if (length > 24) return this.#unmasked(Buffer.from(key.slice(at, at + length), 'latin1'));
    const bytes = Buffer.allocUnsafe(length);
    const mask = this.#mask;
    for (let i = 0; i < length; i += 1) bytes[i] = key.charCodeAt(at + i) ^ mask;
    return bytes;
  }

  #unmasked(bytes: Buffer): Buffer {
    if (this.#mask !== 0) for (let i = 0; i < bytes.length; i += 1) bytes[i] = (bytes[i] as number) ^ 0xff;
    return bytes;
  }

  #signed(length: number): Buffer {
    const bytes = this.#take(length);
    bytes[0] = (bytes[0] as number) ^ 0x80;
    return bytes;
  }

  #ieee(length: number): Buffer {
    const bytes = this.#take(length);
    if (bytes.every((byte) => byte === 0xff)) {
      if (length === 4) bytes.writeFloatBE(Number.NaN, 0);
      else bytes.writeDoubleBE(Number.NaN, 0);
    } else if ((bytes[0] as number) >= 0x80) bytes[0] = (bytes[0] as number) ^ 0x80;
    else for (let i = 0; i < length; i += 1) bytes[i] = (bytes[i] as number) ^ 0xff;
    return bytes;
  }

  #timeUuid(): Buffer {
    const key = this.#key;
    const at = this.at;
    const mask = this.#mask;
    assert(at + 16 <= key.length, 'a key has all its parts');
    this.at = at + 16;
    const bytes = Buffer.allocUnsafe(16);
    for (let i = 0; i < 4; i += 1) bytes[i] = key.charCodeAt(at + 4 + i) ^ mask;
    for (let i = 0; i < 2; i += 1) {
      bytes[4 + i] = key.charCodeAt(at + 2 + i) ^ mask;
      bytes[6 + i] = key.charCodeAt(at + i) ^ mask;
    }
    for (let i = 8; i < 16; i += 1) bytes[i] = key.charCodeAt(at + i) ^ mask ^ 0x80;
    return bytes;
  }

  #decimal(): Buffer {
    const sign = this.#byte();
    let digits = '';
    let places = 0;
    if (sign !== 0x80) {
      const outer = this.#mask;
      if (sign === 0x7f) this.#mask ^= 0xff;
      places = this.#ieee(8).readDoubleBE(0);
      for (let byte = this.#byte(); byte !== 0; byte = this.#byte()) digits += String.fromCharCode(byte);
      this.#mask = outer;
    }
    const scale = this.#signed(4).readInt32BE(0);
    const unscaled = BigInt(digits.padEnd(places + scale, '0') || '0');
    return encodeDecimal({ unscaled: sign === 0x7f ? -unscaled : unscaled, scale });
  }

  #unescaped(): Buffer {
    const key = this.#key;
    const zero = this.#mask === 0 ? '\x00' : '\xff';
    const start = this.at;
    let end = key.indexOf(zero, start);
    let text = '';
    let from = start;
    // A zero of the text itself is followed by ff, the end by 01.
    while ((key.charCodeAt(end + 1) ^ this.#mask) !== 1) {
      assert(end >= 0 && end + 1 < key.length, 'a text in a key has an end');
      text += key.slice(from, end + 1);
      from = end + 2;
      end = key.indexOf(zero, from);
    }
    assert(end >= 0, 'a text in a key has an end');
    this.at = end + 2;
    return this.#unmasked(Buffer.from(text + key.slice(from, end), 'latin1'));
  }
}
