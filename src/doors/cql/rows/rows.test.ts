import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SchemaRig } from '../schema/schema.test-support.ts';
import { Native } from '../types/data-type.ts';
import type { CollectionChange, Conditions, Predicate, RowCondition } from './commands.ts';
import { expireRow } from './expire-row.ts';
import { Projection } from './projection.ts';
import { cellsOf, fieldKey, fromWire, TestTable, toWire, type Value } from './rows.test-support.ts';
import { rowSlice, slicesWithin, unionOfSlices } from './slices.ts';
import { expiryBound, momentOfExpiryKey, rowOfExpiryKey } from './tablet-keys.ts';
import { TestTablet } from './test-tablet.test-support.ts';

let rig: SchemaRig;
let tablet: TestTablet;

beforeAll(async () => {
  rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE ks.pair (x int, y text)');
  await rig.run('CREATE TABLE plain (k int PRIMARY KEY, a int, b text)');
  await rig.run('CREATE TABLE wide (k int, c int, s int static, v int, PRIMARY KEY (k, c))');
  await rig.run(
    'CREATE TABLE rich (k int, c int, v int, m map<int, text>, l list<int>, s set<int>, u pair, PRIMARY KEY (k, c))',
  );
  await rig.run(
    'CREATE TABLE mixed (k int, a int, b int, PRIMARY KEY (k, a, b)) WITH CLUSTERING ORDER BY (a ASC, b DESC)',
  );
  await rig.run('CREATE TABLE counts (k int, c int, n counter, PRIMARY KEY (k, c))');
  await rig.run('CREATE TABLE found (k int, c int, v int, s int static, m map<int, text>, PRIMARY KEY (k, c))');
  await rig.run('CREATE INDEX found_v ON found (v)');
  await rig.run('CREATE INDEX found_s ON found (s)');
  await rig.run('CREATE INDEX found_m ON found (KEYS(m))');
});

beforeEach(() => {
  tablet = new TestTablet();
});

const table = (name: string): TestTable => new TestTable(tablet, rig.table(name));
const now_us = (): number => tablet.clock.now_ms * 1_000;

/** What the background does when moments have come. */
function expireDue(rows: TestTable): number {
  let count = 0;
  for (;;) {
    const due = [...tablet.entries(expiryBound(0, 0), expiryBound(0, tablet.clock.now_ms + 1)).keys()];
    if (due.length === 0) return count;
    for (const key of due) {
      tablet.run((transaction) => expireRow(transaction, rows.table, rowOfExpiryKey(key), 0, momentOfExpiryKey(key)));
      count += 1;
    }
  }
}

describe('a row', () => {
  it('made by INSERT stays without cells, one made by UPDATE goes with its last cell', () => {
    const rows = table('plain');
    rows.insert('', { a: 1 });
    rows.update('', { a: null });
    expect(rows.select()).toEqual([[1, null, null]]);
    const others = rows.at(2);
    others.update('', { a: 1 });
    expect(others.select()).toEqual([[2, 1, null]]);
    others.update('', { a: null });
    expect(others.select()).toEqual([]);
    expect(tablet.entries().size).toBe(1);
  });

  it('keeps the columns that a write leaves unset, and those that it does not name', () => {
    const rows = table('plain');
    rows.insert('', { a: 1, b: 'x' });
    rows.insert('', { a: undefined, b: 'y' });
    expect(rows.select()).toEqual([[1, 1, 'y']]);
    rows.update('', { a: 2 });
    expect(rows.select()).toEqual([[1, 2, 'y']]);
  });

  it('tells empty texts from nulls', () => {
    const rows = table('plain');
    rows.insert('', { b: '' });
    expect(rows.select()).toEqual([[1, null, '']]);
  });

  it('is gone after its deletion, and nothing is left of it in the store', () => {
    const rows = table('rich');
    rows.insert(rows.clustering(1), { v: 1, l: [1, 2], u: { x: 1, y: 'y' } }, { ttl_s: 100 });
    rows.write([{ kind: 'deleteRow', clustering: rows.clustering(1), stamp: null }]);
    expect(rows.select()).toEqual([]);
    expect(tablet.entries().size).toBe(0);
  });

  it('with a key that is too long for the store is refused', () => {
    const long = new TestTable(tablet, rig.table('plain'));
    expect(() => long.at(1).insert('x'.repeat(2_000), { a: 1 })).toThrow(
      /Key length of \d+ is longer than maximum of \d+/,
    );
    expect(tablet.entries().size).toBe(0);
  });
});

