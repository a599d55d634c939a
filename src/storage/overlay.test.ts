import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from './memory-store.test-support.ts';
import type { ByteKey } from './ordered-store.ts';
import { type FlushSet, Overlay, type PendingBatch } from './overlay.ts';
import { ReadCachePool } from './read-cache.ts';

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

function text(value: Buffer | undefined): string | undefined {
  return value?.toString();
}

function scanAll(
  overlay: Overlay,
  newest: boolean,
  lo = '',
  hi = '\xff',
  reverse = false,
  limit = Number.POSITIVE_INFINITY,
): string[] {
  const seen: string[] = [];
  overlay.scan(lo, hi, reverse, newest, (key, value) => {
    seen.push(`${key}=${value.toString()}`);
    return seen.length < limit;
  });
  return seen;
}

function flushNow(overlay: Overlay, store: MemoryStore): void {
  const set = overlay.beginFlush();
  if (set === null) return;
  store.apply(set.ranges, set.entries());
  overlay.endFlush(set);
}

describe('an overlay', () => {
  it('shows a write in flight to newest reads only, and says which batch it came from', () => {
    const overlay = new Overlay(new MemoryStore());
    const batch = overlay.openBatch(7);
    batch.put('a', bytes('1'));
    expect(text(overlay.getNewest('a'))).toBe('1');
    expect(overlay.dependsOn).toBe(7);
    expect(overlay.getApplied('a')).toBeUndefined();
    batch.seal();
    overlay.commit(batch, 1);
    overlay.dependsOn = 0;
    expect(text(overlay.getNewest('a'))).toBe('1');
    expect(text(overlay.getApplied('a'))).toBe('1');
    expect(overlay.dependsOn).toBe(0);
  });

  it('depends on a pending tombstone and on a pending range delete as on a value', () => {
    const store = new MemoryStore();
    store.apply(
      [],
      [
        ['a', bytes('1')],
        ['b', bytes('2')],
      ],
    );
    const overlay = new Overlay(store);
    const first = overlay.openBatch(1);
    first.delete('a');
    first.seal();
    const second = overlay.openBatch(2);
    second.deleteRange('b', 'c');
    expect(overlay.getNewest('a')).toBeUndefined();
    expect(overlay.dependsOn).toBe(1);
    expect(overlay.getNewest('b')).toBeUndefined();
    expect(overlay.dependsOn).toBe(2);
    expect(text(overlay.getApplied('b'))).toBe('2');
    overlay.dependsOn = 0;
    expect(scanAll(overlay, true, 'b')).toEqual([]);
    expect(overlay.dependsOn).toBe(2);
  });

  it('commits the value that each batch wrote, not the newest one', () => {
    const overlay = new Overlay(new MemoryStore());
    const first = overlay.openBatch(1);
    first.put('a', bytes('1'));
    first.seal();
    const second = overlay.openBatch(2);
    second.put('a', bytes('2'));
    second.seal();
    overlay.commit(first, 10);
    expect(text(overlay.getApplied('a'))).toBe('1');
    expect(text(overlay.getNewest('a'))).toBe('2');
    overlay.commit(second, 11);
    expect(text(overlay.getApplied('a'))).toBe('2');
    expect(overlay.appliedIndex).toBe(11);
  });

  it('encodes a key that was written often in one batch once', () => {
    const overlay = new Overlay(new MemoryStore());
    const batch = overlay.openBatch(1);
    for (let i = 0; i < 1_000; i += 1) batch.put('counter', bytes(String(i)));
    expect(batch.isEmpty).toBe(false);
    expect(batch.bytes).toBeLessThan(40);
    expect(batch.seal().length).toBeLessThan(20);
  });

  it('keeps a value that was written during a flush', () => {
    const store = new MemoryStore();
    const overlay = new Overlay(store);
    const first = overlay.openBatch(1);
    first.put('a', bytes('1'));
    first.put('b', bytes('1'));
    first.seal();
    overlay.commit(first, 1);
    const set = overlay.beginFlush() as FlushSet;
    expect(set.throughIndex).toBe(1);
    expect(set.entryCount).toBe(2);
    const second = overlay.openBatch(2);
    second.put('a', bytes('2'));
    second.seal();
    overlay.commit(second, 2);
    store.apply(set.ranges, set.entries());
    overlay.endFlush(set);
    expect(text(store.get('a'))).toBe('1');
    expect(text(overlay.getApplied('a'))).toBe('2');
    expect(overlay.cellCount).toBe(1);
    expect(overlay.flushedIndex).toBe(1);
    flushNow(overlay, store);
    expect(text(store.get('a'))).toBe('2');
    expect(overlay.cellCount).toBe(0);
    expect(overlay.bytes).toBe(0);
  });

  it('hides the store below a range that was deleted during a flush', () => {
    const store = new MemoryStore();
    const overlay = new Overlay(store);
    overlay.applyEncoded(
      encode((batch) => batch.put('b', bytes('1'))),
      1,
    );
    const set = overlay.beginFlush() as FlushSet;
    store.apply(set.ranges, set.entries());
    overlay.applyEncoded(
      encode((batch) => batch.deleteRange('a', 'c')),
      2,
    );
    expect(overlay.getApplied('b')).toBeUndefined();
    overlay.endFlush(set);
    expect(overlay.getApplied('b')).toBeUndefined();
    expect(scanAll(overlay, false)).toEqual([]);
    flushNow(overlay, store);
    expect(store.entries.size).toBe(0);
  });

  it('reads nothing of a deleted range from the store', () => {
    const store = new MemoryStore();
    store.apply(
      [],
      Array.from({ length: 500 }, (_, i) => [`k${String(i).padStart(3, '0')}`, bytes('x')] as const),
    );
    const overlay = new Overlay(store);
    const batch = overlay.openBatch(1);
    batch.deleteRange('k010', 'k490');
    expect(scanAll(overlay, true).length).toBe(20);
    expect(store.scanned).toBe(20);
    expect(scanAll(overlay, true, '', '\xff', true).length).toBe(20);
  });

  it('ends a scan when the visitor says so, in the store, in the cells and between gaps', () => {
    const store = new MemoryStore();
    store.apply(
      [],
      ['b', 'd', 'f'].map((key) => [key, bytes('s')] as const),
    );
    const overlay = new Overlay(store);
    overlay.applyEncoded(
      encode((batch) => {
        batch.deleteRange('d', 'e');
        batch.put('a', bytes('c'));
        batch.put('g', bytes('c'));
      }),
      1,
    );
    for (const reverse of [false, true]) {
      const all = scanAll(overlay, false, '', '\xff', reverse);
      expect(all.length).toBe(4);
      for (let limit = 1; limit <= 4; limit += 1) {
        const seen: string[] = [];
        overlay.scan('', '\xff', reverse, false, (key, value) => {
          seen.push(`${key}=${value.toString()}`);
          return seen.length < limit;
        });
        expect(seen).toEqual(all.slice(0, limit));
      }
    }
  });

  it('forgets what was in flight when leadership is lost', () => {
    const store = new MemoryStore();
    store.apply([], [['b', bytes('s')]]);
    const overlay = new Overlay(store);
    const first = overlay.openBatch(1);
    first.put('a', bytes('1'));
    first.deleteRange('b', 'c');
    first.seal();
    const second = overlay.openBatch(2);
    second.put('a', bytes('2'));
    overlay.discardPending();
    expect(overlay.getNewest('a')).toBeUndefined();
    expect(text(overlay.getNewest('b'))).toBe('s');
    expect(overlay.cellCount).toBe(0);
    expect(overlay.bytes).toBe(0);
    expect(() => second.put('a', bytes('3'))).toThrow('sealed batch');
  });

  it('gives no flush when nothing was applied, and one without entries for an empty entry', () => {
    const overlay = new Overlay(new MemoryStore(), 5);
    expect(overlay.beginFlush()).toBeNull();
    overlay.applyNothing(6);
    const set = overlay.beginFlush() as FlushSet;
    expect(set.throughIndex).toBe(6);
    expect([...set.entries()]).toEqual([]);
    expect(() => overlay.beginFlush()).toThrow('one flush at a time');
    overlay.endFlush(set);
    expect(overlay.beginFlush()).toBeNull();
  });

  it('is empty after clear, also when a flush was under way', () => {
    const store = new MemoryStore();
    const overlay = new Overlay(store);
    overlay.applyEncoded(
      encode((batch) => batch.put('a', bytes('1'))),
      1,
    );
    const set = overlay.beginFlush() as FlushSet;
    overlay.clear(100);
    expect(overlay.getApplied('a')).toBeUndefined();
    expect(overlay.appliedIndex).toBe(100);
    overlay.applyEncoded(
      encode((batch) => batch.put('a', bytes('2'))),
      101,
    );
    overlay.endFlush(set);
    expect(text(overlay.getApplied('a'))).toBe('2');
    expect(overlay.flushedIndex).toBe(100);
  });

  it('refuses what would break its order', () => {
    const overlay = new Overlay(new MemoryStore());
    const first = overlay.openBatch(1);
    expect(() => overlay.openBatch(2)).toThrow('one after the other');
    expect(() => overlay.commit(first, 1)).toThrow('after they were sealed');
    first.seal();
    expect(() => first.seal()).toThrow('sealed once');
    expect(() => first.deleteRange('a', 'b')).toThrow('sealed batch');
    expect(() => overlay.openBatch(1)).toThrow('one after the other');
    const second = overlay.openBatch(2);
    expect(() => second.put('', bytes('x'))).toThrow('1 to KEY_BYTES_MAX');
    expect(() => second.put('x'.repeat(1_901), bytes('x'))).toThrow('1 to KEY_BYTES_MAX');
    second.seal();
    expect(() => overlay.commit(second, 1)).toThrow('in order');
    expect(() => overlay.applyEncoded(bytes('x'), 1)).toThrow('writes in flight');
    overlay.commit(first, 3);
    expect(() => overlay.commit(second, 3)).toThrow('in order and once');
  });

  it('keeps its order with many keys, made between scans one by one and in bulk', () => {
    const overlay = new Overlay(new MemoryStore());
    const expected = new Set<string>();
    let index = 0;
    let random = 12_345;
    const key = (): string => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      return `k${random % 5_000}`;
    };
    for (const count of [3_000, 1, 1, 100, 700, 3, 2_000, 1]) {
      index += 1;
      const batch = overlay.openBatch(index);
      for (let i = 0; i < count; i += 1) {
        const next = key();
        if (random % 5 === 0) {
          batch.delete(next);
          expected.delete(next);
        } else {
          batch.put(next, bytes('v'));
          expected.add(next);
        }
      }
      batch.seal();
      overlay.commit(batch, index);
      const wanted = [...expected].sort().map((one) => `${one}=v`);
      expect(scanAll(overlay, false)).toEqual(wanted);
      expect(scanAll(overlay, false, '', '\xff', true)).toEqual(wanted.reverse());
    }
  });
});

