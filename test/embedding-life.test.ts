import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completeNodeOptions, Node, type NodePorts } from 'folkmoot';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts } from './support/command.ts';

const ANY_PORTS: NodePorts = { redis: 0, redisSingle: 0, cql: 0, admin: 0, peer: 0 };

let folder = '';
let node: Node | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folkmoot-embedding-'));
});

afterEach(async () => {
  await node?.stop();
  node = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(ports: NodePorts): Promise<Node> {
  node = new Node(completeNodeOptions({ dataFolder: folder, ports, tablets: 4 }));
  await node.start();
  return node;
}

async function withRedis<T>(port: number, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

test('a stop without a drain loses nothing, a second stop does nothing, and a drained node is not ready', async () => {
  const ports = await freePorts(1);
  const first = await start(ports);
  const { clusterId, tablets } = first.status();
  expect(tablets).toHaveLength(4);
  await withRedis(ports.redisSingle, async (redis) => {
    for (let n = 0; n < 100; n++) expect(await redis.set(`key:${n}`, `value:${n}`)).toBe('OK');
  });
  await first.stop();
  await first.stop();

  const second = await start(ports);
  expect(second.status().clusterId).toBe(clusterId);
  await withRedis(ports.redisSingle, async (redis) => {
    for (let n = 0; n < 100; n++) expect(await redis.get(`key:${n}`)).toBe(`value:${n}`);
    expect(await redis.dbsize()).toBe(100);
  });
  await second.drain();
  expect(second.ready()).toBe(false);
});

test('a node on ports that the system chose says which, also when they are others than the last time', async () => {
  for (const round of [1, 2, 3]) {
    const { host, ports } = (await start(ANY_PORTS)).status().nodes[0] ?? { host: '', ports: ANY_PORTS };
    expect(host).toBe('127.0.0.1');
    expect(await withRedis(ports.redisSingle, (redis) => redis.incr('rounds'))).toBe(round);
    expect((await fetch(`http://127.0.0.1:${ports.admin}/readyz`)).status).toBe(200);
    await node?.stop();
  }
});
