/**
 * The bytes of the write-ahead log. All numbers are little-endian; u48+ numbers (terms, indexes, sequences) are two u32,
 * low then high, below 2^53.
 *
 * A segment file:
 *
 *   0       header copy A, 64 bytes      ) two copies in two pages, so that one rotten page
 *   4096    header copy B, 64 bytes      ) does not make a whole segment look unused
 *   8192    checkpoint (records, see below), padded to 512
 *   ...     batches, each padded to 512
 *   ...     zeros, or older bytes when the file was recycled
 *
 *   header: magic "FMWALSEG" | u32 version | u32 salt | number | first sequence | u32 crc of the batch before
 *           | u32 checkpoint length | u32 checkpoint crc | file length (0: not known) | zeros | u32 crc of the 60 bytes before
 *   batch:  u32 magic | u32 crc of all that follows | u32 payload length | u32 crc of the batch before
 *           | sequence | durable up to | u32 records | u32 salt | payload
 *   record: u8 kind | u8 entry type | u16 zero | u32 group | term | index | u32 length | data
 *
 * Every crc of a batch starts from the segment's salt, which is random: bytes of an earlier life of a recycled file, or
 * bytes that a client chose as a value, never pass for a batch. The salt in the header sorts them out before a crc is
 * computed, so that a value full of look-alikes cannot make recovery slow either.
 *
 * The checkpoint repeats, for every group, its last hard state, log base and released index as they are after the
 * segment's first batch. It counts only when it belongs to the oldest segment, where nothing older says them.
 *
 * Batches begin on 512 bytes so that no sector that holds durable bytes is written again: a write that is cut off by a
 * loss of power may leave its own sectors in any state, but not those of the batch before.
 *
 * Version log: 1 = first.
 */

import { crc32 } from 'node:zlib';
import { combineCrc32 } from '../base/crc32-combine.ts';
import { bytesIn } from '../base/insertions.ts';
import { StorageVersionError } from './errors.ts';

export const SEGMENT_VERSION = 1;
export const SECTOR_BYTES = 512;
export const SEGMENT_HEADER_BYTES = 64;
export const SECOND_HEADER_AT = 4_096;
export const CHECKPOINT_AT = 8_192;
export const BATCH_HEADER_BYTES = 40;
export const RECORD_HEADER_BYTES = 28;

const SEGMENT_MAGIC = Buffer.from('FMWALSEG', 'latin1');
const BATCH_MAGIC = 0x42_4d_57_46; // "FWMB"
const UINT32 = 0x1_0000_0000;

