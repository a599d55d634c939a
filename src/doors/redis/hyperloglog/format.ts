/**
 * The bytes of a HyperLogLog, which is a string to all other commands. This is Redis's format, so that values can be carried
 * over with GET and SET.
 *
 *   0  - 3   "HYLL"
 *   4        encoding: 0 dense, 1 sparse
 *   5  - 7   zeros
 *   8  - 15  the estimate when it was last worked out, u64 little-endian; its highest bit says that it is out of date
 *   16 -     dense:  16384 registers of 6 bits, lowest bits of the first byte first (12,288 bytes)
 *            sparse: runs of registers, until 16384 are told
 *                      00nnnnnn           n + 1 registers are 0
 *                      01nnnnnn nnnnnnnn  n + 1 registers are 0
 *                      1vvvvvnn           n + 1 registers are v + 1
 */
import { REGISTER_COUNT } from './registers.ts';

export const HEADER_BYTES = 16;
const REGISTER_BITS = 6;
export const DENSE_BYTES = HEADER_BYTES + (REGISTER_COUNT * REGISTER_BITS) / 8;

export const Encoding = { dense: 0, sparse: 1 } as const;
const ENCODING_AT = 4;
const CACHE_AT = 8;
/** Byte with the bit that says that the estimate is out of date. */
const STALE_AT = 15;
const STALE_BIT = 0x80;

const MAGIC = Buffer.from('HYLL', 'latin1');

/** True for bytes that begin as a HyperLogLog does; what follows a sparse header is not looked at. */
export function isHyperLogLog(payload: Buffer): boolean {
  if (payload.length < HEADER_BYTES || payload.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return false;
  const encoding = payload[ENCODING_AT] as number;
  return encoding === Encoding.sparse || (encoding === Encoding.dense && payload.length === DENSE_BYTES);
}

export function isSparse(payload: Buffer): boolean {
  return payload[ENCODING_AT] === Encoding.sparse;
}

/** The estimate in the header; undefined when it is out of date. */
export function cachedEstimate(payload: Buffer): bigint | undefined {
  if (((payload[STALE_AT] as number) & STALE_BIT) !== 0) return undefined;
  return payload.readBigUInt64LE(CACHE_AT);
}

/** Says in the header that the estimate is out of date. */
export function markStale(payload: Buffer): void {
  payload[STALE_AT] = (payload[STALE_AT] as number) | STALE_BIT;
}

/** A sparse HyperLogLog without elements. */
export function emptySparse(): Buffer {
  const payload = Buffer.alloc(HEADER_BYTES + 2);
  MAGIC.copy(payload);
  payload[ENCODING_AT] = Encoding.sparse;
  payload.writeUInt16BE(0x4000 | (REGISTER_COUNT - 1), HEADER_BYTES);
  return payload;
}

/** A dense HyperLogLog with the header's estimate of `source` and all registers 0. */
export function emptyDense(source: Buffer): Buffer {
  const payload = Buffer.alloc(DENSE_BYTES);
  source.copy(payload, 0, 0, HEADER_BYTES);
  payload[ENCODING_AT] = Encoding.dense;
  return payload;
}

export function denseRegister(payload: Uint8Array, index: number): number {
  const bit = index * REGISTER_BITS;
  const at = HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  // The last register ends with the last byte: there is nothing behind it, nor is it needed.
  return (((payload[at] as number) | ((payload[at + 1] ?? 0) << 8)) >>> shift) & 0x3f;
}

/** All registers of a dense HyperLogLog, a byte each: four of them are three bytes. */
export function unpackDense(payload: Uint8Array): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  let at = HEADER_BYTES;
  for (let index = 0; index < REGISTER_COUNT; index += 4) {
    const first = payload[at] as number;
    const second = payload[at + 1] as number;
    const third = payload[at + 2] as number;
    registers[index] = first & 0x3f;
    registers[index + 1] = ((first >>> 6) | (second << 2)) & 0x3f;
    registers[index + 2] = ((second >>> 4) | (third << 4)) & 0x3f;
    registers[index + 3] = third >>> 2;
    at += 3;
  }
  return registers;
}

export function setDenseRegister(payload: Uint8Array, index: number, value: number): void {
  const bit = index * REGISTER_BITS;
  const at = HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  payload[at] = ((payload[at] as number) & ~(0x3f << shift)) | (value << shift);
  if (shift > 2) {
    payload[at + 1] = ((payload[at + 1] as number) & ~(0x3f >>> (8 - shift))) | (value >>> (8 - shift));
  }
}
