import { expect, test } from 'vitest';
import { ErrorCode } from '../errors.ts';
import { typeText } from '../types/data-type.ts';
import { SchemaRig } from './schema.test-support.ts';

const REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 3}";

test('a keyspace is made, altered and dropped', async () => {
  const rig = new SchemaRig();
  expect(await rig.run(`CREATE KEYSPACE shop WITH replication = ${REPLICATION}`)).toEqual({
    change: 'CREATED',
    target: 'KEYSPACE',
    keyspace: 'shop',
    name: '',
  });
  expect(rig.schema.keyspaces.get('shop')).toMatchObject({
    replication: { class: 'org.apache.cassandra.locator.SimpleStrategy', replication_factor: '3' },
    durableWrites: true,
    kind: 'user',
  });
  expect(await rig.run(`CREATE KEYSPACE IF NOT EXISTS shop WITH replication = ${REPLICATION}`)).toBeNull();
  expect(await rig.run('ALTER KEYSPACE shop WITH durable_writes = false')).toMatchObject({ change: 'UPDATED' });
  expect(rig.schema.keyspaces.get('shop')?.durableWrites).toBe(false);
  expect(await rig.run('DROP KEYSPACE shop')).toMatchObject({ change: 'DROPPED', target: 'KEYSPACE' });
  expect(rig.schema.keyspaces.has('shop')).toBe(false);
  expect(await rig.run('DROP KEYSPACE IF EXISTS shop')).toBeNull();
});

test('replication_factor of a NetworkTopologyStrategy stands for the one data center', async () => {
  const rig = new SchemaRig();
  await rig.run("CREATE KEYSPACE a WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}");
  await rig.run("CREATE KEYSPACE b WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}");
  const shown = (name: string) => rig.schema.keyspaces.get(name)?.replication;
  expect(shown('a')).toEqual({ class: 'org.apache.cassandra.locator.NetworkTopologyStrategy', datacenter1: '3' });
  expect(shown('b')).toEqual({ class: 'org.apache.cassandra.locator.NetworkTopologyStrategy', dc1: '2' });
});

