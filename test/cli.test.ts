import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterStatus } from '../src/admin/cluster-status.ts';
import type { NodePorts } from '../src/cluster/view.ts';
import { hasPostgres } from '../src/doors/postgres/real-servers.test-support.ts';
import { folkmoot, freePorts, isAlive, killCommands, portFlags, RunningCommand, until } from './support/command.ts';

let folder = '';
let ports: NodePorts = { redis: 0, redisSingle: 0, cql: 0, postgres: 0, postgresRead: 0, admin: 0, peer: 0 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folkmoot-cli-'));
  ports = await freePorts(3);
});

afterEach(async () => {
  await killCommands();
  await rm(folder, { recursive: true, force: true });
});

async function status(): Promise<ClusterStatus> {
  const { stdout, stderr, code } = await folkmoot('status', '--json', `--admin-port=${ports.admin}`);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

async function withRedis<T>(work: (redis: Redis) => Promise<T>, host = '127.0.0.1'): Promise<T> {
  const redis = new Redis({ host, port: ports.redisSingle, lazyConnect: true, maxRetriesPerRequest: 3 });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** Process ids of the nodes that `up` runs. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

describe('folkmoot up', () => {
  /** Without PostgreSQL, whose copies take longer than all that most of these tests are about. */
  const up = (...flags: string[]): RunningCommand =>
    new RunningCommand(['up', `--data=${join(folder, 'data')}`, '--postgres=off', ...portFlags(ports), ...flags]);

  test('prints one line that begins with ready, serves, and keeps its data over SIGTERM', async () => {
    const first = up('--postgres=auto');
    await first.ready();
    expect(first.stdout.match(/^ready /gm)).toHaveLength(1);
    await first.printed(/^users folkmoot, cassandra, postgres: the password is the name/m);
    expect(first.stdout).toContain(`127.0.0.3:${ports.redis}`);

    const open = hasPostgres ? ports : { ...ports, postgres: 0, postgresRead: 0 };
    const seen = await status();
    expect(seen.clusterId).not.toBe('');
    expect(seen.nodes.map(({ host, alive, ports: own }) => ({ host, alive, own }))).toEqual(
      [1, 2, 3].map((n) => ({ host: `127.0.0.${n}`, alive: true, own: open })),
    );
    expect(seen.tablets[0]?.slots[0]).toBe(0);
    expect(seen.tablets.at(-1)?.slots[1]).toBe(16_383);
    expect(seen.tablets.every(({ leader, replicas }) => leader > 0 && replicas.length === 3)).toBe(true);
    expect(seen.underReplicated).toBe(0);

    await withRedis(async (redis) => expect(await redis.set('kept', 'yes')).toBe('OK'));
    first.signal('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, signal: null });

    const second = up('--postgres=auto');
    await second.ready();
    expect((await status()).clusterId).toBe(seen.clusterId);
    await withRedis(async (redis) => expect(await redis.get('kept')).toBe('yes'), '127.0.0.2');
    second.signal('SIGINT');
    expect(await second.ended).toMatchObject({ code: 0 });

    const other = await folkmoot('up', `--data=${join(folder, 'data')}`, '--nodes=2', ...portFlags(ports));
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('holds a cluster of 3 nodes, not 2');
  });

  test('all nodes end with the process group, and what was acknowledged is there afterwards', async () => {
    const first = up();
    await first.ready();
    const children = await childrenOf(first.pid);
    expect(children).toHaveLength(3);
    await withRedis(async (redis) => {
      for (let i = 0; i < 200; i++) await redis.set(`key:${i}`, `value:${i}`);
    });
    first.killGroup();
    await until('all nodes are gone', () => !children.some(isAlive));
    await first.ended;

    const second = up();
    await second.ready();
    await withRedis(async (redis) => {
      for (let i = 0; i < 200; i++) expect(await redis.get(`key:${i}`)).toBe(`value:${i}`);
    });
    // Nodes do not outlive the process that started them either.
    const again = await childrenOf(second.pid);
    second.signal('SIGKILL');
    await until('all nodes are gone', () => !again.some(isAlive));
  });

  test('a taken port is named with its option, and nothing is left behind', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(ports.admin, '127.0.0.2', resolve));
    const result = await up().ended;
    squatter.close();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toBe(
      `folkmoot up: port ${ports.admin} on 127.0.0.2 is taken by another process\n` +
        '  Stop that process, or choose another port with --admin-port.\n',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('a second one on the same folder is refused while the first runs on undisturbed', async () => {
    const first = up();
    await first.ready();
    const second = await up().ended;
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(`is in use by process ${first.pid}`);
    expect((await status()).nodes.every(({ alive }) => alive)).toBe(true);
  });

  test('goes on when one node is killed', async () => {
    const cluster = up();
    await cluster.ready();
    const [victim] = await childrenOf(cluster.pid);
    process.kill(victim ?? 0, 'SIGKILL');
    await cluster.printed(/node-1 ended by SIGKILL; 2 of 3 nodes are left|left=2/);
    await withRedis(async (redis) => expect(await redis.set('after', 'the kill')).toBe('OK'), '127.0.0.2');
    cluster.signal('SIGTERM');
    expect(await cluster.ended).toMatchObject({ code: 0 });
  });

  test('without --data the folder is temporary and gone at the end', async () => {
    const cluster = new RunningCommand(['up', '--nodes=1', '--postgres=off', ...portFlags(ports)]);
    await cluster.ready();
    const path = /folder=(\S+)/.exec(cluster.stderr)?.[1] ?? '';
    expect(existsSync(path)).toBe(true);
    cluster.signal('SIGTERM');
    expect(await cluster.ended).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });
});

describe('folkmoot start', () => {
  const start = (n: number, ...flags: string[]): RunningCommand =>
    new RunningCommand([
      'start',
      `--name=node-${n}`,
      `--data=${join(folder, `node-${n}`)}`,
      `--listen=127.0.0.${n}`,
      ...portFlags(ports),
      ...flags,
    ]);

  test('one node alone is ready by itself and keeps its data', async () => {
    for (const round of [1, 2]) {
      const node = start(1);
      await node.ready();
      expect(node.stdout.trim().split('\n')).toHaveLength(1);
      await withRedis(async (redis) => expect(await redis.incr('rounds')).toBe(round));
      node.signal('SIGTERM');
      expect(await node.ended).toMatchObject({ code: 0, signal: null });
    }
  });

  test('a second node on the same folder, or the same port, is refused with cause and cure', async () => {
    const node = start(1);
    await node.ready();
    const sameFolder = await start(1).ended;
    expect(sameFolder.code).toBe(1);
    expect(sameFolder.stderr).toContain(`is in use by process ${node.pid}`);
    const samePort = new RunningCommand(['start', `--data=${join(folder, 'other')}`, ...portFlags(ports)]);
    const result = await samePort.ended;
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/port \d+ on 127\.0\.0\.1 is taken by another process\n {2}.*--[a-z-]+-port/);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  test('three nodes wait for init, form a cluster once, and drain', async () => {
    const join3 = '--join=127.0.0.1,127.0.0.2,127.0.0.3'.replaceAll(/(127\.0\.0\.\d)/g, `$1:${ports.peer}`);
    const nodes = [1, 2, 3].map((n) => start(n, join3));
    await Promise.all(nodes.map((node) => node.printed(/waiting for `folkmoot init`/)));
    expect(nodes.map(({ stdout }) => stdout)).toEqual(['', '', '']);
    const admin = `--admin-port=${ports.admin}`;
    const waiting = await folkmoot('status', admin);
    expect(waiting.stdout).toContain('not formed yet');

    const init = await folkmoot('init', admin);
    expect(init).toMatchObject({ code: 0, stderr: '' });
    await Promise.all(nodes.map((node) => node.ready()));
    const { clusterId } = await status();
    expect(init.stdout).toContain(clusterId);
    const again = await folkmoot('init', admin);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('already formed');

    const drained = await folkmoot('drain', 'node-2', admin);
    expect(drained).toMatchObject({ code: 0, stdout: 'node-2 leads nothing any more\n' });
    const { nodes: members, tablets } = await status();
    const id = members.find(({ name }) => name === 'node-2')?.id;
    expect(tablets.filter(({ leader }) => leader === id)).toEqual([]);
    expect((await folkmoot('tablets', admin)).stdout).toContain('node-3');
    expect((await folkmoot('drain', 'node-9', admin)).stderr).toContain('It has node-1, node-2, node-3.');
  });
});

test('folkmoot demo loses nothing', async () => {
  const { code, stdout, stderr } = await folkmoot('demo', '--seconds=3');
  expect(stderr).toBe('');
  expect(stdout).toMatch(/redis +[\d,]+ +0 +\d+/);
  expect(stdout).toMatch(/cql +[\d,]+ +0 +\d+/);
  expect(code).toBe(0);
});
