import { expect, test } from 'vitest';
import { parse } from '../language/parse.ts';
import { literalText } from '../types/text.ts';
import { type Description, describe } from './describe.ts';
import { SchemaRig } from './schema.test-support.ts';
import { SYSTEM_SCHEMA } from './system/system-tables.ts';

const OPTIONS = `additional_write_policy = '99p'
    AND bloom_filter_fp_chance = 0.01
    AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}
    AND cdc = false
    AND comment = ''
    AND compaction = {'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', 'max_threshold': '32', 'min_threshold': '4'}
    AND compression = {'chunk_length_in_kb': '16', 'class': 'org.apache.cassandra.io.compress.LZ4Compressor'}
    AND memtable = 'default'
    AND crc_check_chance = 1.0
    AND default_time_to_live = 0
    AND extensions = {}
    AND gc_grace_seconds = 864000
    AND max_index_interval = 2048
    AND memtable_flush_period_in_ms = 0
    AND min_index_interval = 128
    AND read_repair = 'BLOCKING'
    AND speculative_retry = '99p';`;

const KEYSPACE =
  "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '3'}  AND durable_writes = true;";

function ask(rig: SchemaRig, text: string, keyspace: string | undefined = undefined): Description {
  const { statement } = parse(text);
  if (statement.kind !== 'describe') throw new Error(`no DESCRIBE: ${text}`);
  const node = {
    id: 1,
    redisId: '1'.repeat(40),
    name: 'node-1',
    host: '127.0.0.1',
    zone: 'default',
    ports: { redis: 0, redisSingle: 0, cql: 0, admin: 0, peer: 7_071 },
    alive: true,
    connected: true,
    leaving: false,
  };
  const view = {
    version: 1,
    clusterId: '',
    self: 1,
    nodes: [node],
    tablets: [{ id: 1, slotFirst: 0, slotLast: 16_383, leader: 1, term: 1, replicas: [1], rebuilding: [] }],
  };
  return describe(statement, { schema: rig.schema, keyspace, clusterName: 'moot', view });
}

function rows({ columns, rows: found }: Description): string[][] {
  return found.map((row) =>
    row.map((cell, i) =>
      columns[i]?.type.kind === 'native' ? String(cell) : literalText(columns[i]?.type as never, cell),
    ),
  );
}

async function shop(): Promise<SchemaRig> {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  await rig.run('CREATE TYPE z_point (x int, y int)');
  await rig.run('CREATE TYPE a_pair (x frozen<z_point>, "Y" text)');
  await rig.run('CREATE TABLE users (userid text PRIMARY KEY, age int)');
  await rig.run('CREATE TABLE "Test" (id int, col int, val text, s int static, l list<int>, PRIMARY KEY (id, col))');
  await rig.run(
    'CREATE TABLE wide (a int, b int, c int, d int, PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC)',
  );
  await rig.run('CREATE INDEX myindex ON users (age)');
  await rig.run('CREATE INDEX ON "Test" (l)');
  return rig;
}