test.each([
  [`CREATE KEYSPACE ks WITH replication = ${REPLICATION}`, 'alreadyExists', 'Cannot add existing keyspace "ks"'],
  ['CREATE KEYSPACE k WITH durable_writes = true', 'invalid', "Missing mandatory option 'replication'"],
  [
    "CREATE KEYSPACE k WITH replication = {'replication_factor': 1}",
    'configError',
    'Missing replication strategy class',
  ],
  [
    "CREATE KEYSPACE k WITH replication = {'class': 'Foo'}",
    'configError',
    "Unable to find replication strategy class 'org.apache.cassandra.locator.Foo'",
  ],
  [
    "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 'x'}",
    'configError',
    'For input string: "x"',
  ],
  [
    "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1, 'dc': 2}",
    'configError',
    'Unrecognized strategy option {dc} passed to SimpleStrategy for keyspace k',
  ],
  [
    `CREATE KEYSPACE k WITH replication = ${REPLICATION} AND colour = 'red'`,
    'syntaxError',
    "Unknown property 'colour'",
  ],
  [
    `CREATE KEYSPACE "${'k'.repeat(49)}" WITH replication = ${REPLICATION}`,
    'invalid',
    `Keyspace name must not be empty, more than 48 characters long, or contain non-alphanumeric-underscore characters (got '${'k'.repeat(49)}')`,
  ],
  [
    `CREATE KEYSPACE system WITH replication = ${REPLICATION}`,
    'invalid',
    "System keyspace 'system' is not user-modifiable",
  ],
  ['DROP KEYSPACE nowhere', 'invalid', "Keyspace 'nowhere' doesn't exist"],
  ['ALTER KEYSPACE nowhere WITH durable_writes = true', 'invalid', "Keyspace 'nowhere' doesn't exist"],
  ['CREATE TABLE nowhere.t (a int PRIMARY KEY)', 'invalid', "Keyspace 'nowhere' doesn't exist"],
  ['CREATE TABLE t (a int PRIMARY KEY)', 'alreadyExists', 'Cannot add already existing table "t" to keyspace "ks"'],
  ['CREATE TABLE u (a int)', 'invalid', "No PRIMARY KEY specifed for table 'u' (exactly one required)"],
  [
    'CREATE TABLE u (a int PRIMARY KEY, PRIMARY KEY (a))',
    'invalid',
    "Multiple PRIMARY KEY specified for table 'u' (exactly one required)",
  ],
  ['CREATE TABLE u (a int, a text, PRIMARY KEY (a))', 'invalid', "Duplicate column 'a' declaration for table 'u'"],
  ['CREATE TABLE u (a int, PRIMARY KEY (b))', 'invalid', "Unknown column 'b' referenced in PRIMARY KEY for table 'u'"],
  ['CREATE TABLE u (a int, PRIMARY KEY (a, a))', 'invalid', "Duplicate column 'a' in PRIMARY KEY clause for table 'u'"],
  [
    'CREATE TABLE u (a list<int> PRIMARY KEY)',
    'invalid',
    "Invalid non-frozen collection type list<int> for PRIMARY KEY column 'a'",
  ],
  ['CREATE TABLE u (a counter PRIMARY KEY)', 'invalid', "counter type is not supported for PRIMARY KEY column 'a'"],
  ['CREATE TABLE u (a duration PRIMARY KEY)', 'invalid', "duration type is not supported for PRIMARY KEY column 'a'"],
  [
    'CREATE TABLE u (a frozen<list<duration>> PRIMARY KEY)',
    'invalid',
    "duration type is not supported for PRIMARY KEY column 'a'",
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b int STATIC)',
    'invalid',
    'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
  ],
  [
    'CREATE TABLE u (a int, b int STATIC, PRIMARY KEY (a, b))',
    'invalid',
    "Static column 'b' cannot be part of the PRIMARY KEY",
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b counter, c int)',
    'invalid',
    'Cannot mix counter and non counter columns in the same table',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b counter) WITH default_time_to_live = 3',
    'invalid',
    'Cannot set default_time_to_live on a table with counters',
  ],
  [
    'CREATE TABLE u (a int, b int, PRIMARY KEY (a, b)) WITH CLUSTERING ORDER BY (a DESC)',
    'invalid',
    'Only clustering key columns can be defined in CLUSTERING ORDER directive: [a] are not clustering columns',
  ],
  [
    'CREATE TABLE u (a int, b int, c int, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (c DESC)',
    'invalid',
    'Missing CLUSTERING ORDER for column b',
  ],
  [
    'CREATE TABLE u (a int, b int, c int, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (c DESC, b ASC)',
    'invalid',
    'The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns (b must appear before c)',
  ],
  ['CREATE TABLE u (a int PRIMARY KEY) WITH colour = 1', 'syntaxError', "Unknown property 'colour'"],
  [
    'CREATE TABLE u (a int PRIMARY KEY) WITH default_time_to_live = -1',
    'configError',
    'default_time_to_live must be greater than or equal to 0 (got -1)',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY) WITH default_time_to_live = 630720001',
    'configError',
    'default_time_to_live must be less than or equal to 630720000 (got 630720001)',
  ],
  [
    "CREATE TABLE u (a int PRIMARY KEY) WITH gc_grace_seconds = 'abc'",
    'syntaxError',
    "Invalid integer value abc for 'gc_grace_seconds'",
  ],
  [
    "CREATE TABLE u (a int PRIMARY KEY) WITH compaction = {'class': 'Magic'}",
    'configError',
    "Unable to find compaction strategy class 'org.apache.cassandra.db.compaction.Magic'",
  ],
  [
    `CREATE TABLE "${'u'.repeat(49)}" (a int PRIMARY KEY)`,
    'configError',
    `ks.${'u'.repeat(49)}: Table name must not be empty, more than 48 characters long, or contain non-alphanumeric-underscore characters (got "${'u'.repeat(49)}")`,
  ],
  ['CREATE TABLE u (a int PRIMARY KEY, b nosuch)', 'invalid', 'Unknown type ks.nosuch'],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b list<list<int>>)',
    'invalid',
    'Non-frozen collections are not allowed inside collections: list<list<int>>',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b list<person>)',
    'invalid',
    'Non-frozen UDTs are not allowed inside collections: list<person>',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b set<counter>)',
    'invalid',
    'Counters are not allowed inside collections: set<counter>',
  ],
  [
    'CREATE TABLE u (a frozen<set<duration>> PRIMARY KEY)',
    'invalid',
    'Durations are not allowed inside sets: frozen<set<duration>>',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b map<duration, int>)',
    'invalid',
    'Durations are not allowed as map keys: map<duration, int>',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b frozen<text>)',
    'syntaxError',
    'frozen<> is only allowed on collections, tuples, and user-defined types (got text)',
  ],
  [
    'CREATE TABLE u (a int PRIMARY KEY, b other.person)',
    'invalid',
    'Statement on keyspace ks cannot refer to a user type in keyspace other; user types can only be used in the keyspace they are defined in',
  ],
  ['DROP TABLE u', 'invalid', "Table 'ks.u' doesn't exist"],
  ['ALTER TABLE u ADD x int', 'invalid', "Table 'ks.u' doesn't exist"],
  ['ALTER TABLE t ADD v int', 'invalid', "Column with name 'v' already exists"],
  [
    'ALTER TABLE t ADD x int STATIC',
    'invalid',
    'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
  ],
  ['ALTER TABLE t DROP x', 'invalid', "Column x was not found in table 'ks.t'"],
  ['ALTER TABLE t DROP a', 'invalid', 'Cannot drop PRIMARY KEY column a'],
  ['ALTER TABLE t DROP who', 'invalid', 'Cannot drop non-frozen column who of user type person'],
  ['ALTER TABLE t DROP s', 'invalid', 'Cannot drop column s because it has dependent secondary indexes (t_s_idx)'],
  ['ALTER TABLE t RENAME v TO w', 'invalid', 'Cannot rename non PRIMARY KEY column v'],
  ['ALTER TABLE t RENAME x TO w', 'invalid', 'Undefined column name x in table ks.t'],
  [
    'ALTER TABLE t RENAME a TO v',
    'invalid',
    "Cannot rename column a to v in table 'ks.t'; another column with that name already exists",
  ],
  ['ALTER TABLE t ALTER v TYPE text', 'invalid', 'Altering column types is no longer supported'],
  ['ALTER TABLE t DROP COMPACT STORAGE', 'invalid', 'Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE'],
  ['ALTER TABLE t ADD n counter', 'configError', 'ks.t: Cannot have a counter column ("n") in a non counter table'],
  [
    'ALTER TABLE counts ADD x int',
    'configError',
    'ks.counts: Cannot have a non counter column ("x") in a counter table',
  ],
  [
    'ALTER TABLE counts WITH default_time_to_live = 3',
    'invalid',
    'Cannot set default_time_to_live on a table with counters',
  ],
  ['DROP TABLE system.local', 'unauthorized', 'system keyspace is not user-modifiable.'],
  ['TRUNCATE system_views.clients', 'invalid', 'Truncation is not supported by table system_views.clients'],
  ['CREATE INDEX "Weird Name" ON t (v)', 'configError', 'Illegal index name Weird Name'],
  ['TRUNCATE u', 'invalid', 'table u does not exist'],
  ['CREATE TYPE person (a int)', 'invalid', "A user type with name 'person' already exists"],
  ['CREATE TYPE p (a int, a text)', 'invalid', "Duplicate field name 'a' in type 'p'"],
  ['CREATE TYPE p (a counter)', 'invalid', 'A user type cannot contain counters'],
  ['CREATE TYPE p (a person)', 'invalid', 'A user type cannot contain non-frozen UDTs'],
  ['ALTER TYPE nosuch ADD x int', 'invalid', "Type ks.nosuch doesn't exist"],
  [
    'ALTER TYPE person ADD name int',
    'invalid',
    'Cannot add field name to type ks.person: a field with name name already exists',
  ],
  [
    'ALTER TYPE person ADD friend frozen<person>',
    'invalid',
    'Cannot add new field friend of type frozen<ks.person> to user type ks.person as it would create a circular reference',
  ],
  ['ALTER TYPE person RENAME x TO y', 'invalid', 'Unkown field x in user type ks.person'],
  ['DROP TYPE nosuch', 'invalid', "Type 'ks.nosuch' doesn't exist"],
  ['DROP TYPE person', 'invalid', "Cannot drop user type 'ks.person' as it is still used by tables t"],
  ['CREATE INDEX ON u (a)', 'invalid', "Table 'u' doesn't exist"],
  ['CREATE INDEX ON t (x)', 'invalid', 'Undefined column name x in table ks.t'],
  ['CREATE INDEX ON t (a)', 'invalid', 'Cannot create secondary index on the only partition key column a'],
  ['CREATE INDEX t_s_idx ON t (v)', 'invalid', "Index 't_s_idx' already exists"],
  ['CREATE INDEX again ON t (s)', 'invalid', 'Index again is a duplicate of existing index t_s_idx'],
  [
    'CREATE INDEX ON t (keys(s))',
    'invalid',
    'Cannot create keys() index on s. Non-collection columns only support simple indexes',
  ],
  ['CREATE INDEX ON t (full(v))', 'invalid', 'full() indexes can only be created on frozen collections'],
  ['CREATE INDEX ON t (keys(l))', 'invalid', 'Cannot create index on keys of column l with non-map type'],
  ['CREATE INDEX ON t (who)', 'invalid', 'Cannot create index on non-frozen UDT column who'],
  [
    'CREATE INDEX ON t (fl)',
    'invalid',
    "Cannot create values() index on frozen column fl. Frozen collections are immutable and must be fully indexed by using the 'full(fl)' modifier",
  ],
  ['CREATE INDEX ON counts (n)', 'invalid', "Secondary indexes on counter tables aren't supported"],
  ['DROP INDEX nosuch', 'invalid', "Index 'ks.nosuch' doesn't exist'"],
] as const)('%s is refused', async (text, code, message) => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE person (name text)');
  await rig.run(
    'CREATE TABLE t (a int PRIMARY KEY, v int, s text, l list<int>, fl frozen<list<int>>, m map<text, int>, who person)',
  );
  await rig.run('CREATE TABLE counts (a int PRIMARY KEY, n counter)');
  await rig.run('CREATE INDEX ON t (s)');
  const before = rig.schema;
  const error = await rig.refusal(text);
  expect([error.code, error.message]).toEqual([ErrorCode[code], message]);
  expect(rig.schema).toBe(before);
});

