import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makePrivate } from './folders.ts';
import { binaries, needsPostgres, oneValue, PATIENCE, systemUser, until, useServers } from './postgres.test-support.ts';
import type { PostgresServer } from './postgres-server.ts';

describe.skipIf(binaries === null)(`replication of real PostgreSQL servers${needsPostgres}`, PATIENCE, () => {
  const rig = useServers();

  async function hasReplayed(standby: PostgresServer, primary: PostgresServer): Promise<void> {
    const { received } = await primary.position();
    await until(async () => (await standby.position()).replayed >= received);
  }

  /** Ends when told so; gives how many rows it has written. */
  function writeAllTheTime(server: PostgresServer): { stop(): Promise<number> } {
    let isStopped = false;
    const writing = (async () => {
      let rows = 0;
      while (!isStopped && rows < 100_000) {
        await server.query(`INSERT INTO t SELECT n FROM generate_series(${rows + 1}, ${rows + 100}) n`);
        rows += 100;
      }
      return rows;
    })();
    return {
      stop: () => {
        isStopped = true;
        return writing;
      },
    };
  }

  test('a clone that is made while rows are written misses none', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int PRIMARY KEY)');
    const writer = writeAllTheTime(primary);
    const progress: number[] = [];
    const standby = await rig.server('b');
    await standby.clone(
      () => connect(primary.socketPath),
      'b',
      (bytes) => progress.push(bytes),
    );
    await standby.startStandby({ applicationName: 'b', socketFolder: primary.socketFolder });
    const rows = await writer.stop();
    await hasReplayed(standby, primary);
    expect(await oneValue(standby, 'SELECT count(*) FROM t')).toBe(String(rows));
    expect(progress.length).toBeGreaterThan(10);
    expect(await standby.systemIdentifier()).toBe(await primary.systemIdentifier());
  });

  test('a clone takes the tables of a tablespace along, to a place of its own', async () => {
    const primary = await rig.primary('a');
    const location = join(rig.folder, 'fast');
    await makePrivate(location, systemUser);
    await primary.query(`CREATE TABLESPACE fast LOCATION '${location}'`);
    await primary.query('CREATE TABLE t TABLESPACE fast AS SELECT 1 AS n');
    const standby = await rig.standby('b', primary);
    expect(await oneValue(standby, 'SELECT n FROM t')).toBe('1');
    const moved = await oneValue(standby, 'SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE oid > 10000');
    expect(moved).toContain(join(rig.folder, 'b', 'tablespaces'));
  });

  test('a cut standby receives nothing more and has replayed what it received', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int)');
    const standby = await rig.standby('b', primary);
    const writer = writeAllTheTime(primary);
    await until(async () => (await oneValue(standby, 'SELECT count(*) FROM t')) !== '0');
    await standby.follow(null);
    const cut = await standby.position();
    await writer.stop();
    expect(cut.received).toBe(cut.replayed);
    expect(await standby.position()).toEqual(cut);
    expect((await primary.position()).received).toBeGreaterThan(cut.received);
    expect(await primary.replication()).toEqual([]);
    await standby.follow({ applicationName: 'b', socketFolder: primary.socketFolder });
    await hasReplayed(standby, primary);
  });

  test('a query on the standby does not hold up the cut', async () => {
    const primary = await rig.primary('a');
    await primary.setSettings({ max_standby_streaming_delay: '-1' });
    await primary.query('CREATE TABLE t (n int)');
    const standby = await rig.standby('b', primary);
    await standby.setSettings({ max_standby_streaming_delay: '-1' });
    await standby.query('BEGIN; SELECT * FROM t');
    await primary.query('DROP TABLE t; SELECT pg_switch_wal()');
    await until(async () => (await standby.position()).received >= (await primary.position()).received);
    expect((await standby.position()).replayed).toBeLessThan((await standby.position()).received);
    await standby.follow(null);
    const cut = await standby.position();
    expect(cut.replayed).toBe(cut.received);
  });

  test('a replay that somebody paused goes on when the standby is cut', async () => {
    const primary = await rig.primary('a');
    const standby = await rig.standby('b', primary);
    await standby.query('SELECT pg_wal_replay_pause()');
    await primary.query('CREATE TABLE t (n int)');
    const { received } = await primary.position();
    await until(async () => (await standby.position()).received >= received);
    await standby.follow(null);
    expect((await standby.position()).replayed).toBeGreaterThanOrEqual(received);
  });

  test('after a promotion the other standby follows without a restart, to the new timeline', async () => {
    const primary = await rig.primary('a');
    const [next, other] = [await rig.standby('b', primary), await rig.standby('c', primary)];
    await primary.query('CREATE TABLE t (n int)');
    await hasReplayed(next, primary);
    await hasReplayed(other, primary);
    await primary.fence();
    await Promise.all([next.follow(null), other.follow(null)]);
    const before = await other.position();
    const { pid } = other;
    await next.setSynchronous([], 0);
    const promoted = await next.promote();
    expect(before.timeline).toBe(1);
    expect(promoted.timeline).toBe(2);
    expect(await next.forkOf(2)).toBe(before.replayed);
    await other.follow({ applicationName: 'c', socketFolder: next.socketFolder });
    await next.query('INSERT INTO t VALUES (1)');
    await hasReplayed(other, next);
    expect(await oneValue(other, 'SELECT n FROM t')).toBe('1');
    expect((await other.position()).timeline).toBe(2);
    expect(await other.ancestorsOf(2)).toEqual([{ timeline: 1, end: before.replayed }]);
    expect(other.pid).toBe(pid);
    await expect(other.forkOf(3)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a primary that hands over tells its last record, and a standby that has replayed it needs nothing else', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int PRIMARY KEY)');
    const standby = await rig.standby('b', primary);
    const writer = writeAllTheTime(primary);
    await until(async () => (await oneValue(standby, 'SELECT count(*) FROM t')) !== '0');
    const handing = primary.handOver();
    await expect(writer.stop()).rejects.toThrow();
    const last = await handing;
    expect(last).not.toBeNull();
    await until(async () => (await standby.position()).replayed > (last ?? 0n));
    const { replayed } = await standby.position();
    await primary.stop('fast');
    expect(primary.state).toBe('stopped');
    // Nothing comes after the last record: what the primary itself has ends there.
    await primary.startStandby(null);
    expect((await primary.position()).replayed).toBe(replayed);
    await standby.setSynchronous([], 0);
    await standby.promote();
    expect(await standby.forkOf(2)).toBe(replayed);
    expect(await oneValue(standby, 'SELECT count(*) FROM t')).toBe(await oneValue(primary, 'SELECT count(*) FROM t'));
  });

  test('a primary that is fenced while it hands over tells no last record', async () => {
    const primary = await rig.primary('a');
    const handing = primary.handOver();
    await primary.fence();
    expect(await handing).toBeNull();
    await expect(primary.handOver()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  /** `a` has rows that nobody else has, `b` was promoted and has others. */
  async function diverged(): Promise<{ old: PostgresServer; primary: PostgresServer }> {
    const old = await rig.primary('a');
    await old.query('CREATE TABLE t (n int)');
    const primary = await rig.standby('b', old);
    await primary.follow(null);
    await old.query('INSERT INTO t SELECT generate_series(1, 1000)');
    await old.fence();
    await primary.setSynchronous([], 0);
    await primary.promote();
    await primary.query('INSERT INTO t VALUES (-1)');
    return { old, primary };
  }

  test('a diverged old primary that follows nobody tells how far it is, beyond the fork', async () => {
    const { old, primary } = await diverged();
    await old.startStandby(null);
    const position = await old.position();
    expect(position.timeline).toBe(1);
    expect(position.received).toBeGreaterThan(await primary.forkOf(2));
    await expect(old.query('INSERT INTO t VALUES (0)')).rejects.toMatchObject({ sqlstate: '25006' });
  });

  test('a diverged old primary follows after a clone, without the rows that nobody else had', async () => {
    const { old, primary } = await diverged();
    await old.clone(() => connect(primary.socketPath), 'a');
    await old.startStandby({ applicationName: 'a', socketFolder: primary.socketFolder });
    await hasReplayed(old, primary);
    expect(await old.query('SELECT n FROM t')).toEqual([['-1']]);
  });

  test.skipIf(binaries?.hasRewind === false)(
    'a diverged old primary follows after a rewind, without the rows that nobody else had (needs pg_rewind)',
    async () => {
      const { old, primary } = await diverged();
      // It has been looked at as a standby, and has not stopped in order.
      await old.startStandby(null);
      await old.fence();
      expect(await old.rewind(primary.socketFolder)).toBe(true);
      await old.startStandby({ applicationName: 'a', socketFolder: primary.socketFolder });
      await hasReplayed(old, primary);
      expect(await old.query('SELECT n FROM t')).toEqual([['-1']]);
    },
  );

  test('a rewind that fails leaves no database that could be started', async () => {
    const old = await rig.primary('a');
    const other = await rig.primary('b');
    await old.fence();
    // Both are copies of one database and on the same timeline, so that there is nothing to rewind to: pg_rewind must not say so.
    await other.stop('fast');
    await expect(old.rewind(other.socketFolder)).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    expect(await old.exists()).toBe(true);
  });

  test('a commit waits for a standby of the list, and one under another name does not count', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int)');
    const standby = await rig.server('b');
    await standby.clone(() => connect(primary.socketPath), 'b');
    await standby.startStandby({ applicationName: 'b.learner', socketFolder: primary.socketFolder });
    await primary.setSynchronous(['b.e1', 'c"d.e1'], 1);
    let isDone = false;
    const insert = primary.query('INSERT INTO t VALUES (1)').then(() => {
      isDone = true;
    });
    const { received } = await primary.position();
    await until(async () => {
      const [replica] = await primary.replication();
      return replica?.applicationName === 'b.learner' && replica.flushed >= received;
    });
    expect(isDone).toBe(false);
    await standby.follow({ applicationName: 'b.e1', socketFolder: primary.socketFolder });
    await insert;
    await primary.setSynchronous(['nobody'], 1);
    const late = primary.query('INSERT INTO t VALUES (2)');
    await primary.setSynchronous([], 0);
    await late;
  });

  test('a standby that is promoted without a list acknowledges nothing', async () => {
    const primary = await rig.primary('a');
    const standby = await rig.standby('b', primary);
    await standby.follow(null);
    await primary.fence();
    await standby.promote();
    const created = standby.query('CREATE TABLE t (n int)');
    await until(async () => (await lookAt(standby, waits)) === '1');
    await standby.setSynchronous([], 0);
    await created;
  });

  test('a standby that was told the list before its promotion waits with its first commit', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int)');
    const standby = await rig.standby('b', primary);
    await standby.follow(null);
    await primary.fence();
    await standby.setSynchronous(['c.e2'], 1);
    await standby.promote();
    const insert = standby.query('INSERT INTO t VALUES (1)');
    await until(async () => (await lookAt(standby, waits)) === '1');
    await standby.setSynchronous([], 0);
    await insert;
  });

  const waits = `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;

  /** `query` is one at a time, and the one before waits. */
  async function lookAt(server: PostgresServer, sql: string): Promise<string | null> {
    return (await server.query(sql, 'template1'))[0]?.[0] ?? null;
  }

  test('a standby that was away while the primary wrote follows again without a clone', async () => {
    const primary = await rig.primary('a');
    await primary.query('CREATE TABLE t (n int)');
    const standby = await rig.standby('b', primary);
    await standby.stop('fast');
    for (let round = 0; round < 4; round += 1) {
      await primary.query('INSERT INTO t SELECT generate_series(1, 1000)');
      await primary.query('SELECT pg_switch_wal()');
      await primary.query('CHECKPOINT');
    }
    await standby.startStandby({ applicationName: 'b', socketFolder: primary.socketFolder });
    await hasReplayed(standby, primary);
    expect(await oneValue(standby, 'SELECT count(*) FROM t')).toBe('4000');
  });
});
