/**
 * Moves what is applied from the overlays into the store, and lets go of the log that is not needed any more.
 *
 * Tablets take turns: those that have waited for `flushInterval_ms` and those with many changes. One tablet's keys are
 * neighbours in the store, so a tablet that is flushed seldom and with many changes copies far fewer pages for each than all
 * tablets flushed together and often. What one round takes is bounded, because it is work of the main thread between two turns.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import {
  type ByteKey,
  type KeyRange,
  type OrderedStore,
  STORE_TRANSACTION_BYTES,
  STORE_TRANSACTION_CHANGES_MAX,
  type StoreChange,
} from '../storage/ordered-store.ts';
import type { FlushSet } from '../storage/overlay.ts';
import type { Wal } from '../storage/wal.ts';
import { LogRetention } from './log-retention.ts';
import type { StoreQueue } from './store-queue.ts';
import type { Tablet } from './tablet.ts';
import type { HostCounters } from './tablet-host-options.ts';
import { encodeTabletMeta, logWitness, metaKey, metaOf, type TabletMeta } from './tablet-meta.ts';

/** In so many parts of the flush interval is looked which tablets are due. */
const FLUSH_ROUNDS = 20;
const RETAINED_BYTES_MIN = 512 * 1024;

export interface StoreFlusherOptions {
  readonly clock: Clock;
  readonly wal: Wal;
  readonly store: OrderedStore;
  readonly queue: StoreQueue;
  readonly tablets: ReadonlyMap<number, Tablet>;
  readonly counters: HostCounters;
  readonly flushInterval_ms: number;
  readonly flushChangesMax: number;
  readonly retainedLogBytes: number;
  readonly whenDurable: (walBatch: number) => Promise<void>;
  /** The log of the tablet must be kept after this index. */
  readonly neededFrom: (tablet: number) => number;
  readonly failed: (error: Error) => void;
}

export class StoreFlusher {
  readonly #options: StoreFlusherOptions;
  readonly #retention = new Map<number, LogRetention>();
  /** What the store holds of each replica. */
  readonly #flushedMeta = new Map<number, TabletMeta>();
  readonly #flushedAt_ms = new Map<number, number>();
  #flushing = false;

  constructor(options: StoreFlusherOptions) {
    this.#options = options;
  }