function encode(fill: (batch: PendingBatch) => void): Buffer {
  const batch = new Overlay(new MemoryStore()).openBatch(1);
  fill(batch);
  return batch.seal();
}

/** No cache, one that holds two or three entries, one that holds all. */
const CACHE_BYTES = [0, 1_000, 1_000_000];

/** The overlay next to plain sorted maps: one for what is applied, one per batch in flight on top of it. */
class Model {
  readonly store = new MemoryStore();
  readonly overlay: Overlay;
  /** A follower's overlay and store, which see only encoded batches. */
  readonly followerStore = new MemoryStore();
  readonly follower: Overlay;
  applied = new Map<ByteKey, string>();
  newest = new Map<ByteKey, string>();
  inFlight: { batch: PendingBatch; after: Map<ByteKey, string>; data: Buffer | null }[] = [];
  flushing: { set: FlushSet; landed: boolean } | null = null;
  index = 0;
  sequence = 0;
  counter = 0;
  /** Moves on, so that each place is looked at some time. */
  #places = 0;

  constructor(cacheBytes: number) {
    this.overlay = new Overlay(this.store, 0, new ReadCachePool(cacheBytes).open());
    this.follower = new Overlay(this.followerStore, 0, new ReadCachePool(cacheBytes).open());
  }

