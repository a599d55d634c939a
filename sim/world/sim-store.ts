/**
 * The ordered store of a simulated machine, with the crash behaviour of LMDB as the node opens it: a write is one or more
 * transactions, visible one after the other, durable some time later; a crash falls back to a transaction that was visible,
 * never behind the last one that `write` vouched for, and never to a part of one.
 */
import type { Prng } from '../../src/base/prng.ts';
import { StoreDamagedError } from '../../src/storage/errors.ts';
import type { ByteKey, KeyRange, OrderedStore, StoreChange, Visitor } from '../../src/storage/ordered-store.ts';
import { EventKind, type Lane, type Scheduler } from './scheduler.ts';
import { SortedKeys } from './sorted-keys.ts';

type Change = readonly [ByteKey, Uint8Array | null];

export interface StoreShape {
  /** What a transaction takes until it is visible, and the last one until all are durable; each up to twice that. */
  readonly commit_ms: number;
  readonly flush_ms: number;
  /** Changes in one transaction at most. */
  readonly changes_max: number;
}

export class SimStore {
  onChange: (() => void) | null = null;
  stalledUntil_ms = 0;
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #shape: StoreShape;
  readonly #durable = new Map<ByteKey, Buffer>();
  #visible = new SortedKeys();
  /** Values that have rotted, by where they are: durable, and as a process sees them. */
  readonly #rotten = new Set<ByteKey>();
  #unreadable = new Set<ByteKey>();
  /** Visible and not yet durable, oldest first. */
  #transactions: (readonly Change[])[] = [];

  constructor(scheduler: Scheduler, prng: Prng, shape: StoreShape) {
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#shape = shape;
  }

  get isRotten(): boolean {
    return this.#rotten.size > 0;
  }

  /** Lets up to `count` of the durable values rot: their checksums are wrong until they are written again. */
  rot(count: number): void {
    const keys = [...this.#durable.keys()];
    for (let i = 0; i < count && keys.length > 0; i += 1) {
      const key = this.#prng.pick(keys);
      this.#rotten.add(key);
      if (!this.#transactions.some((changes) => changes.some(([changed]) => changed === key)))
        this.#unreadable.add(key);
    }
  }

  /** The file is gone, or cannot be opened any more. While no process runs. */
  lose(): void {
    this.#durable.clear();
    this.#rotten.clear();
    this.crash();
  }

  forProcess(lane: Lane): OrderedStore {
    return {
      damagedKeys: [...this.#unreadable],
      get: (key) => {
        this.#check(key);
        const value = this.#visible.get(key);
        return value === undefined ? undefined : Buffer.from(value);
      },
      scan: (lo, hi, reverse, visit) => this.#scan(lo, hi, reverse, visit),
      firstKey: (lo, hi) => this.#visible.range(lo, hi, 1)[0],
      count: (lo, hi) => this.#visible.range(lo, hi, Number.MAX_SAFE_INTEGER).length,
      keyAt: (lo, hi, index) => this.#visible.range(lo, hi, index + 1)[index],
      write: (ranges, entries, trailer) => this.#write(lane, ranges, [...entries], trailer),
      sizeBytes: () => 0,
      close: () => Promise.resolve(),
    };
  }

  crash(): void {
    const kept = this.#prng.below(this.#transactions.length + 1);
    for (const changes of this.#transactions.slice(0, kept)) this.#makeDurable(changes);
    this.#transactions = [];
    this.#visible = new SortedKeys();
    for (const [key, value] of this.#durable) this.#visible.set(key, value);
    this.#unreadable = new Set(this.#rotten);
  }

  async #write(
    lane: Lane,
    ranges: readonly KeyRange[],
    entries: readonly StoreChange[],
    trailer: readonly Change[],
  ): Promise<void> {
    const { changes_max, flush_ms } = this.#shape;
    for (const { lo, hi } of ranges) {
      for (;;) {
        const keys = this.#visible.range(lo, hi, changes_max);
        if (keys.length === 0) break;
        await this.#transaction(
          lane,
          keys.map((key) => [key, null] as const),
        );
      }
    }
    const changes = entries
      .map(
        ({ key, source, from, to }): Change => [key, source === null ? null : Buffer.from(source.subarray(from, to))],
      )
      .sort(byKey);
    let at = 0;
    for (; changes.length - at > changes_max; at += changes_max) {
      await this.#transaction(lane, changes.slice(at, at + changes_max));
    }
    const last = changes.slice(at);
    for (const [key, value] of trailer) last.push([key, value === null ? null : Buffer.from(value)]);
    if (last.length > 0) await this.#transaction(lane, last);
    const count = this.#transactions.length;
    await this.#pass(lane, flush_ms, () => {
      for (const flushed of this.#transactions.splice(0, count)) this.#makeDurable(flushed);
    });
  }

  #transaction(lane: Lane, changes: readonly Change[]): Promise<void> {
    return this.#pass(lane, this.#shape.commit_ms, () => {
      this.#transactions.push(changes);
      for (const [key, value] of changes) {
        this.#unreadable.delete(key);
        if (value === null) this.#visible.delete(key);
        else this.#visible.set(key, value as Buffer);
        if (value !== null) this.#scheduler.hash.bytes(value);
      }
    });
  }

  /** LMDB's own thread works while the process stands still, and ends with it. */
  #pass(lane: Lane, delay_ms: number, effect: () => void): Promise<void> {
    this.onChange?.();
    return new Promise<void>((resolve) => {
      const stall_ms = Math.max(0, this.stalledUntil_ms - this.#scheduler.now_ms);
      const after_ms = stall_ms + delay_ms * (1 + this.#prng.fraction());
      this.#scheduler.plan(after_ms, EventKind.store, null, () => {
        if (lane.over) return;
        effect();
        this.#scheduler.enter(EventKind.store, lane, resolve);
      });
    });
  }

  #makeDurable(changes: readonly Change[]): void {
    for (const [key, value] of changes) {
      this.#rotten.delete(key);
      if (value === null) this.#durable.delete(key);
      else this.#durable.set(key, value as Buffer);
    }
  }

  #check(key: ByteKey): void {
    if (!this.#unreadable.has(key)) return;
    const hex = Buffer.from(key, 'latin1').toString('hex');
    throw new StoreDamagedError('of the simulation', hex, '', 'the checksum of a value is wrong');
  }

  #scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    const keys = this.#visible.range(lo, hi, Number.POSITIVE_INFINITY);
    if (reverse) keys.reverse();
    for (const key of keys) {
      this.#check(key);
      if (!visit(key, Buffer.from(this.#visible.get(key) as Buffer))) return;
    }
  }
}

function byKey(a: Change, b: Change): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
