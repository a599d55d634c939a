import { createHash } from 'node:crypto';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { print, untilReplicated } from './support/load.ts';

const MIB = 1_024 * 1_024;

let cluster: Cluster;
const clients: Redis[] = [];

beforeEach(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterEach(async () => {
  for (const redis of clients.splice(0)) redis.disconnect();
  await cluster.close();
});

function connect(node: ClusterNode | undefined): Redis {
  const redis = new Redis({ host: node?.host ?? '', port: node?.ports.redisSingle ?? 0, maxRetriesPerRequest: 2 });
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
}

/** Bytes of all values, none of which repeats nearby. */
function bytes(length: number, seed: number): Buffer {
  const value = Buffer.allocUnsafe(length);
  let state = seed;
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    value.writeUInt32LE(state, at);
  }
  return value;
}

const digest = (value: Buffer | null): string =>
  createHash('sha256')
    .update(value ?? '')
    .digest('hex');

/** Sets, gets through every node, kills the leader, gets again, and once more from the node that was killed. */
async function survives(size: number): Promise<void> {
  const key = `large:${size}`;
  const value = bytes(size, size);
  const redis = connect(cluster.nodes[0]);
  const begin_ms = performance.now();
  expect(await redis.set(key, value)).toBe('OK');
  const written_ms = performance.now();
  expect(digest(await redis.getBuffer(key))).toBe(digest(value));
  const got_ms = performance.now();
  print(
    `${size / MIB} MB: set in ${(written_ms - begin_ms).toFixed(0)} ms, got in ${(got_ms - written_ms).toFixed(0)} ms`,
  );
  for (const node of cluster.nodes) expect(await connect(node).strlen(key)).toBe(size);
  await untilReplicated(cluster);

  const leader = await cluster.leaderOf(key);
  await cluster.kill(leader);
  const survivor = cluster.nodes.find((node) => node !== leader);
  expect(digest(await connect(survivor).getBuffer(key))).toBe(digest(value));
  await cluster.start(leader);
  await untilReplicated(cluster);
  expect(digest(await connect(leader).getBuffer(key))).toBe(digest(value));
}

test('a value of 10 MB comes back whole, from every node, also after the leader is killed', () => survives(10 * MIB));

// Several of them in one turn are more than one frame between nodes may hold.
test('a value of 64 MB comes back whole, from every node, also after the leader is killed', () => survives(64 * MIB));

test('small requests are answered while large values are written', async () => {
  const large = [0, 1, 2].map((n) => connect(cluster.nodes[n]).set(`large:${n}`, bytes(16 * MIB, n)));
  const redis = connect(cluster.nodes[2]);
  let slowest_ms = 0;
  for (let n = 0; n < 50; n++) {
    const begin_ms = performance.now();
    expect(await redis.set(`small:${n}`, 'x')).toBe('OK');
    slowest_ms = Math.max(slowest_ms, performance.now() - begin_ms);
  }
  print(`the slowest of 50 small writes beside three of 16 MB took ${slowest_ms.toFixed(0)} ms`);
  expect(await Promise.all(large)).toEqual(['OK', 'OK', 'OK']);
});

test('a value above the limit is refused in words of Redis, and the node lives on', async () => {
  const redis = connect(cluster.nodes[0]);
  await redis.config('SET', 'proto-max-bulk-len', String(MIB));
  await expect(redis.set('too large', bytes(2 * MIB, 1))).rejects.toThrow(
    /invalid bulk length|closed|Reached the max retries/i,
  );
  const other = connect(cluster.nodes[0]);
  expect(await other.exists('too large')).toBe(0);
  expect(await other.set('fits', bytes(MIB - 1, 1))).toBe('OK');
});

test('100,000 keys are all there after every node was killed and started again', async () => {
  const count = 100_000;
  const redis = connect(cluster.nodes[0]);
  const begin_ms = performance.now();
  for (let from = 0; from < count; from += 2_000) {
    const pipeline = redis.pipeline();
    for (let n = from; n < from + 2_000; n++) pipeline.set(`key:${n}`, `value of ${n}`);
    expect(await pipeline.exec()).toEqual(Array.from({ length: 2_000 }, () => [null, 'OK']));
  }
  print(`${count} keys in ${(performance.now() - begin_ms).toFixed(0)} ms`);
  expect(await redis.dbsize()).toBe(count);

  await Promise.all(cluster.nodes.map((node) => cluster.kill(node)));
  const restart_ms = performance.now();
  await Promise.all(cluster.nodes.map((node) => cluster.start(node)));
  print(`all serve again after ${(performance.now() - restart_ms).toFixed(0)} ms`);
  for (const node of cluster.nodes) expect(await connect(node).dbsize()).toBe(count);
  const again = connect(cluster.nodes[2]);
  for (let from = 0; from < count; from += 2_000) {
    const names = Array.from({ length: 2_000 }, (_, n) => `key:${from + n}`);
    expect(await again.mget(names)).toEqual(names.map((_, n) => `value of ${from + n}`));
  }
});