test.each([
  'CREATE TABLE u (a int PRIMARY KEY) WITH COMPACT STORAGE',
  'CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE a IS NOT NULL PRIMARY KEY (a)',
  "CREATE FUNCTION f(a int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;'",
  'CREATE AGGREGATE g(int) SFUNC f STYPE int',
  "CREATE TRIGGER x ON t USING 'org.Trigger'",
  "CREATE CUSTOM INDEX ON t (v) USING 'com.example.Index'",
])('%s is refused in words', async (text) => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int)');
  const error = await rig.refusal(text);
  expect(error.code).toBe(ErrorCode.invalid);
  expect(error.message).toMatch(/not supported, because/);
});

test('an error of a name that is taken carries keyspace and table', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY)');
  expect((await rig.refusal('CREATE TABLE t (a int PRIMARY KEY)')).detail).toEqual({ keyspace: 'ks', table: 't' });
  const keyspace = await rig.refusal(`CREATE KEYSPACE ks WITH replication = ${REPLICATION}`);
  expect(keyspace.detail).toEqual({ keyspace: 'ks', table: '' });
});

test('columns stand as Cassandra orders them: key, statics, regular ones, each by name; for DESCRIBE collections last', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run(
    'CREATE TABLE t (z int, y int, x int static, c text, b list<int>, a set<int>, d int, k int, PRIMARY KEY ((k, z), y)) WITH CLUSTERING ORDER BY (y DESC)',
  );
  const table = rig.table('t');
  expect(table.columns.map(({ name }) => name)).toEqual(['k', 'z', 'y', 'x', 'a', 'b', 'c', 'd']);
  expect(table.regulars.map(({ name }) => name)).toEqual(['c', 'd', 'a', 'b']);
  expect(table.columns.map(({ position }) => position)).toEqual([0, 1, 0, -1, -1, -1, -1, -1]);
  expect(table.clustering.map(({ isDescending }) => isDescending)).toEqual([true]);
  expect(table.byName.get('b')?.kind).toBe('regular');
  expect(table.space).toBeGreaterThanOrEqual(256);
  expect(table.isCounter).toBe(false);
});