  open(): PendingBatch {
    const last = this.inFlight[this.inFlight.length - 1];
    if (last !== undefined && last.data === null) return last.batch;
    this.sequence += 1;
    const batch = this.overlay.openBatch(this.sequence);
    this.inFlight.push({ batch, after: this.newest, data: null });
    return batch;
  }

  put(key: ByteKey): void {
    const value = this.value();
    this.open().put(key, bytes(value));
    this.newest = new Map(this.newest).set(key, value);
  }

  value(): string {
    this.counter += 1;
    return `v${this.counter}`;
  }

  seal(): void {
    const last = this.inFlight[this.inFlight.length - 1];
    if (last === undefined || last.data !== null) return;
    last.data = last.batch.seal();
    last.after = new Map(this.newest);
  }

  commit(): void {
    const first = this.inFlight[0];
    if (first === undefined || first.data === null) return;
    this.inFlight.shift();
    this.index += 1;
    this.overlay.commit(first.batch, this.index);
    this.follower.applyEncoded(first.data, this.index);
    this.applied = first.after;
  }

  commitAll(): void {
    this.seal();
    while (this.inFlight.length > 0) this.commit();
  }

  flushAll(): void {
    this.commitAll();
    this.flushEnd();
    this.flushBegin();
    this.flushEnd();
  }

