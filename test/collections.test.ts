/** Large collections on real nodes: what they hold, and their ranks, survive the death of their leader and of all nodes. */
import { type Cluster, createCluster } from 'folkmoot/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SIZE = 3_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3, tablets: 3 });
});

afterAll(() => cluster.close());

function connect(node = 0): Redis {
  const { host, ports } = cluster.nodes[node] as Cluster['nodes'][number];
  const redis = new Redis({ host, port: ports.redisSingle, retryStrategy: () => 100, maxRetriesPerRequest: 50 });
  redis.on('error', () => undefined);
  return redis;
}

const member = (index: number): string => `member:${index}`;

async function fill(redis: Redis): Promise<void> {
  for (let from = 0; from < SIZE; from += 500) {
    const indexes = Array.from({ length: 500 }, (_, index) => from + index);
    await Promise.all([
      redis.sadd('{c}set', ...indexes.map(member)),
      redis.zadd('{c}sorted', ...indexes.flatMap((index) => [String(index), member(index)])),
      redis.rpush('{c}list', ...indexes.map(member)),
      redis.hset('{c}hash', ...indexes.flatMap((index) => [member(index), String(index)])),
    ]);
  }
}

/** Each reads through the index, so a counter that is not true would show. */
async function check(redis: Redis): Promise<void> {
  expect(await redis.scard('{c}set')).toBe(SIZE);
  expect(await redis.zcard('{c}sorted')).toBe(SIZE);
  for (const index of [0, 1, 777, 1_500, SIZE - 1]) {
    expect(await redis.zrank('{c}sorted', member(index))).toBe(index);
    expect(await redis.zrange('{c}sorted', String(index), String(index))).toEqual([member(index)]);
    expect(await redis.lindex('{c}list', index)).toBe(member(index));
    expect(await redis.hget('{c}hash', member(index))).toBe(String(index));
  }
  expect((await redis.smembers('{c}set')).sort()).toEqual(
    Array.from({ length: SIZE }, (_, index) => member(index)).sort(),
  );
  expect(await redis.zrange('{c}sorted', '0', '-1')).toEqual(Array.from({ length: SIZE }, (_, index) => member(index)));
  expect(new Set(await redis.srandmember('{c}set', SIZE)).size).toBe(SIZE);
}

test('survive the death of their leader and of all nodes, and what replaced one sees nothing old', async () => {
  const redis = connect();
  await fill(redis);
  await check(redis);

  // Their elements are being removed while the leader dies.
  await redis.sunionstore('{c}gone', '{c}set');
  await redis.del('{c}gone');
  const leader = await cluster.leaderOf('{c}set');
  await cluster.kill(leader);
  const other = connect(cluster.nodes.findIndex((node) => node.id !== leader.id));
  await expect.poll(() => other.scard('{c}set').catch(() => 0), { timeout: 20_000 }).toBe(SIZE);
  await other.sadd('{c}gone', 'new');
  await check(other);
  expect(await other.smembers('{c}gone')).toEqual(['new']);
  await cluster.start(leader);
  await cluster.waitFor((status) => status.nodes.every((node) => node.alive));

  for (const node of cluster.nodes) await cluster.kill(node);
  for (const node of cluster.nodes) void cluster.start(node);
  await cluster.waitFor((status) => status.nodes.every((node) => node.alive));
  await expect.poll(() => other.scard('{c}gone').catch(() => 0), { timeout: 20_000 }).toBe(1);
  await check(other);
  redis.disconnect();
  other.disconnect();
});