test('everything that is inside frozen is frozen', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE person (name text, phones list<text>)');
  await rig.run('CREATE TABLE t (a frozen<map<text, list<person>>> PRIMARY KEY, b tuple<int, list<int>>)');
  const types = rig.table('t').columns.map(({ type }) => typeText(type));
  expect(types).toEqual(['frozen<map<text, frozen<list<frozen<person>>>>>', 'frozen<tuple<int, frozen<list<int>>>>']);
});

test('a column that was dropped comes back as another one', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int, w text)');
  const before = rig.table('t').byName.get('v')?.id;
  expect(await rig.run('ALTER TABLE t DROP v USING TIMESTAMP 1589286942065000')).toMatchObject({ change: 'UPDATED' });
  expect(rig.table('t').dropped).toMatchObject([{ name: 'v', kind: 'regular', droppedAt_us: 1589286942065000 }]);
  expect((await rig.refusal('ALTER TABLE t ADD v text')).message).toBe(
    "Cannot re-add previously dropped column 'v' of type text, incompatible with previous type int",
  );
  await rig.run('ALTER TABLE t ADD (v int, x int)');
  const table = rig.table('t');
  expect(table.byName.get('v')?.id).not.toBe(before);
  expect(new Set(table.regulars.map(({ id }) => id)).size).toBe(3);
});

