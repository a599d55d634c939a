import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { binaries, isAlive, needsPostgres, PATIENCE, systemUser, until, useServers } from './postgres.test-support.ts';
import { PostgresServer } from './postgres-server.ts';

describe.skipIf(binaries === null)(`fencing a real PostgreSQL server${needsPostgres}`, PATIENCE, () => {
  const rig = useServers();

  /** Sessions that compute, sleep, and are in the middle of a transaction; and all processes of the server. */
  async function busy(server: PostgresServer): Promise<number[]> {
    const endless = [
      'DO $$ BEGIN LOOP END LOOP; END $$',
      'SELECT pg_sleep(3600)',
      'BEGIN; CREATE TABLE t (n int); SELECT pg_sleep(3600)',
    ];
    // template1 is not the database of the session in which `query` runs one after the other.
    for (const sql of endless) void server.query(sql, 'template1').catch(() => undefined);
    await until(async () => {
      const sql = `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = 'template1'`;
      return (await server.query(sql))[0]?.[0] === '3';
    });
    const rows = await server.query('SELECT pid FROM pg_stat_activity');
    return [server.pid, ...rows.map(([pid]) => Number(pid))];
  }

  test('no process is left, also none that computes', async () => {
    const server = await rig.primary('a');
    const pids = await busy(server);
    await server.fence();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(server.state).toBe('stopped');
  });

  test('a process that is stopped and cannot see a signal is killed', async () => {
    const server = await rig.primary('a');
    const pids = await busy(server);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await server.fence();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('the death of the main process is noticed, and what it leaves behind is ended', async () => {
    const server = await rig.primary('a');
    const pids = await busy(server);
    const failed = new Promise<void>((resolve) => {
      server.watch(() => {
        if (server.state === 'failed') resolve();
      });
    });
    process.kill(server.pid, 'SIGKILL');
    await failed;
    expect(pids.filter(isAlive)).toEqual([]);
    expect(server.failure).toContain('SIGKILL');
    await expect(server.position()).rejects.toMatchObject({ code: 'NOT_READY' });
    await server.startStandby(null);
  });

  test('a crash of one session ends the server, which does not start again by itself', async () => {
    const server = await rig.primary('a');
    const [pid = 0] = (await busy(server)).slice(-1);
    process.kill(pid, 'SIGKILL');
    await until(() => server.state === 'failed');
    expect(server.pid).toBe(0);
  });

  test('what waits is rejected, and nothing starts any more, when it is fenced', async () => {
    const server = await rig.primary('a');
    const sleeping = server.query('SELECT pg_sleep(3600)');
    const queued = server.setSynchronous(['b'], 1);
    const results = Promise.allSettled([sleeping, queued]);
    await server.fence();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const starting = server.startStandby(null).catch((error) => error.code);
    await server.fence();
    expect(await starting).toBe('CONFLICT');
    expect(server.state).toBe('stopped');
    expect(server.pid).toBe(0);
  });

  test('a fence makes a stop that goes on faster', async () => {
    const server = await rig.primary('a');
    const pids = await busy(server);
    // A stopped session does not let the stop end.
    process.kill(pids.at(-1) ?? 0, 'SIGSTOP');
    const stopping = server.stop('fast');
    await server.fence();
    await stopping;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('a guardian that was killed is replaced', async () => {
    const server = await rig.primary('a');
    const guardians = (): string => {
      const list = ['-P', String(process.pid), '-f', `folkmoot-guardian ${join(rig.folder, 'a', 'data')}`];
      return spawnSync('pgrep', list).stdout.toString().trim();
    };
    const first = guardians();
    expect(first).toMatch(/^\d+$/);
    process.kill(Number(first), 'SIGKILL');
    await until(() => /^\d+$/.test(guardians()) && guardians() !== first);
    expect(server.state).toBe('primary');
    await server.fence();
    expect(guardians()).toBe('');
  });

  test('what an earlier life has left running is ended when its folder is opened again', async () => {
    const server = await rig.primary('a');
    const pids = await busy(server);
    if (binaries === null) return;
    const next = await PostgresServer.open({
      folder: join(rig.folder, 'a'),
      binaries,
      user: systemUser,
      logger: silentLogger,
    });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(next.state).toBe('stopped');
    await until(() => server.state === 'failed');
  });
});
