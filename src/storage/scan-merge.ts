/**
 * The ordered merge of the store's entries, which are pushed at it, with the cells of both generations, which it pulls.
 * A cell stands before the store's entry of its key.
 */
import type { MergedCells } from './merged-cells.ts';
import type { ByteKey, Visitor } from './ordered-store.ts';

export class ScanMerge {
  ended = false;
  readonly #cells: MergedCells;
  readonly #reverse: boolean;
  readonly #visit: Visitor;

  /** `cells` are those of the range, in the direction of the scan. */
  constructor(cells: MergedCells, reverse: boolean, visit: Visitor) {
    this.#cells = cells;
    this.#reverse = reverse;
    this.#visit = visit;
  }

  /** The store's visitor. */
  readonly onStoreEntry: Visitor = (key, value) => {
    const cells = this.#cells;
    for (let next = cells.nextKey(); next !== null; next = cells.nextKey()) {
      if (this.#reverse ? next < key : next > key) break;
      const seen = cells.take(next);
      if (next === key) {
        // Undefined: the cells have nothing at this layer, the store's value stands.
        if (seen === undefined) break;
        return seen === null || this.#give(key, seen);
      }
      if (seen && !this.#give(next, seen)) return false;
    }
    return this.#give(key, value);
  };

  /** The store has no more: the rest are cells. */
  finish(): void {
    const cells = this.#cells;
    for (let next = cells.nextKey(); next !== null && !this.ended; next = cells.nextKey()) {
      const seen = cells.take(next);
      if (seen) this.#give(next, seen);
    }
  }

  #give(key: ByteKey, value: Buffer): boolean {
    if (this.ended) return false;
    if (!this.#visit(key, value)) this.ended = true;
    return !this.ended;
  }
}
