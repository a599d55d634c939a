/**
 * The write batch: what one log entry of a tablet carries. Applying it needs no knowledge of the doors, so every version
 * of the code applies it alike, and applying it twice changes nothing.
 *
 * Layout, version 1 (varints are LEB128, at most 5 bytes, below 2^32):
 *
 *   u8 version | varint ranges | varint entries
 *   ranges  x  ( varint length, lo bytes, varint length, hi bytes )
 *   entries x  ( varint length, key bytes, varint 0 = delete, else value length + 1, value bytes )
 *
 * All ranges are deleted first, then the entries are written: a key that is written after a range delete in the same
 * batch survives, one written before it is left out by the encoder.
 *
 * Version log: 1 = first.
 */
import { copyBytes } from '../base/copy-bytes.ts';
import { claimRoom, ROOM_DATA_BYTES_MIN } from '../base/room-before.ts';
import { DamagedError } from './errors.ts';
import { type ByteKey, KEY_BYTES_MAX, type KeyRange } from './ordered-store.ts';
import { type ByteCursor, getVarint, putVarint, sizeOfVarint } from './varint.ts';

export const WRITE_BATCH_VERSION = 1;

export interface WriteBatchVisitor {
  range(lo: ByteKey, hi: ByteKey): void;
  /** The value is data[from, to), `data` what was decoded. */
  put(key: ByteKey, data: Buffer, from: number, to: number): void;
  delete(key: ByteKey): void;
}

/**
 * Encodes entries[i].key = values[i], leaving out those whose value is undefined. `starts[i]` is set to where the value of
 * entries[i] begins, when it has one. A large value that has room before it stays where it is: all else is put in front of it.
 */
export function encodeWriteBatch(
  ranges: readonly KeyRange[],
  entries: readonly { readonly key: ByteKey }[],
  values: readonly (Uint8Array | null | undefined)[],
  starts: number[] = [],
): Buffer {
  let size = 1;
  let count = 0;
  for (const range of ranges) size += sizeOfKey(range.lo) + sizeOfKey(range.hi);
  for (let i = 0; i < entries.length; i += 1) {
    const value = values[i];
    if (value === undefined) continue;
    count += 1;
    size +=
      sizeOfKey((entries[i] as { readonly key: ByteKey }).key) +
      (value === null ? 1 : sizeOfVarint(value.length + 1) + value.length);
  }
  size += sizeOfVarint(ranges.length) + sizeOfVarint(count);

  const last = size < ROOM_DATA_BYTES_MIN ? -1 : values.findIndex(isLarge);
  const inPlace = last < 0 ? null : claimRoom(values[last] as Uint8Array, size - (values[last] as Uint8Array).length);
  const out = inPlace ?? Buffer.allocUnsafe(size);
  out[0] = WRITE_BATCH_VERSION;
  let at = putVarint(out, 1, ranges.length);
  at = putVarint(out, at, count);
  for (const range of ranges) at = putKey(out, putKey(out, at, range.lo), range.hi);
  for (let i = 0; i < entries.length; i += 1) {
    const value = values[i];
    if (value === undefined || (i === last && inPlace !== null)) continue;
    at = putKey(out, at, (entries[i] as { readonly key: ByteKey }).key);
    if (value === null) {
      out[at] = 0;
      at += 1;
    } else {
      at = putVarint(out, at, value.length + 1);
      starts[i] = at;
      copyBytes(value, 0, value.length, out, at);
      at += value.length;
    }
  }
  if (inPlace === null) return out;
  at = putKey(out, at, (entries[last] as { readonly key: ByteKey }).key);
  starts[last] = putVarint(out, at, (values[last] as Uint8Array).length + 1);
  return out;
}

function isLarge(value: Uint8Array | null | undefined): boolean {
  return value !== null && value !== undefined && value.length >= ROOM_DATA_BYTES_MIN;
}

/**
 * Calls the visitor for every range, then for every entry. Throws `DamagedError` when the bytes are no write batch; the
 * visitor may then have seen a part of it, so callers for whom that matters validate first (`validateWriteBatch`).
 */
export function decodeWriteBatch(data: Uint8Array, visitor: WriteBatchVisitor): void {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const end = bytes.length;
  if (end < 3) damaged('too short');
  if (bytes[0] !== WRITE_BATCH_VERSION) damaged('unknown version');
  const cursor: ByteCursor = { at: 1 };
  const ranges = getCount(bytes, cursor, end);
  const entries = getCount(bytes, cursor, end);
  // Two bytes is the least that either takes: a count that cannot be true is refused before any of it is applied.
  if (ranges * 2 + entries * 2 > end - cursor.at) damaged('a count is too large');
  for (let i = 0; i < ranges; i += 1) {
    const lo = getKey(bytes, cursor, end);
    const hi = getKey(bytes, cursor, end);
    visitor.range(lo, hi);
  }
  for (let i = 0; i < entries; i += 1) {
    const key = getKey(bytes, cursor, end);
    const marked = getCount(bytes, cursor, end);
    if (marked === 0) {
      visitor.delete(key);
      continue;
    }
    const from = cursor.at;
    const to = from + marked - 1;
    if (to > end) damaged('cut off in a value');
    cursor.at = to;
    visitor.put(key, bytes, from, to);
  }
  if (cursor.at !== end) damaged('bytes are left over');
}

function getCount(bytes: Buffer, cursor: ByteCursor, end: number): number {
  const value = getVarint(bytes, cursor, end);
  if (value < 0) damaged('a number is cut off or too large');
  return value;
}

function getKey(bytes: Buffer, cursor: ByteCursor, end: number): ByteKey {
  const length = getCount(bytes, cursor, end);
  if (length > KEY_BYTES_MAX || length > end - cursor.at) damaged('a key is too long');
  const from = cursor.at;
  cursor.at = from + length;
  return bytes.latin1Slice(from, from + length);
}

const blindVisitor: WriteBatchVisitor = {
  range: () => undefined,
  put: () => undefined,
  delete: () => undefined,
};

/** Throws `DamagedError` unless `data` is a whole write batch. */
export function validateWriteBatch(data: Uint8Array): void {
  decodeWriteBatch(data, blindVisitor);
}

function damaged(detail: string): never {
  throw new DamagedError(`not a write batch: ${detail}`);
}

function sizeOfKey(key: ByteKey): number {
  return (key.length < 0x80 ? 1 : 2) + key.length;
}

function putKey(out: Buffer, position: number, key: ByteKey): number {
  const at = putVarint(out, position, key.length);
  return at + out.latin1Write(key, at, key.length);
}
