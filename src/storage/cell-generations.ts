/**
 * The cells of an overlay in two generations, so that a flush neither begins nor ends with a pass over them:
 *
 *   young    what is written now
 *   frozen   what the flush under way writes to the store; nothing in it changes any more. Null while there is no flush
 *
 * A flush begins by making the young generation the frozen one, and ends by forgetting that as a whole.
 *
 * Invariants:
 *  1. A young cell's values are newer than the frozen cell of the same key.
 *  2. Writes in flight are in young cells only: those that are when a flush begins move.
 *  3. A key that has a cell is not in the read cache: it leaves it when its cell is made, and is not looked up there again
 *     before the cell is gone.
 */
import { CellMap } from './cell-map.ts';
import type { Cell } from './ordered-cells.ts';
import type { ByteKey } from './ordered-store.ts';
import type { ReadCache } from './read-cache.ts';

export class CellGenerations {
  #young = new CellMap();
  #frozen: CellMap | null = null;
  readonly #cache: ReadCache;

  constructor(cache: ReadCache) {
    this.#cache = cache;
  }

  get young(): CellMap {
    return this.#young;
  }

  get frozen(): CellMap | null {
    return this.#frozen;
  }

  get size(): number {
    return this.#young.size + (this.#frozen === null ? 0 : this.#frozen.size);
  }

  get bytes(): number {
    return this.#young.bytes + (this.#frozen === null ? 0 : this.#frozen.bytes);
  }

  /** The young cell of a key that is about to be written. */
  obtain(key: ByteKey): Cell {
    return this.#young.get(key) ?? this.#create(key);
  }

  /** Visits every key in [lo, hi) that has a cell, with its young cell, for a range delete to write to. */
  eachInRange(lo: ByteKey, hi: ByteKey, visit: (cell: Cell) => void): void {
    if (this.#frozen !== null && this.#frozen.size > 0) {
      const cursor = this.#frozen.ordered(lo, hi).seek(lo);
      for (let cell = cursor.next(); cell !== null && cell.key < hi; cell = cursor.next()) this.obtain(cell.key);
    }
    const cursor = this.#young.ordered(lo, hi).seek(lo);
    for (let cell = cursor.next(); cell !== null && cell.key < hi; cell = cursor.next()) visit(cell);
  }

  /**
   * The young generation becomes the frozen one. `inFlight` are the lists of cells of the batches in flight; their places are
   * given the young cells that replace them.
   */
  freeze(inFlight: readonly Cell[][]): CellMap {
    const frozen = this.#young;
    const young = new CellMap();
    for (const cells of inFlight) {
      for (const [at, cell] of cells.entries()) cells[at] = young.get(cell.key) ?? movePending(cell, frozen, young);
    }
    this.#young = young;
    this.#frozen = frozen;
    return frozen;
  }

  forgetFrozen(): void {
    this.#frozen = null;
  }

  clear(): void {
    this.#young = new CellMap();
    this.#frozen = null;
  }

  #create(key: ByteKey): Cell {
    if (this.#cache.size > 0) this.#cache.delete(key);
    return this.#young.create(key);
  }
}

function movePending(cell: Cell, from: CellMap, to: CellMap): Cell {
  const moved = to.create(cell.key);
  moved.pending = cell.pending;
  moved.pendingSequence = cell.pendingSequence;
  moved.pendingSlot = cell.pendingSlot;
  from.clearPending(cell);
  return moved;
}