export const RecordKind = {
  entry: 1,
  /** term, index = commit, data = vote. */
  hardState: 2,
  /** The log now begins after index and term; data = the host's bytes (its configuration). */
  snapshotBase: 3,
  removeGroup: 4,
  /** Entries up to index are not needed any more: older segments may be gone. */
  released: 5,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export interface SegmentHeader {
  readonly salt: number;
  readonly number: number;
  readonly firstSequence: number;
  readonly previousCrc: number;
  readonly checkpointLength: number;
  readonly checkpointCrc: number;
  /** What the file measured when it was begun: a shorter one has been cut. */
  readonly fileBytes: number;
}

export interface BatchHeader {
  readonly crc: number;
  readonly payloadLength: number;
  readonly previousCrc: number;
  readonly sequence: number;
  readonly durableUpTo: number;
  readonly records: number;
}

export interface WalRecord {
  readonly kind: number;
  readonly type: number;
  readonly group: number;
  readonly term: number;
  readonly index: number;
  /** A view of the bytes that were read. */
  readonly data: Buffer;
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}

export function putUint53(out: Buffer, value: number, at: number): void {
  const high = Math.floor(value / UINT32);
  out.writeUInt32LE(value - high * UINT32, at);
  out.writeUInt32LE(high, at + 4);
}

export function getUint53(from: Buffer, at: number): number {
  return from.readUInt32LE(at + 4) * UINT32 + from.readUInt32LE(at);
}

/** Writes both copies and the zeros between them into out[0, CHECKPOINT_AT). */
export function putSegmentHeader(out: Buffer, header: SegmentHeader): void {
  out.fill(0, 0, CHECKPOINT_AT);
  SEGMENT_MAGIC.copy(out, 0);
  out.writeUInt32LE(SEGMENT_VERSION, 8);
  out.writeUInt32LE(header.salt, 12);
  putUint53(out, header.number, 16);
  putUint53(out, header.firstSequence, 24);
  out.writeUInt32LE(header.previousCrc, 32);
  out.writeUInt32LE(header.checkpointLength, 36);
  out.writeUInt32LE(header.checkpointCrc, 40);
  putUint53(out, header.fileBytes, 44);
  out.writeUInt32LE(crc32(out.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4);
  out.copy(out, SECOND_HEADER_AT, 0, SEGMENT_HEADER_BYTES);
}

/**
 * The header from whichever copy is whole; null when none is (or the file was never used). Throws `StorageVersionError`.
 */
export function getSegmentHeader(from: Buffer): SegmentHeader | null {
  return getHeaderCopy(from, 0) ?? getHeaderCopy(from, SECOND_HEADER_AT);
}

function getHeaderCopy(from: Buffer, at: number): SegmentHeader | null {
  if (from.length < at + SEGMENT_HEADER_BYTES) return null;
  const copy = from.subarray(at, at + SEGMENT_HEADER_BYTES);
  if (!copy.subarray(0, 8).equals(SEGMENT_MAGIC)) return null;
  if (copy.readUInt32LE(SEGMENT_HEADER_BYTES - 4) !== crc32(copy.subarray(0, SEGMENT_HEADER_BYTES - 4))) return null;
  const version = copy.readUInt32LE(8);
  // Never "not begun": that would make room for new batches in it.
  if (version !== SEGMENT_VERSION) throw new StorageVersionError('the write-ahead log', version, SEGMENT_VERSION);
  return {
    salt: copy.readUInt32LE(12),
    number: getUint53(copy, 16),
    firstSequence: getUint53(copy, 24),
    previousCrc: copy.readUInt32LE(32),
    checkpointLength: copy.readUInt32LE(36),
    checkpointCrc: copy.readUInt32LE(40),
    fileBytes: getUint53(copy, 44),
  };
}

/**
 * Fills in the header of a batch whose payload is in place, and returns its crc. The first piece begins with the header's place. `crcs`: of
 * pieces whose own is known.
 */
export function putBatchHeader(
  pieces: readonly Uint8Array[],
  crcs: ReadonlyMap<Uint8Array, number>,
  salt: number,
  previousCrc: number,
  sequence: number,
  durableUpTo: number,
  records: number,
): number {
  const out = pieces[0] as Buffer;
  out.writeUInt32LE(BATCH_MAGIC, 0);
  out.writeUInt32LE(bytesIn(pieces) - BATCH_HEADER_BYTES, 8);
  out.writeUInt32LE(previousCrc, 12);
  putUint53(out, sequence, 16);
  putUint53(out, durableUpTo, 24);
  out.writeUInt32LE(records, 32);
  out.writeUInt32LE(salt, 36);
  let crc = crc32(out.subarray(8), salt);
  for (let i = 1; i < pieces.length; i += 1) {
    const piece = pieces[i] as Uint8Array;
    const known = crcs.get(piece);
    crc = known === undefined ? crc32(piece, crc) : combineCrc32(crc, known, piece.length);
  }
  out.writeUInt32LE(crc, 4);
  return crc;
}

/** The batch that begins at `at`, or null when there is none that is whole. */
export function getBatchHeader(from: Buffer, at: number, salt: number): BatchHeader | null {
  if (at + BATCH_HEADER_BYTES > from.length || from.readUInt32LE(at) !== BATCH_MAGIC) return null;
  if (from.readUInt32LE(at + 36) !== salt) return null;
  const payloadLength = from.readUInt32LE(at + 8);
  if (payloadLength > from.length - at - BATCH_HEADER_BYTES) return null;
  const crc = from.readUInt32LE(at + 4);
  if (crc32(from.subarray(at + 8, at + BATCH_HEADER_BYTES + payloadLength), salt) !== crc) return null;
  return {
    crc,
    payloadLength,
    previousCrc: from.readUInt32LE(at + 12),
    sequence: getUint53(from, at + 16),
    durableUpTo: getUint53(from, at + 24),
    records: from.readUInt32LE(at + 32),
  };
}

/** Calls `visit` for each record of a payload whose crc was right. False when the lengths do not add up all the same. */
export function eachRecord(payload: Buffer, visit: (record: WalRecord) => void): boolean {
  let at = 0;
  while (at < payload.length) {
    if (payload.length - at < RECORD_HEADER_BYTES) return false;
    const length = payload.readUInt32LE(at + 24);
    const dataAt = at + RECORD_HEADER_BYTES;
    if (length > payload.length - dataAt) return false;
    visit({
      kind: payload[at] as number,
      type: payload[at + 1] as number,
      group: payload.readUInt32LE(at + 4),
      term: getUint53(payload, at + 8),
      index: getUint53(payload, at + 16),
      data: payload.subarray(dataAt, dataAt + length),
    });
    at = dataAt + length;
  }
  return true;
}

export function segmentName(number: number): string {
  return `wal-${String(number).padStart(12, '0')}.log`;
}

/** The number in a segment's name, or null for another file. */
export function segmentNumber(name: string): number | null {
  const match = /^wal-(\d{12,16})\.log$/.exec(name);
  return match === null ? null : Number(match[1]);
}

export function spareName(number: number): string {
  return `spare-${number}.log`;
}

export function isSpareName(name: string): boolean {
  return /^spare-\d+\.log$/.test(name);
}
