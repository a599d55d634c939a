/**
 * The metadata value of a collection behind its header (value.ts). Version 1.
 *
 *   u8                  format version (high four bits) | encoding, as OBJECT ENCODING names it (low four bits)
 *   u64 next_ms         only with ValueFlag.fieldsExpire: when the next field of the hash expires
 *   then small:         the elements, packed one after the other (each type's own file)
 *   or large:           collection id, 10 bytes | count u48 | bytes u48 | levels u8 | expiring u48
 *
 * `count` counts elements that are stored, expired fields included; `bytes` is the sum of the elements' bytes; `levels`
 * belongs to the counted index; `expiring` is the number of fields that have an expiry time.
 *
 * How a collection is stored and what OBJECT ENCODING says are two things: the first keeps what a write has to rewrite
 * small (limits.ts), the second follows Redis's rules, since tools and tests look at it.
 */
import { assert } from '../../../base/assert.ts';
import { type ByteCursor, getVarint, putVarint, sizeOfVarint } from '../../../storage/varint.ts';
import { COLLECTION_ID_BYTES } from '../key-layout.ts';
import { hasFlag, payloadStart, ValueFlag } from '../value.ts';

export const Encoding = { listpack: 0, intset: 1, hashtable: 2, quicklist: 3, skiplist: 4 } as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];
export const ENCODING_NAMES = ['listpack', 'intset', 'hashtable', 'quicklist', 'skiplist'] as const;

const FORMAT_VERSION = 1;
const NEXT_BYTES = 8;
export const LARGE_BYTES = COLLECTION_ID_BYTES + 6 + 6 + 1 + 6;

export interface LargeHead {
  readonly id: string;
  readonly count: number;
  readonly bytes: number;
  readonly levels: number;
  readonly expiring: number;
}

export function encodingOfCollection(value: Buffer): Encoding {
  const byte = value[payloadStart(value)] as number;
  assert(byte >>> 4 === FORMAT_VERSION, 'the format of a collection is known');
  return (byte & 0x0f) as Encoding;
}

/** When the next field expires; 0: none does. */
export function nextExpiryOf(value: Buffer): number {
  if (!hasFlag(value, ValueFlag.fieldsExpire)) return 0;
  const at = payloadStart(value) + 1;
  return value.readUInt32BE(at) * 0x1_0000_0000 + value.readUInt32BE(at + 4);
}

/** Where the packed elements, or what is said of a large collection, begin. */
export function bodyStart(value: Buffer): number {
  return payloadStart(value) + (hasFlag(value, ValueFlag.fieldsExpire) ? 1 + NEXT_BYTES : 1);
}

/** Of a value with the flag elementsOutside. */
export function collectionIdOf(value: Buffer): string {
  const at = bodyStart(value);
  return value.latin1Slice(at, at + COLLECTION_ID_BYTES);
}

export function readLargeHead(value: Buffer): LargeHead {
  const at = bodyStart(value) + COLLECTION_ID_BYTES;
  return {
    id: collectionIdOf(value),
    count: value.readUIntBE(at, 6),
    bytes: value.readUIntBE(at + 6, 6),
    levels: value[at + 12] as number,
    expiring: value.readUIntBE(at + 13, 6),
  };
}

export function headBytes(next_ms: number): number {
  return next_ms === 0 ? 1 : 1 + NEXT_BYTES;
}

/** Writes what precedes the body; returns where the body begins. */
export function writeHead(value: Buffer, position: number, encoding: Encoding, next_ms: number): number {
  value[position] = (FORMAT_VERSION << 4) | encoding;
  if (next_ms === 0) return position + 1;
  writeMoment(value, position + 1, next_ms);
  return position + 1 + NEXT_BYTES;
}

export function writeLargeHead(value: Buffer, position: number, head: LargeHead): void {
  let at = position + value.latin1Write(head.id, position);
  at = value.writeUIntBE(head.count, at, 6);
  at = value.writeUIntBE(head.bytes, at, 6);
  at = value.writeUInt8(head.levels, at);
  value.writeUIntBE(head.expiring, at, 6);
}

export function writeMoment(value: Buffer, position: number, moment_ms: number): number {
  value.writeUInt32BE(Math.floor(moment_ms / 0x1_0000_0000), position);
  return value.writeUInt32BE(moment_ms % 0x1_0000_0000, position + 4);
}

export function readMoment(value: Buffer, position: number): number {
  return value.readUInt32BE(position) * 0x1_0000_0000 + value.readUInt32BE(position + 4);
}

// ---- packed texts: varint length, bytes

export function packedTextBytes(text: string): number {
  return sizeOfVarint(text.length) + text.length;
}

export function putText(value: Buffer, position: number, text: string): number {
  const at = putVarint(value, position, text.length);
  return at + value.latin1Write(text, at);
}

/** Walks over packed texts: `next` leaves the bytes of one at [start, end). */
export class PackedReader implements ByteCursor {
  readonly buffer: Buffer;
  at: number;
  start = 0;
  end = 0;

  constructor(buffer: Buffer, from: number) {
    this.buffer = buffer;
    this.at = from;
  }

  get done(): boolean {
    return this.at >= this.buffer.length;
  }

  next(): void {
    const length = getVarint(this.buffer, this, this.buffer.length);
    assert(length >= 0 && this.at + length <= this.buffer.length, 'packed texts are whole');
    this.start = this.at;
    this.end = this.at + length;
    this.at = this.end;
  }

  text(): string {
    return this.buffer.latin1Slice(this.start, this.end);
  }

  /** True when the bytes at [start, end) are the text. */
  is(text: string): boolean {
    if (this.end - this.start !== text.length) return false;
    for (let index = 0; index < text.length; index += 1) {
      if (this.buffer[this.start + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Eight bytes that follow. */
  moment(): number {
    const value = readMoment(this.buffer, this.at);
    this.at += 8;
    return value;
  }

  double(): number {
    const value = this.buffer.readDoubleBE(this.at);
    this.at += 8;
    return value;
  }
}
