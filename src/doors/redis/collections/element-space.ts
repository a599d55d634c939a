/**
 * The elements of one large collection: a part of the tablet's ordered map below the collection's prefix. Keys here are
 * what follows the prefix; their first char says which order they belong to (element-keys.ts).
 */
import type { Transaction } from '../../../tablet/operation.ts';
import { elementPrefix } from '../key-layout.ts';

/** Returns false to end. Must not write. */
export type ElementVisitor = (key: string, value: Buffer) => boolean;

export class ElementSpace {
  readonly #transaction: Transaction;
  readonly #prefix: string;

  constructor(transaction: Transaction, slot: number, id: string) {
    this.#transaction = transaction;
    this.#prefix = elementPrefix(slot, id);
  }

  get(key: string): Buffer | undefined {
    return this.#transaction.get(this.#prefix + key);
  }

  /** `value` must not be changed from here on. */
  put(key: string, value: Buffer): void {
    this.#transaction.put(this.#prefix + key, value);
  }

  delete(key: string): void {
    this.#transaction.delete(this.#prefix + key);
  }

  /** Visits lo <= key < hi, descending when `reverse`. */
  scan(lo: string, hi: string, reverse: boolean, visit: ElementVisitor): void {
    const prefix = this.#prefix;
    const from = prefix.length;
    this.#transaction.scan(prefix + lo, prefix + hi, reverse, (key, value) => visit(key.slice(from), value));
  }

  /** The number of entries with lo <= key < hi. */
  count(lo: string, hi: string): number {
    return this.#transaction.count(this.#prefix + lo, this.#prefix + hi);
  }

  /** The key of lo <= key < hi that has `index` others of them before it. */
  keyAt(lo: string, hi: string, index: number): string | undefined {
    return this.#transaction.keyAt(this.#prefix + lo, this.#prefix + hi, index)?.slice(this.#prefix.length);
  }

  /** The first entry of lo <= key < hi, or the last when `reverse`. */
  first(lo: string, hi: string, reverse: boolean): { key: string; value: Buffer } | undefined {
    let found: { key: string; value: Buffer } | undefined;
    this.scan(lo, hi, reverse, (key, value) => {
      found = { key, value };
      return false;
    });
    return found;
  }
}
