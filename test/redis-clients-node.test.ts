import { type Cluster, createCluster } from 'folkmoot/testing';
import { Redis, Cluster as RedisCluster } from 'ioredis';
import { createClient, createCluster as createRedisCluster } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { busiest, tagIn, untilBalanced, untilKnown, untilReplicated } from './support/load.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterAll(() => cluster.close());

/** A test that failed half-way must not fail those behind it. */
afterEach(async () => {
  const dead = cluster.nodes.filter(({ running }) => !running);
  await Promise.all(dead.map((node) => cluster.start(node)));
});

/** Names that no other test uses, spread over the slots. */
function keys(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}:${n}`);
}

/** A key of the node that leads most, and that node. */
async function keyOfBusiest(name: string): Promise<{ key: string; node: Cluster['nodes'][number] }> {
  const { node, tablets } = await busiest(cluster);
  const tablet = (await cluster.status()).tablets.find(({ id }) => id === tablets[0]);
  if (tablet === undefined) throw new Error(`${node.name} leads nothing`);
  return { key: `{${tagIn(tablet)}}:${name}`, node };
}

/** Kills the leader of a key while a client writes to it; the client has to go on by itself. */
async function goesOn(
  name: string,
  write: (key: string, value: string) => Promise<unknown>,
  read: (key: string) => Promise<string | null>,
): Promise<void> {
  const { key, node } = await keyOfBusiest(name);
  const others = keys(name, 50);
  await Promise.all(others.map((other) => write(other, 'before')));
  await write(key, 'before');

  await cluster.kill(node);
  await write(key, 'after');
  expect(await read(key)).toBe('after');
  for (const other of others) {
    expect(await read(other)).toBe('before');
    await write(other, 'after');
  }
  expect(await Promise.all(others.map(read))).toEqual(others.map(() => 'after'));

  await cluster.start(node);
  await untilReplicated(cluster);
  expect(await Promise.all(others.map(read))).toEqual(others.map(() => 'after'));
  await write(key, 'at the end');
  expect(await read(key)).toBe('at the end');
}

describe('ioredis Cluster', () => {
  let redis: RedisCluster;

  beforeAll(() => {
    redis = new RedisCluster(cluster.nodes.map(({ host, ports }) => ({ host, port: ports.redis })));
    redis.on('error', () => undefined);
  });

  afterAll(() => redis.disconnect());

  test('sets and gets over all slots, with expiry', async () => {
    const names = keys('ioredis-cluster', 200);
    await Promise.all(names.map((name) => redis.set(name, `value of ${name}`)));
    expect(await Promise.all(names.map((name) => redis.get(name)))).toEqual(names.map((name) => `value of ${name}`));
    expect(await redis.set('ioredis-cluster:short', 'x', 'PX', 60)).toBe('OK');
    expect(await redis.pttl('ioredis-cluster:short')).toBeLessThanOrEqual(60);
    await expect.poll(() => redis.get('ioredis-cluster:short'), { timeout: 5_000 }).toBeNull();
    expect(await redis.get('never written')).toBeNull();
  });

  test('pipelines and transactions within a slot', async () => {
    const results = await redis.pipeline().set('{p}:a', '1').incr('{p}:a').append('{p}:b', 'tail').get('{p}:a').exec();
    expect(results).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, 4],
      [null, '2'],
    ]);
    const transaction = await redis.multi().incrby('{p}:c', 5).incr('{p}:c').mget('{p}:a', '{p}:c').exec();
    expect(transaction).toEqual([
      [null, 5],
      [null, 6],
      [null, ['2', '6']],
    ]);
    await expect(redis.mset('one', '1', 'two', '2')).rejects.toThrow(/CROSSSLOT|same slot/);
  });

  test('finds every key by SCAN over its nodes', async () => {
    // A scan of a node goes through what it leads: leadership that moves in between takes keys along, as slots do in Redis.
    await untilBalanced(cluster);
    const names = keys('ioredis-scan', 300);
    await Promise.all(names.map((name) => redis.set(name, '1')));
    const found = new Set<string>();
    for (const node of redis.nodes('master')) {
      for await (const batch of node.scanStream({ match: 'ioredis-scan:*', count: 50 })) {
        for (const name of batch as string[]) found.add(name);
      }
    }
    expect([...found].sort()).toEqual([...names].sort());
  });

  test('goes on by itself when a leader is killed', () =>
    goesOn(
      'ioredis-cluster-kill',
      (key, value) => redis.set(key, value),
      (key) => redis.get(key),
    ));
});

describe('ioredis with one endpoint', () => {
  let redis: Redis;
  let node: Cluster['nodes'][number];

  beforeAll(() => {
    node = cluster.nodes[0] as Cluster['nodes'][number];
    redis = new Redis({ host: node.host, port: node.ports.redisSingle });
    redis.on('error', () => undefined);
  });

  afterAll(() => redis.disconnect());

  test('sees one Redis: all slots, pipelines, transactions, SCAN', async () => {
    const names = keys('ioredis-single', 300);
    const replies = await names.reduce((pipeline, name) => pipeline.set(name, name), redis.pipeline()).exec();
    expect(replies).toEqual(names.map(() => [null, 'OK']));
    expect(await redis.mget(names)).toEqual(names);
    const found: string[] = [];
    for await (const batch of redis.scanStream({ match: 'ioredis-single:*', count: 100 }))
      found.push(...(batch as string[]));
    expect(found.sort()).toEqual([...names].sort());
    expect(await redis.multi().set('{m}:a', '1').incr('{m}:a').exec()).toEqual([
      [null, 'OK'],
      [null, 2],
    ]);
    expect(await redis.del(...names)).toBe(300);
    expect(await redis.exists(...names)).toBe(0);
  });

  test('watches a key', async () => {
    await redis.set('watched', '1');
    await redis.watch('watched');
    const other = redis.duplicate();
    await other.set('watched', '2');
    expect(await redis.multi().set('watched', '3').exec()).toBeNull();
    expect(await redis.get('watched')).toBe('2');
    other.disconnect();
  });

  test('goes on by itself when a leader is killed that is not its endpoint', async () => {
    const names = keys('ioredis-single-kill', 60);
    for (const name of names) await redis.set(name, 'before');
    const victim = cluster.nodes[1] as Cluster['nodes'][number];
    await cluster.kill(victim);
    for (const name of names) expect(await untilKnown(() => redis.set(name, 'after'))).toBe('OK');
    expect(await redis.mget(names)).toEqual(names.map(() => 'after'));
    await cluster.start(victim);
    await untilReplicated(cluster);
  });

  test('connects again by itself when its endpoint was restarted', async () => {
    await redis.set('before the restart', 'yes');
    await cluster.restart(node);
    expect(await redis.get('before the restart')).toBe('yes');
    await untilReplicated(cluster);
  });
});

describe('node-redis cluster', () => {
  const open = () => {
    const redis = createRedisCluster({
      rootNodes: cluster.nodes.map(({ host, ports }) => ({ url: `redis://${host}:${ports.redis}` })),
      // Left alone it looks for the new leader after 5 s, and gives a command up after 5 s.
      topologyRefreshOnReconnectionAttemptStrategy: 250,
    });
    redis.on('error', () => undefined);
    return redis;
  };
  let redis: ReturnType<typeof open>;

  beforeAll(async () => {
    redis = open();
    await redis.connect();
  });

  afterAll(() => redis.destroy());

  test('sets and gets over all slots, with expiry and transactions', async () => {
    const names = keys('node-redis-cluster', 200);
    await Promise.all(names.map((name) => redis.set(name, `value of ${name}`)));
    expect(await Promise.all(names.map((name) => redis.get(name)))).toEqual(names.map((name) => `value of ${name}`));
    await redis.set('node-redis-cluster:short', 'x', { expiration: { type: 'PX', value: 50 } });
    await expect.poll(() => redis.get('node-redis-cluster:short'), { timeout: 5_000 }).toBeNull();
    expect(await redis.multi().set('{q}:a', '1').incr('{q}:a').get('{q}:a').exec()).toEqual(['OK', 2, '2']);
  });

  test('finds every key by SCAN over its nodes', async () => {
    // A scan of a node goes through what it leads: leadership that moves in between takes keys along, as slots do in Redis.
    await untilBalanced(cluster);
    const names = keys('node-redis-scan', 200);
    await Promise.all(names.map((name) => redis.set(name, '1')));
    const found = new Set<string>();
    for (const master of redis.masters) {
      const client = await redis.nodeClient(master);
      for await (const batch of client.scanIterator({ MATCH: 'node-redis-scan:*', COUNT: 50 })) {
        for (const name of batch) found.add(name);
      }
    }
    expect([...found].sort()).toEqual([...names].sort());
  });

  // It gives up what waits for a dead node as soon as it knows the new leader, so the program has to ask again.
  test('goes on when a leader is killed, with one more try of what it gave up', async () => {
    const twice = async <T>(command: () => Promise<T>): Promise<T> => {
      try {
        return await command();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(String(error)).toMatch(/Disconnects client|Socket closed|ECONNREFUSED|ECONNRESET/);
        return command();
      }
    };
    await goesOn(
      'node-redis-cluster-kill',
      (key, value) => twice(() => redis.set(key, value)),
      (key) => twice(() => redis.get(key)),
    );
  });
});

