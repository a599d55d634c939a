/**
 * Snapshots as a stream of chunks. A snapshot is "fuzzy": each chunk shows the applied state of the moment at which it was
 * read, so the tablet goes on while it is sent. It starts at `startIndex`; a receiver that writes all chunks and then
 * applies the log from `startIndex` + 1 ends in the right state, because write batches may be applied again. It is
 * consistent only from the `appliedIndex` of the last chunk on: before that it must not answer reads.
 *
 * A chunk, version 1:
 *
 *   u32 crc of what follows | u8 version | u8 flags (1 = last) | u16 zero | u48 chunk number | u48 applied index
 *   | u32 entries | entries x ( varint key length, key, varint value length, value )
 *   last chunk: | u48 all entries | u48 all bytes of keys and values
 *
 * Version log: 1 = first.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.ts';
import { DamagedError } from './errors.ts';
import { type ByteKey, KEY_BYTES_MAX, type KeyRange } from './ordered-store.ts';
import type { Overlay } from './overlay.ts';
import { type ByteCursor, getVarint, putVarint } from './varint.ts';

export const SNAPSHOT_CHUNK_VERSION = 1;
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;
export const SNAPSHOT_CHUNK_ENTRIES = 1_000;

const HEADER_BYTES = 24;
const TOTALS_BYTES = 12;
const FLAG_LAST = 1;

export interface SnapshotTotals {
  readonly entries: number;
  readonly bytes: number;
}

export interface SnapshotChunk {
  /** From 0, without gaps. */
  readonly number: number;
  /** The sender's applied index when the chunk was read. */
  readonly appliedIndex: number;
  readonly entries: readonly (readonly [ByteKey, Buffer])[];
  /** Null but for the last chunk. */
  readonly totals: SnapshotTotals | null;
  readonly last: boolean;
}

/** Where to go on after an interruption: all fields of a reader that has given `number` chunks. */
export interface SnapshotPosition {
  readonly startIndex: number;
  readonly chunks: number;
  readonly entries: number;
  readonly bytes: number;
  /** The next key to look for, in the range of this number. */
  readonly range: number;
  readonly from: ByteKey;
}

export class SnapshotReader {
  /** The log must be kept from the entry after this one until the receiver has caught up. */
  readonly startIndex: number;
  readonly #overlay: Overlay;
  readonly #ranges: readonly KeyRange[];
  #range = 0;
  #from: ByteKey;
  #chunks = 0;
  #entries = 0;
  #bytes = 0;
  #done = false;

  /** Without `position` at the beginning. The ranges are visited in the order given. */
  constructor(overlay: Overlay, ranges: readonly KeyRange[], position?: SnapshotPosition) {
    this.#overlay = overlay;
    this.#ranges = ranges;
    this.startIndex = position?.startIndex ?? overlay.appliedIndex;
    this.#range = position?.range ?? 0;
    this.#from = position?.from ?? ranges[0]?.lo ?? '';
    this.#chunks = position?.chunks ?? 0;
    this.#entries = position?.entries ?? 0;
    this.#bytes = position?.bytes ?? 0;
  }

  /** True when the last chunk has been given. */
  get done(): boolean {
    return this.#done;
  }

  get position(): SnapshotPosition {
    return {
      startIndex: this.startIndex,
      chunks: this.#chunks,
      entries: this.#entries,
      bytes: this.#bytes,
      range: this.#range,
      from: this.#from,
    };
  }

  next(): Buffer {
    assert(!this.#done, 'no chunk comes after the last one');
    const entries: (readonly [ByteKey, Buffer])[] = [];
    let bytes = 0;
    let full = false;
    while (!full && this.#range < this.#ranges.length) {
      const { hi } = this.#ranges[this.#range] as KeyRange;
      this.#overlay.scan(this.#from, hi, false, false, (key, value) => {
        entries.push([key, value]);
        bytes += key.length + value.length;
        full = entries.length >= SNAPSHOT_CHUNK_ENTRIES || bytes >= SNAPSHOT_CHUNK_BYTES;
        return !full;
      });
      const lastKey = entries[entries.length - 1]?.[0];
      if (full) {
        this.#from = `${lastKey ?? ''}\0`;
      } else {
        this.#range += 1;
        this.#from = this.#ranges[this.#range]?.lo ?? '';
      }
    }
    this.#done = !full;
    this.#entries += entries.length;
    this.#bytes += bytes;
    const totals = this.#done ? { entries: this.#entries, bytes: this.#bytes } : null;
    const chunk = encodeSnapshotChunk(this.#chunks, this.#overlay.appliedIndex, entries, totals);
    this.#chunks += 1;
    return chunk;
  }
}