  discard(): void {
    this.overlay.discardPending();
    this.inFlight = [];
    this.newest = new Map(this.applied);
  }

  applyEncoded(fill: (batch: PendingBatch, after: Map<ByteKey, string>) => void): void {
    if (this.inFlight.length > 0) return;
    const after = new Map(this.applied);
    const data = encode((batch) => fill(batch, after));
    this.index += 1;
    this.overlay.applyEncoded(data, this.index);
    this.follower.applyEncoded(data, this.index);
    this.applied = after;
    this.newest = new Map(after);
  }

  flushBegin(): void {
    if (this.flushing !== null) return;
    const set = this.overlay.beginFlush();
    if (set !== null) this.flushing = { set, landed: false };
  }

  /** What the flush writes becomes visible in the store some time before the flush has ended. */
  flushLand(): void {
    if (this.flushing === null || this.flushing.landed) return;
    this.store.apply(this.flushing.set.ranges, this.flushing.set.entries());
    this.flushing.landed = true;
  }

  flushEnd(): void {
    this.flushLand();
    if (this.flushing === null) return;
    this.overlay.endFlush(this.flushing.set);
    this.flushing = null;
    const set = this.follower.beginFlush();
    if (set !== null) {
      this.followerStore.apply(set.ranges, set.entries());
      this.follower.endFlush(set);
    }
  }

  check(keys: readonly ByteKey[]): void {
    // Lists are compared as a whole: an `expect` for each key would be most of the time.
    const all = (read: (key: ByteKey) => string | undefined): (string | undefined)[] => keys.map(read);
    const applied = all((key) => this.applied.get(key));
    expect(all((key) => text(this.overlay.getApplied(key)))).toEqual(applied);
    expect(all((key) => text(this.follower.getApplied(key)))).toEqual(applied);
    const tooEarly: ByteKey[] = [];
    const newest = all((key) => {
      this.overlay.dependsOn = 0;
      const value = text(this.overlay.getNewest(key));
      // A value that only a batch in flight explains must name that batch or a later one.
      const isInFlight = this.newest.get(key) !== this.applied.get(key);
      if (isInFlight && this.overlay.dependsOn < this.needed(key)) tooEarly.push(key);
      return value;
    });
    expect(newest).toEqual(all((key) => this.newest.get(key)));
    expect(tooEarly).toEqual([]);
    this.checkScan('', '\xff', false, this.#places % 4 === 0);
  }

  /** The first batch in flight after which the key has had its newest value for good. */
  needed(key: ByteKey): number {
    let needed = 0;
    let before = this.applied.get(key);
    for (const { batch, after, data } of this.inFlight) {
      const value = (data === null ? this.newest : after).get(key);
      if (value !== before) needed = batch.sequence;
      before = value;
    }
    return needed;
  }

  checkScan(lo: ByteKey, hi: ByteKey, reverse: boolean, parts = true): void {
    const wanted = (map: Map<ByteKey, string>): string[] => {
      const list = [...map].filter(([key]) => lo <= key && key < hi).sort(([a], [b]) => (a < b ? -1 : 1));
      if (reverse) list.reverse();
      return list.map(([key, value]) => `${key}=${value}`);
    };
    // A part first, so that what is known of the store is sometimes only that.
    const first = this.#places % 3;
    if (first > 0 && parts)
      expect(scanAll(this.overlay, false, lo, hi, reverse, first)).toEqual(wanted(this.applied).slice(0, first));
    expect(scanAll(this.overlay, false, lo, hi, reverse)).toEqual(wanted(this.applied));
    expect(scanAll(this.follower, false, lo, hi, reverse)).toEqual(wanted(this.applied));
    const limit = 1 + (this.#places % 4);
    if (parts) expect(scanAll(this.overlay, true, lo, hi, reverse, limit)).toEqual(wanted(this.newest).slice(0, limit));
    this.checkFirstKey(lo, hi);
    this.checkCounts(this.overlay, false, lo, hi, this.applied);
    this.checkCounts(this.overlay, true, lo, hi, this.newest);
    this.overlay.dependsOn = 0;
    expect(scanAll(this.overlay, true, lo, hi, reverse)).toEqual(wanted(this.newest));
    const ofScan = this.overlay.dependsOn;
    this.overlay.dependsOn = 0;
    this.overlay.count(lo, hi, true);
    expect(this.overlay.dependsOn).toBe(ofScan);
    let needed = 0;
    for (const key of new Set([...this.applied.keys(), ...this.newest.keys()])) {
      if (lo <= key && key < hi && this.applied.get(key) !== this.newest.get(key)) {
        needed = Math.max(needed, this.needed(key));
      }
    }
    expect(ofScan).toBeGreaterThanOrEqual(needed);
  }

  checkCounts(overlay: Overlay, newest: boolean, lo: ByteKey, hi: ByteKey, map: Map<ByteKey, string>): void {
    const keys = [...map.keys()].filter((key) => lo <= key && key < hi).sort();
    this.#places += 1;
    const places = [this.#places % (keys.length + 1), keys.length - 1].filter((place) => place >= 0);
    const found = places.map((place) => overlay.keyAt(lo, hi, place, newest));
    expect([overlay.count(lo, hi, newest), ...found]).toEqual([keys.length, ...places.map((place) => keys[place])]);
  }

  /** A key that was deleted counts as there until it has been flushed. */
  checkFirstKey(lo: ByteKey, hi: ByteKey): void {
    const least = [...this.applied.keys()].filter((key) => lo <= key && key < hi).sort()[0];
    const found = this.overlay.firstKey(lo, hi);
    if (found !== undefined) expect(lo <= found && found < hi).toBe(true);
    if (least !== undefined) expect(found === undefined || found > least).toBe(false);
    const isFlushed = this.overlay.flushedIndex === this.index;
    if (isFlushed && this.overlay.cellCount === 0) expect(found).toBe(least);
  }
}

const KEYS = ['a', 'aa', 'b', 'ba', 'c', 'd', 'e', 'f', 'g\0', 'g'];
const keyArbitrary = fc.constantFrom(...KEYS);
const commandArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key: keyArbitrary }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: keyArbitrary }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('range' as const), lo: keyArbitrary, hi: keyArbitrary }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('discard' as const) }) },
  // Whole sequences, so that keys without a cell (only in the store) are common.
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('commitAll' as const, 'flushAll') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      key: keyArbitrary,
      other: keyArbitrary,
      lo: keyArbitrary,
      hi: keyArbitrary,
      what: fc.nat(3),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('flushBegin' as const, 'flushLand', 'flushEnd') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      lo: keyArbitrary,
      hi: keyArbitrary,
      reverse: fc.boolean(),
    }),
  },
);

