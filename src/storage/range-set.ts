/**
 * A set of keys kept as sorted, disjoint ranges [lo, hi). The overlay keeps deleted ranges in it; a tablet that deletes
 * ten thousand collections between two flushes still finds the one that hides a key by binary search.
 *
 * Invariant: lo[i] < hi[i] < lo[i + 1].
 */
import type { ByteKey, KeyRange } from './ordered-store.ts';

export class RangeSet {
  readonly #lo: ByteKey[] = [];
  readonly #hi: ByteKey[] = [];

  get size(): number {
    return this.#lo.length;
  }

  /** Adds lo <= key < hi. An empty range is fine. */
  add(lo: ByteKey, hi: ByteKey): void {
    if (lo >= hi) return;
    // Ranges that overlap or touch the new one are first..end-1; they melt into it.
    const first = this.#firstWithHiAtLeast(lo);
    let end = first;
    let newLo = lo;
    let newHi = hi;
    while (end < this.#lo.length && (this.#lo[end] as ByteKey) <= hi) {
      if ((this.#lo[end] as ByteKey) < newLo) newLo = this.#lo[end] as ByteKey;
      if ((this.#hi[end] as ByteKey) > newHi) newHi = this.#hi[end] as ByteKey;
      end += 1;
    }
    this.#lo.splice(first, end - first, newLo);
    this.#hi.splice(first, end - first, newHi);
  }

  addAll(other: RangeSet): void {
    for (let i = 0; i < other.#lo.length; i += 1) this.add(other.#lo[i] as ByteKey, other.#hi[i] as ByteKey);
  }

  /** Adds those ranges of `other` that reach into [lo, hi), whole. */
  addTouching(other: RangeSet, lo: ByteKey, hi: ByteKey): void {
    for (let i = other.#firstWithHiAtLeast(lo); i < other.#lo.length && (other.#lo[i] as ByteKey) < hi; i += 1) {
      this.add(other.#lo[i] as ByteKey, other.#hi[i] as ByteKey);
    }
  }

  has(key: ByteKey): boolean {
    // A range that ends at the key does not hold it, and the next one begins above it (the invariant).
    const at = this.#firstWithHiAtLeast(key);
    return at < this.#lo.length && (this.#lo[at] as ByteKey) <= key && key < (this.#hi[at] as ByteKey);
  }

  /** True when some key of [lo, hi) is in the set. */
  overlaps(lo: ByteKey, hi: ByteKey): boolean {
    if (lo >= hi) return false;
    let at = this.#firstWithHiAtLeast(lo);
    if (at < this.#lo.length && (this.#hi[at] as ByteKey) === lo) at += 1;
    return at < this.#lo.length && (this.#lo[at] as ByteKey) < hi;
  }

  /** The parts of [lo, hi) that are not in the set, ascending. */
  gaps(lo: ByteKey, hi: ByteKey): KeyRange[] {
    const result: KeyRange[] = [];
    let from = lo;
    for (let i = this.#firstWithHiAtLeast(lo); i < this.#lo.length && from < hi; i += 1) {
      const rangeLo = this.#lo[i] as ByteKey;
      if (rangeLo >= hi) break;
      if (rangeLo > from) result.push({ lo: from, hi: rangeLo });
      if ((this.#hi[i] as ByteKey) > from) from = this.#hi[i] as ByteKey;
    }
    if (from < hi) result.push({ lo: from, hi });
    return result;
  }

  toArray(): KeyRange[] {
    return this.#lo.map((lo, i) => ({ lo, hi: this.#hi[i] as ByteKey }));
  }

  #firstWithHiAtLeast(key: ByteKey): number {
    let low = 0;
    let high = this.#hi.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#hi[middle] as ByteKey) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
