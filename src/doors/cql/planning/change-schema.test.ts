import { expect, test } from 'vitest';
import { silentLogger } from '../../../base/log.ts';
import { AccessControl } from '../../../cluster/access/access-control.ts';
import { newRole, type Role } from '../../../cluster/access/role.ts';
import type { ClusterView } from '../../../cluster/view.ts';
import { ErrorCode } from '../errors.ts';
import { parse } from '../language/parse.ts';
import { SchemaRig } from '../schema/schema.test-support.ts';
import { changeSchema } from './change-schema.ts';

const REPLICATION = "replication = {'class': 'SimpleStrategy', 'replication_factor': 3}";

/** Time stands still until it is told to pass. */
class StillClock {
  readonly waiting: (() => void)[] = [];
  monotonic_ms = (): number => 0;
  wall_ms = (): number => 0;
  after(_delay_ms: number, callback: () => void): { cancel: () => void } {
    this.waiting.push(callback);
    return { cancel: () => this.waiting.splice(0) };
  }
  every(): { cancel: () => void } {
    return { cancel: () => undefined };
  }
  endOfTurn(callback: () => void): void {
    callback();
  }
}

function makeRig() {
  const schema = new SchemaRig();
  const clock = new StillClock();
  const access = new AccessControl({ catalog: schema.catalog, clock, logger: silentLogger });
  const tablet = { id: 1, slotFirst: 0, slotLast: 16_383, leader: 1, term: 1, replicas: [1, 2, 3], rebuilding: [] };
  const view: ClusterView = { version: 1, clusterId: '', self: 1, nodes: [], tablets: [tablet] };
  const warnings: string[] = [];
  const run = (text: string, user = ''): Promise<string> =>
    new Promise((resolve) => {
      const { statement: syntax } = parse(text);
      const options = { access, catalog: schema.catalog, schema: schema.registry, clock, router: { view: () => view } };
      changeSchema(options, { syntax, text, keyspace: 'ks' }, user, {
        done: () => resolve('done'),
        rows: () => resolve('rows'),
        keyspace: () => resolve('keyspace'),
        schemaChange: ({ change, target }) => resolve(`${change} ${target}`),
        error: ({ code, message }) => resolve(`${code} ${message}`),
        warn: (warning) => warnings.push(warning),
      });
    });
  const addRole = (role: Role) => access.change(() => [{ name: role.name, before: null, after: role }]);
  return { schema, clock, access, warnings, run, addRole };
}

test('a change is told as what it was, nothing new as nothing, a refusal as an error', async () => {
  const { run } = makeRig();
  expect(await run(`CREATE KEYSPACE ks WITH ${REPLICATION}`)).toBe('CREATED KEYSPACE');
  expect(await run(`CREATE KEYSPACE IF NOT EXISTS ks WITH ${REPLICATION}`)).toBe('done');
  expect(await run('DROP TABLE nosuch')).toBe(`${ErrorCode.invalid} Table 'ks.nosuch' doesn't exist`);
});

test('a replication factor other than that of the cluster is answered with a warning', async () => {
  const { run, warnings } = makeRig();
  await run(`CREATE KEYSPACE ks WITH ${REPLICATION}`);
  expect(warnings).toEqual([]);
  await run("ALTER KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  expect(warnings).toEqual(['Keyspace ks says replication_factor 1; this cluster keeps 3 replicas of all data']);
});

test('CREATE INDEX is answered when the index is built', async () => {
  const { run, schema, warnings } = makeRig();
  await run(`CREATE KEYSPACE ks WITH ${REPLICATION}`);
  await run('CREATE TABLE t (a int PRIMARY KEY, v int)');
  let isAnswered = false;
  const answer = run('CREATE INDEX ON t (v)').then((text) => {
    isAnswered = true;
    return text;
  });
  while (schema.table('t').indexes.length === 0) await Promise.resolve();
  const spaces = schema.table('t').indexes.map(({ space }) => space);
  await schema.change({ type: 'indexesBuilt', spaces, slots: [[0, 9_999]] });
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
  expect(isAnswered).toBe(false);
  await schema.change({ type: 'indexesBuilt', spaces, slots: [[10_000, 16_383]] });
  expect(await answer).toBe('UPDATED TABLE');
  expect(warnings).toEqual([]);
});

test('an index that takes long is answered with a warning', async () => {
  const { run, clock, warnings } = makeRig();
  await run(`CREATE KEYSPACE ks WITH ${REPLICATION}`);
  await run('CREATE TABLE t (a int PRIMARY KEY, v int)');
  const answer = run('CREATE INDEX ON t (v)');
  while (clock.waiting.length === 0) await Promise.resolve();
  clock.waiting[0]?.();
  expect(await answer).toBe('UPDATED TABLE');
  expect(warnings).toEqual([expect.stringMatching(/still being built/)]);
});

test('who makes something may do everything with it; what is gone leaves no permissions', async () => {
  const { run, access, addRole } = makeRig();
  await addRole(newRole('anna', { login: true }));
  await addRole(newRole('ben', { permissions: { 'data/ks': ['SELECT'], 'data/ks/t': ['MODIFY'], data: ['CREATE'] } }));
  await run(`CREATE KEYSPACE ks WITH ${REPLICATION}`, 'anna');
  await run('CREATE TABLE t (a int PRIMARY KEY)', 'anna');
  expect(access.roles.get('anna')?.permissions).toEqual({
    'data/ks': ['CREATE', 'ALTER', 'DROP', 'SELECT', 'MODIFY', 'AUTHORIZE'],
    'data/ks/t': ['ALTER', 'DROP', 'SELECT', 'MODIFY', 'AUTHORIZE'],
  });
  await run('DROP TABLE t', 'anna');
  expect(Object.keys(access.roles.get('anna')?.permissions ?? {})).toEqual(['data/ks']);
  expect(access.roles.get('ben')?.permissions).toEqual({ 'data/ks': ['SELECT'], data: ['CREATE'] });
  await run('CREATE TABLE u (a int PRIMARY KEY)', 'anna');
  await run('DROP KEYSPACE ks', 'anna');
  expect(access.roles.get('anna')?.permissions).toEqual({});
  expect(access.roles.get('ben')?.permissions).toEqual({ data: ['CREATE'] });
});

test('a text that is too long for the catalog is refused', async () => {
  const { run } = makeRig();
  const text = `CREATE TABLE ks.t (a int PRIMARY KEY) WITH comment = '${'x'.repeat(1_100_000)}'`;
  expect(await run(text)).toBe(`${ErrorCode.invalid} A statement on the schema has at most 1048576 characters`);
});
