/** Bitmaps, HyperLogLogs and positions with real clients, before and after the leader of their keys is killed. */
import { type Cluster, createCluster } from 'folkmoot/testing';
import { Redis } from 'ioredis';
import { createCluster as createRedisCluster } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterAll(() => cluster.close());

test('node-redis Cluster: bits, fields of bits, HyperLogLogs and positions survive the death of their leader', async () => {
  const redis = createRedisCluster({
    rootNodes: cluster.nodes.map(({ host, ports }) => ({ url: `redis://${host}:${ports.redis}` })),
    topologyRefreshOnReconnectionAttemptStrategy: 250,
  });
  redis.on('error', () => undefined);
  await redis.connect();

  for (const day of [1, 3, 5]) expect(await redis.setBit('{k}:days', day, 1)).toBe(0);
  await redis.setBit('{k}:other', 3, 1);
  await redis.bitOp('AND', '{k}:both', ['{k}:days', '{k}:other']);
  const counters = await redis.bitField('{k}:counters', [
    { operation: 'OVERFLOW', behavior: 'SAT' },
    { operation: 'INCRBY', encoding: 'u8', offset: '#1', increment: 300 },
    { operation: 'GET', encoding: 'u4', offset: 8 },
  ]);
  expect(counters).toEqual([255, 15]);
  const visitors = Array.from({ length: 1_000 }, (_, number) => `visitor ${number}`);
  expect(await redis.pfAdd('{k}:monday', visitors.slice(0, 700))).toBe(1);
  expect(await redis.pfAdd('{k}:tuesday', visitors.slice(300))).toBe(1);
  await redis.pfMerge('{k}:week', ['{k}:monday', '{k}:tuesday']);
  await redis.geoAdd('{k}:towns', [
    { member: 'Palermo', longitude: 13.361389, latitude: 38.115556 },
    { member: 'Catania', longitude: 15.087269, latitude: 37.502669 },
  ]);

  const seen = async (): Promise<unknown[]> => [
    await redis.bitCount('{k}:days'),
    await redis.bitPos('{k}:both', 1),
    await redis.pfCount('{k}:week'),
    await redis.pfCount(['{k}:monday', '{k}:tuesday']),
    await redis.geoDist('{k}:towns', 'Palermo', 'Catania', 'km'),
    await redis.geoHash('{k}:towns', 'Palermo'),
    await redis.geoSearchWith('{k}:towns', { longitude: 15, latitude: 37 }, { radius: 200, unit: 'km' }, ['WITHDIST'], {
      SORT: 'ASC',
    }),
  ];
  const before = await seen();
  expect(before.slice(0, 2)).toEqual([3, 3]);
  expect(Math.abs((before[2] as number) - 1_000)).toBeLessThan(30);
  expect(before[3]).toBe(before[2]);
  expect(before.slice(4)).toEqual([
    166.2742,
    ['sqc8b49rny0'],
    [
      { member: 'Catania', distance: 56.4413 },
      { member: 'Palermo', distance: 190.4424 },
    ],
  ]);

  await cluster.kill(await cluster.leaderOf('{k}:towns'));
  // node-redis rejects what waits while it looks for the new leader (docs/LIMITS.md): a program repeats its reads.
  await expect.poll(seen, { timeout: 30_000 }).toEqual(before);
  await redis.close();
});

test('ioredis on the single-endpoint port of a node that does not lead gets the same', async () => {
  const leader = await cluster.leaderOf('{k}:towns');
  const other = cluster.nodes.find((node) => node.running && node.id !== leader.id);
  const redis = new Redis({ host: other?.host ?? '', port: other?.ports.redisSingle ?? 0 });
  expect(await redis.bitcount('{k}:days')).toBe(3);
  const fields = ['GET', 'u8', '#1', 'INCRBY', 'i5', '100', '1'];
  expect(await redis.call('BITFIELD', '{k}:counters', ...fields)).toEqual([255, 1]);
  expect(await redis.call('BITFIELD_RO', '{k}:counters', 'GET', 'i5', '100')).toEqual([1]);
  expect(await redis.pfcount('{k}:monday')).toBeGreaterThan(680);
  expect(await redis.geopos('{k}:towns', 'Palermo', 'Rome')).toEqual([
    ['13.36138933897018433', '38.11555639549629859'],
    null,
  ]);
  expect(await redis.geosearchstore('{k}:near', '{k}:towns', 'FROMLONLAT', 15, 37, 'BYBOX', 200, 200, 'km')).toBe(1);
  redis.disconnect();
});
