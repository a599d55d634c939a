/**
 * Random writes against a model of CQL's rows that knows nothing of keys and bytes; after each, every way of reading has to give what the
 * model says, and the store has to hold what the indexes and the expiry index are to hold and nothing else.
 */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { SchemaRig } from '../schema/schema.test-support.ts';
import { Native } from '../types/data-type.ts';
import type { CollectionChange, RowChange } from './commands.ts';
import { expireRow } from './expire-row.ts';
import { IndexKeeper } from './index-keeper.ts';
import { partitionEnd } from './layout.ts';
import { isElementValue, StoredRow } from './row-value.ts';
import { TestTable, toWire } from './rows.test-support.ts';
import { rowSlice, slicesWithin } from './slices.ts';
import { expiryBound, momentOfExpiryKey, rowOfExpiryKey } from './tablet-keys.ts';
import { TestTablet } from './test-tablet.test-support.ts';

interface ModelCell {
  readonly value: number;
  readonly stamp: number;
  readonly explicit: boolean;
  /** Milliseconds; Infinity: for ever. */
  readonly end: number;
}

interface ModelRow {
  marker: ModelCell | undefined;
  readonly cells: Map<string, ModelCell>;
  /** By column, then by key; a list's in its order. */
  readonly maps: Map<number, ModelCell>;
  list: ModelCell[];
}

interface ModelPartition {
  readonly statics: ModelRow;
  readonly rows: Map<number, ModelRow>;
}

const freshRow = (): ModelRow => ({ marker: undefined, cells: new Map(), maps: new Map(), list: [] });

/** What a client's stamp may be: long ago or far ahead, so that it does not matter by how many microseconds the leader's own differ. */
const STAMPS = [10, 20, 4e15, 4e15 + 1] as const;

type Op =
  | {
      readonly kind: 'write';
      k: number;
      c: number;
      marker: boolean;
      v: number | null | undefined;
      w: number | null | undefined;
      ttl: number;
      stamp: number | undefined;
    }
  | { readonly kind: 'static'; k: number; v: number | null; ttl: number; stamp: number | undefined }
  | {
      readonly kind: 'map';
      k: number;
      c: number;
      replace: boolean;
      entries: readonly (readonly [number, number | null])[];
      ttl: number;
      stamp: number | undefined;
    }
  | {
      readonly kind: 'list';
      k: number;
      c: number;
      how: 'append' | 'prepend' | 'removeValues' | 'replace';
      values: readonly number[];
      ttl: number;
    }
  | { readonly kind: 'setIndex'; k: number; c: number; index: number; value: number | null }
  | { readonly kind: 'deleteRow'; k: number; c: number; stamp: number | undefined }
  | { readonly kind: 'deleteRange'; k: number; from: number; to: number; stamp: number | undefined }
  | { readonly kind: 'deletePartition'; k: number; stamp: number | undefined }
  | { readonly kind: 'wait'; ms: number }
  | { readonly kind: 'expire' }
  | { readonly kind: 'flush' };

class Model {
  now = 1_700_000_000_000;
  readonly partitions = new Map<number, ModelPartition>();

  partition(k: number): ModelPartition {
    const known = this.partitions.get(k) ?? { statics: freshRow(), rows: new Map() };
    this.partitions.set(k, known);
    return known;
  }

  row(k: number, c: number): ModelRow {
    const { rows } = this.partition(k);
    const known = rows.get(c) ?? freshRow();
    rows.set(c, known);
    return known;
  }

  lives(cell: ModelCell | undefined): cell is ModelCell {
    return cell !== undefined && this.now < cell.end;
  }

  staysOnDelete(cell: ModelCell | undefined, stamp: number | undefined): boolean {
    if (!this.lives(cell)) return false;
    return stamp === undefined ? cell.explicit && cell.stamp > this.now * 1_000 : cell.stamp > stamp;
  }

