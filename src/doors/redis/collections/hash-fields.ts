/**
 * The entries of a large hash. Version 1.
 *
 *   'd' | hash | field  ->  u8 flags | expire_ms u64 when EXPIRES | text field when LONG | value
 *   'x' | expire_ms u64 | hash | field  ->  empty
 *
 * Also what the keyspace has to know of hashes: whether all fields have expired. It knows no more of collections.
 */
import { sizeOfVarint } from '../../../storage/varint.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { u64 } from '../key-layout.ts';
import { hasFlag, ValueFlag } from '../value.ts';
import { HASH_BYTES, isStandIn, Order, OrderEnd } from './element-keys.ts';
import { ElementSpace } from './element-space.ts';
import { bodyStart, nextExpiryOf, PackedReader, putText, readLargeHead, readMoment, writeMoment } from './payload.ts';

const EXPIRES = 1;
const LONG = 2;

export interface FieldData {
  /** 0: does not expire. */
  readonly expire_ms: number;
  /** Where the value begins; it goes to the end. */
  readonly valueAt: number;
}

export function packField(field: string, suffix: string, value: string, expire_ms: number): Buffer {
  const long = isStandIn(suffix.slice(HASH_BYTES));
  const length = 1 + (expire_ms === 0 ? 0 : 8) + (long ? sizeOfVarint(field.length) + field.length : 0) + value.length;
  const data = Buffer.allocUnsafe(length);
  data[0] = (expire_ms === 0 ? 0 : EXPIRES) | (long ? LONG : 0);
  let at = 1;
  if (expire_ms !== 0) at = writeMoment(data, at, expire_ms);
  if (long) at = putText(data, at, field);
  data.latin1Write(value, at);
  return data;
}

export function unpackField(data: Buffer): FieldData {
  const flags = data[0] as number;
  const expires = (flags & EXPIRES) !== 0;
  let valueAt = expires ? 9 : 1;
  if ((flags & LONG) !== 0) {
    const reader = new PackedReader(data, valueAt);
    reader.next();
    valueAt = reader.end;
  }
  return { expire_ms: expires ? readMoment(data, 1) : 0, valueAt };
}

/** The field that an entry is about. */
export function fieldOf(suffix: string, data: Buffer): string {
  const flags = data[0] as number;
  if ((flags & LONG) === 0) return suffix.slice(HASH_BYTES);
  const reader = new PackedReader(data, (flags & EXPIRES) !== 0 ? 9 : 1);
  reader.next();
  return reader.text();
}

export function expiryElement(expire_ms: number, suffix: string): string {
  return Order.expiry + u64(expire_ms) + suffix;
}

/** Visits the suffixes of the fields whose time has come, the earliest first. */
export function visitExpired(space: ElementSpace, now_ms: number, visit: (suffix: string) => boolean): void {
  space.scan(Order.expiry, Order.expiry + u64(now_ms + 1), false, (key) => visit(key.slice(9)));
}

/** The moment of the first, or with `last` of the last field that expires; 0 when none does. */
export function endMoment(space: ElementSpace, last: boolean): number {
  const found = space.first(Order.expiry, OrderEnd.expiry, last);
  return found === undefined ? 0 : readMoment(Buffer.from(found.key.slice(1, 9), 'latin1'), 0);
}

/** True when every field of a hash has expired: then the hash is not there, though it has not been removed yet. */
export function allFieldsExpired(transaction: Transaction, slot: number, value: Buffer, now_ms: number): boolean {
  const next_ms = nextExpiryOf(value);
  if (next_ms === 0 || next_ms > now_ms) return false;
  if (hasFlag(value, ValueFlag.elementsOutside)) {
    const head = readLargeHead(value);
    if (head.expiring < head.count) return false;
    return endMoment(new ElementSpace(transaction, slot, head.id), true) <= now_ms;
  }
  const reader = new PackedReader(value, bodyStart(value));
  while (!reader.done) {
    reader.next();
    reader.next();
    const expire_ms = reader.moment();
    if (expire_ms === 0 || expire_ms > now_ms) return false;
  }
  return true;
}
