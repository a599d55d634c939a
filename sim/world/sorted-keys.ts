/** A map that gives its keys in order. The keys are few, so a sorted array serves. */
import type { ByteKey } from '../../src/storage/ordered-store.ts';

export class SortedKeys {
  readonly #values = new Map<ByteKey, Buffer>();
  #keys: ByteKey[] = [];
  #sorted = true;

  get(key: ByteKey): Buffer | undefined {
    return this.#values.get(key);
  }

  set(key: ByteKey, value: Buffer): void {
    if (!this.#values.has(key)) {
      this.#keys.push(key);
      this.#sorted = false;
    }
    this.#values.set(key, value);
  }

  delete(key: ByteKey): void {
    if (!this.#values.delete(key)) return;
    this.#sort();
    this.#keys.splice(this.#position(key), 1);
  }

  /** The first `count_max` keys with lo <= key < hi. */
  range(lo: ByteKey, hi: ByteKey, count_max: number): ByteKey[] {
    this.#sort();
    const from = this.#position(lo);
    const to = this.#position(hi);
    return this.#keys.slice(from, Math.min(to, from + count_max));
  }

  entries(): IterableIterator<[ByteKey, Buffer]> {
    return this.#values.entries();
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#keys.sort();
    this.#sorted = true;
  }

  /** Of the first key that is not below `key`. */
  #position(key: ByteKey): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] as ByteKey) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