  /** The cell after a write of `value`. */
  put(old: ModelCell | undefined, value: number | null, ttl: number, stamp: number | undefined): ModelCell | undefined {
    if (this.staysOnDelete(old, stamp)) return old;
    if (value === null) return undefined;
    // Ints of these tests are not negative: their order is that of their bytes.
    if (this.lives(old) && stamp !== undefined && old.stamp === stamp && old.value > value) return old;
    return {
      value,
      stamp: stamp ?? this.now * 1_000,
      explicit: stamp !== undefined,
      end: ttl === 0 ? Infinity : this.now + ttl * 1_000,
    };
  }

  putIn<K>(cells: Map<K, ModelCell>, key: K, value: number | null, ttl: number, stamp: number | undefined): void {
    const cell = this.put(cells.get(key), value, ttl, stamp);
    if (cell === undefined) cells.delete(key);
    else cells.set(key, cell);
  }

  clearRow(row: ModelRow, stamp: number | undefined): void {
    const keep = (cell: ModelCell | undefined): boolean => this.staysOnDelete(cell, stamp);
    if (!keep(row.marker)) row.marker = undefined;
    for (const cells of [row.cells, row.maps] as Map<unknown, ModelCell>[]) {
      for (const [key, cell] of [...cells]) if (!keep(cell)) cells.delete(key);
    }
    row.list = row.list.filter(keep);
  }

  isLive(row: ModelRow): boolean {
    const all = [row.marker, ...row.cells.values(), ...row.maps.values(), ...row.list];
    return all.some((cell) => this.lives(cell));
  }

  cell(row: ModelRow, name: string): number | null {
    const cell = row.cells.get(name);
    return this.lives(cell) ? cell.value : null;
  }

  apply(op: Op): void {
    switch (op.kind) {
      case 'write': {
        const row = this.row(op.k, op.c);
        if (op.marker) row.marker = this.put(row.marker, 0, op.ttl, op.stamp);
        if (op.v !== undefined) this.putIn(row.cells, 'v', op.v, op.ttl, op.stamp);
        if (op.w !== undefined) this.putIn(row.cells, 'w', op.w, op.ttl, op.stamp);
        return;
      }
      case 'static':
        this.putIn(this.partition(op.k).statics.cells, 's', op.v, op.ttl, op.stamp);
        return;
      case 'map': {
        const { maps } = this.row(op.k, op.c);
        if (op.replace) for (const [key, cell] of [...maps]) if (!this.staysOnDelete(cell, op.stamp)) maps.delete(key);
        for (const [key, value] of op.entries) this.putIn(maps, key, value, op.ttl, op.stamp);
        return;
      }
      case 'list': {
        const row = this.row(op.k, op.c);
        const made = op.values.map((value) => this.put(undefined, value, op.ttl, undefined) as ModelCell);
        if (op.how === 'append') row.list = [...row.list, ...made];
        else if (op.how === 'prepend') row.list = [...made, ...row.list];
        else if (op.how === 'replace') row.list = made;
        else row.list = row.list.filter((cell) => this.lives(cell) && !op.values.includes(cell.value));
        return;
      }
      case 'setIndex': {
        const row = this.row(op.k, op.c);
        const live = row.list.filter((cell) => this.lives(cell));
        if (op.index >= live.length) return;
        const made = op.value === null ? [] : [this.put(undefined, op.value, 0, undefined) as ModelCell];
        row.list = [...live.slice(0, op.index), ...made, ...live.slice(op.index + 1)];
        return;
      }
      case 'deleteRow':
        this.clearRow(this.row(op.k, op.c), op.stamp);
        return;
      case 'deleteRange':
        for (const [c, row] of this.partition(op.k).rows) if (op.from <= c && c < op.to) this.clearRow(row, op.stamp);
        return;
      case 'deletePartition':
        this.clearRow(this.partition(op.k).statics, op.stamp);
        for (const row of this.partition(op.k).rows.values()) this.clearRow(row, op.stamp);
        return;
      case 'wait':
        this.now += op.ms;
        return;
      default:
    }
  }

