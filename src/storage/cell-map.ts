/**
 * One generation of an overlay's cells: one per key that was written and is not in the store yet. A Map finds them. Beside it
 * they are listed by space (the first four bytes of a key), and put into order there when a scan comes: so a workload of
 * single keys never pays for order, even when something else is scanned all the time in another space.
 */
import { assert } from '../base/assert.ts';
import { type Cell, OrderedCells } from './ordered-cells.ts';
import type { ByteKey } from './ordered-store.ts';

/** A Map entry, a Cell, a place in a list and a key string, measured on heaps of a million cells. */
const CELL_BYTES = 240;
const SPACE_BYTES = 4;

export class CellMap {
  readonly #map = new Map<ByteKey, Cell>();
  readonly #spaces = new Map<number, OrderedCells>();
  #lastSpace = -1;
  #lastCells = new OrderedCells();
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
    const cell: Cell = {
      key,
      source: undefined,
      from: 0,
      to: 0,
      view: null,
      pending: undefined,
      pendingSequence: 0,
      pendingSlot: 0,
      live: true,
    };
    this.#map.set(key, cell);
    this.#bytes += CELL_BYTES + key.length;
    this.#spaceOf(key).add(cell);
    return cell;
  }

  setDeleted(cell: Cell): void {
    this.#bytes -= cell.to - cell.from;
    cell.source = null;
    cell.from = 0;
    cell.to = 0;
    cell.view = null;
  }

  /** The value is source[from, to), which nobody changes any more. */
  setApplied(cell: Cell, source: Buffer, from: number, to: number): void {
    this.#bytes += to - from - (cell.to - cell.from);
    cell.source = source;
    cell.from = from;
    cell.to = to;
    cell.view = null;
  }

  clearPending(cell: Cell): void {
    cell.pending = undefined;
    cell.pendingSequence = 0;
    if (cell.source === undefined && cell.live) this.#remove(cell);
  }

  #remove(cell: Cell): void {
    assert(cell.live, 'a cell is removed once');
    cell.live = false;
    this.#map.delete(cell.key);
    this.#bytes -= CELL_BYTES + cell.key.length;
    this.#spaceOf(cell.key).noteDead();
  }

  values(): MapIterator<Cell> {
    return this.#map.values();
  }

  /** The cells of all spaces that [lo, hi) touches, in order. Valid until the next cell is created or removed. */
  ordered(lo: ByteKey, hi: ByteKey): OrderedCells {
    const first = spaceNumber(lo);
    const last = spaceNumber(hi) - (isLowestOfSpace(hi) ? 1 : 0);
    if (first === last) return settled(this.#spaces.get(first));
    const spaces = [...this.#spaces].filter(([space]) => first <= space && space <= last).sort(([a], [b]) => a - b);
    return OrderedCells.joined(spaces.map(([, cells]) => settled(cells)));
  }

  #spaceOf(key: ByteKey): OrderedCells {
    const space = spaceNumber(key);
    if (space === this.#lastSpace) return this.#lastCells;
    let cells = this.#spaces.get(space);
    if (cells === undefined) {
      cells = new OrderedCells();
      this.#spaces.set(space, cells);
    }
    this.#lastSpace = space;
    this.#lastCells = cells;
    return cells;
  }
}

const noCells = new OrderedCells();

function settled(cells: OrderedCells | undefined): OrderedCells {
  if (cells === undefined) return noCells;
  cells.settle();
  return cells;
}

/** The first four bytes as a number; a shorter key counts as if zeros followed. */
function spaceNumber(key: ByteKey): number {
  const high = (key.charCodeAt(0) << 8) | key.charCodeAt(1);
  const low = (key.charCodeAt(2) << 8) | key.charCodeAt(3);
  return high * 0x1_0000 + low;
}

/** Whether no key of its space is below it. */
function isLowestOfSpace(key: ByteKey): boolean {
  return key.length <= SPACE_BYTES && key.charCodeAt(key.length - 1) !== 0;
}
