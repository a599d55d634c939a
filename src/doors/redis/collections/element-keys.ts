/**
 * What the elements of large collections are, below the collection's prefix. Version 1.
 *
 *   'd' | hash u48 | member  -> hash: field data; set: member data; sorted set: score and member data
 *   's' | score 8 | member   -> sorted set: the order by score and member
 *   'l' | position           -> list: the element
 *   'x' | expire_ms u64 | hash u48 | member -> hash: the order in which fields expire
 *   'i' | level | separator  -> counted-index.ts
 *
 * The hash in front of a member makes the order of 'd' one that SCAN commands can name in a number: a cursor is the hash
 * to go on at, whatever is written in between. It also keeps the index's separators short.
 *
 * A member longer than MEMBER_BYTES_MAX is not part of the key: its first bytes and its SHA-256 stand in, and are longer
 * than any other, so that the two cannot be mistaken for each other. The value then has the whole member. Nobody has found
 * two texts with equal SHA-256.
 */
import { createHash } from 'node:crypto';
import { assert } from '../../../base/assert.ts';
import { ELEMENT_BYTES_MAX } from '../key-layout.ts';
import { scanHashHalves } from '../scan-hash.ts';

export const Order = { member: 'd', score: 's', position: 'l', expiry: 'x' } as const;
/** The first char after each order. */
export const OrderEnd = { member: 'e', score: 't', position: 'm', expiry: 'y' } as const;

export const MEMBER_BYTES_MAX = 1_700;
const DIGEST_BYTES = 32;
const STAND_IN_BYTES = MEMBER_BYTES_MAX + 1;
export const HASH_BYTES = 6;
export const SCORE_BYTES = 8;
assert(1 + 8 + HASH_BYTES + STAND_IN_BYTES <= ELEMENT_BYTES_MAX, 'the longest element fits');

/** Cursors of HSCAN and its kind are below this, so that they are exact as doubles. */
export const HASH_RANGE = 2 ** 48;

/** The member, or what stands in for it. */
export function memberPart(member: string): string {
  if (member.length <= MEMBER_BYTES_MAX) return member;
  const digest = createHash('sha256').update(Buffer.from(member, 'latin1')).digest();
  return member.slice(0, STAND_IN_BYTES - DIGEST_BYTES) + digest.latin1Slice();
}

export function isStandIn(part: string): boolean {
  return part.length === STAND_IN_BYTES;
}

export function memberHash(member: string): number {
  const [high, low] = scanHashHalves(member);
  return (high >>> 16) * 0x1_0000_0000 + low;
}

export function hashBytes(hash: number): string {
  const high = Math.floor(hash / 0x1_0000_0000);
  return String.fromCharCode(
    high >>> 8,
    high & 0xff,
    (hash >>> 24) & 0xff,
    (hash >>> 16) & 0xff,
    (hash >>> 8) & 0xff,
    hash & 0xff,
  );
}

/** What follows 'd' for a member. */
export function memberSuffix(member: string): string {
  return hashBytes(memberHash(member)) + memberPart(member);
}

/** The hash of what follows 'd'. */
export function hashOfSuffix(suffix: string): number {
  let hash = 0;
  for (let at = 0; at < HASH_BYTES; at += 1) hash = hash * 256 + suffix.charCodeAt(at);
  return hash;
}

const scratch = Buffer.alloc(SCORE_BYTES);

/** Eight bytes whose order is that of the numbers. -0 and 0 are one number. Never NaN. */
export function scoreBytes(score: number): string {
  scratch.writeDoubleBE(score === 0 ? 0 : score);
  // Positive: the sign bit is set. Negative: all bits are turned, since larger magnitudes are smaller numbers.
  if ((scratch[0] as number) < 0x80) scratch[0] = (scratch[0] as number) | 0x80;
  else for (let at = 0; at < SCORE_BYTES; at += 1) scratch[at] = (scratch[at] as number) ^ 0xff;
  return scratch.latin1Slice(0, SCORE_BYTES);
}

/** The number of the first eight chars. */
export function scoreOfBytes(text: string): number {
  scratch.latin1Write(text, 0, SCORE_BYTES);
  if ((scratch[0] as number) >= 0x80) scratch[0] = (scratch[0] as number) & 0x7f;
  else for (let at = 0; at < SCORE_BYTES; at += 1) scratch[at] = (scratch[at] as number) ^ 0xff;
  return scratch.readDoubleBE(0);
}
