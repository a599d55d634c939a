/**
 * The Redis keyspace inside one transaction: typed access, expiry on read, and the bookkeeping that each write owes (the
 * expiry index and the count of keys of the slot). All commands go through here; none touches a tablet's keys itself.
 *
 * Invariants, after each method:
 * 1. A slot's count is the number of its metadata entries.
 * 2. The expiry index has one entry for each metadata entry that expires, and no other.
 * 3. A key whose time has come is not there for any reader; its entry stays until a write or the background removes it.
 */
import { assert } from '../../base/assert.ts';
import type { Visitor } from '../../storage/ordered-store.ts';
import type { Transaction } from '../../tablet/operation.ts';
import { copyBytes } from './copy-bytes.ts';
import { ErrorText, replyError } from './errors.ts';
import { countKey, elementRange, expiryKey, metaKey, metaRangeEnd, metaRangeStart, userKeyOf } from './key-layout.ts';
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
};

export class Keyspace {
  #transaction: Transaction = noTransaction;
  /** The entry read last, expired or not: most writes follow a read of the same key. */
  #cachedSlot = -1;
  #cachedKey = '';
  #cachedRaw: Buffer | undefined = undefined;

  /** Keys looked up since `bind` that were there, and that were not. */
  hits = 0;
  misses = 0;

  bind(transaction: Transaction): void {
    this.#transaction = transaction;
    this.#cachedSlot = -1;
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
    if (raw === undefined || this.#isExpired(raw)) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    return raw;
  }

  /** As `find` for strings; throws WRONGTYPE for other types. */
  findString(slot: number, key: string): Buffer | undefined {
    const value = this.find(slot, key);
    if (value !== undefined && typeOf(value) !== ValueType.string) throw replyError(ErrorText.wrongType);
    return value;
  }

  /** True for an entry whose time has come. */
  #isExpired(raw: Buffer): boolean {
    const expire_ms = expireOf(raw);
    return expire_ms !== 0 && expire_ms <= this.#transaction.now_ms;
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
    writeHeader(value, type, flags, this.#transaction.term, this.#transaction.sequence, expire_ms);
    return value;
  }

  /** Sets a key to a string: the bytes source[start, end), which are copied. */
  putString(slot: number, key: string, source: Buffer, start: number, end: number, expire_ms: number): void {
    const value = this.newValue(ValueType.string, 0, expire_ms, end - start);
    copyBytes(source, start, end, value, headerBytes(expire_ms));
    this.put(slot, key, value, expire_ms);
  }

  /** Writes a metadata value made by `newValue`. */
  put(slot: number, key: string, value: Buffer, expire_ms: number): void {
    const raw = this.#raw(slot, key);
    const before_ms = raw === undefined ? 0 : expireOf(raw);
    this.#transaction.put(metaKey(slot, key), value);
    if (raw !== undefined && hasFlag(raw, ValueFlag.elementsOutside) && !hasFlag(value, ValueFlag.elementsOutside)) {
      this.#dropElements(slot, key);
    }
    if (raw === undefined) this.#changeCount(slot, 1);
    if (before_ms !== expire_ms) {
      if (before_ms !== 0) this.#transaction.delete(expiryKey(slot, before_ms, key));
      if (expire_ms !== 0) this.#transaction.put(expiryKey(slot, expire_ms, key), EMPTY);
    }
    this.#remember(slot, key, value);
  }

  /** Removes a key. True when it was there. */
  remove(slot: number, key: string): boolean {
    const raw = this.#raw(slot, key);
    if (raw === undefined) return false;
    const wasThere = !this.#isExpired(raw);
    this.#transaction.delete(metaKey(slot, key));
    if (hasFlag(raw, ValueFlag.elementsOutside)) this.#dropElements(slot, key);
    const before_ms = expireOf(raw);
    if (before_ms !== 0) this.#transaction.delete(expiryKey(slot, before_ms, key));
    this.#changeCount(slot, -1);
    this.#remember(slot, key, undefined);
    return wasThere;
  }

  #dropElements(slot: number, key: string): void {
    const range = elementRange(slot, key);
    this.#transaction.deleteRange(range.lo, range.hi);
  }

  /** Removes the entry when its time has come: for the background. True when it did. */
  removeExpired(slot: number, key: string): boolean {
    const raw = this.#raw(slot, key);
    if (raw === undefined || !this.#isExpired(raw)) return false;
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
    const visitor: Visitor = (metaBytes, value) => (this.#isExpired(value) ? true : visit(userKeyOf(metaBytes), value));
    this.#transaction.scan(metaRangeStart(slot), metaRangeEnd(slot), false, visitor);
  }
}

/** Reads a count entry. */
export function countOf(value: Buffer): number {
  return value.readUIntBE(0, COUNT_BYTES);
}
