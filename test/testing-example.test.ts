import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../src/testing/index.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
}, 60_000);

afterAll(() => cluster.close());

test('a write survives the death of the node that took it', async () => {
  const redis = new Redis.Cluster(cluster.nodes.map(({ host, ports }) => ({ host, port: ports.redis })));
  await redis.set('order:17', 'paid');

  const leader = await cluster.leaderOf('order:17');
  await cluster.kill(leader);

  expect(await redis.get('order:17')).toBe('paid');
  redis.disconnect();

  await cluster.restart(leader);
  await cluster.waitFor((status) => status.nodes.every((node) => node.alive));
});
