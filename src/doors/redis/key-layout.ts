/**
 * Where the Redis keyspace lies in a tablet's ordered map. Version 1.
 *
 *   00000000 | slot u16 | 'm' | user key                                        -> metadata value (value.ts)
 *   00000000 | slot u16 | 'e' | collection id (10 bytes) | element             -> element of a large collection
 *   00000001 | slot u16 | expire_ms u64 | user key                              -> empty: the order in which keys expire
 *   00000002 | slot u16                                                         -> number of keys in the slot, u48
 *   00000003 | slot u16 | collection id                                         -> empty: elements that nobody owns any more
 *   00000004 | slot u16 | expire_ms u64 | user key                              -> empty: hashes by their next expiring field
 *
 * All numbers big-endian, so byte order is numeric order. The keys of a slot are one range, and those of a tablet too.
 * The count of a slot includes keys that have expired and are not removed yet, as Redis's DBSIZE does.
 *
 * Elements lie below an id of their collection and not below its user key: then RENAME moves a collection of any size by
 * moving its metadata, DEL leaves one entry in space 3 for the background (trash.ts), a key that is made again meanwhile
 * has another id, and a long user key is not repeated in each element. collections/element-keys.ts says what an element is.
 *
 * Everything here is latin1 text, one char a byte (`ByteKey`).
 */
import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../cluster/view.ts';
import { type ByteKey, KEY_BYTES_MAX } from '../../storage/ordered-store.ts';

/** Leaves room for the longest prefix. */
export const USER_KEY_BYTES_MAX = 1_850;
/** Term u24, sequence u40, ordinal u16 of the transaction that made the collection. */
export const COLLECTION_ID_BYTES = 10;
export const ELEMENT_PREFIX_BYTES = 4 + 2 + 1 + COLLECTION_ID_BYTES;
/** Longest element below a collection's prefix. */
export const ELEMENT_BYTES_MAX = KEY_BYTES_MAX - ELEMENT_PREFIX_BYTES;
assert(USER_KEY_BYTES_MAX + 4 + 2 + 8 <= KEY_BYTES_MAX, 'a user key fits behind the longest prefix');

const SPACE_KEYS = '\0\0\0\0';
const SPACE_EXPIRY = '\0\0\0\x01';
const SPACE_COUNT = '\0\0\0\x02';
const SPACE_TRASH = '\0\0\0\x03';
const SPACE_FIELDS = '\0\0\0\x04';
const SPACE_END = '\0\0\0\x05';
const META_CODE = 0x6d;
/** One above META: where a slot's metadata ends. */
const META_END = 'n';

const slotBytes: string[] = [];
const metaPrefixes: string[] = [];
for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
  slotBytes.push(String.fromCharCode(slot >>> 8, slot & 0xff));
  // In one go, so that the table holds flat strings: a concatenated one is flattened again at every use.
  metaPrefixes.push(String.fromCharCode(0, 0, 0, 0, slot >>> 8, slot & 0xff, META_CODE));
}
assert(metaPrefixes[0]?.startsWith(SPACE_KEYS) === true, 'metadata is among the keys');

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

/** What the keys of all elements of a collection begin with. */
export function elementPrefix(slot: number, id: string): ByteKey {
  return `${SPACE_KEYS + slotBytes[slot]}e${id}`;
}

/** The least text above all that begin with `prefix`. */
export function afterPrefix(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end -= 1;
  assert(end > 0, 'a prefix has a byte that can be raised');
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

export function trashKey(slot: number, id: string): ByteKey {
  return SPACE_TRASH + slotBytes[slot] + id;
}

/** First possible trash entry of a slot. */
export function trashRangeStart(slot: number): ByteKey {
  return SPACE_TRASH + slotBytes[slot];
}

/** First possible trash entry after `slot`. */
export function trashRangeEnd(slot: number): ByteKey {
  return slot + 1 < SLOT_COUNT ? SPACE_TRASH + slotBytes[slot + 1] : SPACE_FIELDS;
}

export function slotOfTrashKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

export function collectionIdOfTrashKey(key: ByteKey): string {
  return key.slice(6);
}

/** The two indexes of moments in a slot: whole keys, and the next field of each hash that has fields that expire. */
export type MomentIndex = typeof KEY_MOMENTS | typeof FIELD_MOMENTS;
export const KEY_MOMENTS = SPACE_EXPIRY;
export const FIELD_MOMENTS = SPACE_FIELDS;

export function momentKey(index: MomentIndex, slot: number, moment_ms: number, userKey: string): ByteKey {
  return index + slotBytes[slot] + u64(moment_ms) + userKey;
}

/** First entry of a slot. */
export function momentRangeStart(index: MomentIndex, slot: number): ByteKey {
  return index + slotBytes[slot];
}

/** First possible entry after `slot`. */
export function momentRangeEnd(index: MomentIndex, slot: number): ByteKey {
  if (slot + 1 < SLOT_COUNT) return index + slotBytes[slot + 1];
  return index === KEY_MOMENTS ? SPACE_COUNT : SPACE_END;
}

/** First possible entry of the slot that is due later than `now_ms`. */
export function momentDueEnd(index: MomentIndex, slot: number, now_ms: number): ByteKey {
  return index + slotBytes[slot] + u64(now_ms + 1);
}

export function slotOfMomentKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

export function momentOfKey(key: ByteKey): number {
  let value = 0;
  for (let at = 6; at < 14; at += 1) value = value * 256 + key.charCodeAt(at);
  return value;
}

export function userKeyOfMomentKey(key: ByteKey): string {
  return key.slice(14);
}

export function countKey(slot: number): ByteKey {
  return SPACE_COUNT + slotBytes[slot];
}

export function countRangeEnd(slotLast: number): ByteKey {
  return slotLast + 1 < SLOT_COUNT ? SPACE_COUNT + slotBytes[slotLast + 1] : SPACE_TRASH;
}

export function slotOfCountKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

/** The ranges [lo, hi) that hold all of the door's data of the slots first..last. */
export function slotRanges(first: number, last: number): { lo: ByteKey; hi: ByteKey }[] {
  const spaces = [SPACE_KEYS, SPACE_EXPIRY, SPACE_COUNT, SPACE_TRASH, SPACE_FIELDS, SPACE_END];
  return spaces.slice(0, -1).map((space, at) => ({
    lo: space + slotBytes[first],
    hi: last + 1 < SLOT_COUNT ? space + slotBytes[last + 1] : (spaces[at + 1] as string),
  }));
}

/** A number up to 2^53 as eight bytes whose order is its order. */
export function u64(value: number): string {
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
