/**
 * Where the Redis keyspace lies in a tablet's ordered map. Version 1.
 *
 *   00000000 | slot u16 | 'm' | user key                                        -> metadata value (value.ts)
 *   00000000 | slot u16 | 'e' | length u32 | user key | version u64 | element   -> element of a large collection
 *   00000001 | slot u16 | expire_ms u64 | user key                              -> empty: the order in which keys expire
 *   00000002 | slot u16                                                         -> number of keys in the slot, u48
 *
 * All numbers big-endian, so byte order is numeric order. The keys of a slot are one range, and those of a tablet too.
 * The count of a slot includes keys that have expired and are not removed yet, as Redis's DBSIZE does.
 *
 * Everything here is latin1 text, one char a byte (`ByteKey`).
 */
import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../cluster/view.ts';
import { type ByteKey, KEY_BYTES_MAX } from '../../storage/ordered-store.ts';

/** Leaves room for the longest prefix and, with elements, for 31 bytes of element (a hash stands in for longer ones). */
export const USER_KEY_BYTES_MAX = 1_850;
const ELEMENT_PREFIX_BYTES = 4 + 2 + 1 + 4 + 8;
assert(USER_KEY_BYTES_MAX + ELEMENT_PREFIX_BYTES + 31 <= KEY_BYTES_MAX, 'a user key leaves room for its elements');

const SPACE_KEYS = '\0\0\0\0';
const SPACE_EXPIRY = '\0\0\0\x01';
const SPACE_COUNT = '\0\0\0\x02';
const META = 'm';
/** One above META: where a slot's metadata ends. */
const META_END = 'n';

const slotBytes: string[] = [];
const metaPrefixes: string[] = [];
for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
  const bytes = Buffer.from([slot >>> 8, slot & 0xff]).latin1Slice();
  slotBytes.push(bytes);
  // Through a buffer, so that the table holds flat strings: a concatenated one is flattened again at every use.
  metaPrefixes.push(Buffer.from(SPACE_KEYS + bytes + META, 'latin1').latin1Slice());
}

/** Length of what precedes the user key in a metadata key. */
export const META_PREFIX_BYTES = 7;

export function metaKey(slot: number, userKey: string): ByteKey {
  return (metaPrefixes[slot] as string) + userKey;
}

export function userKeyOf(meta: ByteKey): string {
  return meta.slice(META_PREFIX_BYTES);
}

export function slotOfMetaKey(meta: ByteKey): number {
  return (meta.charCodeAt(4) << 8) | meta.charCodeAt(5);
}

/** First key of a slot's metadata. */
export function metaRangeStart(slot: number): ByteKey {
  return metaPrefixes[slot] as string;
}

/** First key after a slot's metadata. */
export function metaRangeEnd(slot: number): ByteKey {
  return SPACE_KEYS + slotBytes[slot] + META_END;
}

/** The range [lo, hi) of all elements of a key, of whatever version. */
export function elementRange(slot: number, userKey: string): { lo: ByteKey; hi: ByteKey } {
  const length = userKey.length;
  const lengthBytes = String.fromCharCode(0, 0, length >>> 8, length & 0xff);
  const lo = `${SPACE_KEYS + slotBytes[slot]}e${lengthBytes}${userKey}`;
  return { lo, hi: afterPrefix(lo) };
}

/** The least text above all that begin with `prefix`. */
function afterPrefix(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end -= 1;
  assert(end > 0, 'a prefix has a byte that can be raised');
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

export function expiryKey(slot: number, expire_ms: number, userKey: string): ByteKey {
  return SPACE_EXPIRY + slotBytes[slot] + u64(expire_ms) + userKey;
}

/** First expiry entry of a slot. */
export function expiryRangeStart(slot: number): ByteKey {
  return SPACE_EXPIRY + slotBytes[slot];
}

/** First possible expiry entry after `slot`. */
export function expiryRangeEnd(slot: number): ByteKey {
  return slot + 1 < SLOT_COUNT ? SPACE_EXPIRY + slotBytes[slot + 1] : SPACE_COUNT;
}

/** First possible entry of the slot that is due later than `now_ms`. */
export function expiryDueEnd(slot: number, now_ms: number): ByteKey {
  return SPACE_EXPIRY + slotBytes[slot] + u64(now_ms + 1);
}

export function slotOfExpiryKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

export function expireOfExpiryKey(key: ByteKey): number {
  let value = 0;
  for (let at = 6; at < 14; at += 1) value = value * 256 + key.charCodeAt(at);
  return value;
}

export function userKeyOfExpiryKey(key: ByteKey): string {
  return key.slice(14);
}

export function countKey(slot: number): ByteKey {
  return SPACE_COUNT + slotBytes[slot];
}

export function countRangeEnd(slotLast: number): ByteKey {
  return slotLast + 1 < SLOT_COUNT ? SPACE_COUNT + slotBytes[slotLast + 1] : '\0\0\0\x03';
}

export function slotOfCountKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

/** The ranges [lo, hi) that hold all of the door's data of the slots first..last. */
export function slotRanges(first: number, last: number): { lo: ByteKey; hi: ByteKey }[] {
  const spaces = [SPACE_KEYS, SPACE_EXPIRY, SPACE_COUNT, '\0\0\0\x03'];
  return [0, 1, 2].map((space) => ({
    lo: (spaces[space] as string) + slotBytes[first],
    hi: last + 1 < SLOT_COUNT ? (spaces[space] as string) + slotBytes[last + 1] : (spaces[space + 1] as string),
  }));
}

function u64(value: number): string {
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value >>> 0;
  return String.fromCharCode(
    (high >>> 24) & 0xff,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}
