/** One tablet in memory: the real overlay and transaction over a map, each write committed at once. */
import type { Clock, Timer } from '../../../base/clock.ts';
import { MemoryStore } from '../../../storage/memory-store.test-support.ts';
import { Overlay } from '../../../storage/overlay.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { LeaderTransaction } from '../../../tablet/tablet-transaction.ts';

/** Stands still until the test moves it. */
export class StillClock implements Clock {
  now_ms = 1_700_000_000_000;

  monotonic_ms(): number {
    return this.now_ms;
  }

  wall_ms(): number {
    return this.now_ms;
  }

  after(_delay_ms: number, callback: () => void): Timer {
    const timer = setImmediate(callback);
    return { cancel: () => clearImmediate(timer) };
  }

  every(_interval_ms: number, _callback: () => void): Timer {
    return { cancel: () => undefined };
  }

  endOfTurn(callback: () => void): void {
    setImmediate(callback);
  }
}

export class TestTablet {
  readonly clock: StillClock;
  readonly slotFirst: number;
  readonly store = new MemoryStore();
  readonly overlay = new Overlay(this.store);
  readonly #transaction: LeaderTransaction;
  #index = 0;

  constructor(slotFirst = 0, clock = new StillClock()) {
    this.slotFirst = slotFirst;
    this.clock = clock;
    this.#transaction = new LeaderTransaction(this.overlay, clock);
    this.#transaction.beginTerm(1);
  }

  /** Another leader: what it kept of its term is not good any more. */
  beginTerm(term: number): void {
    this.#transaction.beginTerm(term);
  }

  run<T>(execute: (transaction: Transaction) => T): T {
    const transaction = this.#transaction;
    transaction.begin();
    try {
      return execute(transaction);
    } finally {
      transaction.end();
      const { batch } = transaction;
      if (batch !== null) {
        transaction.batch = null;
        batch.seal();
        this.#index += 1;
        this.overlay.commit(batch, this.#index);
      }
    }
  }

  /** Whether the operation that ran last has written. */
  get wrote(): boolean {
    return this.#transaction.wrote;
  }

  /** Moves everything down to the store. */
  flush(): void {
    const set = this.overlay.beginFlush();
    if (set === null) return;
    this.store.apply(set.ranges, [...set.entries()]);
    this.overlay.endFlush(set);
  }

  /** All keys from `lo` to `hi` and their values. */
  entries(lo = '', hi = '\xff\xff\xff\xff'): Map<string, Buffer> {
    const entries = new Map<string, Buffer>();
    this.run((transaction) =>
      transaction.scan(lo, hi, false, (key, value) => {
        entries.set(key, value);
        return true;
      }),
    );
    return entries;
  }
}
