/**
 * The metadata value of a key. Version 1.
 *
 *   0       type (high four bits) | flags (low four bits)
 *   1 - 8   stamp: term u24, sequence u40: different after every write of the key
 *   9 - 16  expire_ms u64, only with the flag HAS_EXPIRE
 *   then    payload: a string's bytes; a small collection, packed; for a large one version, count and more
 *
 * The stamp is what WATCH compares: equal stamps mean that nobody has written the key in between, also after it was
 * deleted and made again. Sequence numbers of one term come round after 10^12 writes.
 */
export const ValueType = {
  string: 1,
  hash: 2,
  list: 3,
  set: 4,
  sortedSet: 5,
  stream: 6,
} as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** What TYPE answers, by `ValueType`. */
export const TYPE_NAMES = ['none', 'string', 'hash', 'list', 'set', 'zset', 'stream'] as const;

export const ValueFlag = {
  hasExpire: 1,
  /** Elements are entries of their own ('e' keys). */
  elementsOutside: 2,
  /** A string that was changed in place: OBJECT ENCODING calls it raw, whatever its length. */
  changedInPlace: 4,
  /** Some fields of a hash expire: the payload says when the next one does. */
  fieldsExpire: 8,
} as const;

const HEADER_BYTES = 9;
const HEADER_WITH_EXPIRE_BYTES = 17;

export function typeOf(value: Buffer): number {
  return (value[0] as number) >>> 4;
}

export function hasFlag(value: Buffer, flag: number): boolean {
  return ((value[0] as number) & flag) !== 0;
}

/** 0 when the key does not expire. */
export function expireOf(value: Buffer): number {
  return ((value[0] as number) & ValueFlag.hasExpire) === 0
    ? 0
    : value.readUInt32BE(9) * 0x1_0000_0000 + value.readUInt32BE(13);
}

export function payloadStart(value: Buffer): number {
  return ((value[0] as number) & ValueFlag.hasExpire) === 0 ? HEADER_BYTES : HEADER_WITH_EXPIRE_BYTES;
}

/** The stamp as 8 latin1 chars. */
export function stampOf(value: Buffer): string {
  return value.latin1Slice(1, 9);
}

/** The stamp of a key that is not there. */
export const STAMP_ABSENT = '\0\0\0\0\0\0\0\0';

export function headerBytes(expire_ms: number): number {
  return expire_ms === 0 ? HEADER_BYTES : HEADER_WITH_EXPIRE_BYTES;
}

/** Writes the header at the start of `value`. */
export function writeHeader(
  value: Buffer,
  type: ValueType,
  flags: number,
  term: number,
  sequence: number,
  expire_ms: number,
): void {
  value[0] = (type << 4) | (expire_ms === 0 ? flags & ~ValueFlag.hasExpire : flags | ValueFlag.hasExpire);
  writeStamp(value, term, sequence);
  if (expire_ms === 0) return;
  value.writeUInt32BE(Math.floor(expire_ms / 0x1_0000_0000), 9);
  value.writeUInt32BE(expire_ms % 0x1_0000_0000, 13);
}

function writeStamp(value: Buffer, term: number, sequence: number): void {
  const high = Math.floor(sequence / 0x1_0000_0000);
  value[1] = (term >>> 16) & 0xff;
  value[2] = (term >>> 8) & 0xff;
  value[3] = term & 0xff;
  value[4] = high & 0xff;
  value[5] = (sequence >>> 24) & 0xff;
  value[6] = (sequence >>> 16) & 0xff;
  value[7] = (sequence >>> 8) & 0xff;
  value[8] = sequence & 0xff;
}