  /** Rows of a partition as `SELECT *` shows them, descending by clustering as the table is ordered. */
  shown(k: number): unknown[][] {
    const { statics, rows } = this.partition(k);
    const s = this.cell(statics, 's');
    const live = [...rows].filter(([, row]) => this.isLive(row)).sort(([a], [b]) => b - a);
    const some = <T>(list: T[]): T[] | null => (list.length === 0 ? null : list);
    const shown = live.map(([c, row]) => [
      k,
      c,
      s,
      this.cell(row, 'v'),
      this.cell(row, 'w'),
      some(row.list.filter((cell) => this.lives(cell)).map(({ value }) => value)),
      some(
        [...row.maps]
          .filter(([, cell]) => this.lives(cell))
          .sort(([a], [b]) => a - b)
          .map(([key, { value }]) => [key, value]),
      ),
    ]);
    if (shown.length === 0 && s !== null) return [[k, null, s, null, null, null, null]];
    return shown;
  }
}

let rig: SchemaRig;

beforeAll(async () => {
  rig = await SchemaRig.withKeyspace();
  for (const name of ['plain', 'indexed']) {
    await rig.run(
      `CREATE TABLE ${name} (k int, c int, s int static, v int, w int, l list<int>, m map<int, int>, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)`,
    );
  }
  await rig.run('CREATE INDEX by_v ON indexed (v)');
  await rig.run('CREATE INDEX by_s ON indexed (s)');
  await rig.run('CREATE INDEX by_m ON indexed (ENTRIES(m))');
  await rig.run('CREATE INDEX by_l ON indexed (l)');
});

const COLUMNS = ['k', 'c', 's', 'v', 'w', 'l', 'm'];
const WHOLE_RING = { kind: 'tokens', first: -(2n ** 63n), last: 2n ** 63n - 1n } as const;
const int = (value: number): Buffer => toWire(Native.int, value);

/** Carries an operation out on the table; what the model knows not to be there is not asked for. */
function carryOut(op: Op, tablet: TestTablet, rows: TestTable, model: Model): void {
  const write = (k: number, ...changes: RowChange[]): void => void rows.at(k).write(changes);
  const at = (c: number): string => rows.clustering(c);
  const options = (ttl: number, stamp: number | undefined) =>
    stamp === undefined ? { ttl_s: ttl } : { ttl_s: ttl, stamp };
  switch (op.kind) {
    case 'write':
      write(op.k, rows.upsert(at(op.c), { v: op.v, w: op.w }, [], options(op.ttl, op.stamp), op.marker));
      return;
    case 'static':
      write(op.k, rows.upsert(null, { s: op.v }, [], options(op.ttl, op.stamp)));
      return;
    case 'map': {
      const change: CollectionChange = {
        kind: 'put',
        column: rows.column('m'),
        replace: op.replace,
        keys: op.entries.map(([key]) => int(key)),
        values: op.entries.map(([, value]) => (value === null ? null : int(value))),
      };
      write(op.k, rows.upsert(at(op.c), {}, [change], options(op.ttl, op.stamp)));
      return;
    }
    case 'list': {
      const values = op.values.map(int);
      const column = rows.column('l');
      const change: CollectionChange =
        op.how === 'replace'
          ? { kind: 'put', column, replace: true, keys: [], values }
          : { kind: op.how, column, values };
      write(op.k, rows.upsert(at(op.c), {}, [change], { ttl_s: op.ttl }));
      return;
    }
    case 'setIndex': {
      const live = model.row(op.k, op.c).list.filter((cell) => model.lives(cell)).length;
      const value = op.value === null ? null : int(op.value);
      const change = rows.upsert(at(op.c), {}, [
        { kind: 'setIndex', column: rows.column('l'), index: op.index, value },
      ]);
      if (op.index < live) write(op.k, change);
      else expect(() => write(op.k, change)).toThrow(/list/);
      return;
    }
    case 'deleteRow':
      write(op.k, { kind: 'deleteRow', clustering: at(op.c), stamp: op.stamp ?? null });
      return;
    case 'deleteRange': {
      const lower = { values: [int(op.from)], isInclusive: true };
      const upper = { values: [int(op.to)], isInclusive: false };
      for (const slice of slicesWithin(rows.table, [], lower, upper)) {
        write(op.k, { kind: 'deleteSlice', slice, stamp: op.stamp ?? null });
      }
      return;
    }
    case 'deletePartition':
      write(op.k, { kind: 'deletePartition', stamp: op.stamp ?? null });
      return;
    case 'wait':
      tablet.clock.now_ms += op.ms;
      return;
    case 'expire':
      expireDue(tablet, rows);
      return;
    default:
      tablet.flush();
  }
}

