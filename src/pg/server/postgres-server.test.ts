import { access, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { binaries, needsPostgres, oneValue, PATIENCE, useServers } from './postgres.test-support.ts';

describe.skipIf(binaries === null)(`a real PostgreSQL server${needsPostgres}`, PATIENCE, () => {
  const rig = useServers();

  test('it is initialized, started, asked, stopped and removed', async () => {
    const server = await rig.server('a');
    const states: string[] = [];
    server.watch(() => states.push(server.state));
    expect(server.state).toBe('absent');
    expect(await server.systemIdentifier()).toBeNull();
    await server.initialize();
    await server.startPrimary();
    expect(await server.query('SELECT 1, NULL')).toEqual([['1', null]]);
    expect(await oneValue(server, 'SELECT system_identifier FROM pg_control_system()')).toBe(
      await server.systemIdentifier(),
    );
    await server.stop('fast');
    await server.remove();
    expect(states).toEqual(['stopped', 'starting', 'primary', 'stopping', 'stopped', 'absent']);
    expect(await server.exists()).toBe(false);
    await server.initialize();
    await server.startPrimary();
    expect(await oneValue(server, 'SELECT 1')).toBe('1');
  });

  test('pages have checksums, and texts are UTF-8 in the order of their code points', async () => {
    const server = await rig.primary('a');
    expect(await oneValue(server, 'SHOW data_checksums')).toBe('on');
    expect(await oneValue(server, 'SHOW server_encoding')).toBe('UTF8');
    expect(await oneValue(server, `SELECT string_agg(x, '' ORDER BY x) FROM unnest('{a,B,ä,b,A}'::text[]) x`)).toBe(
      'ABabä',
    );
  });

  test('an error of a statement is told with its SQLSTATE, and the next statement works', async () => {
    const server = await rig.primary('a');
    await expect(server.query('SELECT * FROM nothing')).rejects.toMatchObject({ sqlstate: '42P01' });
    await expect(server.query('SELECT 1', 'nothing')).rejects.toMatchObject({ sqlstate: '3D000' });
    expect(await oneValue(server, 'SELECT 2')).toBe('2');
    await server.query('CREATE DATABASE shop');
    expect(await server.query('SELECT current_database()', 'shop')).toEqual([['shop']]);
  });

  test('what users set for roles and databases does not reach the sessions of the node', async () => {
    const server = await rig.primary('a');
    await server.query(`ALTER ROLE postgres SET synchronous_commit = off`);
    await server.query(`ALTER DATABASE postgres SET default_transaction_read_only = on`);
    await server.stop('fast');
    await server.startPrimary();
    expect(await oneValue(server, 'SHOW synchronous_commit')).toBe('on');
    await server.query('CREATE TABLE t (n int)');
  });

  test('settings of users have an effect at once, or it is said that they wait for a restart', async () => {
    const server = await rig.primary('a');
    expect(await server.setSettings({ work_mem: '8MB' })).toEqual([]);
    expect(await oneValue(server, 'SHOW work_mem')).toBe('8MB');
    expect(await server.setSettings({ work_mem: '8MB', max_connections: '123' })).toEqual(['max_connections']);
    await server.stop('fast');
    await server.startPrimary();
    expect(await oneValue(server, 'SHOW max_connections')).toBe('123');
    expect(await server.setSettings({ max_connections: '123', 'my.own': "it's \\ here" })).toEqual([]);
    expect(await oneValue(server, 'SHOW my.own')).toBe("it's \\ here");
    expect(await oneValue(server, 'SHOW work_mem')).toBe('4MB');
  });

  test('settings that are managed, unknown or wrong are refused, and nothing has changed then', async () => {
    const server = await rig.primary('a');
    await server.setSettings({ work_mem: '8MB' });
    for (const settings of [
      { fsync: 'off' },
      { Synchronous_Commit: 'off' },
      { synchronous_standby_names: '' },
      { include: '/etc/passwd' },
      { no_such_setting: '1' },
      { work_mem: 'much' },
      { work_mem: "1MB'\nfsync = 'off" },
      { 'work_mem = 1\nfsync': 'off' },
    ]) {
      await expect(server.setSettings(settings), JSON.stringify(settings)).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    }
    await server.stop('fast');
    await server.startPrimary();
    expect(await oneValue(server, 'SHOW work_mem')).toBe('8MB');
    expect(await oneValue(server, 'SHOW fsync')).toBe('on');
  });

  test('ALTER SYSTEM does not reach what is managed', async () => {
    const server = await rig.primary('a');
    await server.setSynchronous(['b'], 1);
    await server.query('ALTER SYSTEM SET fsync = off');
    await server.query(`ALTER SYSTEM SET synchronous_standby_names = ''`);
    await server.query(`ALTER SYSTEM SET work_mem = '9MB'`);
    await server.setSynchronous(['b', 'c'], 1);
    expect(await oneValue(server, 'SHOW synchronous_standby_names')).toBe('ANY 1 ("b", "c")');
    await server.stop('fast');
    await server.startPrimary();
    expect(await oneValue(server, 'SHOW fsync')).toBe('on');
    expect(await oneValue(server, 'SHOW synchronous_standby_names')).toBe('ANY 1 ("b", "c")');
    expect(await oneValue(server, 'SHOW work_mem')).toBe('9MB');
  });

  test('a start that fails says why', async () => {
    const server = await rig.primary('a');
    await server.stop('fast');
    await writeFile(join(rig.folder, 'a', 'conf', 'users.conf'), "shared_buffers = 'much'\n");
    await expect(server.startPrimary()).rejects.toThrow(/shared_buffers|configuration file/);
    expect(server.state).toBe('failed');
    expect(server.failure).toMatch(/FATAL/);
    await server.setSettings({});
    await server.startPrimary();
    expect(server.failure).toBe('');
  });

  test('a clone that breaks off leaves what was there, and one that is interrupted too', async () => {
    const server = await rig.primary('a');
    const other = await rig.primary('b');
    await other.query('CREATE TABLE kept (n int)');
    await other.stop('fast');
    const broken = (): PassThrough => {
      const stream = new PassThrough();
      stream.on('finish', () => stream.destroy());
      const source = connect(server.socketPath);
      let bytes = 0;
      source.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > 1_000_000) stream.destroy();
      });
      stream.write = ((chunk: Buffer) => source.write(chunk)) as typeof stream.write;
      source.on('data', (chunk: Buffer) => stream.push(chunk));
      stream.once('close', () => source.destroy());
      return stream;
    };
    await expect(other.clone(broken, 'b')).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    await expect(
      other.clone(
        () => connect(server.socketPath),
        'b',
        () => void other.fence(),
      ),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
    await other.startPrimary();
    expect(await oneValue(other, 'SELECT count(*) FROM kept')).toBe('0');
  });

  test('a folder whose path is too long for a socket has its socket elsewhere', async () => {
    const server = await rig.primary(`a-${'x'.repeat(100)}`);
    expect(Buffer.byteLength(server.socketPath)).toBeLessThan(100);
    expect(await oneValue(server, 'SELECT 1')).toBe('1');
    await server.remove();
    await expect(access(dirname(server.socketPath))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('the log is cut when it has become long', async () => {
    const server = await rig.primary('a');
    await server.stop('fast');
    const path = join(rig.folder, 'a', 'postgres.log');
    await writeFile(path, 'x'.repeat(17 * 1024 * 1024));
    await server.startPrimary();
    expect((await readFile(path, 'utf8')).length).toBeLessThan(100_000);
    expect((await readFile(`${path}.1`, 'utf8')).length).toBe(17 * 1024 * 1024);
  });
});
