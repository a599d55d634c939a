import { expect, test } from 'vitest';
import { SchemaRig } from './schema.test-support.ts';
import type { SchemaChange } from './schema-change.ts';
import { SYSTEM_SCHEMA } from './system/system-tables.ts';

function shown({ change, target, keyspace, name }: SchemaChange): string {
  return [change, target, keyspace, name].filter((part) => part !== '').join(' ');
}

async function watched(): Promise<{ rig: SchemaRig; heard: () => string[] }> {
  const rig = await SchemaRig.withKeyspace();
  let changes: SchemaChange[] = [];
  rig.registry.watch((change) => changes.push(change));
  rig.registry.follow();
  return {
    rig,
    heard: () => {
      const texts = changes.map(shown);
      changes = [];
      return texts;
    },
  };
}

test('what has not changed stays the same object', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  await rig.run("CREATE KEYSPACE other WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await rig.run('CREATE TYPE person (name text)');
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, p frozen<person>)');
  await rig.run('CREATE TABLE u (a int PRIMARY KEY)');
  const before = rig.schema;
  await rig.run('ALTER TABLE t ADD x int');
  const after = rig.schema;
  const of = (schema: typeof before, keyspace: string) => schema.keyspaces.get(keyspace);
  expect(after.version).toBeGreaterThan(before.version);
  expect(of(after, 'other')).toBe(of(before, 'other'));
  expect(of(after, 'system')).toBe(of(before, 'system'));
  expect(of(after, 'ks')?.tables.get('u')).toBe(of(before, 'ks')?.tables.get('u'));
  expect(of(after, 'ks')?.types).toBe(of(before, 'ks')?.types);
  expect(of(after, 'ks')?.tables.get('t')).not.toBe(of(before, 'ks')?.tables.get('t'));
});

test('a change among many tables makes one table anew', async () => {
  const rig = await SchemaRig.withKeyspace();
  for (let i = 0; i < 150; i += 1) await rig.run(`CREATE TABLE t${i} (a int PRIMARY KEY, b text)`);
  const before = rig.schema.keyspaces.get('ks')?.tables;
  await rig.run('ALTER TABLE t75 ADD c int');
  const after = rig.schema.keyspaces.get('ks')?.tables;
  const anew = [...(after ?? [])].filter(([name, table]) => before?.get(name) !== table).map(([name]) => name);
  expect(after?.size).toBe(150);
  expect(anew).toEqual(['t75']);
});

test('events tell what clients can see, each change once', async () => {
  const { rig, heard } = await watched();
  await rig.run('CREATE TYPE person (name text)');
  expect(heard()).toEqual(['CREATED TYPE ks person']);
  await rig.run('CREATE TABLE t (a int PRIMARY KEY, p frozen<person>, v int)');
  expect(heard()).toEqual(['CREATED TABLE ks t']);
  await rig.run('ALTER TABLE t ADD w int');
  expect(heard()).toEqual(['UPDATED TABLE ks t']);
  await rig.run('ALTER TYPE person ADD age int');
  expect(heard()).toEqual(['UPDATED TYPE ks person']);
  await rig.run('CREATE INDEX ON t (v)');
  expect(heard()).toEqual(['UPDATED TABLE ks t']);
  await rig.change({
    type: 'indexesBuilt',
    spaces: rig.table('t').indexes.map(({ space }) => space),
    slots: [[0, 16_383]],
  });
  expect(rig.table('t').indexes[0]?.isReady).toBe(true);
  await rig.run('TRUNCATE t');
  expect(heard()).toEqual([]);
  await rig.run('DROP INDEX t_v_idx');
  expect(heard()).toEqual(['UPDATED TABLE ks t']);
  await rig.run('ALTER KEYSPACE ks WITH durable_writes = false');
  expect(heard()).toEqual(['UPDATED KEYSPACE ks']);
  await rig.run('DROP TABLE t');
  await rig.run('DROP TYPE person');
  expect(heard()).toEqual(['DROPPED TABLE ks t', 'DROPPED TYPE ks person']);
  await rig.run('CREATE TABLE again (a int PRIMARY KEY)');
  heard();
  await rig.run('DROP KEYSPACE ks');
  expect(heard()).toEqual(['DROPPED KEYSPACE ks']);
});

test('a listener that has ended hears no more', async () => {
  const rig = await SchemaRig.withKeyspace();
  const heard: SchemaChange[] = [];
  const end = rig.registry.watch((change) => heard.push(change));
  rig.registry.follow();
  end();
  await rig.run('CREATE TABLE t (a int PRIMARY KEY)');
  expect(heard).toEqual([]);
});
