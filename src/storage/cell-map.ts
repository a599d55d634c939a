/**
 * One generation of an overlay's cells: one per key that was written and is not in the store yet. A Map finds them; an ordered
 * index is kept beside it from the first scan on, so that a workload of single keys never pays for order.
 */
import { assert } from '../base/assert.ts';
import { type Cell, OrderedCells } from './ordered-cells.ts';
import type { ByteKey } from './ordered-store.ts';

/** A Map entry, a Cell, a key string and the head of a Buffer, measured on heaps of a million cells. */
const CELL_BYTES = 240;

export class CellMap {
  readonly #map = new Map<ByteKey, Cell>();
  /** Null until the first scan. */
  #index: OrderedCells | null = null;
  #bytes = 0;

  get size(): number {
    return this.#map.size;
  }

  /** Approximate memory of keys, cells and applied values. Values in flight are counted by their batches. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: ByteKey): Cell | undefined {
    return this.#map.get(key);
  }

  /** The caller gives the new cell a value at once: a cell without one does not stay. */
  create(key: ByteKey): Cell {
    const cell: Cell = { key, applied: undefined, pending: undefined, pendingSequence: 0, pendingSlot: 0, live: true };
    this.#map.set(key, cell);
    this.#bytes += CELL_BYTES + key.length;
    if (this.#index !== null) this.#index.add(cell);
    return cell;
  }

  setApplied(cell: Cell, value: Buffer | null): void {
    if (cell.applied) this.#bytes -= cell.applied.length;
    if (value !== null) this.#bytes += value.length;
    cell.applied = value;
  }

  clearPending(cell: Cell): void {
    cell.pending = undefined;
    cell.pendingSequence = 0;
    if (cell.applied === undefined && cell.live) this.#remove(cell);
  }

  #remove(cell: Cell): void {
    assert(cell.live, 'a cell is removed once');
    cell.live = false;
    this.#map.delete(cell.key);
    this.#bytes -= CELL_BYTES + cell.key.length;
    if (this.#index !== null) this.#index.noteDead();
  }

  values(): MapIterator<Cell> {
    return this.#map.values();
  }

  /** The index, complete. It is valid until the next cell is created or removed. */
  ordered(): OrderedCells {
    if (this.#index === null) {
      this.#index = new OrderedCells();
      for (const cell of this.#map.values()) this.#index.add(cell);
    }
    this.#index.settle();
    return this.#index;
  }
}
