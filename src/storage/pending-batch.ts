/**
 * The writes of one turn of the event loop on one tablet: evaluated on the leader, not committed yet. They are visible
 * at once through their cells, which is why evaluation never waits for the log.
 *
 * Life: open (put, delete, deleteRange) -> sealed (encoded, proposed) -> committed or discarded, in the order of sequence.
 */
import { assert } from '../base/assert.ts';
import type { CellGenerations } from './cell-generations.ts';
import type { Cell } from './ordered-cells.ts';
import { type ByteKey, KEY_BYTES_MAX } from './ordered-store.ts';
import { RangeSet } from './range-set.ts';
import { encodeWriteBatch } from './write-batch.ts';

const noData = Buffer.alloc(0);
const State = { open: 0, sealed: 1, ended: 2 } as const;

/** What an entry costs in the encoding besides its bytes, roughly. */
const ENTRY_BYTES = 6;

export class PendingBatch {
  readonly sequence: number;
  /** Slots: one per key, with its final value. Read by the overlay when the batch is committed, and moved by a flush. */
  readonly cells: Cell[] = [];
  readonly values: (Buffer | null)[] = [];
  /** The encoding, once it is sealed, and where in it each value begins. */
  data: Buffer = noData;
  readonly starts: number[] = [];
  /** Null while nothing was range-deleted, which is the rule. */
  ranges: RangeSet | null = null;
  /** Approximate size of the encoding. */
  bytes = 0;
  readonly #cells: CellGenerations;
  readonly #onRange: (batch: PendingBatch) => void;
  #state: number = State.open;

  constructor(sequence: number, cells: CellGenerations, onFirstRange: (batch: PendingBatch) => void) {
    this.sequence = sequence;
    this.#cells = cells;
    this.#onRange = onFirstRange;
  }

  get isEmpty(): boolean {
    return this.cells.length === 0 && this.ranges === null;
  }

  get isOpen(): boolean {
    return this.#state === State.open;
  }

  get isSealed(): boolean {
    return this.#state === State.sealed;
  }

  /** `value` belongs to the overlay from here on and must not be changed. */
  put(key: ByteKey, value: Buffer): void {
    this.#set(key, value);
  }

  delete(key: ByteKey): void {
    this.#set(key, null);
  }

  /** Deletes lo <= key < hi as it is now; later writes of the same batch win over it. */
  deleteRange(lo: ByteKey, hi: ByteKey): void {
    assert(this.#state === State.open, 'a sealed batch takes no more writes');
    assert(lo.length <= KEY_BYTES_MAX && hi.length <= KEY_BYTES_MAX, 'a range bound is at most KEY_BYTES_MAX bytes');
    if (lo >= hi) return;
    if (this.ranges === null) {
      this.ranges = new RangeSet();
      this.#onRange(this);
    }
    this.ranges.add(lo, hi);
    this.bytes += lo.length + hi.length + ENTRY_BYTES;
    this.#cells.eachInRange(lo, hi, (cell) => this.#setCell(cell, null));
  }

  /** Ends the batch and gives the log entry's data. */
  seal(): Buffer {
    assert(this.#state === State.open, 'a batch is sealed once');
    this.#state = State.sealed;
    this.data = this.#encode();
    return this.data;
  }

  #encode(): Buffer {
    const ranges = this.ranges;
    if (ranges === null) return encodeWriteBatch([], this.cells, this.values, this.starts);
    // A key that was only removed by a range of this batch needs no entry of its own: the range says it all.
    const values = this.values.map((value, i) =>
      value === null && ranges.has((this.cells[i] as Cell).key) ? undefined : value,
    );
    return encodeWriteBatch(ranges.toArray(), this.cells, values, this.starts);
  }

  /** The overlay says that it was committed or discarded. */
  end(): void {
    this.#state = State.ended;
  }

  #set(key: ByteKey, value: Buffer | null): void {
    assert(this.#state === State.open, 'a sealed batch takes no more writes');
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key has 1 to KEY_BYTES_MAX bytes');
    this.#setCell(this.#cells.obtain(key), value);
  }

  #setCell(cell: Cell, value: Buffer | null): void {
    const length = value === null ? 0 : value.length;
    if (cell.pendingSequence === this.sequence) {
      const slot = cell.pendingSlot;
      this.bytes += length - (this.values[slot]?.length ?? 0);
      this.values[slot] = value;
    } else {
      cell.pendingSequence = this.sequence;
      cell.pendingSlot = this.cells.length;
      this.cells.push(cell);
      this.values.push(value);
      this.bytes += cell.key.length + length + ENTRY_BYTES;
    }
    cell.pending = value;
  }
}
