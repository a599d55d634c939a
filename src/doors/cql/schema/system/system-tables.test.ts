import { expect, test } from 'vitest';
import { newRole } from '../../../../cluster/access/role.ts';
import type { ClusterView, NodeView, TabletView } from '../../../../cluster/view.ts';
import { SLOT_COUNT } from '../../../../cluster/view.ts';
import type { Cell } from '../../types/composite.ts';
import { literalText } from '../../types/text.ts';
import { slotOfToken, tokenFromBigInt } from '../../types/token.ts';
import type { Schema, Table } from '../model.ts';
import { SchemaRig } from '../schema.test-support.ts';
import type { SystemContext } from './context.ts';
import { SYSTEM_SCHEMA, systemRows } from './system-tables.ts';
import { lastTokenOf, tokensOf } from './tokens.ts';

function node(id: number, fields: Partial<NodeView> = {}): NodeView {
  return {
    id,
    redisId: String(id).repeat(40).slice(0, 40),
    name: `node-${id}`,
    host: `127.0.0.${id}`,
    zone: 'default',
    ports: { redis: 6379, redisSingle: 6380, cql: 9042, admin: 7070, peer: 7071 },
    alive: true,
    connected: true,
    leaving: false,
    ...fields,
  };
}

function tablet(id: number, slotFirst: number, slotLast: number, replicas: readonly number[]): TabletView {
  return { id, slotFirst, slotLast, leader: replicas[1] ?? 0, term: 1, replicas, rebuilding: [] };
}

function view(tablets: readonly TabletView[], nodes = [node(1), node(2), node(3, { alive: false })]): ClusterView {
  return { version: 1, clusterId: 'c'.repeat(32), self: 1, nodes, tablets };
}

const THREE = view([
  tablet(1, 0, 5_460, [1, 2, 3]),
  tablet(2, 5_461, 10_922, [2, 3, 1]),
  tablet(3, 10_923, SLOT_COUNT - 1, [3, 1, 2]),
]);

function contextOf(schema: Schema, fields: Partial<SystemContext> = {}): SystemContext {
  return {
    view: THREE,
    schema,
    clusterName: 'moot',
    addressOf: ({ host }) => host,
    replication: 'asWritten',
    prepared: () => [],
    clients: () => [],
    roles: () => [],
    settings: () => [],
    ...fields,
  };
}

/** Rows as texts by column; nulls left out. */
function read(name: string, context: SystemContext, first: Buffer | null = null): Record<string, string>[] {
  const [keyspace = '', table = ''] = name.split('.');
  const described = context.schema.keyspaces.get(keyspace)?.tables.get(table) as Table;
  return [...systemRows(described, context, first)].map((cells) => shown(described, cells));
}

function shown(table: Table, cells: readonly Cell[]): Record<string, string> {
  expect(cells.length).toBe(table.columns.length);
  const row: Record<string, string> = {};
  for (const [i, { name, type }] of table.columns.entries()) {
    const cell = cells[i] as Cell;
    if (cell !== null) row[name] = literalText(type, cell);
  }
  return row;
}

test('all system keyspaces are there, with ids by which Cassandra knows their tables', () => {
  const names = SYSTEM_SCHEMA.map(({ name, kind }) => `${name} ${kind}`);
  expect(names.sort()).toEqual([
    'system system',
    'system_auth system',
    'system_distributed system',
    'system_schema system',
    'system_traces system',
    'system_views virtual',
    'system_virtual_schema virtual',
  ]);
  const local = SYSTEM_SCHEMA.find(({ name }) => name === 'system')?.tables.get('local');
  expect(local?.id).toBe('7ad54392bcdd35a684174e047860b377');
  expect(local?.isSystem).toBe(true);
});

test('every table of the system can be read', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  const context = contextOf(rig.schema);
  for (const keyspace of SYSTEM_SCHEMA) {
    for (const name of keyspace.tables.keys()) expect(() => read(`${keyspace.name}.${name}`, context)).not.toThrow();
  }
});

test('system.local tells who this node is', async () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  const rows = read('system.local', contextOf(rig.schema));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    key: "'local'",
    bootstrapped: "'COMPLETED'",
    broadcast_address: "'127.0.0.1'",
    cluster_name: "'moot'",
    data_center: "'datacenter1'",
    host_id: '11111111-1111-4111-9111-111111111111',
    listen_port: '7071',
    native_protocol_version: "'5'",
    partitioner: "'org.apache.cassandra.dht.Murmur3Partitioner'",
    rack: "'default'",
    rpc_address: "'127.0.0.1'",
    rpc_port: '9042',
    tokens: `{'${lastTokenOf(5_460)}'}`,
  });
  expect(rows[0]?.['release_version']).toMatch(/^'4\.1\./);
});