function expireDue(tablet: TestTablet, rows: TestTable): void {
  for (const key of tablet.entries(expiryBound(0, 0), expiryBound(0, tablet.clock.now_ms + 1)).keys()) {
    tablet.run((transaction) => expireRow(transaction, rows.table, rowOfExpiryKey(key), 0, momentOfExpiryKey(key)));
  }
}

function checkReads(rows: TestTable, model: Model, pageSize: number): void {
  const all: unknown[][] = [];
  for (const k of [0, 1, 2]) {
    const expected = model.shown(k);
    all.push(...expected);
    const there = rows.at(k);
    expect(there.select({ staticOnly: true, columns: COLUMNS })).toEqual(expected);
    expect(there.select({ staticOnly: true, columns: COLUMNS, pageSize, reversed: true })).toEqual(
      [...expected].reverse(),
    );
    const withRows = expected.filter(([, c]) => c !== null);
    const slices = slicesWithin(
      rows.table,
      [],
      { values: [int(1)], isInclusive: true },
      { values: [int(3)], isInclusive: false },
    );
    expect(there.select({ slices, columns: COLUMNS, pageSize })).toEqual(
      withRows.filter(([, c]) => c === 1 || c === 2),
    );
    for (const c of [0, 1, 2, 3]) {
      const one = there.select({ slices: [rowSlice(rows.table, [int(c)])], columns: COLUMNS });
      expect(one).toEqual(withRows.filter((row) => row[1] === c));
    }
  }
  const scanned = rows.select({ source: WHOLE_RING, staticOnly: true, columns: COLUMNS, pageSize });
  const byPartition = [0, 1, 2].flatMap((k) => scanned.filter((row) => row[0] === k));
  expect(byPartition).toEqual(all);
  const firsts = rows.select({
    source: WHOLE_RING,
    staticOnly: true,
    columns: ['k', 'c'],
    perPartitionLimit: 1,
    pageSize,
  });
  expect(firsts.sort()).toEqual(
    [0, 1, 2].flatMap((k) =>
      model
        .shown(k)
        .slice(0, 1)
        .map(([, c]) => [k, c]),
    ),
  );
}

function checkIndexes(tablet: TestTablet, rows: TestTable, model: Model): void {
  for (const index of rows.table.indexes) {
    const column = rows.column(index.column);
    for (const value of [0, 1, 2]) {
      const isMap = column.name === 'm';
      const predicate = {
        column,
        element: isMap ? int(1) : null,
        operator: column.name === 'l' ? ('contains' as const) : ('=' as const),
        values: [int(value)],
      };
      const source = {
        kind: 'index',
        index,
        predicate,
        partition: null,
        first: WHOLE_RING.first,
        last: WHOLE_RING.last,
      } as const;
      const holds = ([, , s, v, , l, m]: unknown[]): boolean => {
        if (column.name === 's') return s === value;
        if (column.name === 'v') return v === value;
        if (column.name === 'l') return ((l ?? []) as number[]).includes(value);
        return ((m ?? []) as number[][]).some(([key, item]) => key === 1 && item === value);
      };
      const found = rows.select({ source, staticOnly: column.name === 's', columns: COLUMNS, pageSize: 2 });
      const sorted = [0, 1, 2].flatMap((k) => found.filter((row) => row[0] === k));
      expect(sorted).toEqual([0, 1, 2].flatMap((k) => model.shown(k)).filter(holds));
    }
  }
  const stored = tablet.entries();
  const keeper = new IndexKeeper();
  const expected = new Set<string>();
  const space = rows.table.space;
  for (const [key, value] of stored) {
    if (Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0) !== space || isElementValue(value)) continue;
    const place = { key: key.slice(0, -1), table: rows.table, slotFirst: 0 };
    const partition = key.slice(0, partitionEnd(rows.table, key));
    for (const entry of tablet.run((transaction) => keeper.entriesOf(transaction, place, partition)).keys())
      expected.add(entry);
  }
  const spaces = new Set(rows.table.indexes.map((index) => index.space));
  const actual = [...stored.keys()].filter((key) => spaces.has(Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0)));
  expect(new Set(actual)).toEqual(expected);
}