test('a keyspace is described by statements that make it, in an order in which they can be carried out', async () => {
  const rig = await shop();
  const found = rows(ask(rig, 'DESCRIBE KEYSPACE ks'));
  expect(found.map(([keyspace, type, name]) => `${keyspace} ${type} ${name}`)).toEqual([
    'ks keyspace ks',
    'ks type z_point',
    'ks type a_pair',
    'ks table "Test"',
    'ks index "Test_l_idx"',
    'ks table users',
    'ks index myindex',
    'ks table wide',
  ]);
  const texts = found.map((row) => row[3]);
  expect(texts[0]).toBe(KEYSPACE);
  expect(texts[2]).toBe('CREATE TYPE ks.a_pair (\n    x frozen<z_point>,\n    "Y" text\n);');
  expect(texts[3]).toBe(
    `CREATE TABLE ks."Test" (\n    id int,\n    col int,\n    s int static,\n    val text,\n    l list<int>,\n    PRIMARY KEY (id, col)\n) WITH CLUSTERING ORDER BY (col ASC)\n    AND ${OPTIONS}`,
  );
  expect(texts[4]).toBe('CREATE INDEX "Test_l_idx" ON ks."Test" (values(l));');
  expect(texts[5]).toBe(`CREATE TABLE ks.users (\n    userid text PRIMARY KEY,\n    age int\n) WITH ${OPTIONS}`);
  expect(texts[6]).toBe('CREATE INDEX myindex ON ks.users (age);');
  expect(texts[7]).toBe(
    `CREATE TABLE ks.wide (\n    a int,\n    b int,\n    c int,\n    d int,\n    PRIMARY KEY ((a, b), c, d)\n) WITH CLUSTERING ORDER BY (c DESC, d ASC)\n    AND ${OPTIONS}`,
  );
  for (const form of ['DESC KEYSPACE', 'DESCRIBE ks', 'DESCRIBE SCHEMA']) {
    expect(rows(ask(rig, form, 'ks')), form).toEqual(found);
  }
  expect(rows(ask(rig, 'DESCRIBE ONLY KEYSPACE ks'))).toEqual([['ks', 'keyspace', 'ks', KEYSPACE]]);
});

test('the statements of a description make the same schema once more', async () => {
  const rig = await shop();
  const first = rows(ask(rig, 'DESCRIBE KEYSPACE ks'));
  const again = new SchemaRig(SYSTEM_SCHEMA);
  for (const [, , , text = ''] of first) await again.run(text);
  expect(rows(ask(again, 'DESCRIBE KEYSPACE ks'))).toEqual(first);
});

test('CLUSTERING ORDER for the first columns only leaves the others ascending', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int, b int, c int, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (b DESC)');
  expect(rig.table('t').clustering.map(({ isDescending }) => isDescending)).toEqual([true, false]);
});

test('tables, indexes and types are described one by one', async () => {
  const rig = await shop();
  const name = (text: string, keyspace?: string) => rows(ask(rig, text, keyspace)).map((row) => row[2]);
  expect(name('DESCRIBE TABLE ks.users')).toEqual(['users', 'myindex']);
  expect(name('DESCRIBE COLUMNFAMILY users', 'ks')).toEqual(['users', 'myindex']);
  expect(name('DESCRIBE users', 'ks')).toEqual(['users', 'myindex']);
  expect(name('DESCRIBE ks.myindex')).toEqual(['myindex']);
  expect(name('DESCRIBE INDEX ks."Test_l_idx"')).toEqual(['"Test_l_idx"']);
  expect(name('DESCRIBE TYPE a_pair', 'ks')).toEqual(['a_pair']);
});

test('lists name what there is', async () => {
  const rig = await shop();
  expect(rows(ask(rig, 'DESCRIBE TABLES', 'ks'))).toEqual([
    ['ks', 'table', '"Test"'],
    ['ks', 'table', 'users'],
    ['ks', 'table', 'wide'],
  ]);
  expect(rows(ask(rig, 'DESCRIBE TYPES', 'ks')).map((row) => row[2])).toEqual(['a_pair', 'z_point']);
  expect(rows(ask(rig, 'DESCRIBE FUNCTIONS', 'ks'))).toEqual([]);
  expect(rows(ask(rig, 'DESCRIBE AGGREGATES'))).toEqual([]);
  expect(rows(ask(rig, 'DESCRIBE KEYSPACES')).map((row) => row[0])).toEqual([
    'ks',
    'system',
    'system_auth',
    'system_distributed',
    'system_schema',
    'system_traces',
    'system_views',
    'system_virtual_schema',
  ]);
  const everything = rows(ask(rig, 'DESCRIBE FULL SCHEMA'));
  expect(everything.some((row) => row[0] === 'system_schema' && row[2] === 'columns')).toBe(true);
});