test('peers are the others with this door open, those that are down too', async () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  const context = contextOf(rig.schema);
  const peers = read('system.peers', context);
  expect(peers.map(({ peer }) => peer)).toEqual(["'127.0.0.2'", "'127.0.0.3'"]);
  for (const row of peers) {
    for (const column of ['host_id', 'rpc_address', 'data_center', 'rack', 'tokens', 'release_version']) {
      expect(row[column]).toBeDefined();
    }
  }
  expect(read('system.peers_v2', context)[0]).toMatchObject({
    peer: "'127.0.0.2'",
    peer_port: '7071',
    native_address: "'127.0.0.2'",
    native_port: '9042',
  });
  const shut = node(3, { ports: { ...node(3).ports, cql: 0 } });
  const closed = contextOf(rig.schema, { view: view(THREE.tablets, [node(1), node(2), shut]) });
  expect(read('system.peers_v2', closed).map(({ peer }) => peer)).toEqual(["'127.0.0.2'"]);
});

test('the schema version is one for all nodes and changes with the schema', async () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  const versions = () => {
    const context = contextOf(rig.schema);
    const rows = [...read('system.local', context), ...read('system.peers', context)];
    return new Set(rows.map((row) => row['schema_version']));
  };
  const before = versions();
  expect(before.size).toBe(1);
  await rig.run("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
  expect(versions().size).toBe(1);
  expect(versions()).not.toEqual(before);
});

test('a token ends the range of its tablet, and belongs to the first replica', () => {
  const ring = tokensOf(THREE);
  expect([...ring]).toEqual([
    [1, [String(lastTokenOf(5_460))]],
    [2, [String(lastTokenOf(10_922))]],
    [3, [String(2n ** 63n - 1n)]],
  ]);
  for (const slot of [0, 5_460, 8_191, 8_192, SLOT_COUNT - 1]) {
    expect(slotOfToken(tokenFromBigInt(lastTokenOf(slot)))).toBe(slot);
    if (slot < SLOT_COUNT - 1) expect(slotOfToken(tokenFromBigInt(lastTokenOf(slot) + 1n))).toBe(slot + 1);
  }
});

test('a node without tablets has a token that owns next to nothing', () => {
  const ring = tokensOf(view([tablet(1, 0, SLOT_COUNT - 1, [1])]));
  expect(ring.get(2)).toEqual([String(-(2n ** 63n) + 1n)]);
  expect(ring.get(3)).toEqual([String(-(2n ** 63n) + 2n)]);
});

test('the ring has at most 4,096 tokens', () => {
  const tablets = Array.from({ length: 8_192 }, (_, i) => tablet(i, 2 * i, 2 * i + 1, [(i % 3) + 1]));
  const tokens = [...tokensOf(view(tablets)).values()].flat();
  expect(tokens.length).toBe(4_096);
  expect(tokens).toContain(String(2n ** 63n - 1n));
});

test('system_schema describes what users have made', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  await rig.run('CREATE TYPE person (name text, "Phones" frozen<list<text>>)');
  await rig.run(
    `CREATE TABLE t (k int, c timeuuid, s text static, v list<int>, "V w" frozen<person>, gone int, PRIMARY KEY (k, c))
     WITH CLUSTERING ORDER BY (c DESC) AND comment = 'rows' AND default_time_to_live = 5`,
  );
  await rig.run('CREATE INDEX ON t (v)');
  await rig.run('ALTER TABLE t DROP gone USING TIMESTAMP 1589286942065000');
  await rig.run('CREATE TABLE counts (k int PRIMARY KEY, n counter)');
  const context = contextOf(rig.schema);
  const ks = Buffer.from('ks');
  expect(read('system_schema.keyspaces', context, ks)).toEqual([
    {
      keyspace_name: "'ks'",
      durable_writes: 'true',
      replication: "{'class': 'org.apache.cassandra.locator.SimpleStrategy', 'replication_factor': '3'}",
    },
  ]);
  const [counts, table] = read('system_schema.tables', context, ks);
  expect(counts).toMatchObject({ table_name: "'counts'", flags: "{'compound', 'counter'}" });
  expect(table).toMatchObject({
    table_name: "'t'",
    bloom_filter_fp_chance: '0.01',
    caching: "{'keys': 'ALL', 'rows_per_partition': 'NONE'}",
    cdc: 'false',
    comment: "'rows'",
    crc_check_chance: '1.0',
    default_time_to_live: '5',
    extensions: '{}',
    flags: "{'compound'}",
    gc_grace_seconds: '864000',
    memtable: "'default'",
    read_repair: "'BLOCKING'",
    speculative_retry: "'99p'",
  });
  const columns = read('system_schema.columns', context, ks).filter((row) => row['table_name'] === "'t'");
  expect(
    columns.map((row) => [row['column_name'], row['kind'], row['position'], row['clustering_order'], row['type']]),
  ).toEqual([
    ["'V w'", "'regular'", '-1', "'none'", "'frozen<person>'"],
    ["'c'", "'clustering'", '0', "'desc'", "'timeuuid'"],
    ["'k'", "'partition_key'", '0', "'none'", "'int'"],
    ["'s'", "'static'", '-1', "'none'", "'text'"],
    ["'v'", "'regular'", '-1', "'none'", "'list<int>'"],
  ]);
  expect(columns[0]?.['column_name_bytes']).toBe('0x562077');
  expect(read('system_schema.indexes', context, ks)).toEqual([
    {
      keyspace_name: "'ks'",
      table_name: "'t'",
      index_name: "'t_v_idx'",
      kind: "'COMPOSITES'",
      options: "{'target': 'values(v)'}",
    },
  ]);
  expect(read('system_schema.types', context, ks)).toEqual([
    {
      keyspace_name: "'ks'",
      type_name: "'person'",
      field_names: "['name', 'Phones']",
      field_types: "['text', 'frozen<list<text>>']",
    },
  ]);
  expect(read('system_schema.dropped_columns', context, ks)).toMatchObject([
    {
      column_name: "'gone'",
      kind: "'regular'",
      type: "'int'",
      dropped_time: expect.stringMatching(/2020-05-12.12:35:42.065Z/),
    },
  ]);
});

