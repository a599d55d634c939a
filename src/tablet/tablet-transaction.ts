/**
 * The two transactions that an operation may be given: on the leader over applied state plus writes in flight, and, for
 * reads that may be stale, over what this replica has applied.
 */
import { assert, unreachable } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { type ByteKey, KEY_BYTES_MAX, type Visitor } from '../storage/ordered-store.ts';
import type { Overlay, PendingBatch } from '../storage/overlay.ts';
import type { Transaction } from './operation.ts';

/** One per tablet, used for every operation in turn. */
export class LeaderTransaction implements Transaction {
  now_ms = 0;
  term = 0;
  sequence = 0;
  /** Whether the operation that ran last has written. */
  wrote = false;
  /** The batch that collects writes, null until the first one. The tablet takes it away when it seals. */
  batch: PendingBatch | null = null;
  readonly #overlay: Overlay;
  readonly #clock: Clock;
  #batchSequence = 0;
  #active = false;

  constructor(overlay: Overlay, clock: Clock) {
    this.#overlay = overlay;
    this.#clock = clock;
  }

  /** Sequence of the batch that collects now, or would be opened next. Batches count from 1 and never start again. */
  get batchSequence(): number {
    return this.#batchSequence;
  }

  beginTerm(term: number): void {
    this.term = term;
    this.sequence = 0;
  }

  begin(): void {
    // Wall clocks may step back; what users see as time within one term must not.
    const wall = this.#clock.wall_ms();
    if (wall > this.now_ms) this.now_ms = Math.floor(wall);
    this.sequence += 1;
    this.wrote = false;
    this.#active = true;
    this.#overlay.dependsOn = 0;
  }

  end(): void {
    this.#active = false;
  }

  get(key: ByteKey): Buffer | undefined {
    return this.#overlay.getNewest(key);
  }

  put(key: ByteKey, value: Buffer): void {
    assert(key.length <= KEY_BYTES_MAX, 'a key is longer than the store allows');
    this.#writable().put(key, value);
  }

  delete(key: ByteKey): void {
    this.#writable().delete(key);
  }

  deleteRange(lo: ByteKey, hi: ByteKey): void {
    this.#writable().deleteRange(lo, hi);
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    this.#overlay.scan(lo, hi, reverse, true, visit);
  }

  count(lo: ByteKey, hi: ByteKey): number {
    return this.#overlay.count(lo, hi, true);
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    return this.#overlay.keyAt(lo, hi, index, true);
  }

  #writable(): PendingBatch {
    assert(this.#active, 'a transaction is used outside execute');
    this.wrote = true;
    if (this.batch === null) {
      this.#batchSequence += 1;
      this.batch = this.#overlay.openBatch(this.#batchSequence);
    }
    return this.batch;
  }
}

/** Reads what this replica has applied, leader or not. */
export class AppliedTransaction implements Transaction {
  now_ms = 0;
  readonly term = 0;
  readonly sequence = 0;
  readonly #overlay: Overlay;

  constructor(overlay: Overlay) {
    this.#overlay = overlay;
  }

  get(key: ByteKey): Buffer | undefined {
    return this.#overlay.getApplied(key);
  }

  put(): void {
    unreachable('a read of applied state cannot write');
  }

  delete(): void {
    unreachable('a read of applied state cannot write');
  }

  deleteRange(): void {
    unreachable('a read of applied state cannot write');
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    this.#overlay.scan(lo, hi, reverse, false, visit);
  }

  count(lo: ByteKey, hi: ByteKey): number {
    return this.#overlay.count(lo, hi, false);
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    return this.#overlay.keyAt(lo, hi, index, false);
  }
}
