/**
 * Cells in key order: a list of sorted arrays of bounded length (a B+tree of two levels). New cells wait in a list and
 * dead ones stay where they are until the next scan calls `settle`, so that writes between scans cost one push each.
 *
 * Invariants after `settle`: no chunk is empty, chunks and their cells ascend, all cells are live.
 */
import type { ByteKey } from './ordered-store.ts';

export interface Cell {
  readonly key: ByteKey;
  /**
   * Committed, not in the store yet: the value is source[from, to); null when deleted, undefined when there is none. It is cut
   * out when somebody reads it, because most are only written to the store.
   */
  source: Buffer | null | undefined;
  from: number;
  to: number;
  view: Buffer | null;
  /** The newest write in flight, likewise; meaningful when `pendingSequence` is not 0. */
  pending: Buffer | null | undefined;
  /** The batch that `pending` comes from, and the place of the key in it. */
  pendingSequence: number;
  pendingSlot: number;
  /** False once it is no longer in the map. */
  live: boolean;
}

/** The applied value. */
export function appliedOf(cell: Cell): Buffer | null | undefined {
  if (cell.view !== null) return cell.view;
  const { source } = cell;
  if (source === null || source === undefined) return source;
  cell.view = source.subarray(cell.from, cell.to);
  return cell.view;
}

/** Splits at twice this. Moving 512 pointers costs less than a cache miss or two. */
const CHUNK_CELLS = 256;

export class OrderedCells {
  #chunks: Cell[][] = [];
  #size = 0;
  #waiting: Cell[] = [];
  #dead = 0;

  /** The cells of several lists, whose keys ascend from list to list; all settled. Not to be changed. */
  static joined(lists: readonly OrderedCells[]): OrderedCells {
    const joined = new OrderedCells();
    joined.#chunks = lists.flatMap((list) => list.#chunks);
    return joined;
  }

  add(cell: Cell): void {
    this.#waiting.push(cell);
  }

  noteDead(): void {
    this.#dead += 1;
  }

  settle(): void {
    if (this.#dead > 0) this.#dropDead();
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Sorting and merging all costs about n log n; single insertions pay off while they are few.
    if (waiting.length * 8 < this.#size) {
      for (const cell of waiting) this.#insert(cell);
    } else {
      this.#mergeAll(waiting.sort(byKey));
    }
  }

  /** A cursor before the first cell with key >= `key`. */
  seek(key: ByteKey): CellCursor {
    const chunkAt = this.#chunkFor(key);
    const chunk = this.#chunks[chunkAt];
    return new CellCursor(this.#chunks, chunkAt, chunk === undefined ? 0 : lowerBound(chunk, key));
  }

  /** The last chunk whose first key is <= key, or 0. */
  #chunkFor(key: ByteKey): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#chunks[middle] as Cell[])[0] as Cell).key <= key) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }

  #insert(cell: Cell): void {
    this.#size += 1;
    const chunkAt = this.#chunkFor(cell.key);
    const chunk = this.#chunks[chunkAt] as Cell[];
    chunk.splice(lowerBound(chunk, cell.key), 0, cell);
    if (chunk.length >= CHUNK_CELLS * 2) {
      this.#chunks.splice(chunkAt + 1, 0, chunk.splice(CHUNK_CELLS));
    }
  }

  #mergeAll(sorted: readonly Cell[]): void {
    const old = this.#chunks;
    this.#chunks = [];
    this.#size = 0;
    let at = 0;
    for (const chunk of old) {
      for (const cell of chunk) {
        while (at < sorted.length && (sorted[at] as Cell).key < cell.key) {
          this.#append(sorted[at] as Cell);
          at += 1;
        }
        this.#append(cell);
      }
    }
    for (; at < sorted.length; at += 1) this.#append(sorted[at] as Cell);
  }

  #append(cell: Cell): void {
    this.#size += 1;
    const last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined || last.length >= CHUNK_CELLS) this.#chunks.push([cell]);
    else last.push(cell);
  }

  #dropDead(): void {
    this.#dead = 0;
    this.#size = 0;
    const kept: Cell[][] = [];
    for (const chunk of this.#chunks) {
      const live = chunk.filter((cell) => cell.live);
      this.#size += live.length;
      if (live.length > 0) kept.push(live);
    }
    this.#chunks = kept;
    this.#waiting = this.#waiting.filter((cell) => cell.live);
  }
}

/** Stands between two cells. */
export class CellCursor {
  readonly #chunks: readonly (readonly Cell[])[];
  #chunkAt: number;
  #at: number;

  constructor(chunks: readonly (readonly Cell[])[], chunkAt: number, at: number) {
    this.#chunks = chunks;
    this.#chunkAt = chunkAt;
    this.#at = at;
  }

  /** The cell after the cursor, which moves behind it; null at the end. */
  next(): Cell | null {
    let chunk = this.#chunks[this.#chunkAt];
    while (chunk !== undefined && this.#at >= chunk.length) {
      if (this.#chunkAt + 1 >= this.#chunks.length) return null;
      this.#chunkAt += 1;
      this.#at = 0;
      chunk = this.#chunks[this.#chunkAt];
    }
    if (chunk === undefined) return null;
    this.#at += 1;
    return chunk[this.#at - 1] as Cell;
  }

  /** The cell before the cursor, which moves before it; null at the start. */
  previous(): Cell | null {
    while (this.#at === 0) {
      if (this.#chunkAt === 0) return null;
      this.#chunkAt -= 1;
      this.#at = (this.#chunks[this.#chunkAt] as readonly Cell[]).length;
    }
    this.#at -= 1;
    return (this.#chunks[this.#chunkAt] as readonly Cell[])[this.#at] as Cell;
  }
}

function lowerBound(chunk: readonly Cell[], key: ByteKey): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as Cell).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byKey(a: Cell, b: Cell): number {
  return a.key < b.key ? -1 : 1;
}
