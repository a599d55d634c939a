/**
 * The Redis keyspace inside one transaction: typed access, expiry on read, and the bookkeeping that each write owes (the
 * expiry index and the count of keys of the slot). All commands go through here; none touches a tablet's keys itself.
 *
 * Invariants, after each method:
 * 1. A slot's count is the number of its metadata entries.
 * 2. The expiry index has one entry for each metadata entry that expires, and no other.
 * 3. A key whose time has come is not there for any reader; its entry stays until a write or the background removes it.
 *    So it is with a hash all of whose fields have expired.
 * 4. The field-expiry index has one entry for each hash with fields that expire, at the moment of the next one.
 * 5. A collection id that no metadata names any more is in the trash, until the background has removed its elements.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { claimRoom, ROOM_DATA_BYTES_MIN } from '../../base/room-before.ts';
import type { Visitor } from '../../storage/ordered-store.ts';
import type { Transaction } from '../../tablet/operation.ts';
import { allFieldsExpired } from './collections/hash-fields.ts';
import { IndexCache } from './collections/index-cache.ts';
import { collectionIdOf, nextExpiryOf } from './collections/payload.ts';
import { ErrorText, replyError } from './errors.ts';
import {
  afterPrefix,
  COLLECTION_ID_BYTES,
  countKey,
  elementPrefix,
  FIELD_MOMENTS,
  KEY_MOMENTS,
  type MomentIndex,
  metaKey,
  metaRangeEnd,
  metaRangeStart,
  momentKey,
  trashKey,
  userKeyOf,
} from './key-layout.ts';
import { expireOf, hasFlag, headerBytes, payloadStart, typeOf, ValueFlag, ValueType, writeHeader } from './value.ts';

const EMPTY = Buffer.alloc(0);
const COUNT_BYTES = 6;

const noTransaction: Transaction = {
  now_ms: 0,
  term: 0,
  sequence: 0,
  get: () => undefined,
  put: () => undefined,
  delete: () => undefined,
  deleteRange: () => undefined,
  scan: () => undefined,
  count: () => 0,
  keyAt: () => undefined,
};

export class Keyspace {
  readonly indexes = new IndexCache();
  #transaction: Transaction = noTransaction;
  /** The entry read last, expired or not: most writes follow a read of the same key. */
  #cachedSlot = -1;
  #cachedKey = '';
  #cachedRaw: Buffer | undefined = undefined;

  /** Collections made in this transaction. */
  #collections = 0;

  /** Keys looked up since `bind` that were there, and that were not. */
  hits = 0;
  misses = 0;

  bind(transaction: Transaction): void {
    this.#transaction = transaction;
    this.#cachedSlot = -1;
    this.#collections = 0;
    this.hits = 0;
    this.misses = 0;
  }

  get now_ms(): number {
    return this.#transaction.now_ms;
  }

  get transaction(): Transaction {
    return this.#transaction;
  }

  /** The metadata value of a key that is there. */
  find(slot: number, key: string): Buffer | undefined {
    const raw = this.#raw(slot, key);
    if (raw === undefined || this.#isExpired(slot, raw)) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    return raw;
  }

  /** As `find` for strings; throws WRONGTYPE for other types. */
  findString(slot: number, key: string): Buffer | undefined {
    return this.findType(slot, key, ValueType.string);
  }

  /** As `find` for values of one type; throws WRONGTYPE for others. */
  findType(slot: number, key: string, type: ValueType): Buffer | undefined {
    const value = this.find(slot, key);
    if (value !== undefined && typeOf(value) !== type) throw replyError(ErrorText.wrongType);
    return value;
  }

  /** True for an entry whose time has come. */
  #isExpired(slot: number, raw: Buffer): boolean {
    const expire_ms = expireOf(raw);
    const { now_ms } = this.#transaction;
    if (expire_ms !== 0 && expire_ms <= now_ms) return true;
    return hasFlag(raw, ValueFlag.fieldsExpire) && this.#allFieldsExpired(slot, raw);
  }

  #allFieldsExpired(slot: number, raw: Buffer): boolean {
    return allFieldsExpired(this.#transaction, slot, raw, this.#transaction.now_ms);
  }

  #raw(slot: number, key: string): Buffer | undefined {
    if (this.#cachedSlot === slot && this.#cachedKey === key) return this.#cachedRaw;
    const raw = this.#transaction.get(metaKey(slot, key));
    this.#remember(slot, key, raw);
    return raw;
  }

  #remember(slot: number, key: string, raw: Buffer | undefined): void {
    this.#cachedSlot = slot;
    this.#cachedKey = key;
    this.#cachedRaw = raw;
  }

  /**
   * A value whose header is written and whose payload, `length` bytes from `headerBytes(expire_ms)` on, the caller still
   * has to fill before `put`.
   */
  newValue(type: ValueType, flags: number, expire_ms: number, length: number): Buffer {
    const value = Buffer.allocUnsafe(headerBytes(expire_ms) + length);
    this.#writeHeader(value, type, flags, expire_ms);
    return value;
  }

  #writeHeader(value: Buffer, type: ValueType, flags: number, expire_ms: number): void {
    writeHeader(value, type, flags, this.#transaction.term, this.#transaction.sequence, expire_ms);
  }

  /** Sets a key to a string: the bytes source[start, end), which are copied, or taken over where there is room before them. */
  putString(slot: number, key: string, source: Buffer, start: number, end: number, expire_ms: number): void {
    if (end - start >= ROOM_DATA_BYTES_MIN) {
      const whole = claimRoom(source.subarray(start, end), headerBytes(expire_ms));
      if (whole !== null) {
        this.#writeHeader(whole, ValueType.string, 0, expire_ms);
        this.put(slot, key, whole, expire_ms);
        return;
      }
    }
    const value = this.newValue(ValueType.string, 0, expire_ms, end - start);
    copyBytes(source, start, end, value, headerBytes(expire_ms));
    this.put(slot, key, value, expire_ms);
  }

  /** Writes a metadata value made by `newValue`. */
  put(slot: number, key: string, value: Buffer, expire_ms: number): void {
    const raw = this.#raw(slot, key);
    this.#transaction.put(metaKey(slot, key), value);
    if (raw === undefined) this.#changeCount(slot, 1);
    else if (hasFlag(raw, ValueFlag.elementsOutside)) this.#dropElements(slot, raw, value);
    this.#moveMoment(KEY_MOMENTS, slot, key, raw === undefined ? 0 : expireOf(raw), expire_ms);
    this.#moveMoment(FIELD_MOMENTS, slot, key, raw === undefined ? 0 : nextExpiryOf(raw), nextExpiryOf(value));
    this.#remember(slot, key, value);
  }

  /** Removes a key. True when it was there. */
  remove(slot: number, key: string): boolean {
    const raw = this.#raw(slot, key);
    if (raw === undefined) return false;
    const wasThere = !this.#isExpired(slot, raw);
    if (hasFlag(raw, ValueFlag.elementsOutside)) this.discard(slot, collectionIdOf(raw));
    this.#removeEntry(slot, key, raw);
    return wasThere;
  }

  /** Removes a key whose elements another key has taken over (RENAME). */
  removeAfterMove(slot: number, key: string): void {
    const raw = this.#raw(slot, key);
    assert(raw !== undefined, 'a key that was moved was there');
    this.#removeEntry(slot, key, raw);
  }

  #removeEntry(slot: number, key: string, raw: Buffer): void {
    this.#transaction.delete(metaKey(slot, key));
    this.#moveMoment(KEY_MOMENTS, slot, key, expireOf(raw), 0);
    this.#moveMoment(FIELD_MOMENTS, slot, key, nextExpiryOf(raw), 0);
    this.#changeCount(slot, -1);
    this.#remember(slot, key, undefined);
  }

  #moveMoment(index: MomentIndex, slot: number, key: string, before_ms: number, after_ms: number): void {
    if (before_ms === after_ms) return;
    if (before_ms !== 0) this.#transaction.delete(momentKey(index, slot, before_ms, key));
    if (after_ms !== 0) this.#transaction.put(momentKey(index, slot, after_ms, key), EMPTY);
  }

  /** A value with elements outside has been replaced: they are trash unless the new value has the same. */
  #dropElements(slot: number, before: Buffer, after: Buffer): void {
    const id = collectionIdOf(before);
    if (hasFlag(after, ValueFlag.elementsOutside) && collectionIdOf(after) === id) return;
    this.discard(slot, id);
  }

  /** Gives the elements of a collection to the background (trash.ts), however many they are. */
  discard(slot: number, id: string): void {
    this.#transaction.put(trashKey(slot, id), EMPTY);
  }

  /**
   * An id that no element and no trash entry of the slot has. Term and sequence differ for each transaction for longer
   * than a tablet lives, but what rests on it would be silent corruption, so it is looked up: large collections are made
   * rarely.
   */
  newCollectionId(slot: number): string {
    const { term, sequence } = this.#transaction;
    for (;;) {
      const bytes = Buffer.allocUnsafe(COLLECTION_ID_BYTES);
      bytes.writeUIntBE(term % 0x100_0000, 0, 3);
      bytes.writeUIntBE(sequence % 0x100_0000_0000, 3, 5);
      bytes.writeUInt16BE(this.#collections % 0x1_0000, 8);
      this.#collections += 1;
      const id = bytes.latin1Slice();
      if (!this.#idIsTaken(slot, id)) return id;
    }
  }

  #idIsTaken(slot: number, id: string): boolean {
    if (this.#transaction.get(trashKey(slot, id)) !== undefined) return true;
    const prefix = elementPrefix(slot, id);
    let taken = false;
    this.#transaction.scan(prefix, afterPrefix(prefix), false, () => {
      taken = true;
      return false;
    });
    return taken;
  }

  /** The metadata value of a key, also when its time has come: for the background. */
  findStored(slot: number, key: string): Buffer | undefined {
    return this.#raw(slot, key);
  }

  /** Removes the entry when its time has come: for the background. True when it did. */
  removeExpired(slot: number, key: string): boolean {
    const raw = this.#raw(slot, key);
    if (raw === undefined || !this.#isExpired(slot, raw)) return false;
    this.remove(slot, key);
    return true;
  }

  /** Gives a key that is there another expiry time (0: none), and a new stamp. */
  setExpire(slot: number, key: string, value: Buffer, expire_ms: number): void {
    const from = payloadStart(value);
    const flags = (value[0] as number) & 0x0f & ~ValueFlag.hasExpire;
    const changed = this.newValue(typeOf(value) as ValueType, flags, expire_ms, value.length - from);
    value.copy(changed, headerBytes(expire_ms), from);
    this.put(slot, key, changed, expire_ms);
  }

  /** Number of keys of the slot, expired ones that are not removed yet included. */
  count(slot: number): number {
    const value = this.#transaction.get(countKey(slot));
    return value === undefined ? 0 : value.readUIntBE(0, COUNT_BYTES);
  }

  #changeCount(slot: number, by: number): void {
    const count = this.count(slot) + by;
    assert(count >= 0, 'a slot has no fewer than zero keys');
    if (count === 0) {
      this.#transaction.delete(countKey(slot));
      return;
    }
    const value = Buffer.allocUnsafe(COUNT_BYTES);
    value.writeUIntBE(count, 0, COUNT_BYTES);
    this.#transaction.put(countKey(slot), value);
  }

  /** Visits the keys of a slot that are there, in order of their bytes. The visitor returns false to end. */
  scanSlot(slot: number, visit: (key: string, value: Buffer) => boolean): void {
    const visitor: Visitor = (metaBytes, value) =>
      this.#isExpired(slot, value) ? true : visit(userKeyOf(metaBytes), value);
    this.#transaction.scan(metaRangeStart(slot), metaRangeEnd(slot), false, visitor);
  }
}

/** Reads a count entry. */
export function countOf(value: Buffer): number {
  return value.readUIntBE(0, COUNT_BYTES);
}