test('a type that dropped columns had can be dropped', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE person (name text, age int)');
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, p frozen<person>, l list<frozen<person>>)');
  await rig.run('ALTER TABLE t DROP (p, l)');
  await rig.run('DROP TYPE person');
  expect(rig.table('t').dropped.map(({ type }) => typeText(type))).toEqual([
    'frozen<tuple<text, int>>',
    'list<frozen<tuple<text, int>>>',
  ]);
});

test('a type cannot be dropped while types or tables use it, however deep', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE inner_type (x int)');
  await rig.run('CREATE TYPE outer_type (y frozen<map<text, inner_type>>)');
  await rig.run('CREATE TABLE t (a frozen<outer_type> PRIMARY KEY)');
  expect((await rig.refusal('DROP TYPE inner_type')).message).toBe(
    "Cannot drop user type 'ks.inner_type' as it is still used by user types outer_type",
  );
  expect((await rig.refusal('DROP TYPE outer_type')).message).toBe(
    "Cannot drop user type 'ks.outer_type' as it is still used by tables t",
  );
  expect((await rig.refusal('ALTER TYPE inner_type ADD z int')).message).toBe(
    'Cannot add new field z of type int to user type ks.inner_type as the type is being used in partition key by the following tables: ks.t',
  );
});

test('tables see a type as it is after ALTER TYPE, and are other tables then', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TYPE person (name text)');
  await rig.run('CREATE TYPE pair (a frozen<person>, b frozen<person>)');
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, p frozen<pair>)');
  await rig.run('CREATE TABLE other (a int PRIMARY KEY)');
  const [t, other] = [rig.table('t'), rig.table('other')];
  await rig.run('ALTER TYPE person ADD age int');
  await rig.run('ALTER TYPE person RENAME name TO full_name');
  const pair = rig.table('t').byName.get('p')?.type;
  expect(pair).toMatchObject({
    fields: [{ type: { fields: [{ name: 'full_name' }, { name: 'age' }] } }, { name: 'b' }],
  });
  expect(rig.table('t').version).toBeGreaterThan(t.version);
  expect(rig.table('other')).toBe(other);
});

