/** Users and TLS, with real processes and real clients. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../src/testing/index.ts';
import { folkmoot, freePorts, killCommands, portFlags, RunningCommand, until } from './support/command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folkmoot-security-'));
});
afterEach(async () => {
  await killCommands();
  rmSync(folder, { recursive: true, force: true });
});

/** What a port says to who speaks plainly. */
function plainAnswer(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write('PING\r\n'));
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}

describe('a cluster with certificates', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await createCluster({ nodes: 3, tls: true });
  }, 60_000);
  afterAll(() => cluster.close());

  const tls = () => ({ ca: readFileSync(cluster.ca ?? '') });

  test('serves Redis clients over TLS, forwards between nodes over TLS, and refuses plain connections', async () => {
    const [first, second] = cluster.nodes;
    if (first === undefined || second === undefined) throw new Error('there are three nodes');
    const client = new Redis({ host: first.host, port: first.ports.redisSingle, tls: tls() });
    for (let i = 0; i < 20; i += 1) await client.set(`key-${i}`, `value-${i}`);
    const other = new Redis({ host: second.host, port: second.ports.redisSingle, tls: tls() });
    expect(await other.mget('key-0', 'key-7', 'key-19')).toEqual(['value-0', 'value-7', 'value-19']);
    client.disconnect();
    other.disconnect();
    expect(await plainAnswer(first.host, first.ports.redis)).toBe('-ERR this port takes TLS only\r\n');
  });

  test('answers the command line by HTTPS, to who trusts its authority', async () => {
    const [node] = cluster.nodes;
    const host = `--host=${node?.host}:${node?.ports.admin}`;
    const { stdout, stderr } = await folkmoot('status', host, `--ca=${cluster.ca}`, '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ underReplicated: 0 });
    expect((await folkmoot('status', host)).stderr).toContain('cannot reach the admin port');
  });

  test('a node without a certificate of the cluster neither joins nor is heard', async () => {
    const [node] = cluster.nodes;
    const certificates = join(folder, 'certs');
    expect((await folkmoot('cert', `--dir=${certificates}`, '--hosts=127.0.0.1')).code).toBe(0);
    for (const flags of [[], [`--tls-dir=${join(certificates, '127.0.0.1')}`]]) {
      const ports = await freePorts(1);
      const data = `--data=${join(folder, `data-${flags.length}`)}`;
      const name = `--name=stranger-${flags.length}`;
      const stranger = new RunningCommand([
        'start',
        data,
        name,
        ...portFlags(ports),
        `--join=${node?.host}:${node?.ports.peer}`,
        '--log-level=debug',
        ...flags,
      ]);
      // It asks again and again, and is never understood.
      await until('three attempts', () => (stranger.stderr.match(/a member could not be asked/g) ?? []).length >= 3);
      expect((await cluster.status()).nodes).toHaveLength(3);
      stranger.killGroup();
    }
  });
});

describe('a cluster with users', () => {
  test('init names the first one, who makes others; nobody else gets in', { timeout: 60_000 }, async () => {
    const ports = await freePorts(1);
    const secret = join(folder, 'password');
    writeFileSync(secret, 'the first secret\n');
    const flags = [...portFlags(ports), `--join=127.0.0.1:${ports.peer}`];
    const node = new RunningCommand(['start', `--data=${join(folder, 'data')}`, ...flags]);
    await node.printed(/waiting for `folkmoot init`/);
    const access = ['--superuser=admin', `--superuser-password-file=${secret}`];
    const { stdout } = await folkmoot('init', `--admin-port=${ports.admin}`, ...access);
    expect(stdout).toContain('its first user is admin');
    await node.ready();
    const as = (username?: string, password?: string): Redis =>
      new Redis({
        port: ports.redisSingle,
        enableReadyCheck: false,
        ...(username === undefined ? {} : { username, password: password ?? '' }),
      });
    const anonymous = as();
    anonymous.on('error', () => undefined);
    await expect(anonymous.get('k')).rejects.toThrow('NOAUTH');
    const root = as('admin', 'the first secret');
    await root.call('ACL', 'SETUSER', 'app', 'on', '>pw', '~app:*', '+@all', '-@dangerous');
    const app = as('app', 'pw');
    await app.set('app:1', 'v');
    await expect(app.set('other', 'v')).rejects.toThrow('NOPERM');
    await expect(app.flushall()).rejects.toThrow('NOPERM');
    for (const client of [anonymous, root, app]) client.disconnect();
    expect(readFileSync(join(folder, 'data', 'node.json'), 'utf8')).not.toContain('storedKey');
  });

  test('without users a cluster that others can reach is not formed unless that is meant', async () => {
    const { code, stderr } = await folkmoot(
      'start',
      `--data=${folder}`,
      '--listen=0.0.0.0',
      ...portFlags(await freePorts(1)),
    );
    expect(code).toBe(2);
    expect(stderr).toContain('without users, whoever can reach 0.0.0.0 could do everything');
    expect(stderr).toContain('--superuser=NAME');
  });
});
