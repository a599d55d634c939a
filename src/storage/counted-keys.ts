/**
 * Counts the keys of a range without visiting them: the store counts those that no cell is about, which costs it a small part of
 * handing them out, and only the cells of the range are looked at one by one.
 */
import type { MergedCells } from './merged-cells.ts';
import type { ByteKey, KeyRange, OrderedStore } from './ordered-store.ts';
import type { RangeSet } from './range-set.ts';

/** The keys of [lo, hi) as the cells show them above the store, of which `hidden` is not seen. */
export class CountedKeys {
  readonly #store: OrderedStore;
  readonly #hidden: RangeSet | null;
  readonly #cells: MergedCells | null;
  readonly #lo: ByteKey;
  readonly #hi: ByteKey;

  /** `cells` are those of the range, ascending; null when there are none. */
  constructor(
    store: OrderedStore,
    hidden: RangeSet | null,
    cells: MergedCells | null,
    { lo, hi }: { readonly lo: ByteKey; readonly hi: ByteKey },
  ) {
    this.#store = store;
    this.#hidden = hidden;
    this.#cells = cells;
    this.#lo = lo;
    this.#hi = hi;
  }

  count(): number {
    let count = 0;
    for (const { lo, hi } of this.#shown(this.#lo, this.#hi)) count += this.#store.count(lo, hi);
    const cells = this.#cells;
    for (let key = cells?.nextKey() ?? null; cells !== null && key !== null; key = cells.nextKey()) {
      const seen = cells.take(key);
      if (seen !== undefined) count += (seen === null ? 0 : 1) - (this.#isBelow(key) ? 1 : 0);
    }
    return count;
  }

  /** The key with `index` others before it. */
  at(index: number): ByteKey | undefined {
    const cells = this.#cells;
    let left = index;
    let from = this.#lo;
    for (let key = cells?.nextKey() ?? null; cells !== null && key !== null; key = cells.nextKey()) {
      for (const { lo, hi } of this.#shown(from, key)) {
        const count = this.#store.count(lo, hi);
        if (left < count) return this.#store.keyAt(lo, hi, left);
        left -= count;
      }
      const seen = cells.take(key);
      if (seen === undefined ? this.#isBelow(key) : seen !== null) {
        if (left === 0) return key;
        left -= 1;
      }
      from = `${key}\0`;
    }
    const rest = this.#shown(from, this.#hi);
    const last = rest.pop();
    for (const { lo, hi } of rest) {
      const count = this.#store.count(lo, hi);
      if (left < count) return this.#store.keyAt(lo, hi, left);
      left -= count;
    }
    return last === undefined ? undefined : this.#store.keyAt(last.lo, last.hi, left);
  }

  /** The parts of [lo, hi) in which the store is seen. */
  #shown(lo: ByteKey, hi: ByteKey): KeyRange[] {
    if (lo >= hi) return [];
    return this.#hidden === null ? [{ lo, hi }] : this.#hidden.gaps(lo, hi);
  }

  /** Whether the store shows the key. */
  #isBelow(key: ByteKey): boolean {
    return this.#hidden?.has(key) !== true && this.#store.count(key, `${key}\0`) > 0;
  }
}