/** Every row that has something that expires has its entry, at that moment or before; rows begin with their value. */
function checkStore(tablet: TestTablet, rows: TestTable): void {
  const stored = tablet.entries();
  const row = new StoredRow();
  let head = '';
  for (const [key, value] of stored) {
    if (Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0) !== rows.table.space) continue;
    if (isElementValue(value)) {
      expect(key.startsWith(head) && row.mayHaveElements).toBe(true);
      const end = value.readUIntBE(9, 6) % 2 ** 47;
      if (end > 0) expect(row.entry_ms > 0 && row.entry_ms <= end).toBe(true);
      continue;
    }
    head = key.slice(0, -1);
    row.parse(value);
    for (let i = 0; i < row.timeCount; i += 1) {
      const end = row.ends_ms[i] as number;
      if (end > 0) expect(row.entry_ms > 0 && row.entry_ms <= end).toBe(true);
    }
    if (row.entry_ms > 0) expect(stored.has(expiryBound(0, row.entry_ms) + head)).toBe(true);
  }
}

const k = fc.integer({ min: 0, max: 2 });
const c = fc.integer({ min: 0, max: 3 });
const value = fc.integer({ min: 0, max: 3 });
const orNull = fc.option(value, { freq: 4 });
const orUnset = fc.oneof({ weight: 4, arbitrary: orNull }, { weight: 1, arbitrary: fc.constant(undefined) });
const ttl = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
);
const stamp = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...STAMPS) },
);

const operation: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      k,
      c,
      marker: fc.boolean(),
      v: orUnset,
      w: orUnset,
      ttl,
      stamp,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('static' as const), k, v: orNull, ttl, stamp }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      k,
      c,
      replace: fc.boolean(),
      entries: fc.uniqueArray(fc.tuple(value, orNull), { maxLength: 3, selector: ([key]) => key }),
      ttl,
      stamp,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      k,
      c,
      how: fc.constantFrom('append' as const, 'prepend' as const, 'removeValues' as const, 'replace' as const),
      values: fc.array(value, { maxLength: 3 }),
      ttl,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('setIndex' as const), k, c, index: value, value: orNull }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteRow' as const), k, c, stamp }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteRange' as const), k, from: c, to: c, stamp }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deletePartition' as const), k, stamp }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 999, 1_000, 2_500) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'expire' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
);

function play(name: string, operations: readonly Op[], pageSize: number): void {
  const tablet = new TestTablet();
  const rows = new TestTable(tablet, rig.table(name));
  const model = new Model();
  for (const [i, op] of operations.entries()) {
    carryOut(op, tablet, rows, model);
    model.apply(op);
    // Reading everything after each operation would leave time for few of them.
    if (i % 4 !== 3 && i !== operations.length - 1) continue;
    checkReads(rows, model, pageSize);
    checkStore(tablet, rows);
    if (rows.table.indexes.length > 0) checkIndexes(tablet, rows, model);
  }
  tablet.clock.now_ms += 10_000;
  expireDue(tablet, rows);
  expect(tablet.entries(expiryBound(0, 0), expiryBound(0, 2 ** 47)).size).toBe(0);
}

it.each(['plain', 'indexed'])(
  'rows of a table that is %s are what a model of them says',
  (name) => {
    const RUNS = Number(process.env['CQL_ROWS_RUNS'] ?? 60);
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (operations, pageSize) => play(name, operations, pageSize),
      ),
      { numRuns: RUNS },
    );
  },
  120_000,
);