  start(): Timer {
    const { clock, flushInterval_ms } = this.#options;
    return clock.every(flushInterval_ms / FLUSH_ROUNDS, () => this.#flushInBackground());
  }

  /** A replica is there from now on; the store says `meta` of it. */
  add(tablet: Tablet, meta: TabletMeta): void {
    const { clock, flushInterval_ms, retainedLogBytes, tablets } = this.#options;
    const least = Math.min(RETAINED_BYTES_MIN, retainedLogBytes / 16);
    const share = retainedLogBytes / Math.max(tablets.size, 16);
    this.#retention.set(tablet.id, new LogRetention(Math.floor(Math.max(least, share))));
    // Spread over the interval, so that the tablets take their turns.
    const age_ms = ((tablet.id % FLUSH_ROUNDS) / FLUSH_ROUNDS) * flushInterval_ms;
    this.#flushedAt_ms.set(tablet.id, clock.monotonic_ms() - age_ms);
    this.#flushedMeta.set(tablet.id, meta);
  }

  remove(tablet: number): void {
    this.#retention.delete(tablet);
    this.#flushedMeta.delete(tablet);
    this.#flushedAt_ms.delete(tablet);
  }

  /** A snapshot has replaced the replica's state; its log begins anew. */
  replaced(tablet: Tablet): void {
    this.#retention.get(tablet.id)?.reset();
    this.#flushedMeta.set(tablet.id, metaOf(tablet, false));
  }

  appended(tablet: number, bytes: number): void {
    this.#retention.get(tablet)?.appended(bytes);
  }

  #flushInBackground(): void {
    if (this.#flushing) return;
    const { clock, tablets, flushInterval_ms, flushChangesMax, queue, failed } = this.#options;
    const now_ms = clock.monotonic_ms();
    const due: Tablet[] = [];
    let changes = 0;
    for (const tablet of tablets.values()) {
      const count = tablet.overlay.cellCount;
      const since_ms = this.#flushedAt_ms.get(tablet.id) ?? 0;
      if (now_ms - since_ms < flushInterval_ms && count < flushChangesMax) continue;
      if (due.length > 0 && changes + count > flushChangesMax) continue;
      changes += count;
      this.#flushedAt_ms.set(tablet.id, now_ms);
      if (tablet.raft.appliedIndex !== this.#flushedMeta.get(tablet.id)?.appliedIndex) due.push(tablet);
    }
    if (due.length === 0) return;
    this.#flushing = true;
    queue
      .run(() => this.flush(due))
      .then(
        () => {
          this.#flushing = false;
        },
        (error: unknown) => failed(error instanceof Error ? error : new Error(String(error))),
      );
  }

  /** Moves what is applied into the store, with each tablet's applied index in the same transaction. Run in the queue. */
  async flush(tablets: Iterable<Tablet>): Promise<void> {
    const { wal, store, counters, whenDurable } = this.#options;
    const flushed: { tablet: Tablet; set: FlushSet | null; meta: TabletMeta }[] = [];
    const before: [ByteKey, Uint8Array][] = [];
    let changes = 0;
    let bytes = 0;
    const ranges: KeyRange[] = [];
    const trailer: [ByteKey, Uint8Array][] = [];
    const sets: FlushSet[] = [];
    for (const tablet of tablets) {
      if (tablet.installing || this.#options.tablets.get(tablet.id) !== tablet) continue;
      const index = tablet.raft.appliedIndex;
      if (index === this.#flushedMeta.get(tablet.id)?.appliedIndex) continue;
      const set = tablet.overlay.beginFlush();
      if (set !== null) {
        sets.push(set);
        ranges.push(...set.ranges);
        changes += set.entryCount;
        bytes += set.bytes;
        before.push([metaKey(tablet.id), this.#metaDuringFlush(tablet)]);
      }
      const meta = metaOf(tablet, false);
      flushed.push({ tablet, set, meta });
      trailer.push([metaKey(tablet.id), encodeTabletMeta(meta)]);
    }
    if (flushed.length === 0) return;
    // The store must not run ahead of the log: an applied entry can be on a quorum and not yet on this disk.
    await whenDurable(wal.flush());
    trailer.push(logWitness(wal.durableBatch));
    // A large flush is more than one transaction: a crash between two leaves a mixture, which has to be known as one.
    const isOne = changes <= STORE_TRANSACTION_CHANGES_MAX && bytes < STORE_TRANSACTION_BYTES && ranges.length === 0;
    if (!isOne) await store.write([], [], before);
    await store.write(ranges, chained(sets), trailer);
    counters.flushes += 1;
    for (const { tablet, set, meta } of flushed) {
      if (set !== null) {
        counters.flushedChanges += set.entryCount;
        tablet.overlay.endFlush(set);
      }
      if (this.#options.tablets.get(tablet.id) !== tablet) continue;
      this.#flushedMeta.set(tablet.id, meta);
      wal.releaseThrough(tablet.id, meta.appliedIndex);
      this.#compact(tablet, meta.appliedIndex);
    }
  }

  #compact(tablet: Tablet, flushedIndex: number): void {
    const through = this.#retention.get(tablet.id)?.flushed(flushedIndex) ?? 0;
    const index = Math.min(through, this.#options.neededFrom(tablet.id));
    if (index >= tablet.raft.firstIndex) tablet.raft.compact(index);
  }

  /** What the store says until a flush that begins now has ended. */
  #metaDuringFlush(tablet: Tablet): Buffer {
    const flushed = this.#flushedMeta.get(tablet.id);
    assert(flushed !== undefined, 'a replica has been in the store since it was made');
    return encodeTabletMeta({ ...flushed, consistentIndex: tablet.raft.appliedIndex });
  }
}

function* chained(sets: readonly FlushSet[]): Iterable<StoreChange> {
  for (const set of sets) yield* set.entries();
}