describe('an overlay beside its model', () => {
  it('agrees after any sequence of commands', () => {
    fc.assert(
      fc.property(
        fc.array(commandArbitrary, { maxLength: 40, size: 'max' }),
        fc.boolean(),
        fc.constantFrom(...CACHE_BYTES),
        (commands, checkAlways, cacheBytes) => {
          const model = new Model(cacheBytes);
          // Some keys are in the store and nowhere else from the start.
          for (const key of KEYS.slice(0, 4)) model.put(key);
          model.flushAll();
          for (const command of commands) {
            switch (command.kind) {
              case 'put':
                model.put(command.key);
                break;
              case 'delete':
                model.open().delete(command.key);
                model.newest = new Map(model.newest);
                model.newest.delete(command.key);
                break;
              case 'range':
                model.open().deleteRange(command.lo, command.hi);
                model.newest = withoutRange(model.newest, command.lo, command.hi);
                break;
              case 'apply':
                model.applyEncoded((batch, after) => {
                  const value = model.value();
                  batch.put(command.key, bytes(value));
                  after.set(command.key, value);
                  if (command.what > 0) {
                    batch.deleteRange(command.lo, command.hi);
                    for (const key of KEYS) if (command.lo <= key && key < command.hi) after.delete(key);
                  }
                  if (command.what > 1) {
                    batch.put(command.other, bytes(`${value}o`));
                    after.set(command.other, `${value}o`);
                  }
                  if (command.what > 2) {
                    batch.delete(command.key);
                    after.delete(command.key);
                  }
                });
                break;
              case 'scan':
                model.checkScan(command.lo, command.hi, command.reverse);
                break;
              default:
                model[command.kind]();
            }
            if (checkAlways) model.check(KEYS);
          }
          model.check(KEYS);
          model.discard();
          model.flushEnd();
          model.flushBegin();
          model.flushEnd();
          model.check(KEYS);
          expect(model.overlay.cellCount).toBe(0);
          expect(model.overlay.bytes).toBe(0);
          const stored = [...model.store.entries].map(([key, value]) => [key, value.toString()]);
          expect(new Map(stored as [string, string][])).toEqual(model.applied);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

function withoutRange(map: Map<ByteKey, string>, lo: ByteKey, hi: ByteKey): Map<ByteKey, string> {
  return new Map([...map].filter(([key]) => key < lo || key >= hi));
}
