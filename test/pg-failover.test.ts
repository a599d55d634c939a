import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPostgres, needsPostgres } from '../src/doors/postgres/real-servers.test-support.ts';
import { WireClient } from '../src/pg/server/wire-client.ts';
import { folkmoot } from './support/command.ts';
import { connectPostgres, groupOf, isWhole, PostgresWriters, runSql, untilGroup } from './support/postgres-load.ts';

const SETTLE_MS = 240_000;

describe.skipIf(!hasPostgres)(`the PostgreSQL group${needsPostgres}`, () => {
  let cluster: Cluster;
  let writers: PostgresWriters;

  beforeAll(async () => {
    cluster = await createCluster({
      nodes: 3,
      logLevel: 'debug',
      options: { postgres: 'on' },
      startTimeout_ms: SETTLE_MS,
    });
    await untilGroup(cluster, 'a whole group', isWhole, SETTLE_MS);
    writers = await PostgresWriters.start(cluster);
    await writers.more(20);
  }, SETTLE_MS);

  afterAll(async () => {
    await writers?.stop();
    await cluster?.close();
  }, SETTLE_MS);

  /** Each begins with a whole group, disturbs it, and is to find all that was acknowledged on every server. */
  function disturb(name: string, disturbance: (primary: ClusterNode) => Promise<void>): void {
    test(
      name,
      async () => {
        const primary = await untilGroup(cluster, 'a whole group', isWhole, SETTLE_MS);
        await writers.more(20);
        writers.mark();
        await disturbance(primary);
        await writers.more(20);
        await untilGroup(cluster, 'a whole group again', isWhole, SETTLE_MS);
        for (const node of cluster.nodes) expect(await writers.lost(node)).toEqual([]);
        await expectEqualServers();
        for (const node of cluster.nodes) expect(node.crashes).toEqual([]);
      },
      SETTLE_MS,
    );
  }

  /** Every server has the same rows, also those that nobody was told of. */
  async function expectEqualServers(): Promise<void> {
    const sql = "SELECT md5(string_agg(id::text, ',' ORDER BY id)) FROM ledger WHERE id <= $MAX";
    const newest = Math.max(...writers.acknowledged);
    await cluster.waitFor(
      async () => {
        const sums = await Promise.all(cluster.nodes.map((node) => direct(node, sql.replace('$MAX', String(newest)))));
        return new Set(sums).size === 1;
      },
      { what: 'equal servers', timeout_ms: 60_000 },
    );
  }

  async function epoch(): Promise<number> {
    return (await groupOf(cluster)).epoch;
  }

  test('the roles of the cluster are roles of PostgreSQL', async () => {
    const [node] = cluster.nodes as [ClusterNode];
    const rows = await runSql(node, 'SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolsuper ORDER BY rolname');
    expect(rows.map(({ rolname }) => rolname)).toEqual(['cassandra', 'folkmoot', 'postgres']);
  });

  test('a setting is made on all servers, and a managed or a wrong one on none', async () => {
    const [node] = cluster.nodes as [ClusterNode];
    const { AdminClient } = await import('../src/admin/admin-client.ts');
    const admin = new AdminClient({ host: node.host, port: node.ports.admin }, 20_000);
    await admin.call('POST', '/api/postgres/set', { name: 'work_mem', value: '7MB' });
    for (const each of cluster.nodes) {
      await cluster.waitFor(async () => (await direct(each, 'SHOW work_mem')) === '7MB', { what: 'the setting' });
    }
    for (const [name, value] of [
      ['fsync', 'off'],
      ['work_mem', 'a lot'],
    ]) {
      await expect(admin.call('POST', '/api/postgres/set', { name, value })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    }
    expect((await groupOf(cluster)).settings).toEqual({ work_mem: '7MB' });
  });

  disturb('a PostgreSQL that is killed is replaced, and comes back as a standby', async (primary) => {
    const before = await epoch();
    process.kill(await postmasterOf(primary), 'SIGKILL');
    await untilGroup(cluster, 'another reign', (group) => group.epoch > before && group.availability === 'serving');
    expect([...writers.errors.keys()].filter((code) => !['57P01', '08007'].includes(code))).toEqual([]);
  });

  disturb('a node that is killed is replaced, leaves no PostgreSQL behind, and comes back', async (primary) => {
    const before = await epoch();
    const postmaster = await postmasterOf(primary);
    await cluster.kill(primary);
    await untilGroup(cluster, 'another reign', (group) => group.epoch > before && group.availability === 'serving');
    await writers.more(50);
    await cluster.waitFor(() => !isThere(postmaster), { what: 'the end of its PostgreSQL' });
    await cluster.start(primary);
  });

  disturb('a node that stood still answers no old reads, and loses its lead', async (primary) => {
    const before = await epoch();
    const reader = await connectPostgres(primary);
    cluster.pause(primary);
    await untilGroup(cluster, 'another reign', (group) => group.epoch > before && group.availability === 'serving');
    await writers.more(50);
    const floor = Math.max(...writers.acknowledged);
    // Sent while it stands still: it is the first thing that the node finds when it goes on.
    const answer = reader.query('SELECT max(id) AS newest FROM ledger').catch(() => null);
    await cluster.resume(primary);
    const rows = (await answer)?.rows;
    if (rows !== undefined) expect(Number(rows[0].newest)).toBeGreaterThanOrEqual(floor);
    await reader.end().catch(() => undefined);
  });

  disturb('a primary that is cut off acknowledges nothing, and gives up what only it has', async (primary) => {
    const before = await epoch();
    const others = cluster.nodes.filter((node) => node !== primary);
    const own = await connectDirect(primary);
    await cluster.partition([primary], others);
    // Past the gateway, as nobody can: it waits for standbys that do not answer until its server is fenced.
    const alone = own.query('INSERT INTO ledger VALUES (-1)').then(
      () => 'acknowledged',
      () => 'broken off',
    );
    const asked = others[0] as ClusterNode;
    await cluster.waitFor(
      async () => {
        const group = await groupOf(cluster, asked);
        return group.epoch > before && group.availability === 'serving';
      },
      { what: 'another reign', timeout_ms: 60_000 },
    );
    expect(await alone).toBe('broken off');
    await cluster.waitFor(async () => (await groupOf(cluster, primary)).primary === 0, { what: 'an insight' });
    own.close();
    await cluster.heal();
    await untilGroup(cluster, 'a whole group', isWhole, SETTLE_MS);
    for (const node of cluster.nodes) expect(await direct(node, 'SELECT count(*) FROM ledger WHERE id < 0')).toBe('0');
  });

  disturb('a switchover shows clients no error', async (primary) => {
    const { AdminClient } = await import('../src/admin/admin-client.ts');
    const target = cluster.nodes.find((node) => node !== primary) as ClusterNode;
    const admin = new AdminClient({ host: target.host, port: target.ports.admin }, 30_000);
    expect(await admin.call('POST', '/api/postgres/switchover', { node: target.id })).toEqual({ primary: target.id });
    await writers.more(50);
    expect([...writers.errors]).toEqual([]);
  });

  disturb('a node that is stopped in order hands over first', async (primary) => {
    const before = await epoch();
    await cluster.stop(primary);
    const group = await groupOf(cluster);
    expect(group).toMatchObject({ availability: 'serving' });
    expect(group.epoch).toBe(before + 1);
    await cluster.start(primary);
  });

  disturb('a standby gets a new copy when an operator asks for it', async (primary) => {
    const { AdminClient } = await import('../src/admin/admin-client.ts');
    const standby = cluster.nodes.find((node) => node !== primary) as ClusterNode;
    const admin = new AdminClient({ host: standby.host, port: standby.ports.admin }, 20_000);
    const before = await postmasterOf(standby);
    await admin.call('POST', '/api/postgres/reinit', { node: standby.id });
    const isNew = async (): Promise<boolean> => (await postmasterOf(standby).catch(() => before)) !== before;
    await cluster.waitFor(isNew, { what: 'a new server', timeout_ms: 60_000 });
  });

  disturb('with too few servers nobody is promoted; with enough of them nothing is missing', async (primary) => {
    const standbys = cluster.nodes.filter((node) => node !== primary);
    const [killed, left] = standbys as [ClusterNode, ClusterNode];
    await Promise.all([cluster.kill(primary), cluster.kill(killed)]);
    await cluster.waitFor(async () => (await groupOf(cluster, left)).primary === 0, { what: 'nobody to write to' });
    await expect(direct(left, 'SELECT pg_is_in_recovery()::text')).resolves.toBe('true');
    await Promise.all([cluster.start(killed, { ready: false }), cluster.start(primary, { ready: false })]);
  });

  disturb('all nodes are killed at once, and everything is there', async () => {
    await Promise.all(cluster.nodes.map((node) => cluster.kill(node)));
    await Promise.all(cluster.nodes.map((node) => cluster.start(node, { ready: false })));
  });

  // The last one: the group has one server afterwards.
  test(
    'servers whose data is lost for ever are given up by an operator, who has been told what that means',
    async () => {
      const primary = await untilGroup(cluster, 'a whole group', isWhole, SETTLE_MS);
      await writers.more(20);
      await writers.stop();
      const [lost, left] = cluster.nodes.filter((node) => node !== primary) as [ClusterNode, ClusterNode];
      const hasAll = async (): Promise<boolean> =>
        (await direct(left, 'SELECT count(*)::text FROM ledger')) ===
        (await direct(primary, 'SELECT count(*)::text FROM ledger'));
      await cluster.waitFor(hasAll, { what: 'a standby that has everything' });
      await Promise.all([cluster.kill(primary), cluster.kill(lost)]);
      for (const node of [primary, lost]) await rm(join(node.dataFolder, 'postgres', 'data'), { recursive: true });
      await Promise.all([primary, lost].map((node) => cluster.start(node, { ready: false })));
      // They may have acknowledged what is gone, so they answer nothing.
      await untilGroup(cluster, 'one answer', ({ reason }) => reason.startsWith('1 of 2 answers'), SETTLE_MS);

      const at = ['--host', left.host, '--admin-port', String(left.ports.admin)];
      const told = await folkmoot('pg', 'override', ...at);
      expect(told).toMatchObject({ code: 1, stdout: expect.stringContaining('are lost for ever') });
      const [, number = '', words = ''] = /folkmoot pg override (\d+) (\S+)/.exec(told.stdout) ?? [];
      expect((await folkmoot('pg', 'override', number, 'yes', ...at)).code).toBe(2);
      expect((await groupOf(cluster)).availability).not.toBe('serving');

      expect(await folkmoot('pg', 'override', number, words, ...at)).toMatchObject({ code: 0 });
      await untilGroup(cluster, 'one server', ({ availability }) => availability === 'serving', SETTLE_MS);
      const group = await groupOf(cluster);
      expect(group).toMatchObject({ primary: left.id, servers: [{ node: left.id }] });
      expect(group.overrides).toMatchObject([{ epoch: Number(number), pledged: [left.id] }]);
      expect(await writers.lost(primary)).toEqual([]);
      await runSql(lost, 'INSERT INTO ledger VALUES (-1)');
    },
    SETTLE_MS,
  );
});

test('a node that finds no PostgreSQL serves its other doors', async () => {
  const options = { postgres: 'auto', 'postgres-bin': '/nowhere' };
  const alone = await createCluster({ nodes: 1, tablets: 2, options });
  try {
    const [node] = alone.nodes as [ClusterNode];
    const status = await alone.status();
    expect(status.postgres).toBeUndefined();
    expect(status.nodes[0]?.ports).toMatchObject({ postgres: 0, postgresRead: 0 });
    expect(node.logTail(200)).toContain('no PostgreSQL door: ');
  } finally {
    await alone.close();
  }
});

async function postmasterOf(node: ClusterNode): Promise<number> {
  const text = await readFile(join(node.dataFolder, 'postgres', 'data', 'postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Past the gateway: the node's own server, whatever it is. */
async function connectDirect(node: ClusterNode): Promise<WireClient> {
  const socket = connect(join(node.dataFolder, 'postgres', 'socket', '.s.PGSQL.5432'));
  return WireClient.open(socket, { user: 'postgres', database: 'postgres' });
}

async function direct(node: ClusterNode, sql: string): Promise<string | null> {
  const client = await connectDirect(node);
  try {
    return (await client.query(sql))[0]?.[0] ?? null;
  } finally {
    client.close();
  }
}