describe('node-redis with one endpoint', () => {
  const open = () => {
    const { host, ports } = cluster.nodes[2] as Cluster['nodes'][number];
    const redis = createClient({ url: `redis://${host}:${ports.redisSingle}` });
    redis.on('error', () => undefined);
    return redis;
  };
  let redis: ReturnType<typeof open>;

  beforeAll(async () => {
    redis = open();
    await redis.connect();
  });

  afterAll(() => redis.destroy());

  test('sees one Redis: all slots, transactions, SCAN', async () => {
    const names = keys('node-redis-single', 200);
    await Promise.all(names.map((name) => redis.set(name, name)));
    expect(await redis.mGet(names)).toEqual(names);
    expect(await redis.multi().set('{r}:a', '1').incr('{r}:a').exec()).toEqual(['OK', 2]);
    const found: string[] = [];
    for await (const batch of redis.scanIterator({ MATCH: 'node-redis-single:*', COUNT: 100 })) found.push(...batch);
    expect(found.sort()).toEqual([...names].sort());
  });

  test('goes on by itself when a leader is killed that is not its endpoint', async () => {
    const victim = cluster.nodes[0] as Cluster['nodes'][number];
    const names = keys('node-redis-single-kill', 60);
    await cluster.kill(victim);
    for (const name of names) expect(await untilKnown(() => redis.set(name, 'after'))).toBe('OK');
    await cluster.start(victim);
    await untilReplicated(cluster);
    expect(await redis.mGet(names)).toEqual(names.map(() => 'after'));
  });
});
