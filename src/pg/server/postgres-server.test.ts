import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { binaries, needsPostgres, until, useServers } from './postgres.test-support.ts';
import type { PostgresServer } from './postgres-server.ts';

describe.skipIf(binaries === null)(`a real PostgreSQL server${needsPostgres}`, () => {
  const rig = useServers();

  async function newPrimary(name = 'a'): Promise<PostgresServer> {
    const server = await rig.server(name);
    await server.initialize();
    await server.startPrimary();
    return server;
  }

  async function standbyOf(primary: PostgresServer, name: string): Promise<PostgresServer> {
    const server = await rig.server(name);
    await server.clone(() => connect(primary.socketPath), name);
    await server.startStandby({ applicationName: name, socketFolder: primary.socketFolder });
    return server;
  }

  test('it is initialized, started, asked and stopped', async () => {
    const server = await rig.server('a');
    expect(server.state).toBe('absent');
    expect(await server.systemIdentifier()).toBeNull();
    await server.initialize();
    expect(server.state).toBe('stopped');
    await server.startPrimary();
    expect(server.state).toBe('primary');
    expect(await server.query('SELECT 1, NULL')).toEqual([['1', null]]);
    expect(await server.query('SELECT system_identifier FROM pg_control_system()')).toEqual([
      [await server.systemIdentifier()],
    ]);
    await server.stop('fast');
    expect(server.state).toBe('stopped');
  });

  test('a clone follows, is cut, and is promoted', async () => {
    const primary = await newPrimary();
    await primary.query('CREATE TABLE t (n int)');
    const standby = await standbyOf(primary, 'b');
    await primary.setSynchronous(['b'], 1);
    await primary.query('INSERT INTO t SELECT generate_series(1, 1000)');
    await standby.follow(null);
    expect(await primary.replication()).toEqual([]);
    const cut = await standby.position();
    expect(cut.received).toBe(cut.replayed);
    await primary.fence();
    const promoted = await standby.promote();
    expect(promoted.timeline).toBe(2);
    expect(await standby.forkOf(2)).toBe(cut.replayed);
    expect(await standby.query('SELECT count(*) FROM t')).toEqual([['1000']]);
    await until(async () => (await standby.query('SELECT pg_is_in_recovery()'))[0]?.[0] === 'f');
  });
});
