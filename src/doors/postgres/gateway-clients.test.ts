import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresDoor } from './door.ts';
import { PASSWORD, startGateway } from './gateway.test-support.ts';
import { hasPostgres, needsPostgres, postgresProgram, RealServer, TestServers } from './real-servers.test-support.ts';

const execute = promisify(execFile);

describe.skipIf(!hasPostgres)(`a client of the gateway${needsPostgres}`, () => {
  let servers: TestServers;
  let door: PostgresDoor;

  beforeAll(async () => {
    servers = new TestServers([await RealServer.primary(1)]);
    door = await startGateway(servers);
  });

  afterAll(async () => {
    await door?.stop();
    await servers?.stop();
  });

  function psql(...args: string[]): Promise<{ stdout: string }> {
    const place = ['-X', '-A', '-t', '-h', '127.0.0.1', '-p', String(door.port), '-U', 'postgres'];
    return execute(postgresProgram('psql'), [...place, ...args], { env: { ...process.env, PGPASSWORD: PASSWORD } });
  }

  test('logs in with psql and asks', async () => {
    const { stdout } = await psql('-c', 'SELECT 1 + 1');
    expect(stdout.trim()).toBe('2');
  });

  test('logs in with pg and asks with parameters', async () => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: door.port,
      user: 'postgres',
      password: PASSWORD,
      database: 'postgres',
    });
    await client.connect();
    const { rows } = await client.query('SELECT $1::int + 1 AS n', [41]);
    expect(rows).toEqual([{ n: 42 }]);
    await client.end();
  });
});