test('a driver that shuffles replicas is told of one', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  const context = contextOf(rig.schema, { replication: 'single' });
  expect(read('system_schema.keyspaces', context, Buffer.from('ks'))[0]?.['replication']).toBe(
    "{'class': 'org.apache.cassandra.locator.SimpleStrategy', 'replication_factor': '1'}",
  );
});

test('virtual keyspaces are described by themselves', async () => {
  const rig = await SchemaRig.withKeyspace(SYSTEM_SCHEMA);
  const context = contextOf(rig.schema);
  const names = (table: string) => read(table, context).map((row) => row['keyspace_name']);
  expect(names('system_schema.keyspaces')).toEqual([
    "'ks'",
    "'system'",
    "'system_auth'",
    "'system_distributed'",
    "'system_schema'",
    "'system_traces'",
  ]);
  expect(names('system_virtual_schema.keyspaces')).toEqual(["'system_views'", "'system_virtual_schema'"]);
  expect(new Set(names('system_virtual_schema.columns'))).toEqual(new Set(names('system_virtual_schema.keyspaces')));
  expect(read('system_virtual_schema.tables', context, Buffer.from('system_views'))[0]).toEqual({
    keyspace_name: "'system_views'",
    table_name: "'clients'",
    comment: "'currently connected clients'",
  });
});

test('roles are shown without what proves their passwords', () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  const roles = [
    newRole('root', { superuser: true, login: true }),
    newRole('anna', { login: true, memberOf: ['staff'], permissions: { 'data/ks': ['SELECT', 'MODIFY'] } }),
    newRole('staff'),
  ];
  const context = contextOf(rig.schema, { roles: () => roles });
  expect(read('system_auth.roles', context)).toEqual([
    { role: "'anna'", can_login: 'true', is_superuser: 'false', member_of: "{'staff'}" },
    { role: "'root'", can_login: 'true', is_superuser: 'true' },
    { role: "'staff'", can_login: 'false', is_superuser: 'false' },
  ]);
  expect(read('system_auth.role_members', context)).toEqual([{ role: "'staff'", member: "'anna'" }]);
  expect(read('system_auth.role_permissions', context)).toEqual([
    { role: "'anna'", resource: "'data/ks'", permissions: "{'MODIFY', 'SELECT'}" },
  ]);
});

test('a node tells its prepared statements, clients and settings', () => {
  const rig = new SchemaRig(SYSTEM_SCHEMA);
  const context = contextOf(rig.schema, {
    prepared: () => [{ id: Buffer.from('0a0b', 'hex'), keyspace: undefined, text: 'SELECT 1' }],
    clients: () => [
      {
        address: '127.0.0.9',
        port: 4_000,
        driverName: 'gocql',
        driverVersion: undefined,
        protocolVersion: 4,
        requestCount: 7,
        user: 'anna',
        tlsProtocol: undefined,
        tlsCipher: undefined,
      },
    ],
    settings: () => [['tablets', '12']],
  });
  expect(read('system.prepared_statements', context)).toEqual([{ prepared_id: '0x0a0b', query_string: "'SELECT 1'" }]);
  expect(read('system_views.clients', context)).toMatchObject([
    { address: "'127.0.0.9'", port: '4000', driver_name: "'gocql'", request_count: '7', ssl_enabled: 'false' },
  ]);
  expect(read('system_views.settings', context)).toEqual([{ name: "'tablets'", value: "'12'" }]);
});
