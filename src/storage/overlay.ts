/**
 * One tablet's newest state, above the node's store. A read sees three layers:
 *
 *   in flight   evaluated by this leader, not committed          (only with "newest")
 *   applied     committed, not yet (durably) in the store
 *   store       what `beginFlush`/`endFlush` moved down earlier
 *
 * A key's first two layers are one Cell, so a read of a single key is one Map lookup, or two while a flush is under way
 * (cell-generations.ts). Range deletes turn the cells they cover into tombstones and are remembered, because they also hide keys
 * of the store that have no cell.
 *
 * Invariants:
 *  1. A cell's values are newer than every range of the same layer: a range rewrites the cells it covers, and cells made
 *     later win over it. Hence "ranges first, then values" is the order of write batches and of flushes.
 *  2. A cell has an applied value, a pending value or both.
 *  3. While a range is active (until its flush has ended), no key of it is looked up in the store.
 *     The same holds for a key with an applied value.
 *  4. Batches are committed in the order in which they were opened, or all discarded.
 *  5. What a flush writes stays visible here until `endFlush`, so it does not matter when the store begins to show it.
 *
 * Used by one tablet; nothing here is asynchronous.
 */
import { assert } from '../base/assert.ts';
import { CellGenerations } from './cell-generations.ts';
import type { CellMap } from './cell-map.ts';
import { CountedKeys } from './counted-keys.ts';
import { type CellRange, MergedCells } from './merged-cells.ts';
import { appliedOf, type Cell, OrderedCells } from './ordered-cells.ts';
import type { ByteKey, KeyRange, OrderedStore, StoreChange, Visitor } from './ordered-store.ts';
import { PendingBatch } from './pending-batch.ts';
import { RangeSet } from './range-set.ts';
import { type ReadCache, ReadCachePool } from './read-cache.ts';
import { ScanMerge } from './scan-merge.ts';
import { decodeWriteBatch, type WriteBatchVisitor } from './write-batch.ts';

export { PendingBatch } from './pending-batch.ts';

const noCells = new MergedCells({ dependsOn: 0 }, new OrderedCells(), null, {
  lo: '',
  hi: '',
  reverse: false,
  newest: false,
});

