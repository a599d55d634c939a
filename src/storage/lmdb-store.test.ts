import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreOpenError } from './errors.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.test-support.ts';
import type { ByteKey, OrderedStore } from './ordered-store.ts';
import { type FlushSet, Overlay } from './overlay.ts';
import { write } from './write-changes.test-support.ts';

/** Databases that the stores have opened, for tests in which LMDB has to fail. */
const databases: unknown[] = [];

vi.mock(import('lmdb'), async (original) => {
  const lmdb = await original();
  const open = ((...parameters: Parameters<typeof lmdb.open>) => {
    const database = lmdb.open(...parameters);
    databases.push(database);
    return database;
  }) as typeof lmdb.open;
  return { ...lmdb, open };
});

let folder = '';
let opened: LmdbStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folkmoot-store-'));
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(name = 'store'): LmdbStore {
  const store = LmdbStore.open({ path: join(folder, name) });
  opened.push(store);
  return store;
}

/** The number of keys, and some of them by their places. */
function ranksOf(store: OrderedStore, lo: ByteKey, hi: ByteKey): unknown[] {
  const count = store.count(lo, hi);
  const places = [0, 1, count >>> 1, count - 1, count, count + 1].filter((place) => place >= 0);
  return [count, ...places.map((place) => store.keyAt(lo, hi, place))];
}

function listOf(store: OrderedStore, lo = '', hi = '\xff\xff', reverse = false): string[] {
  const seen: string[] = [];
  store.scan(lo, hi, reverse, (key, value) => {
    seen.push(`${Buffer.from(key, 'latin1').toString('hex')}=${value.toString()}`);
    return true;
  });
  return seen;
}

const key = (i: number): ByteKey => `k${String(i).padStart(6, '0')}`;