test('TRUNCATE gives a table and its indexes new spaces; the old ones are swept slot by slot', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int)');
  await rig.run('CREATE INDEX ON t (v)');
  const before = rig.table('t');
  expect(await rig.run('TRUNCATE t')).toBeNull();
  const after = rig.table('t');
  const old = [before.space, before.indexes[0]?.space as number];
  expect(after.id).toBe(before.id);
  expect([after.space, after.indexes[0]?.space].some((space) => old.includes(space as number))).toBe(false);
  expect(after.indexes[0]?.isReady).toBe(true);
  expect(rig.registry.sweeps.map(({ space }) => space).sort()).toEqual(old.sort());
  const schema = rig.schema;
  await rig.change({ type: 'swept', spaces: old, slots: [[0, 8_191]] });
  expect(rig.registry.sweeps.map(({ slots }) => slots)).toEqual([[[8_192, 16_383]], [[8_192, 16_383]]]);
  await rig.change({
    type: 'swept',
    spaces: old,
    slots: [
      [12_000, 16_383],
      [8_000, 11_999],
    ],
  });
  expect(rig.registry.sweeps).toEqual([]);
  expect(rig.schema).toBe(schema);
});

test('what is dropped is swept: tables with their indexes, indexes, and all of a keyspace', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int, w int)');
  await rig.run('CREATE INDEX i ON t (v)');
  await rig.run('CREATE INDEX j ON t (w)');
  await rig.run('CREATE TABLE u (a int PRIMARY KEY)');
  const spaces = [rig.table('t').space, ...rig.table('t').indexes.map(({ space }) => space), rig.table('u').space];
  const swept = () => rig.registry.sweeps.map(({ space }) => space).sort((a, b) => a - b);
  await rig.run('DROP INDEX i');
  expect(swept()).toEqual([spaces[1]]);
  await rig.run('DROP TABLE t');
  expect(swept()).toEqual(spaces.slice(0, 3));
  await rig.run('DROP KEYSPACE ks');
  expect(swept()).toEqual(spaces);
});

test('an index is ready when the rows of all slots are in it', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, m map<text, int>, v int)');
  expect(await rig.run('CREATE INDEX ON t (m)')).toEqual({
    change: 'UPDATED',
    target: 'TABLE',
    keyspace: 'ks',
    name: 't',
  });
  await rig.run('CREATE INDEX "By_Keys" ON t (keys(m))');
  expect(await rig.run('CREATE INDEX IF NOT EXISTS ON t (values(m))')).toBeNull();
  const [values, keys] = rig.table('t').indexes;
  expect(values).toMatchObject({ name: 't_m_idx', kind: 'values', isReady: false, options: { target: 'values(m)' } });
  expect(keys).toMatchObject({ name: 'By_Keys', kind: 'keys', isReady: false, unbuilt: [[0, 16_383]] });
  const spaces = [values?.space as number];
  await rig.change({ type: 'indexesBuilt', spaces, slots: [[0, 99]] });
  expect(rig.table('t').indexes[0]).toMatchObject({ isReady: false, unbuilt: [[100, 16_383]] });
  await rig.change({ type: 'indexesBuilt', spaces, slots: [[100, 16_383]] });
  expect(rig.table('t').indexes.map(({ isReady }) => isReady)).toEqual([true, false]);
});

