/**
 * What a tablet keeps beside rows and index entries. All of it stands in the first slot of the tablet, so that it is found without
 * looking at every slot, but for stamps ahead of time, which are about one slot.
 *
 *   space 16 | slot u16 | moment u48 | space of the table, then its row's key from the slot on   expiry index, no value
 *   space 19 | slot u16 | 'v'                                      schema version that a leader must have applied, u48
 *   space 19 | slot u16 | 'i' space of the index u32               an index that may have entries of rows that are gone
 *   space 19 | slot u16 | 't' space of the table u32               the greatest stamp of clients that was ahead of time, i64
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import { SPACE_BYTES, spaceBytes } from './layout.ts';

export const Space = { expiry: 16, batchLog: 17, appliedBatches: 18, records: 19 } as const;

/** The beginning of a tablet's keys in one of these spaces. */
export function tabletHead(space: number, slot: number): ByteKey {
  return spaceBytes(space) + String.fromCharCode(slot >>> 8, slot & 0xff);
}

const EXPIRY_HEAD_BYTES = SPACE_BYTES + 2 + 6;

/** `row`: what the row's keys begin with. */
export function expiryKey(slotFirst: number, moment_ms: number, row: ByteKey): ByteKey {
  return expiryBound(slotFirst, moment_ms) + row;
}

/** Before all entries of this moment. */
export function expiryBound(slotFirst: number, moment_ms: number): ByteKey {
  return tabletHead(Space.expiry, slotFirst) + u48(moment_ms);
}

export function rowOfExpiryKey(key: ByteKey): ByteKey {
  return key.slice(EXPIRY_HEAD_BYTES);
}

export function momentOfExpiryKey(key: ByteKey): number {
  let moment = 0;
  for (let at = SPACE_BYTES + 2; at < EXPIRY_HEAD_BYTES; at += 1) moment = moment * 256 + key.charCodeAt(at);
  return moment;
}

export function schemaVersionKey(slotFirst: number): ByteKey {
  return `${tabletHead(Space.records, slotFirst)}v`;
}

export function indexWorkHead(slotFirst: number): ByteKey {
  return `${tabletHead(Space.records, slotFirst)}i`;
}

export function indexWorkKey(slotFirst: number, indexSpace: number): ByteKey {
  return indexWorkHead(slotFirst) + spaceBytes(indexSpace);
}

export function aheadOfTimeKey(slot: number, tableSpace: number): ByteKey {
  return `${tabletHead(Space.records, slot)}t${spaceBytes(tableSpace)}`;
}

function u48(value: number): string {
  const high = Math.floor(value / 0x1_0000_0000);
  return String.fromCharCode(
    (high >>> 8) & 0xff,
    high & 0xff,
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}
