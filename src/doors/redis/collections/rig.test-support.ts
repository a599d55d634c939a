/** Collections over an in-memory map, without a door: each step is a transaction of its own. */
import { Keyspace } from '../keyspace.ts';
import { TestClock, TestCluster } from '../single-node-router.test-support.ts';
import type { CollectionHost } from './collection.ts';
import type { CollectionLimits } from './limits.ts';

const REDIS_LIMITS = {
  hashListpackEntries_max: 512,
  hashListpackValueBytes_max: 64,
  setIntsetEntries_max: 512,
  setListpackEntries_max: 128,
  setListpackValueBytes_max: 64,
  sortedSetListpackEntries_max: 128,
  sortedSetListpackValueBytes_max: 64,
  listListpackSize: -2,
} as const;

/** Limits at which collections are large at once, become large soon, and stay small for long. */
export const PACKED_LIMITS = [
  { packedEntries_max: 1, packedBytes_max: 16 },
  { packedEntries_max: 8, packedBytes_max: 4_096 },
  { packedEntries_max: 10_000, packedBytes_max: 1_000_000 },
] as const;

export class CollectionRig implements CollectionHost {
  readonly clock = new TestClock();
  readonly cluster = new TestCluster({ clock: this.clock, nodes: 1, tablets: 1 });
  readonly keyspace = new Keyspace();
  readonly limits: CollectionLimits;
  now_ms = 1_000_000;
  #sequence = 0;

  constructor(packed: Pick<CollectionLimits, 'packedEntries_max' | 'packedBytes_max'>) {
    this.limits = { ...REDIS_LIMITS, ...packed };
  }

  /** Begins a transaction. */
  begin(): this {
    const transaction = this.cluster.transaction();
    this.#sequence += 1;
    this.keyspace.bind({
      now_ms: this.now_ms,
      term: 1,
      sequence: this.#sequence,
      get: (key) => transaction.get(key),
      put: (key, value) => transaction.put(key, value),
      delete: (key) => transaction.delete(key),
      deleteRange: (lo, hi) => transaction.deleteRange(lo, hi),
      scan: (lo, hi, reverse, visit) => transaction.scan(lo, hi, reverse, visit),
      count: (lo, hi) => transaction.count(lo, hi),
      keyAt: (lo, hi, index) => transaction.keyAt(lo, hi, index),
    });
    return this;
  }

  /** Keys of the map that are elements. */
  elementCount(): number {
    return this.cluster.map.keys().filter((key) => key.charCodeAt(3) === 0 && key[6] === 'e').length;
  }
}