describe('write times', () => {
  it('are those of the leader, and later ones always win, though its clock steps back', () => {
    const rows = table('plain');
    rows.insert('', { a: 1, b: 'x' });
    tablet.beginTerm(2);
    tablet.clock.now_ms -= 10_000;
    // The transaction's own time does not go back within a tablet: another leader's does.
    const later = new TestTablet(0, tablet.clock);
    for (const [key, value] of tablet.entries()) later.run((transaction) => transaction.put(key, value));
    const there = new TestTable(later, rows.table);
    there.update('', { a: 2 });
    expect(there.select()).toEqual([[1, 2, 'x']]);
    expect(there.select({ columns: ['a'], what: 'writetime' })).toEqual([[(tablet.clock.now_ms + 10_000) * 1_000 + 1]]);
  });

  it('of clients are compared: the greater wins, and of equal ones the greater value', () => {
    const rows = table('plain');
    rows.insert('', { a: 1 }, { stamp: 100 });
    rows.insert('', { a: 2 }, { stamp: 99 });
    expect(rows.select({ columns: ['a'] })).toEqual([[1]]);
    rows.insert('', { a: 0 }, { stamp: 100 });
    expect(rows.select({ columns: ['a'] })).toEqual([[1]]);
    rows.insert('', { a: 7 }, { stamp: 100 });
    expect(rows.select({ columns: ['a'] })).toEqual([[7]]);
    rows.update('', { a: null }, [], { stamp: 99 });
    expect(rows.select({ columns: ['a'] })).toEqual([[7]]);
    rows.update('', { a: null }, [], { stamp: 100 });
    expect(rows.select({ columns: ['a'] })).toEqual([[null]]);
  });

  it('of clients that are ahead of time win over later writes without one, and over deletions', () => {
    const rows = table('wide');
    const ahead = now_us() + 1_000_000;
    rows.insert(rows.clustering(1), { v: 1 }, { stamp: ahead });
    rows.insert(rows.clustering(2), { v: 2 });
    rows.insert(rows.clustering(1), { v: 3 });
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(rows.select({ columns: ['c', 'v'] })).toEqual([[1, 1]]);
    expect(rows.select({ columns: ['v'], what: 'writetime' })).toEqual([[ahead]]);
    rows.write([{ kind: 'deletePartition', stamp: ahead }]);
    expect(rows.select()).toEqual([]);
  });

  it('that are ahead of time protect their cells among so many rows that a deletion does not look at them', () => {
    const rows = table('wide');
    for (let c = 0; c < 100; c += 1) rows.insert(rows.clustering(c), { v: c });
    rows.insert(rows.clustering(50), { v: 7 }, { stamp: now_us() + 1_000_000 });
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(rows.select({ columns: ['c', 'v'] })).toEqual([[50, 7]]);
    tablet.clock.now_ms += 2_000;
    for (let c = 0; c < 100; c += 1) rows.insert(rows.clustering(c), { v: c });
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(rows.select()).toEqual([]);
  });

  it('beyond 2^53 are exact', () => {
    const rows = table('plain');
    const stamp = 9_223_372_036_854_775_806n;
    rows.insert('', { a: 1 }, { stamp });
    rows.insert('', { a: 5 }, { stamp: stamp - 1n });
    const page = rows.page({ projection: new Projection([{ column: rows.column('a'), what: 'writetime' }]) });
    expect(cellsOf(page, 1)[0]?.[0]?.readBigInt64BE(0)).toBe(stamp);
    expect(rows.select({ columns: ['a'] })).toEqual([[1]]);
  });

  it('are one for everything that one write puts', () => {
    const rows = table('plain');
    rows.update('', { b: 'x' });
    rows.insert('', { a: 1, b: 'y' });
    const [times] = rows.select({ columns: ['a', 'b'], what: 'writetime' });
    expect(times?.[0]).toBe(times?.[1]);
  });
});