export function encodeSnapshotChunk(
  number: number,
  appliedIndex: number,
  entries: readonly (readonly [ByteKey, Uint8Array])[],
  totals: SnapshotTotals | null,
): Buffer {
  let size = HEADER_BYTES + (totals === null ? 0 : TOTALS_BYTES);
  for (const [key, value] of entries) size += 10 + key.length + value.length;
  const out = Buffer.allocUnsafeSlow(size);
  out[4] = SNAPSHOT_CHUNK_VERSION;
  out[5] = totals === null ? 0 : FLAG_LAST;
  out.writeUInt16LE(0, 6);
  out.writeUIntLE(number, 8, 6);
  out.writeUIntLE(appliedIndex, 14, 6);
  out.writeUInt32LE(entries.length, 20);
  let at = HEADER_BYTES;
  for (const [key, value] of entries) {
    at = putVarint(out, at, key.length);
    at += out.latin1Write(key, at, key.length);
    at = putVarint(out, at, value.length);
    out.set(value, at);
    at += value.length;
  }
  if (totals !== null) {
    out.writeUIntLE(totals.entries, at, 6);
    out.writeUIntLE(totals.bytes, at + 6, 6);
    at += TOTALS_BYTES;
  }
  const chunk = out.subarray(0, at);
  chunk.writeUInt32LE(crc32(chunk.subarray(4)), 0);
  return chunk;
}

/** Throws `DamagedError`. Values are copies, so that an entry that is kept does not keep the chunk. */
export function decodeSnapshotChunk(data: Uint8Array): SnapshotChunk {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < HEADER_BYTES) damaged('too short');
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) damaged('wrong checksum');
  if (bytes[4] !== SNAPSHOT_CHUNK_VERSION) damaged('unknown version');
  const flags = bytes[5] as number;
  if (flags > FLAG_LAST || bytes.readUInt16LE(6) !== 0) damaged('unknown flags');
  const last = flags === FLAG_LAST;
  const end = bytes.length - (last ? TOTALS_BYTES : 0);
  const count = bytes.readUInt32LE(20);
  if (end < HEADER_BYTES || count * 2 > end - HEADER_BYTES) damaged('a count is too large');

  const entries: (readonly [ByteKey, Buffer])[] = [];
  const cursor: ByteCursor = { at: HEADER_BYTES };
  for (let i = 0; i < count; i += 1) {
    const keyLength = getVarint(bytes, cursor, end);
    if (keyLength < 0 || keyLength > KEY_BYTES_MAX || keyLength > end - cursor.at) damaged('cut off in a key');
    const key = bytes.latin1Slice(cursor.at, cursor.at + keyLength);
    cursor.at += keyLength;
    const length = getVarint(bytes, cursor, end);
    if (length < 0 || length > end - cursor.at) damaged('cut off in a value');
    entries.push([key, Buffer.from(bytes.subarray(cursor.at, cursor.at + length))]);
    cursor.at += length;
  }
  if (cursor.at !== end) damaged('bytes are left over');
  return {
    number: bytes.readUIntLE(8, 6),
    appliedIndex: bytes.readUIntLE(14, 6),
    entries,
    totals: last ? { entries: bytes.readUIntLE(end, 6), bytes: bytes.readUIntLE(end + 6, 6) } : null,
    last,
  };
}

/** Checks that chunks come complete and in order. One per snapshot that is received. */
export class SnapshotReceiver {
  #chunks = 0;
  #entries = 0;
  #bytes = 0;
  #done = false;

  /** True when the last chunk has come. */
  get done(): boolean {
    return this.#done;
  }

  /** Number of the chunk that comes next. */
  get nextNumber(): number {
    return this.#chunks;
  }

  /** The decoded chunk. Throws `DamagedError` when it is not the next one, or the totals are wrong. */
  accept(data: Uint8Array): SnapshotChunk {
    if (this.#done) damaged('a chunk comes after the last one');
    const chunk = decodeSnapshotChunk(data);
    if (chunk.number !== this.#chunks) damaged('a chunk is missing or comes twice');
    this.#chunks += 1;
    this.#entries += chunk.entries.length;
    for (const [key, value] of chunk.entries) this.#bytes += key.length + value.length;
    if (chunk.totals !== null) {
      if (chunk.totals.entries !== this.#entries || chunk.totals.bytes !== this.#bytes) damaged('the totals are wrong');
      this.#done = true;
    }
    return chunk;
  }
}

function damaged(detail: string): never {
  throw new DamagedError(`not a snapshot chunk: ${detail}`);
}
