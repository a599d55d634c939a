/**
 * Keys of a table's rows (docs/internals/cql.md):
 *
 *   space u32 | slot u16 | token i64 | partition key | 00 | ...              the partition's static row
 *   space u32 | slot u16 | token i64 | partition key | 01 | clustering | ... a row
 *
 * and behind either: 10 the row's own value | 20 column u16 element: an element of a collection, or a field of a user type that is
 * not frozen. Parts of keys end by themselves (types/key-format.ts), so all keys of a row stand together, its own value first.
 */
import { createHash } from 'node:crypto';
import { type ByteKey, KEY_BYTES_MAX } from '../../../storage/ordered-store.ts';
import { invalidRequest } from '../errors.ts';
import type { Column, Table } from '../schema/model.ts';
import { encodeKeyPart, invert, KeyReader } from '../types/key-format.ts';
import { slotOfToken, type Token, tokenFromBigInt, tokenOf } from '../types/token.ts';

export const STATIC_AREA = '\x00';
export const ROW_AREA = '\x01';
export const ROW_VALUE = '\x10';
export const ELEMENT = '\x20';
/** Behind every key of a row. */
export const ROW_END = '\x30';
export const SPACE_BYTES = 4;
/** Space, slot and token. */
export const HEAD_BYTES = 14;
/** Parts of values behind a row's key, or before it in an index, are no longer than this. */
export const PART_BYTES_MAX = 240;
/** Of a row's key as far as its clustering: leaves room for an element, and for what is before it in an index of the expiry. */
export const ROW_KEY_BYTES_MAX = KEY_BYTES_MAX - PART_BYTES_MAX - 20;

/** The bytes that are hashed: of one column its own; of several each with its length before and 00 behind. */
export function partitionKeyBytes(values: readonly Buffer[]): Buffer {
  if (values.length === 1) return values[0] as Buffer;
  let size = 0;
  for (const value of values) size += 3 + value.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const value of values) {
    at = bytes.writeUInt16BE(value.length & 0xffff, at);
    value.copy(bytes, at);
    at += value.length;
    bytes[at] = 0;
    at += 1;
  }
  return bytes;
}

export interface PartitionPlace {
  readonly slot: number;
  readonly token: Token;
  /** Of all keys of the partition. */
  readonly prefix: ByteKey;
}

/** Where a partition is. `values`: the columns of its key, in wire format. Refuses keys that are too long for the store. */
export function partitionPlace(table: Table, values: readonly Buffer[]): PartitionPlace {
  if (values.length === 1 && values[0]?.length === 0) throw invalidRequest('Key may not be empty');
  const token = tokenOf(partitionKeyBytes(values));
  const slot = slotOfToken(token);
  let prefix = headOf(table.space, slot, token);
  for (let i = 0; i < values.length; i += 1) {
    prefix += encodeKeyPart((table.partitionKey[i] as Column).type, values[i] as Buffer);
  }
  if (prefix.length >= ROW_KEY_BYTES_MAX) throw keyTooLong(prefix.length);
  return { slot, token, prefix };
}

export function keyTooLong(length: number): Error {
  return invalidRequest(
    `Key length of ${length - HEAD_BYTES} is longer than maximum of ${ROW_KEY_BYTES_MAX - HEAD_BYTES}`,
  );
}

const headScratch = Buffer.allocUnsafe(HEAD_BYTES);

/** All keys from this token on begin at it or after. */
export function headOf(space: number, slot: number, { high, low }: Token): ByteKey {
  headScratch.writeUInt32BE(space, 0);
  headScratch.writeUInt16BE(slot, 4);
  headScratch.writeUInt32BE((high ^ 0x80000000) >>> 0, 6);
  headScratch.writeUInt32BE(low >>> 0, 10);
  return headScratch.latin1Slice();
}

export function headOfToken(space: number, token: bigint): ByteKey {
  const halves = tokenFromBigInt(token);
  return headOf(space, slotOfToken(halves), halves);
}

export function spaceBytes(space: number): ByteKey {
  return String.fromCharCode((space >>> 24) & 0xff, (space >>> 16) & 0xff, (space >>> 8) & 0xff, space & 0xff);
}

/** The slot that a key is in. */
export function slotOfKey(key: ByteKey): number {
  return (key.charCodeAt(4) << 8) | key.charCodeAt(5);
}

/** The part of a key for the value of a clustering column. */
export function clusteringPart(column: Column, value: Buffer): string {
  const part = encodeKeyPart(column.type, value);
  return column.isDescending ? invert(part) : part;
}

/** Of the first columns of the clustering, or of all. */
export function clusteringKey(table: Table, values: readonly Buffer[]): ByteKey {
  let key = '';
  for (let i = 0; i < values.length; i += 1) key += clusteringPart(table.clustering[i] as Column, values[i] as Buffer);
  return key;
}

/** What a row's keys begin with. */
export function rowKey(partition: ByteKey, clustering: ByteKey | null): ByteKey {
  return clustering === null ? partition + STATIC_AREA : partition + ROW_AREA + clustering;
}

export function elementPrefix(column: number): string {
  return ELEMENT + String.fromCharCode(column >> 8, column & 0xff);
}

/** Where the partition key of a row's key ends. */
export function partitionEnd(table: Table, key: ByteKey): number {
  const reader = new KeyReader(key, HEAD_BYTES);
  for (const column of table.partitionKey) reader.value(column.type);
  return reader.at;
}

export function partitionValues(table: Table, key: ByteKey): Buffer[] {
  const reader = new KeyReader(key, HEAD_BYTES);
  return table.partitionKey.map((column) => reader.value(column.type));
}

/** `at`: where the clustering begins. */
export function clusteringValues(table: Table, key: ByteKey, at: number): Buffer[] {
  const reader = new KeyReader(key, at);
  return table.clustering.map((column) => reader.value(column.type, column.isDescending));
}

/** The token of a row's key. */
export function tokenOfKey(key: ByteKey): Token {
  const head = Buffer.from(key.slice(6, HEAD_BYTES), 'latin1');
  return { high: (head.readUInt32BE(0) ^ 0x80000000) >>> 0, low: head.readUInt32BE(4) };
}

/**
 * A part that is too long keeps its beginning and has a hash for the rest: it is equal to itself and to nothing else, and only among
 * values with the same long beginning its order is by chance.
 */
export function boundedPart(part: string): string {
  if (part.length <= PART_BYTES_MAX) return part;
  const hash = createHash('sha256').update(part, 'latin1').digest();
  return part.slice(0, PART_BYTES_MAX - hash.length) + hash.latin1Slice();
}