describe('the LMDB store', () => {
  it('gives back what was written, each value owned by its caller', async () => {
    const store = open();
    await write(
      store,
      [],
      [
        ['a', Buffer.from('1')],
        ['b', Buffer.from('22')],
        ['c', Buffer.alloc(0)],
      ],
      [['t', Buffer.from('9')]],
    );
    const a = store.get('a');
    const b = store.get('b');
    expect(a?.toString()).toBe('1');
    expect(b?.toString()).toBe('22');
    expect(store.get('c')?.length).toBe(0);
    expect(store.get('t')?.toString()).toBe('9');
    expect(store.get('x')).toBeUndefined();
    a?.fill(0);
    expect(store.get('a')?.toString()).toBe('1');
    await write(store, [], [['a', null]], []);
    expect(store.get('a')).toBeUndefined();
    expect(store.sizeBytes()).toBeGreaterThan(0);
    await write(store, [], [], []);
  });

  it('keeps every byte of keys and values of any size', async () => {
    const store = open();
    const keys = [
      ...Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)),
      '\0\0',
      '\xff\xff',
      'x'.repeat(1_900),
    ];
    await write(
      store,
      [],
      keys.map((one) => [one, Buffer.from(one, 'latin1')] as const),
      [],
    );
    for (const one of keys) expect(store.get(one)?.equals(Buffer.from(one, 'latin1'))).toBe(true);
    const seen: ByteKey[] = [];
    store.scan('', '\xff\xff\xff', false, (one) => {
      seen.push(one);
      return true;
    });
    expect(seen).toEqual([...keys].sort());
    for (const size of [1, 4_095, 40_000, 3_000_000]) {
      const value = Buffer.alloc(size, `${size}.`);
      await write(store, [], [['big', value]], []);
      expect(store.get('big')?.equals(value)).toBe(true);
      let scanned: Buffer | undefined;
      store.scan('big', 'big\0', false, (_, found) => {
        scanned = found;
        return true;
      });
      expect(scanned?.equals(value)).toBe(true);
    }
  });

  it('scans like a sorted map in both directions, over the borders of its chunks', async () => {
    const store = open();
    const memory = new MemoryStore();
    const entries = Array.from({ length: 700 }, (_, i) => [key(i * 2), Buffer.from(String(i))] as const);
    await write(store, [], entries, []);
    memory.apply([], entries);
    for (const reverse of [false, true]) {
      for (const [from, to] of [
        [0, 1_400],
        [1, 65],
        [0, 64],
        [2, 66],
        [100, 612],
        [500, 500],
        [9, 3],
        [1_399, 2_000],
      ] as const) {
        expect(listOf(store, key(from), key(to), reverse)).toEqual(listOf(memory, key(from), key(to), reverse));
        expect(ranksOf(store, key(from), key(to))).toEqual(ranksOf(memory, key(from), key(to)));
      }
      for (const limit of [1, 31, 32, 33, 288, 289]) {
        let count = 0;
        store.scan('', '\xff', reverse, () => {
          count += 1;
          return count < limit;
        });
        expect(count).toBe(limit);
      }
    }
  });

  it('lets a visitor read the store', async () => {
    const store = open();
    await write(
      store,
      [],
      Array.from({ length: 100 }, (_, i) => [key(i), Buffer.from(String(i))] as const),
      [],
    );
    let sum = 0;
    store.scan(key(0), key(100), false, (one, value) => {
      expect(store.get(one)?.equals(value)).toBe(true);
      store.scan(one, '\xff', false, () => {
        sum += 1;
        return false;
      });
      return true;
    });
    expect(sum).toBe(100);
  });

  it('removes ranges before it writes, however large they are', async () => {
    const store = open();
    await write(
      store,
      [],
      Array.from({ length: 3_500 }, (_, i) => [key(i), Buffer.from('v')] as const),
      [],
    );
    await write(
      store,
      [
        { lo: key(10), hi: key(2_510) },
        { lo: key(3_000), hi: key(3_001) },
        { lo: 'zz', hi: 'zzz' },
        { lo: 'b', hi: 'a' },
      ],
      [[key(20), Buffer.from('new')]],
      [['trailer', Buffer.from('t')]],
    );
    expect(listOf(store, key(0), key(9_999)).length).toBe(10 + 1 + 990 - 1);
    expect(store.get(key(20))?.toString()).toBe('new');
    await write(store, [{ lo: '', hi: '\xff\xff' }], [], []);
    expect(listOf(store)).toEqual([]);
  });

  it('agrees with a sorted map after any writes', async () => {
    const store = open();
    const keyArbitrary = fc.constantFrom('a', 'ab', 'b', '\0', '\xff', 'c', 'cc', 'd');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lo: keyArbitrary, hi: keyArbitrary }), { maxLength: 2 }),
        fc.array(fc.tuple(keyArbitrary, fc.option(fc.string(), { nil: null })), { maxLength: 6 }),
        fc.record({ lo: keyArbitrary, hi: keyArbitrary, reverse: fc.boolean() }),
        async (ranges, list, scan) => {
          const memory = new MemoryStore();
          store.scan('', '\xff\xff', false, (one, value) => {
            memory.entries.set(one, value);
            return true;
          });
          const unique = new Map(
            list.map(([one, value]) => [one, value === null ? null : Buffer.from(value)] as const),
          );
          memory.apply(ranges, unique);
          await write(store, ranges, unique, []);
          expect(listOf(store)).toEqual(listOf(memory));
          expect(listOf(store, scan.lo, scan.hi, scan.reverse)).toEqual(listOf(memory, scan.lo, scan.hi, scan.reverse));
          expect(ranksOf(store, scan.lo, scan.hi)).toEqual(ranksOf(memory, scan.lo, scan.hi));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('writes many entries and is the same after it was opened again', async () => {
    const entries = Array.from({ length: 5_000 }, (_, i) => [key((i * 7_919) % 5_000), Buffer.from(`v${i}`)] as const);
    const first = open();
    await write(first, [], entries, [['trailer', Buffer.from('1')]]);
    await first.close();
    await first.close();
    for (let life = 0; life < 3; life += 1) {
      const store = open();
      expect(listOf(store, 'k', 'l').length).toBe(5_000);
      expect(store.get('trailer')?.toString()).toBe(String(life + 1));
      await write(store, [], [], [['trailer', Buffer.from(String(life + 2))]]);
      await store.close();
    }
  });

  it('takes one write at a time, and none after close', async () => {
    const store = open();
    const first = write(store, [], [['a', Buffer.from('1')]], []);
    await expect(write(store, [], [['a', Buffer.from('2')]], [])).rejects.toThrow('one write at a time');
    await first;
    expect(store.get('a')?.toString()).toBe('1');
    await store.close();
    await expect(write(store, [], [], [])).rejects.toThrow('on an open store');
    expect(() => store.get('a')).toThrow('closed store');
    expect(() => store.scan('a', 'b', false, () => true)).toThrow('closed store');
  });

  it('reports a write that LMDB refuses, and an impossible key as the bug it is', async () => {
    const store = open();
    await expect(write(store, [], [['', Buffer.from('1')]], [])).rejects.toThrow('1 to KEY_BYTES_MAX');
    const batch = vi.spyOn(databases.at(-1) as { batch: () => unknown }, 'batch');
    const commitError = Promise.reject(new Error('No space left on device'));
    batch.mockImplementation(() => Promise.reject(Object.assign(new Error('Commit failed'), { commitError })));
    await expect(write(store, [], [['a', Buffer.from('1')]], [])).rejects.toThrow(
      expect.objectContaining({ name: 'StoreWriteError', message: expect.stringContaining('No space left on device') }),
    );
    batch.mockImplementation(() => Promise.reject(new Error('something else')));
    await expect(write(store, [], [['a', Buffer.from('1')]], [])).rejects.toThrow('something else');
    batch.mockRestore();
    await write(store, [], [['a', Buffer.from('1')]], []);
    expect(store.get('a')?.toString()).toBe('1');
  });

  it('names the place and the cure when a value is not what was written', async () => {
    const store = open();
    const marker = 'a value that is easy to find in the file';
    await write(store, [], [['abc', Buffer.from(marker)]], []);
    await store.close();
    const path = join(folder, 'store', 'data.mdb');
    const image = readFileSync(path);
    for (let at = image.indexOf(marker); at >= 0; at = image.indexOf(marker, at + 1)) image[at] = 0x41;
    writeFileSync(path, image);
    const damaged = open();
    expect(() => damaged.get('abc')).toThrow(
      /wrong checksum.*between the keys 616263 and 61626300.*rebuilt from its peers/,
    );
    expect(() => listOf(damaged)).toThrow(
      expect.objectContaining({ name: 'StoreDamagedError', code: 'STORAGE_DAMAGED', lo: '616263' }),
    );
  });

  it('says which file cannot be opened and what to do', () => {
    writeFileSync(join(folder, 'file'), 'x');
    expect(() => LmdbStore.open({ path: join(folder, 'file', 'store') })).toThrow(
      expect.objectContaining({ name: 'StoreOpenError', message: expect.stringContaining('may be read and written') }),
    );
  });

  it('refuses a file that is no store, or not all of one', async () => {
    const store = open();
    await write(store, [], [['a', Buffer.alloc(100_000)]], []);
    await store.close();
    const image = readFileSync(join(folder, 'store', 'data.mdb'));
    const flip = (at: number): Buffer => {
      const copy = Buffer.from(image);
      copy[at] = (copy[at] as number) ^ 0x08;
      return copy;
    };
    const bad: [string, Buffer][] = [
      ['no LMDB file', Buffer.alloc(8_192, 0x5a)],
      ['no LMDB file', Buffer.from('short')],
      ['meta page is damaged', flip(18)],
      ['meta page is damaged', flip(24)],
      ['meta page is damaged', flip(4_096 + 25)],
      ['too short', image.subarray(0, 4_096)],
      ['damaged', image.subarray(0, 5_000)],
    ];
    for (const [number, [text, contents]] of bad.entries()) {
      const path = join(folder, `bad${number}`);
      mkdirSync(path);
      writeFileSync(join(path, 'data.mdb'), contents);
      let error: unknown = null;
      try {
        opened.push(LmdbStore.open({ path }));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(StoreOpenError);
      expect((error as StoreOpenError).message).toContain(join(path, 'data.mdb'));
      if (number < 5) expect((error as StoreOpenError).message).toContain(text);
    }
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'empty', 'data.mdb'), '');
    expect(open('empty').get('a')).toBeUndefined();
  });

  it('carries an overlay over restarts when flushes end at any index', async () => {
    let store = open();
    let overlay = new Overlay(store);
    for (let round = 1; round <= 4; round += 1) {
      for (let i = 0; i < 50; i += 1) {
        const batch = overlay.openBatch((round - 1) * 50 + i + 1);
        batch.put(key(i % 10), Buffer.from(`${round}.${i}`));
        if (i % 10 === 9) batch.deleteRange(key(3), key(5));
        batch.seal();
        overlay.commit(batch, overlay.appliedIndex + 1);
      }
      const set = overlay.beginFlush() as FlushSet;
      await store.write(set.ranges, set.entries(), [['meta', Buffer.from(String(set.throughIndex))]]);
      overlay.endFlush(set);
      await store.close();
      store = open();
      overlay = new Overlay(store, Number(store.get('meta')?.toString()));
      expect(overlay.appliedIndex).toBe(round * 50);
      expect(overlay.getApplied(key(9))?.toString()).toBe(`${round}.49`);
      expect(overlay.getApplied(key(3))).toBeUndefined();
    }
  });
});
