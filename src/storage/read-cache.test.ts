import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from './memory-store.test-support.ts';
import { RangeSet } from './range-set.ts';
import { type ReadCache, ReadCachePool } from './read-cache.ts';

const value = Buffer.from('value');

describe('a read cache', () => {
  it('keeps what is read again and forgets what is not', () => {
    const cache = new ReadCachePool(10_000).open();
    cache.add('hot', value);
    for (let i = 0; i < 1_000; i++) {
      cache.add(`cold${i}`, value);
      expect(cache.get('hot')).toBe(value);
    }
    expect(cache.get('cold0')).toBeUndefined();
    // 10,000 bytes hold about 50 entries of 200 bytes.
    expect(cache.size).toBeGreaterThan(20);
    expect(cache.size).toBeLessThan(60);
  });

  it('takes a key at its first reading while there is room, and at its second when something was forgotten for it', () => {
    const cache = new ReadCachePool(10_000).open();
    cache.add('first', value);
    expect(cache.get('first')).toBe(value);
    for (let i = 0; i < 200; i++) cache.add(`cold${i}`, value);
    cache.add('late', value);
    expect(cache.get('late')).toBeUndefined();
    cache.add('late', value);
    expect(cache.get('late')).toBe(value);
    // What was seen long ago counts as new.
    cache.add('once', value);
    for (let i = 0; i < 80_000; i++) cache.add(`scan${i}`, value);
    cache.add('once', value);
    expect(cache.get('once')).toBeUndefined();
  });

  it('shares its memory with the others of the pool, and leaves it to them when it is not read or closed', () => {
    const pool = new ReadCachePool(10_000);
    const [read, idle, closed] = [pool.open(), pool.open(), pool.open()];
    for (let i = 0; i < 15; i++) for (const cache of [read, idle, closed]) cache.add(`a${i}`, value);
    expect(read.size + idle.size + closed.size).toBe(45);
    closed.close();
    expect(closed.size).toBe(0);
    // Asked for twice, as what has been forgotten once has to be.
    for (let i = 0; i < 200; i++) {
      read.add(`b${i}`, value);
      read.add(`b${i}`, value);
    }
    expect(idle.size).toBe(0);
    expect(read.size).toBeGreaterThan(20);
    expect(read.size).toBeLessThan(60);
    idle.clear();
    expect(read.get('b199')).toBe(value);
  });

  it('forgets keys and ranges that the store changes, in both generations', () => {
    const cache = new ReadCachePool(1_200).open();
    for (const key of ['a', 'b', 'c', 'd', 'e']) cache.add(key, value);
    cache.delete('a');
    cache.delete('e');
    const ranges = new RangeSet();
    ranges.add('b', 'c');
    ranges.add('d', 'e');
    cache.deleteRanges(ranges);
    expect(['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key) !== undefined)).toEqual(['c']);
  });

  it('caches nothing when it has no memory, and no value that would fill it', () => {
    const none = new ReadCachePool(0).open();
    none.add('a', value);
    expect(none.get('a')).toBeUndefined();
    const some = new ReadCachePool(1_000_000).open();
    some.add('large', Buffer.alloc(20_000));
    some.add('small', value);
    expect(some.get('large')).toBeUndefined();
    expect(some.get('small')).toBe(value);
  });
});

describe('runs of entries', () => {
  const keys = Array.from({ length: 40 }, (_, index) => String.fromCharCode(97 + (index >> 3), 97 + (index & 7)));

  function filled(): MemoryStore {
    const store = new MemoryStore();
    store.apply(
      [],
      keys.map((key) => [key, Buffer.from(`of ${key}`)] as const),
    );
    return store;
  }

  function read(
    cache: ReadCache,
    store: MemoryStore,
    lo: string,
    hi: string,
    reverse: boolean,
    limit: number,
  ): string[] {
    const seen: string[] = [];
    cache.scan(store, lo, hi, reverse, (key, found) => {
      seen.push(`${key}: ${found.toString()}`);
      return seen.length < limit;
    });
    return seen;
  }

  it('are those of the store, however far each reading goes', () => {
    const store = filled();
    const key = fc.constantFrom('', ...keys, 'aa\0', 'zz');
    const reading = fc.tuple(key, key, fc.boolean(), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 30 }), fc.constantFrom(0, 2_000, 1_000_000), (readings, bytes_max) => {
        const cache = new ReadCachePool(bytes_max).open();
        const without = new ReadCachePool(0).open();
        for (const [lo, hi, reverse, limit] of readings) {
          expect(read(cache, store, lo, hi, reverse, limit)).toEqual(read(without, store, lo, hi, reverse, limit));
        }
      }),
    );
  });

  it('are read from the store once, but for what comes after them', () => {
    const store = filled();
    const cache = new ReadCachePool(1_000_000).open();
    const scanned = (lo: string, hi: string, reverse: boolean, limit: number): number => {
      const before = store.scanned;
      read(cache, store, lo, hi, reverse, limit);
      return store.scanned - before;
    };
    for (const reverse of [false, true]) {
      expect(scanned('ba', 'ea', reverse, 5)).toBe(5);
      expect(scanned('ba', 'ea', reverse, 5)).toBe(0);
      expect(scanned('ba', 'ea', reverse, 7)).toBe(2);
      expect(scanned('ba', 'ea', reverse, 50)).toBe(17);
      expect(scanned('ba', 'ea', reverse, 50)).toBe(0);
    }
    expect(scanned('ba', 'bc', false, 50)).toBe(0);
    expect(scanned('dh', 'ea', true, 50)).toBe(0);
    cache.flushed();
    expect(scanned('ba', 'ea', false, 50)).toBe(24);
  });

  it('that are long, or were read once when there is no room for all, are not kept', () => {
    const store = new MemoryStore();
    const many = Array.from({ length: 300 }, (_, index) => [`k${1_000 + index}`, Buffer.from('v')] as const);
    store.apply([], many);
    const cache = new ReadCachePool(1_000_000).open();
    read(cache, store, 'k', 'l', false, 1_000);
    expect(cache.size).toBe(0);
    store.apply([], [['large', Buffer.alloc(70_000)]]);
    read(cache, store, 'large', 'm', false, 1);
    expect(cache.size).toBe(0);
    const small = new ReadCachePool(4_000).open();
    for (const [key] of many) read(small, store, key, 'l', false, 1);
    const before = store.scanned;
    read(small, store, 'k1000', 'l', false, 1);
    read(small, store, 'k1000', 'l', false, 1);
    read(small, store, 'k1000', 'l', false, 1);
    expect(store.scanned - before).toBe(2);
  });

  it('give back their memory when the store has changed', () => {
    const store = filled();
    const pool = new ReadCachePool(8_000);
    const [cache, other] = [pool.open(), pool.open()];
    other.add('kept', value);
    for (let round = 0; round < 50; round++) {
      read(cache, store, 'aa', 'ab', false, 10);
      cache.flushed();
    }
    expect(other.get('kept')).toBe(value);
    expect(cache.size).toBe(0);
    cache.add('late', value);
    expect(cache.get('late')).toBe(value);
  });
});