describe('what expires', () => {
  it('is not seen from its moment on, before anything has removed it', () => {
    const rows = table('plain');
    rows.insert('', { a: 1 }, { ttl_s: 10 });
    rows.update('', { b: 'x' });
    expect(rows.select({ columns: ['a', 'b'], what: 'ttl' })).toEqual([[10, null]]);
    tablet.clock.now_ms += 9_001;
    expect(rows.select({ columns: ['a'], what: 'ttl' })).toEqual([[1]]);
    tablet.clock.now_ms += 998;
    expect(rows.select({ columns: ['a', 'b'] })).toEqual([[1, 'x']]);
    tablet.clock.now_ms += 1;
    expect(rows.select({ columns: ['a', 'b'] })).toEqual([[null, 'x']]);
  });

  it('is removed by the background with its row, its elements and its entry', () => {
    const rows = table('rich');
    rows.insert(rows.clustering(1), { v: 1, s: [1, 2] }, { ttl_s: 10 });
    rows.update(
      rows.clustering(1),
      {},
      [{ kind: 'append', column: rows.column('l'), values: [toWire(Native.int, 5)] }],
      {
        ttl_s: 20,
      },
    );
    tablet.clock.now_ms += 10_000;
    expect(expireDue(rows)).toBe(1);
    expect(rows.select({ columns: ['v', 's', 'l'] })).toEqual([[null, null, [5]]]);
    tablet.clock.now_ms += 10_000;
    expect(rows.select()).toEqual([]);
    expect(expireDue(rows)).toBe(1);
    expect(tablet.entries().size).toBe(0);
  });

  it('takes its entry along when it is deleted before its time', () => {
    const rows = table('plain');
    rows.update('', { a: 1 }, [], { ttl_s: 10 });
    rows.update('', { a: null });
    expect(tablet.entries().size).toBe(0);
  });

  it('has one entry for a row however often it is written', () => {
    const rows = table('plain');
    for (let i = 0; i < 10; i += 1) {
      tablet.clock.now_ms += 1;
      rows.insert('', { a: i }, { ttl_s: 100 - i });
    }
    expect(tablet.entries(expiryBound(0, 0), expiryBound(0, 2 ** 47)).size).toBe(1);
    tablet.clock.now_ms += 100_000;
    expireDue(rows);
    expect(tablet.entries().size).toBe(0);
  });
});