test('WITH INTERNALS tells the id, and the columns that a table once had', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (pk int, c int, v1 int, v3 int, PRIMARY KEY (pk, c))');
  const id = '00000000-0000-4000-8000-000000000002';
  const create = `CREATE TABLE ks.t (\n    pk int,\n    c int,\n    v1 int,\n    v3 int,\n    PRIMARY KEY (pk, c)\n) WITH ID = ${id}\n    AND CLUSTERING ORDER BY (c ASC)\n    AND ${OPTIONS}`;
  const drop = 'ALTER TABLE ks.t DROP v3 USING TIMESTAMP 1589286942065000;';
  const add = 'ALTER TABLE ks.t ADD v3 int;';
  const shown = () => rows(ask(rig, 'DESCRIBE TABLE ks.t WITH INTERNALS'))[0]?.[3];
  expect(shown()).toBe(create);
  await rig.run(drop);
  expect(shown()).toBe(`${create}\n${drop}`);
  await rig.run(add);
  expect(shown()).toBe(`${create}\n${drop}\n${add}`);
});

test('virtual keyspaces and tables are shown for reference', () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  expect(rows(ask(rig, 'DESCRIBE ONLY KEYSPACE system_virtual_schema'))[0]?.[3]).toBe(
    '/*\nWarning: Keyspace system_virtual_schema is a virtual keyspace and cannot be recreated with CQL.\nStructure, for reference:\nVIRTUAL KEYSPACE system_virtual_schema;\n*/',
  );
  expect(rows(ask(rig, 'DESCRIBE TABLE system_virtual_schema.tables'))[0]?.[3]).toBe(
    "/*\nWarning: Table system_virtual_schema.tables is a virtual table and cannot be recreated with CQL.\nStructure, for reference:\nVIRTUAL TABLE system_virtual_schema.tables (\n    keyspace_name text,\n    table_name text,\n    comment text,\n    PRIMARY KEY (keyspace_name, table_name)\n) WITH CLUSTERING ORDER BY (table_name ASC)\n    AND comment = 'virtual table definitions';\n*/",
  );
});

test('the cluster is described with its ranges where a keyspace of a user is in use', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  expect(rows(ask(rig, 'DESCRIBE CLUSTER'))).toEqual([['moot', 'Murmur3Partitioner', 'SimpleSnitch']]);
  expect(ask(rig, 'DESCRIBE CLUSTER', 'system').columns).toHaveLength(3);
  expect(rows(ask(rig, 'DESCRIBE CLUSTER', 'ks'))[0]?.[3]).toBe("{'9223372036854775807': ['127.0.0.1:7071']}");
});

test.each([
  ['DESCRIBE nosuch', undefined, "'nosuch' not found in keyspaces"],
  ['DESCRIBE nosuch', 'ks', "'nosuch' not found in keyspace 'ks'"],
  ['DESCRIBE ks.nosuch', undefined, "'nosuch' not found in keyspace 'ks'"],
  ['DESCRIBE KEYSPACE nosuch', undefined, "'nosuch' not found in keyspaces"],
  ['DESCRIBE KEYSPACE', undefined, 'No keyspace specified and no current keyspace'],
  ['DESCRIBE TABLE users', undefined, 'No keyspace specified and no current keyspace'],
  ['DESCRIBE TABLE ks.nosuch', undefined, "Table 'nosuch' not found in keyspace 'ks'"],
  ['DESCRIBE INDEX ks.nosuch', undefined, "Table for existing index 'nosuch' not found in 'ks'"],
  ['DESCRIBE TYPE ks.nosuch', undefined, "User defined type 'nosuch' not found in 'ks'"],
  ['DESCRIBE MATERIALIZED VIEW ks.nosuch', undefined, "Materialized view 'nosuch' not found in 'ks'"],
  ['DESCRIBE FUNCTION ks.nosuch', undefined, "User defined function 'nosuch' not found in 'ks'"],
  ['DESCRIBE AGGREGATE ks.nosuch', undefined, "User defined aggregate 'nosuch' not found in 'ks'"],
])('%s with %s in use: %s', async (text, keyspace, message) => {
  const rig = await shop();
  expect(() => ask(rig, text, keyspace)).toThrow(message);
});