export class Overlay {
  /** The highest sequence of a batch in flight that a "newest" read has rested on. The caller sets it back to 0. */
  dependsOn = 0;
  readonly #store: OrderedStore;
  readonly #cells: CellGenerations;
  readonly #cache: ReadCache;
  /** Committed range deletes since the last `beginFlush`; null while there are none. */
  #appliedRanges: RangeSet | null = null;
  /** Batches in flight, open one included, oldest first. */
  readonly #inFlight: PendingBatch[] = [];
  /** Those of them that have range deletes, oldest first. */
  #inFlightRanges: PendingBatch[] = [];
  #flushing: FlushSet | null = null;
  #appliedIndex: number;
  #flushedIndex: number;
  #inFlightBytes = 0;
  readonly #applier: Applier;
  readonly #onFirstRange = (batch: PendingBatch): void => {
    this.#inFlightRanges.push(batch);
  };

  /** `appliedIndex` is the log index that the store's contents correspond to. The cache is this overlay's own. */
  constructor(store: OrderedStore, appliedIndex = 0, cache = new ReadCachePool(0).open()) {
    this.#store = store;
    this.#cache = cache;
    this.#cells = new CellGenerations(cache);
    this.#appliedIndex = appliedIndex;
    this.#flushedIndex = appliedIndex;
    this.#applier = new Applier(this.#cells);
  }

  /** Index of the last entry that was applied here. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** Everything up to here is durable in the store. */
  get flushedIndex(): number {
    return this.#flushedIndex;
  }

  get cellCount(): number {
    return this.#cells.size;
  }

  /** Approximate memory, for back-pressure and for the decision to flush. */
  get bytes(): number {
    let bytes = this.#cells.bytes + this.#inFlightBytes;
    const last = this.#inFlight[this.#inFlight.length - 1];
    if (last?.isOpen) bytes += last.bytes;
    return bytes;
  }

  // ---- reads

  /** The committed value. It may be shared: read it only. */
  getApplied(key: ByteKey): Buffer | undefined {
    const cell = this.#cells.young.get(key);
    if (cell === undefined) return this.#getBelowYoung(key);
    if (cell.source !== undefined) return appliedOf(cell) ?? undefined;
    const frozen = this.#cells.frozen?.get(key);
    if (frozen !== undefined) return appliedOf(frozen) ?? undefined;
    // Not by way of the cache, which must not learn the value of a key that is about to change.
    return this.#isRangeDeleted(key) ? undefined : this.#store.get(key);
  }

  /** The value after all writes in flight; `dependsOn` rises to the batch that the answer came from. */
  getNewest(key: ByteKey): Buffer | undefined {
    const cell = this.#cells.young.get(key);
    if (cell !== undefined) {
      if (cell.pendingSequence === 0) return appliedOf(cell) ?? undefined;
      if (cell.pendingSequence > this.dependsOn) this.dependsOn = cell.pendingSequence;
      return cell.pending ?? undefined;
    }
    for (let i = this.#inFlightRanges.length - 1; i >= 0; i -= 1) {
      const batch = this.#inFlightRanges[i] as PendingBatch;
      if (batch.ranges?.has(key) === true) {
        if (batch.sequence > this.dependsOn) this.dependsOn = batch.sequence;
        return undefined;
      }
    }
    return this.#getBelowYoung(key);
  }

  #getBelowYoung(key: ByteKey): Buffer | undefined {
    const { frozen } = this.#cells;
    if (frozen !== null) {
      const cell = frozen.get(key);
      if (cell !== undefined) return appliedOf(cell) ?? undefined;
    }
    if (this.#isRangeDeleted(key)) return undefined;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const value = this.#store.get(key);
    if (value !== undefined) this.#cache.add(key, value);
    return value;
  }

  #isRangeDeleted(key: ByteKey): boolean {
    if (this.#appliedRanges?.has(key) === true) return true;
    return this.#flushing !== null && this.#flushing.rangeSet?.has(key) === true;
  }

  /**
   * Visits lo <= key < hi in order, descending when `reverse`; the visitor returns false to end, and reads values only. With `newest` the writes
   * in flight count, and `dependsOn` rises to the newest batch whose write was met or whose range delete touches [lo, hi).
   */
  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, newest: boolean, visit: Visitor): void {
    if (lo >= hi) return;
    const hidden = this.#hiddenRanges(lo, hi, newest);
    const cells = this.#cellsOf({ lo, hi, reverse, newest });
    if (cells === null && hidden === null) {
      this.#cache.scan(this.#store, lo, hi, reverse, visit);
      return;
    }
    const merge = new ScanMerge(cells ?? noCells, reverse, visit);
    if (hidden === null) {
      this.#cache.scan(this.#store, lo, hi, reverse, merge.onStoreEntry);
    } else {
      // Only the parts that no range delete hides are read from the store: a deleted million is not walked through.
      const gaps = hidden.gaps(lo, hi);
      if (reverse) gaps.reverse();
      for (const gap of gaps) {
        this.#cache.scan(this.#store, gap.lo, gap.hi, reverse, merge.onStoreEntry);
        if (merge.ended) return;
      }
    }
    merge.finish();
  }

  /** How many entries `scan` would visit; what it says of `dependsOn` holds here too. */
  count(lo: ByteKey, hi: ByteKey, newest: boolean): number {
    return this.#counted(lo, hi, newest).count();
  }

  /** The key that `scan` would visit after `index` others. */
  keyAt(lo: ByteKey, hi: ByteKey, index: number, newest: boolean): ByteKey | undefined {
    return this.#counted(lo, hi, newest).at(index);
  }

  #counted(lo: ByteKey, hi: ByteKey, newest: boolean): CountedKeys {
    const cells = this.#cellsOf({ lo, hi, reverse: false, newest });
    return new CountedKeys(this.#store, this.#hiddenRanges(lo, hi, newest), cells, { lo, hi });
  }

  /** Null when there are no cells at all. */
  #cellsOf(range: CellRange): MergedCells | null {
    if (this.#cells.size === 0) return null;
    const { young, frozen } = this.#cells;
    const { lo, hi } = range;
    const older = frozen === null || frozen.size === 0 ? null : frozen.ordered(lo, hi);
    return new MergedCells(this, young.ordered(lo, hi), older, range);
  }

  /** Of what is applied, here or in the store; a key that was deleted since the last flush counts as there. */
  firstKey(lo: ByteKey, hi: ByteKey): ByteKey | undefined {
    if (lo >= hi) return undefined;
    let first = this.#store.firstKey(lo, hi);
    for (const cells of [this.#cells.young, this.#cells.frozen]) {
      const key = cells?.ordered(lo, hi).seek(lo).next()?.key;
      if (key !== undefined && key < (first ?? hi)) first = key;
    }
    return first;
  }

  /** The ranges that hide the store within [lo, hi), or null when there are none. */
  #hiddenRanges(lo: ByteKey, hi: ByteKey, newest: boolean): RangeSet | null {
    let hidden: RangeSet | null = null;
    for (const batch of newest ? this.#inFlightRanges : []) {
      if (batch.ranges?.overlaps(lo, hi) !== true) continue;
      hidden ??= new RangeSet();
      hidden.addTouching(batch.ranges, lo, hi);
      if (batch.sequence > this.dependsOn) this.dependsOn = batch.sequence;
    }
    if (this.#appliedRanges?.overlaps(lo, hi) === true) {
      if (hidden === null) hidden = this.#appliedRanges;
      else hidden.addTouching(this.#appliedRanges, lo, hi);
    }
    const flushing = this.#flushing?.rangeSet ?? null;
    if (flushing?.overlaps(lo, hi) === true) {
      if (hidden === null) return flushing;
      const both = new RangeSet();
      both.addTouching(hidden, lo, hi);
      both.addTouching(flushing, lo, hi);
      return both;
    }
    return hidden;
  }

  // ---- the leader's writes

  /** Opens the batch that collects writes now. The one before must have been sealed. Sequences ascend for ever. */
  openBatch(sequence: number): PendingBatch {
    const last = this.#inFlight[this.#inFlight.length - 1];
    assert(last === undefined || (last.isSealed && last.sequence < sequence), 'batches are opened one after the other');
    assert(sequence > 0, 'sequences begin at 1');
    if (last !== undefined) this.#inFlightBytes += last.bytes;
    const batch = new PendingBatch(sequence, this.#cells, this.#onFirstRange);
    this.#inFlight.push(batch);
    return batch;
  }

  /** The sealed batch, the oldest in flight, was committed as entry `index`: its writes become applied. */
  commit(batch: PendingBatch, index: number): void {
    assert(this.#inFlight[0] === batch && batch.isSealed, 'batches are committed in order, after they were sealed');
    this.#inFlight.shift();
    if (this.#inFlight.length > 0) this.#inFlightBytes -= batch.bytes;
    this.#advance(index);
    batch.end();
    if (batch.ranges !== null) {
      this.#inFlightRanges.shift();
      this.#appliedRanges ??= new RangeSet();
      this.#appliedRanges.addAll(batch.ranges);
    }
    const { cells, values, data, starts, sequence } = batch;
    const { young } = this.#cells;
    for (let i = 0; i < cells.length; i += 1) {
      const cell = cells[i] as Cell;
      const value = values[i] as Buffer | null;
      if (value === null) {
        young.setDeleted(cell);
      } else {
        // Of the log entry, which stays anyway: then the value that the operation made can go.
        const from = starts[i] as number;
        young.setApplied(cell, data, from, from + value.length);
      }
      if (cell.pendingSequence === sequence) {
        cell.pending = undefined;
        cell.pendingSequence = 0;
      }
    }
  }

  /** Leadership is lost: nothing in flight is visible any more. What was committed after all comes as `applyEncoded`. */
  discardPending(): void {
    for (const batch of this.#inFlight) {
      batch.end();
      for (const cell of batch.cells) this.#cells.young.clearPending(cell);
    }
    this.#inFlight.length = 0;
    this.#inFlightRanges = [];
    this.#inFlightBytes = 0;
  }

  // ---- followers and replay

  /**
   * Applies an encoded batch. `data` belongs to the overlay from here on: values are views of it. Throws `DamagedError`
   * when it is no write batch; the replica is of no use then, because it cannot follow what was committed.
   */
  applyEncoded(data: Uint8Array, index: number): void {
    assert(this.#inFlight.length === 0, 'a replica with writes in flight applies its own batches');
    this.#advance(index);
    this.#applier.ranges = null;
    decodeWriteBatch(data, this.#applier);
    if (this.#applier.ranges !== null) {
      this.#appliedRanges ??= new RangeSet();
      this.#appliedRanges.addAll(this.#applier.ranges);
    }
  }

  /** Entry `index` carried no writes (a new leader's empty entry, a configuration change). */
  applyNothing(index: number): void {
    this.#advance(index);
  }

  #advance(index: number): void {
    assert(index > this.#appliedIndex, 'entries are applied in order and once');
    this.#appliedIndex = index;
  }

  // ---- flush

  /**
   * Freezes what is applied now, for the store to write: `ranges`, then `entries`. Null when nothing has been applied
   * since the last one. One at a time: `endFlush` comes before the next.
   */
  beginFlush(): FlushSet | null {
    assert(this.#flushing === null, 'one flush at a time');
    if (this.#appliedIndex === this.#flushedIndex) return null;
    const frozen = this.#cells.freeze(this.#inFlight.map((batch) => batch.cells));
    this.#flushing = new FlushSet(this.#appliedIndex, this.#appliedRanges, frozen);
    this.#appliedRanges = null;
    return this.#flushing;
  }

  /** `set` is durable in the store: it is forgotten here. */
  endFlush(set: FlushSet): void {
    // After `clear` a flush that was under way has nothing to end any more.
    if (this.#flushing !== set) return;
    this.#flushing = null;
    this.#flushedIndex = set.throughIndex;
    if (set.rangeSet !== null) this.#cache.deleteRanges(set.rangeSet);
    this.#cache.flushed();
    this.#cells.forgetFrozen();
  }

  /** The replica has left this node. */
  close(): void {
    this.#cache.close();
  }

  /** Forgets everything; the store's contents now correspond to log index `appliedIndex` (a snapshot was installed). */
  clear(appliedIndex: number): void {
    this.discardPending();
    this.#cells.clear();
    this.#cache.clear();
    this.#appliedRanges = null;
    this.#flushing = null;
    this.#appliedIndex = appliedIndex;
    this.#flushedIndex = appliedIndex;
  }
}

/** What one flush writes. Its contents do not change while the flush runs. */
export class FlushSet {
  /** The store corresponds to this log index when the flush has ended. */
  readonly throughIndex: number;
  readonly rangeSet: RangeSet | null;
  readonly #cells: CellMap;

  constructor(throughIndex: number, rangeSet: RangeSet | null, cells: CellMap) {
    this.throughIndex = throughIndex;
    this.rangeSet = rangeSet;
    this.#cells = cells;
  }

  get ranges(): KeyRange[] {
    return this.rangeSet === null ? [] : this.rangeSet.toArray();
  }

  get entryCount(): number {
    return this.#cells.size;
  }

  /** Of its keys and values, rather more than less. */
  get bytes(): number {
    return this.#cells.bytes;
  }

  /** Keys and values, in no order. Tombstones that `ranges` says already are left out. */
  *entries(): Generator<StoreChange> {
    for (const cell of this.#cells.values()) {
      const { key, source } = cell;
      assert(source !== undefined, 'what is frozen has been applied');
      if (source === null && this.rangeSet?.has(key) === true) continue;
      yield cell as StoreChange;
    }
  }
}

/** Writes a decoded batch into the cells. One per overlay, so that applying an entry allocates no visitor. */
class Applier implements WriteBatchVisitor {
  ranges: RangeSet | null = null;
  readonly #cells: CellGenerations;

  constructor(cells: CellGenerations) {
    this.#cells = cells;
  }

  range(lo: ByteKey, hi: ByteKey): void {
    if (lo >= hi) return;
    this.ranges ??= new RangeSet();
    this.ranges.add(lo, hi);
    const { young } = this.#cells;
    this.#cells.eachInRange(lo, hi, (cell) => young.setDeleted(cell));
  }

  put(key: ByteKey, data: Buffer, from: number, to: number): void {
    const cell = this.#cells.obtain(key);
    this.#cells.young.setApplied(cell, data, from, to);
  }

  delete(key: ByteKey): void {
    const cell = this.#cells.obtain(key);
    this.#cells.young.setDeleted(cell);
  }
}
