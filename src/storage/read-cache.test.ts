import { describe, expect, it } from 'vitest';
import { RangeSet } from './range-set.ts';
import { ReadCachePool } from './read-cache.ts';

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
