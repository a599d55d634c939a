import { expect, test } from 'vitest';
import type { ClusterView } from '../../../cluster/view.ts';
import type { Select } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import type { PagePosition } from '../routing/paged-read.ts';
import { SchemaRig } from '../schema/schema.test-support.ts';
import type { SystemContext } from '../schema/system/context.ts';
import { SYSTEM_SCHEMA } from '../schema/system/system-tables.ts';
import { tokenOf, tokenToBigInt } from '../types/token.ts';
import type { Evaluation } from '../types/value.ts';
import { PrepareContext } from './prepare-context.ts';
import { eachRow } from './row-cells.ts';
import { SelectPlan } from './select-plan.ts';
import { readSystem } from './system-select.ts';

const ALL = 0xffffffff;
const VIEW: ClusterView = { version: 1, clusterId: '', self: 1, nodes: [], tablets: [] };

async function rigWithTables(): Promise<SchemaRig> {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  for (const name of ['a', 'b', 'c']) await rig.run(`CREATE TABLE ${name} (k int, v int, w int, PRIMARY KEY (k, v))`);
  return rig;
}

function read(rig: SchemaRig, text: string, from: PagePosition | null = null, limit = ALL) {
  const { statement, markers } = parse(text);
  const plan = new SelectPlan(statement as Select, new PrepareContext(rig.schema, null, markers));
  const at: Evaluation = { bound: [], environment: { now_ms: 0, timeUuid: neverAsked, randomUuid: neverAsked } };
  const context: SystemContext = {
    view: VIEW,
    schema: rig.schema,
    clusterName: 'moot',
    addressOf: () => undefined,
    replication: 'asWritten',
    prepared: () => [],
    clients: () => [],
    roles: () => [],
    settings: () => [['tablets', '12']],
  };
  const { error, pages, rowCount, next } = readSystem(plan.reads(at), from, limit, context);
  expect(error).toBeNull();
  const rows: string[] = [];
  const items = plan.selection.projection.wanted.length;
  for (const page of pages) {
    eachRow(page.bytes, page.rowCount, items, (cells) => rows.push(cells.map((cell) => String(cell)).join(' ')));
  }
  expect(rows).toHaveLength(rowCount);
  return { rows, next };
}

function neverAsked(): never {
  throw new Error('no function is called');
}

test('rows of one partition, whole, sliced and from the end', async () => {
  const rig = await rigWithTables();
  const where = "FROM system_schema.columns WHERE keyspace_name = 'ks'";
  const names = (rest: string) => read(rig, `SELECT table_name, column_name ${where} ${rest}`).rows;
  expect(names('')).toEqual(['a k', 'a v', 'a w', 'b k', 'b v', 'b w', 'c k', 'c v', 'c w']);
  expect(names("AND table_name = 'b'")).toEqual(['b k', 'b v', 'b w']);
  expect(names("AND table_name = 'b' AND column_name > 'k'")).toEqual(['b v', 'b w']);
  expect(names("AND table_name IN ('a', 'c') AND column_name = 'k'")).toEqual(['a k', 'c k']);
  expect(names('ORDER BY table_name DESC, column_name DESC PER PARTITION LIMIT 2')).toEqual(['c w', 'c v']);
  expect(names("AND kind = 'clustering' ALLOW FILTERING")).toEqual(['a v', 'b v', 'c v']);
});

test('several partitions come in the order of their tokens', async () => {
  const rig = await rigWithTables();
  const { rows } = read(rig, 'SELECT keyspace_name FROM system_schema.keyspaces');
  const tokens = rows.map((name) => tokenToBigInt(tokenOf(Buffer.from(name))));
  expect(rows).toHaveLength(6);
  expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
  const middle = tokens[3] as bigint;
  const from = read(rig, `SELECT keyspace_name FROM system_schema.keyspaces WHERE token(keyspace_name) >= ${middle}`);
  expect(from.rows).toEqual(rows.slice(3));
  expect(read(rig, 'SELECT DISTINCT keyspace_name FROM system_schema.columns').rows).toEqual(rows);
});

test('pages follow each other without a gap, and the last says so', async () => {
  const rig = await rigWithTables();
  const text = 'SELECT keyspace_name, table_name, column_name FROM system_schema.columns';
  const whole = read(rig, text).rows;
  expect(whole.length).toBeGreaterThan(100);
  const found: string[] = [];
  let from: PagePosition | null = null;
  do {
    const { rows, next } = read(rig, text, from, 7);
    expect(rows.length).toBeGreaterThan(0);
    found.push(...rows);
    from = next;
  } while (from !== null);
  expect(found).toEqual(whole);
  expect(read(rig, text, null, whole.length).next).toBeNull();
});

test('a partition that there is not has no rows', async () => {
  const rig = await rigWithTables();
  expect(read(rig, "SELECT * FROM system_schema.tables WHERE keyspace_name = 'nosuch'")).toEqual({
    rows: [],
    next: null,
  });
  expect(read(rig, "SELECT value FROM system_views.settings WHERE name IN ('tablets', 'nosuch')").rows).toEqual(['12']);
});
