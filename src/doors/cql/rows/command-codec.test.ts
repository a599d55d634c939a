import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SchemaRig } from '../schema/schema.test-support.ts';
import { Native } from '../types/data-type.ts';
import { CodecError } from './byte-codec.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';
import type { Predicate, RowCommand, RowRead, RowWrite } from './commands.ts';
import { Projection } from './projection.ts';
import {
  decodePage,
  decodePosition,
  decodeWriteResult,
  encodePage,
  encodePosition,
  encodeWriteResult,
} from './result-codec.ts';
import { fieldKey, TestTable, toWire } from './rows.test-support.ts';
import { rowSlice, slicesWithin } from './slices.ts';
import { TestTablet } from './test-tablet.test-support.ts';

let rows: TestTable;
let commands: RowCommand[];

beforeAll(async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE pair (x int, y text)');
  await rig.run(
    'CREATE TABLE t (k int, c int, s int static, v int, m map<int, text>, l list<int>, u pair, PRIMARY KEY (k, c))',
  );
  await rig.run('CREATE INDEX by_v ON t (v)');
  rows = new TestTable(new TestTablet(), rig.table('t'));
  commands = someCommands();
});

const int = (value: number): Buffer => toWire(Native.int, value);
const tables = { tableOfSpace: (space: number) => (space === rows.table.space ? rows.table : undefined) };

function someCommands(): RowCommand[] {
  const { table, partition } = rows;
  const predicate: Predicate = { column: rows.column('v'), element: null, operator: '=', values: [int(1)] };
  const read: RowRead = {
    kind: 'read',
    table,
    source: { kind: 'partition', partition },
    slices: [rowSlice(table, [int(1)]), ...slicesWithin(table, [], { values: [int(2)], isInclusive: true }, null)],
    filter: [{ column: rows.column('u'), element: fieldKey(0), operator: 'in', values: [null, int(2)] }],
    projection: new Projection([
      { column: rows.column('k'), what: 'value' },
      { column: rows.column('v'), what: 'ttl' },
      { column: rows.column('m'), what: 'writetime' },
    ]),
    reversed: true,
    staticOnly: false,
    limit: 10,
    perPartitionLimit: 3,
    after: { row: partition.slice(4), partitionRows: -1 },
  };
  const first = -(2n ** 63n);
  const last = 2n ** 63n - 1n;
  const [index] = table.indexes;
  const at = rows.clustering(1);
  const write: RowWrite = {
    kind: 'write',
    mutations: [
      {
        table,
        partition,
        changes: [
          rows.upsert(
            at,
            { v: 1, m: new Map([[1, 'a']]), l: null, u: { x: 1, y: null } },
            [],
            { ttl_s: 5, stamp: -3 },
            true,
          ),
          rows.upsert(null, { s: undefined }, [], { stamp: 2n ** 62n }),
          rows.upsert(at, {}, [
            { kind: 'prepend', column: rows.column('l'), values: [int(1)] },
            { kind: 'removeValues', column: rows.column('l'), values: [int(1)] },
            { kind: 'setIndex', column: rows.column('l'), index: -1, value: null },
            { kind: 'remove', column: rows.column('m'), keys: [int(1)] },
          ]),
          { kind: 'deleteRow', clustering: at, stamp: null },
          { kind: 'deleteSlice', slice: { lo: at, hi: null, isRow: false }, stamp: 7 },
          { kind: 'deletePartition', stamp: null },
        ],
      },
    ],
    conditions: {
      table,
      partition,
      rows: [
        { clustering: at, existence: 'exists', predicates: [predicate] },
        { clustering: null, existence: null, predicates: [] },
      ],
      projection: Projection.ofAll(table),
    },
  };
  const batch = { log: 512, id: 'x'.repeat(16), open: 'w'.repeat(16) };
  return [
    read,
    { ...read, source: { kind: 'tokens', first, last }, slices: null, reversed: false, after: null },
    { ...read, source: { kind: 'index', index: index as never, predicate, partition: null, first, last } },
    write,
    {
      kind: 'batch',
      parts: [
        { slot: 1, write },
        { slot: 16_383, write: { ...write, conditions: null } },
      ],
    },
    { kind: 'part', batch, index: 3, write },
    { kind: 'batchEnd', batch },
  ];
}

/** Projections are objects of their own, which the codec keeps. */
const plain = (command: RowCommand): unknown =>
  JSON.parse(
    JSON.stringify(command, (key, value) =>
      key === 'projection'
        ? (value as Projection).wanted
        : key === 'table'
          ? null
          : typeof value === 'bigint'
            ? String(value)
            : value === undefined
              ? 'unset'
              : value,
    ),
  );

describe('commands', () => {
  it('come out of their bytes as they went in', () => {
    for (const command of commands)
      expect(plain(decodeCommand(encodeCommand(command), tables))).toEqual(plain(command));
  });

  it('of tables that are gone are refused', () => {
    for (const command of commands.slice(0, 6)) {
      expect(() => decodeCommand(encodeCommand(command), { tableOfSpace: () => undefined })).toThrow(CodecError);
    }
  });

  it('that are cut off, changed or go on are refused or mean something else, and never do harm', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 2 }), (which, where, byte, how) => {
        const bytes = encodeCommand(commands[which % commands.length] as RowCommand);
        const at = where % bytes.length;
        const spoilt =
          how === 0
            ? bytes.subarray(0, at)
            : how === 1
              ? Buffer.concat([bytes, Buffer.from([byte])])
              : Buffer.from(bytes);
        if (how === 2) spoilt[at] = byte;
        try {
          encodeCommand(decodeCommand(spoilt, tables));
          expect(how).toBe(2);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('results', () => {
  it('come out of their bytes as they went in', () => {
    const last = { row: 'abc', partitionRows: 7 };
    const page = { rowCount: 2, bytes: Buffer.from('rows'), last, more: true };
    expect(decodePage(encodePage(page))).toEqual(page);
    expect(decodePage(encodePage({ ...page, last: null, more: false }))).toEqual({ ...page, last: null, more: false });
    for (const result of [
      { applied: true, current: null },
      { applied: false, current: page },
    ]) {
      expect(decodeWriteResult(encodeWriteResult(result))).toEqual(result);
    }
    expect(decodePosition(encodePosition(last))).toEqual(last);
  });

  it('that are cut off are refused', () => {
    const bytes = encodePage({
      rowCount: 2,
      bytes: Buffer.from('rows'),
      last: { row: 'abc', partitionRows: 7 },
      more: true,
    });
    for (let at = 0; at < bytes.length; at += 1) expect(() => decodePage(bytes.subarray(0, at))).toThrow(CodecError);
  });
});