test('spaces and column ids are never used again', async () => {
  const rig = await SchemaRig.withKeyspace();
  const seen = new Set<number>();
  for (let i = 0; i < 5; i += 1) {
    await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int)');
    await rig.run('CREATE INDEX ON t (v)');
    const table = rig.table('t');
    for (const space of [table.space, ...table.indexes.map((index) => index.space)]) {
      expect(seen.has(space)).toBe(false);
      seen.add(space);
    }
    await rig.run('DROP TABLE t');
  }
});

test('a table can be given its id, which no other table has', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY) WITH id = 5a1c395e-b41f-11e5-9f22-ba0be0483c18');
  expect(rig.table('t').id).toBe('5a1c395eb41f11e59f22ba0be0483c18');
  const again = await rig.refusal('CREATE TABLE u (a int PRIMARY KEY) WITH id = 5a1c395e-b41f-11e5-9f22-ba0be0483c18');
  expect(again.message).toMatch(/there is a table with id/);
  expect((await rig.refusal("ALTER TABLE t WITH id = '5a1c395e-b41f-11e5-9f22-ba0be0483c19'")).message).toBe(
    'Cannot alter table id.',
  );
});

test('options are kept as Cassandra keeps them', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run(
    `CREATE TABLE t (a int PRIMARY KEY) WITH comment = 'it''s' AND default_time_to_live = 60 AND gc_grace_seconds = 10
     AND compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 10}
     AND compression = {'sstable_compression': 'SnappyCompressor'} AND caching = {'keys': 'none'} AND cdc = TRUE`,
  );
  expect(rig.table('t').defaultTtl_s).toBe(60);
  expect(rig.table('t').options).toMatchObject({
    comment: "it's",
    gc_grace_seconds: '10',
    cdc: 'true',
    caching: { keys: 'NONE', rows_per_partition: 'NONE' },
    compaction: {
      class: 'org.apache.cassandra.db.compaction.LeveledCompactionStrategy',
      sstable_size_in_mb: '10',
    },
    compression: { chunk_length_in_kb: '16', class: 'org.apache.cassandra.io.compress.SnappyCompressor' },
  });
  await rig.run("ALTER TABLE t WITH bloom_filter_fp_chance = 0.1 AND speculative_retry = '99percentile'");
  expect(rig.table('t').options).toMatchObject({
    bloom_filter_fp_chance: '0.1',
    speculative_retry: '99p',
    cdc: 'true',
  });
});

test('a statement that does nothing new changes nothing', async () => {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, v int)');
  const before = rig.schema;
  for (const text of [
    'CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY)',
    'ALTER TABLE t ADD IF NOT EXISTS v int',
    'ALTER TABLE t DROP IF EXISTS nosuch',
    'ALTER TABLE IF EXISTS nosuch ADD v int',
    'DROP TABLE IF EXISTS nosuch',
    'DROP TABLE IF EXISTS nowhere.nosuch',
    'DROP INDEX IF EXISTS nosuch',
    'DROP TYPE IF EXISTS nosuch',
    'ALTER TYPE IF EXISTS nosuch ADD v int',
  ]) {
    expect(await rig.run(text), text).toBeNull();
  }
  expect(rig.schema).toBe(before);
});

test('without a keyspace a name needs one', async () => {
  const rig = new SchemaRig();
  expect((await rig.refusal('CREATE TABLE t (a int PRIMARY KEY)')).message).toBe(
    'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename',
  );
});