describe('slices', () => {
  const filled = (): TestTable => {
    const rows = table('wide');
    for (let c = 0; c < 10; c += 1) rows.insert(rows.clustering(c), { v: c });
    return rows;
  };

  it('are read forward and reversed, and in pages of any size', () => {
    const rows = filled();
    const lower = { values: [toWire(Native.int, 2)], isInclusive: false };
    const upper = { values: [toWire(Native.int, 7)], isInclusive: true };
    const slices = slicesWithin(rows.table, [], lower, upper);
    for (const pageSize of [1, 2, 3, 5, 100]) {
      expect(rows.select({ columns: ['c'], slices, pageSize }).flat()).toEqual([3, 4, 5, 6, 7]);
      expect(rows.select({ columns: ['c'], slices, pageSize, reversed: true }).flat()).toEqual([7, 6, 5, 4, 3]);
      expect(rows.select({ columns: ['c'], pageSize, reversed: true, limit: 3 }).flat()).toEqual([9, 8, 7]);
    }
  });

  it('may be single rows and ranges together', () => {
    const rows = filled();
    const at = (c: number) => rowSlice(rows.table, [toWire(Native.int, c)]);
    const slices = unionOfSlices([
      at(8),
      at(1),
      at(1),
      ...slicesWithin(rows.table, [], null, { values: [toWire(Native.int, 1)], isInclusive: false }),
    ]);
    expect(rows.select({ columns: ['c'], slices }).flat()).toEqual([0, 1, 8]);
    expect(rows.select({ columns: ['c'], slices, reversed: true, pageSize: 1 }).flat()).toEqual([8, 1, 0]);
  });

  it('compare tuples by value where one column descends', () => {
    const rows = table('mixed');
    const all: [number, number][] = [];
    for (const a of [0, 1, 2]) for (const b of [2, 1, 0]) all.push([a, b]);
    for (const [a, b] of all) rows.insert(rows.clustering(a, b), {});
    expect(rows.select({ columns: ['a', 'b'] })).toEqual(all);
    const bound = (isInclusive: boolean, ...values: number[]) => ({
      values: values.map((value) => toWire(Native.int, value)),
      isInclusive,
    });
    const above = slicesWithin(rows.table, [], bound(false, 1, 1), null);
    expect(rows.select({ columns: ['a', 'b'], slices: above })).toEqual([
      [1, 2],
      [2, 2],
      [2, 1],
      [2, 0],
    ]);
    const between = slicesWithin(rows.table, [], bound(true, 0, 1), bound(true, 1, 0));
    expect(rows.select({ columns: ['a', 'b'], slices: between })).toEqual([
      [0, 2],
      [0, 1],
      [1, 0],
    ]);
    const within = slicesWithin(rows.table, [toWire(Native.int, 1)], bound(true, 1), null);
    expect(rows.select({ columns: ['a', 'b'], slices: within })).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  it('are deleted without what is beside them', () => {
    const rows = filled();
    rows.insert(null, { s: 1 });
    for (const slice of slicesWithin(rows.table, [], { values: [toWire(Native.int, 3)], isInclusive: true }, null)) {
      rows.write([{ kind: 'deleteSlice', slice, stamp: null }]);
    }
    expect(rows.select({ columns: ['c', 's'] })).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
  });
});

describe('a large partition', () => {
  it('is not walked through for a page, and is deleted by one range', () => {
    const rows = table('wide');
    for (let c = 0; c < 2_000; c += 1) rows.insert(rows.clustering(c), { v: c });
    const page = rows.page({ limit: 3 });
    expect([page.rowCount, page.more]).toEqual([3, true]);
    expect(rows.select({ columns: ['c'], pageSize: 700 }).length).toBe(2_000);
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(tablet.entries().size).toBe(0);
  });

  it('gives pages of about a megabyte', () => {
    const rows = table('wide');
    const texts = table('plain');
    const big = 'x'.repeat(300_000);
    for (let k = 0; k < 6; k += 1) texts.at(k).insert('', { b: big });
    const source = { kind: 'tokens', first: -(2n ** 63n), last: 2n ** 63n - 1n } as const;
    const page = texts.page({ source });
    expect([page.rowCount, page.more]).toEqual([4, true]);
    expect(texts.select({ source, columns: ['k'] }).length).toBe(6);
    expect(rows.select()).toEqual([]);
  });
});

describe('static columns', () => {
  it('are shown with every row, and alone where there is none', () => {
    const rows = table('wide');
    rows.insert(null, { s: 5 });
    expect(rows.select({ staticOnly: true })).toEqual([[1, null, 5, null]]);
    expect(rows.select({ staticOnly: false })).toEqual([]);
    rows.insert(rows.clustering(1), { v: 1 });
    rows.insert(rows.clustering(2), { v: 2 });
    expect(rows.select({ staticOnly: true })).toEqual([
      [1, 1, 5, 1],
      [1, 2, 5, 2],
    ]);
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(rows.select({ staticOnly: true })).toEqual([]);
  });

  it('are shown once for each partition by SELECT DISTINCT, in pages too', () => {
    const rows = table('wide');
    for (let k = 0; k < 5; k += 1) {
      rows.at(k).insert(null, { s: k });
      for (let c = 0; c < k; c += 1) rows.at(k).insert(rows.clustering(c), {});
    }
    const source = { kind: 'tokens', first: -(2n ** 63n), last: 2n ** 63n - 1n } as const;
    for (const pageSize of [1, 2, 100]) {
      const found = rows.select({ source, columns: ['k', 's'], staticOnly: true, perPartitionLimit: 1, pageSize });
      expect(found.map(([k]) => k as number).sort()).toEqual([0, 1, 2, 3, 4]);
      for (const [k, s] of found) expect(s).toBe(k);
    }
  });
});

describe('collections', () => {
  const int = (value: number): Buffer => toWire(Native.int, value);
  const rich = (): { rows: TestTable; change: (...changes: CollectionChange[]) => void } => {
    const rows = table('rich');
    return { rows, change: (...changes) => rows.update(rows.clustering(1), {}, changes) };
  };
  const shown = (rows: TestTable, column: string): unknown => rows.select({ columns: [column] })[0]?.[0];

  it('grow at both ends of a list, and lists are changed by index and by value', () => {
    const { rows, change } = rich();
    const column = rows.column('l');
    change({ kind: 'append', column, values: [int(1), int(2)] });
    change({ kind: 'append', column, values: [int(3)] });
    change({ kind: 'prepend', column, values: [int(-1), int(0)] });
    expect(shown(rows, 'l')).toEqual([-1, 0, 1, 2, 3]);
    change({ kind: 'setIndex', column, index: 1, value: int(9) });
    change({ kind: 'setIndex', column, index: 0, value: null });
    expect(shown(rows, 'l')).toEqual([9, 1, 2, 3]);
    change({ kind: 'removeValues', column, values: [int(9), int(2)] });
    expect(shown(rows, 'l')).toEqual([1, 3]);
    rows.update(rows.clustering(1), { l: [7, 8] });
    expect(shown(rows, 'l')).toEqual([7, 8]);
    rows.update(rows.clustering(1), { l: null });
    expect(tablet.entries().size).toBe(0);
  });

  it('refuse an index that a list does not have, and nothing of the write is done', () => {
    const { rows, change } = rich();
    const column = rows.column('l');
    expect(() => change({ kind: 'setIndex', column, index: 0, value: int(1) })).toThrow(
      'Attempted to set an element on a list which is null',
    );
    change({ kind: 'append', column, values: [int(1)] });
    const before = tablet.entries();
    expect(() =>
      rows.write([
        rows.upsert(rows.clustering(1), { v: 1 }),
        rows.upsert(rows.clustering(1), {}, [{ kind: 'setIndex', column, index: 1, value: int(1) }]),
      ]),
    ).toThrow('List index 1 out of bound, list has size 1');
    expect(tablet.entries()).toEqual(before);
  });

  it('are sorted by key in maps and sets, and changed key by key', () => {
    const { rows, change } = rich();
    rows.update(rows.clustering(1), {
      m: new Map<Value, Value>([
        [2, 'b'],
        [-1, 'a'],
      ]),
      s: [3, 1, 2, 1],
    });
    expect(shown(rows, 'm')).toEqual([
      [-1, 'a'],
      [2, 'b'],
    ]);
    expect(shown(rows, 's')).toEqual([1, 2, 3]);
    change(
      { kind: 'put', column: rows.column('m'), replace: false, keys: [int(0)], values: [Buffer.from('c')] },
      { kind: 'remove', column: rows.column('m'), keys: [int(2)] },
      { kind: 'remove', column: rows.column('s'), keys: [int(1), int(77)] },
    );
    expect(shown(rows, 'm')).toEqual([
      [-1, 'a'],
      [0, 'c'],
    ]);
    expect(shown(rows, 's')).toEqual([2, 3]);
    change({ kind: 'put', column: rows.column('m'), replace: false, keys: [int(0)], values: [null] });
    expect(shown(rows, 'm')).toEqual([[-1, 'a']]);
  });

  it('keep elements that are longer than a key may be', async () => {
    await rig.run('CREATE TABLE longer (k int PRIMARY KEY, s set<text>, m map<text, int>)');
    const rows = table('longer');
    const long = ['x'.repeat(3_000), `${'x'.repeat(2_999)}y`];
    rows.update('', { s: long, m: new Map<Value, Value>(long.map((key, i) => [key, i])) });
    expect((shown(rows, 's') as string[]).sort()).toEqual(long);
    rows.update('', {}, [{ kind: 'remove', column: rows.column('s'), keys: [Buffer.from(long[0] as string)] }]);
    expect(shown(rows, 's')).toEqual([long[1]]);
  });

  it('of a user type change field by field', () => {
    const { rows, change } = rich();
    const column = rows.column('u');
    rows.update(rows.clustering(1), { u: { x: 1, y: 'a' } });
    change({ kind: 'put', column, replace: false, keys: [fieldKey(1)], values: [Buffer.from('b')] });
    expect(shown(rows, 'u')).toEqual([1, 'b']);
    change({ kind: 'put', column, replace: false, keys: [fieldKey(0)], values: [null] });
    expect(shown(rows, 'u')).toEqual([null, 'b']);
    change({ kind: 'put', column, replace: false, keys: [fieldKey(1)], values: [null] });
    expect(rows.select()).toEqual([]);
  });

  it('are read backwards with their rows', () => {
    const rows = table('rich');
    for (let c = 0; c < 4; c += 1) rows.update(rows.clustering(c), { l: [c, c + 10], s: [c] });
    const expected = [3, 2, 1, 0].map((c) => [c, [c, c + 10], [c]]);
    expect(rows.select({ columns: ['c', 'l', 's'], reversed: true })).toEqual(expected);
    expect(rows.select({ columns: ['c', 'l', 's'], reversed: true, pageSize: 1 })).toEqual(expected);
  });

  it('have write times and times to live for each element', () => {
    const { rows } = rich();
    rows.update(rows.clustering(1), { s: [1, 2] }, [], { stamp: 5 });
    rows.update(
      rows.clustering(1),
      {},
      [{ kind: 'put', column: rows.column('s'), replace: false, keys: [int(3)], values: [] }],
      {
        stamp: 6,
        ttl_s: 9,
      },
    );
    expect(rows.select({ columns: ['s'], what: 'writetime' })).toEqual([[[5, 5, 6]]]);
    expect(rows.select({ columns: ['s'], what: 'ttl' })).toEqual([[[null, null, 9]]]);
  });
});

describe('counters', () => {
  it('add up, wrap around, and begin again after a deletion', () => {
    const rows = table('counts');
    const at = rows.clustering(1);
    rows.update(at, { n: 5n });
    rows.update(at, { n: -2n });
    expect(rows.select({ columns: ['n'] })).toEqual([[3]]);
    rows.update(at, { n: 2n ** 63n - 1n });
    expect(rows.select({ columns: ['n'] })).toEqual([[Number(-(2n ** 63n) + 2n)]]);
    rows.write([{ kind: 'deleteRow', clustering: at, stamp: null }]);
    rows.update(at, { n: 4n });
    expect(rows.select({ columns: ['n'] })).toEqual([[4]]);
  });
});

describe('conditions', () => {
  const where = (rows: TestTable, ...conditions: RowCondition[]): Conditions => ({
    table: rows.table,
    partition: rows.partition,
    rows: conditions,
    projection: Projection.ofAll(rows.table),
  });
  const is = (
    rows: TestTable,
    name: string,
    operator: Predicate['operator'],
    ...values: (Value | null)[]
  ): Predicate => {
    const column = rows.column(name);
    return {
      column,
      element: null,
      operator,
      values: values.map((value) => (value === null ? null : toWire(column.type, value))),
    };
  };

  it('IF NOT EXISTS lets one of two inserts through, and shows the row to the other', () => {
    const rows = table('plain');
    const conditions = where(rows, { clustering: '', existence: 'notExists', predicates: [] });
    expect(rows.write([rows.upsert('', { a: 1 }, [], {}, true)], conditions).applied).toBe(true);
    const second = rows.write([rows.upsert('', { a: 2 }, [], {}, true)], conditions);
    expect(second.applied).toBe(false);
    expect(second.current?.rowCount).toBe(1);
    expect(cellsOf(second.current as never, 3)[0]?.[1]?.readInt32BE(0)).toBe(1);
  });

  it('IF EXISTS holds for rows that live, and shows nothing where there is none', () => {
    const rows = table('plain');
    const conditions = where(rows, { clustering: '', existence: 'exists', predicates: [] });
    const missed = rows.write([rows.upsert('', { a: 1 })], conditions);
    expect([missed.applied, missed.current?.rowCount]).toEqual([false, 0]);
    rows.insert('', { a: 1 }, { ttl_s: 1 });
    expect(rows.write([rows.upsert('', { b: 'x' })], conditions).applied).toBe(true);
    tablet.clock.now_ms += 1_000;
    rows.update('', { b: null });
    expect(rows.write([rows.upsert('', { b: 'x' })], conditions).applied).toBe(false);
  });

  it('compare columns, nulls and lists of values', () => {
    const rows = table('plain');
    rows.insert('', { a: 5 });
    const holds = (...predicates: Predicate[]): boolean =>
      rows.write([], where(rows, { clustering: '', existence: null, predicates })).applied;
    expect(holds(is(rows, 'a', '=', 5), is(rows, 'b', '=', null))).toBe(true);
    expect(holds(is(rows, 'a', '!=', null), is(rows, 'a', '>', 4), is(rows, 'a', '<=', 5))).toBe(true);
    expect(holds(is(rows, 'a', 'in', 1, 5))).toBe(true);
    expect(holds(is(rows, 'b', 'in', 'x', null))).toBe(true);
    expect(holds(is(rows, 'b', '<', 'x'))).toBe(false);
    expect(holds(is(rows, 'a', '<', 5))).toBe(false);
  });

  it('look into collections, and take an empty one for null', () => {
    const rows = table('rich');
    rows.update(rows.clustering(1), { l: [4, 5], m: new Map<Value, Value>([[1, 'a']]), u: { x: 3, y: null } });
    const of = (name: string, element: Buffer, value: Buffer | null): Predicate => ({
      column: rows.column(name),
      element,
      operator: '=',
      values: [value],
    });
    const holds = (...predicates: Predicate[]): boolean =>
      rows.write([], where(rows, { clustering: rows.clustering(1), existence: null, predicates })).applied;
    const int = (value: number): Buffer => toWire(Native.int, value);
    expect(holds(of('l', int(1), int(5)), of('m', int(1), Buffer.from('a')), of('u', fieldKey(0), int(3)))).toBe(true);
    expect(holds(of('l', int(2), null), of('m', int(9), null), of('u', fieldKey(1), null))).toBe(true);
    expect(holds(is(rows, 's', '=', []))).toBe(true);
    expect(holds(is(rows, 'l', '=', [4, 5]))).toBe(true);
    expect(holds(is(rows, 'l', '=', [5, 4]))).toBe(false);
  });

  it('on several rows guard the whole batch', () => {
    const rows = table('wide');
    rows.insert(null, { s: 1 });
    rows.insert(rows.clustering(1), { v: 1 });
    const conditions = where(
      rows,
      { clustering: rows.clustering(1), existence: null, predicates: [is(rows, 'v', '=', 1), is(rows, 's', '=', 1)] },
      { clustering: rows.clustering(2), existence: 'notExists', predicates: [] },
    );
    const batch = [rows.upsert(rows.clustering(2), { v: 2 }, [], {}, true), rows.upsert(null, { s: 2 })];
    expect(rows.write(batch, conditions).applied).toBe(true);
    const refused = rows.write(batch, conditions);
    expect(refused.applied).toBe(false);
    const shown = cellsOf(refused.current as never, 4).map((row) =>
      row.map((cell, i) => fromWire((rows.table.columns[i] as never as { type: typeof Native.int }).type, cell)),
    );
    expect(shown).toEqual([
      [1, 1, 2, 1],
      [1, 2, 2, 2],
    ]);
  });
});

describe('indexes', () => {
  const by = (
    rows: TestTable,
    name: string,
    operator: Predicate['operator'],
    value: Buffer,
    partition: string | null = null,
  ) => {
    const column = rows.column(name);
    const index = rows.table.indexes.find((each) => each.column === name);
    return {
      kind: 'index' as const,
      index: index as NonNullable<typeof index>,
      predicate: { column, element: null, operator, values: [value] },
      partition,
      first: -(2n ** 63n),
      last: 2n ** 63n - 1n,
    };
  };
  const int = (value: number): Buffer => toWire(Native.int, value);

  it('find rows by value, in pages, and lose them when the value changes', () => {
    const rows = table('found');
    for (let k = 0; k < 3; k += 1) for (let c = 0; c < 4; c += 1) rows.at(k).insert(rows.clustering(c), { v: c % 2 });
    for (const pageSize of [1, 2, 5, 100]) {
      expect(
        rows
          .select({ source: by(rows, 'v', '=', int(1)), columns: ['c'], pageSize })
          .flat()
          .sort(),
      ).toEqual([1, 1, 1, 3, 3, 3]);
    }
    expect(rows.select({ source: by(rows, 'v', '=', int(1), rows.at(2).partition), columns: ['k', 'c'] })).toEqual([
      [2, 1],
      [2, 3],
    ]);
    rows.at(2).update(rows.clustering(1), { v: 0 });
    rows.at(2).write([{ kind: 'deleteRow', clustering: rows.clustering(3), stamp: null }]);
    expect(rows.select({ source: by(rows, 'v', '=', int(1), rows.at(2).partition), columns: ['c'] })).toEqual([]);
  });

  it('find the partitions of a static value and the keys of a map', () => {
    const rows = table('found');
    rows.at(1).insert(null, { s: 7 });
    for (let c = 0; c < 3; c += 1)
      rows.at(1).insert(rows.clustering(c), {
        m: new Map<Value, Value>([
          [c, 'x'],
          [9, 'y'],
        ]),
      });
    rows.at(2).insert(null, { s: 8 });
    for (const pageSize of [1, 2, 100]) {
      expect(rows.select({ source: by(rows, 's', '=', int(7)), columns: ['k', 'c'], pageSize })).toEqual([
        [1, 0],
        [1, 1],
        [1, 2],
      ]);
    }
    expect(rows.select({ source: by(rows, 'm', 'containsKey', int(9)), columns: ['c'] })).toEqual([[0], [1], [2]]);
    expect(rows.select({ source: by(rows, 'm', 'containsKey', int(1)), columns: ['c'] })).toEqual([[1]]);
  });

  it('have no entry any more for what was deleted or has expired', () => {
    const rows = table('found');
    for (let c = 0; c < 30; c += 1) rows.insert(rows.clustering(c), { v: c, m: new Map<Value, Value>([[c, 'x']]) });
    rows.write([{ kind: 'deletePartition', stamp: null }]);
    expect(tablet.entries().size).toBe(0);
    rows.insert(rows.clustering(1), { v: 1 }, { ttl_s: 5 });
    tablet.clock.now_ms += 5_000;
    expect(rows.select({ source: by(rows, 'v', '=', int(1)) })).toEqual([]);
    expireDue(rows);
    expect(tablet.entries().size).toBe(0);
  });
});
