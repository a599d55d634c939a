import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { type Cluster, type ClusterNode, type ClusterOptions, createCluster } from '../src/testing/index.ts';
import { isAlive, until } from './support/command.ts';

const open: Cluster[] = [];
const clients: Redis[] = [];

async function cluster(options?: ClusterOptions): Promise<Cluster> {
  const made = await createCluster(options);
  open.push(made);
  return made;
}

/** The single-endpoint port of a node, without retries: what the node answers is the answer. */
function client(node: ClusterNode): Redis {
  const redis = new Redis({
    host: node.host,
    port: node.ports.redisSingle,
    maxRetriesPerRequest: 0,
    commandTimeout: 10_000,
    retryStrategy: null,
  });
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
}

const others = (made: Cluster, node: ClusterNode): ClusterNode[] => made.nodes.filter((other) => other !== node);
const leaders = async (made: Cluster, node: ClusterNode): Promise<number[]> =>
  (await made.status(node)).tablets.map(({ leader }) => leader);

afterEach(async () => {
  for (const redis of clients.splice(0)) redis.disconnect();
  await Promise.all(open.splice(0).map((made) => made.close()));
});

describe('a cluster', () => {
  test('has nodes with ids, equal ports, their process, and a log', async () => {
    const made = await cluster();
    expect(made.nodes.map(({ name }) => name)).toEqual(['node-1', 'node-2', 'node-3']);
    expect(new Set(made.nodes.map(({ id }) => id)).size).toBe(3);
    expect(new Set(made.nodes.map(({ host }) => host)).size).toBe(3);
    expect(new Set(made.nodes.map(({ ports }) => ports.redis)).size).toBe(1);
    for (const node of made.nodes) {
      expect(isAlive(node.pid ?? 0)).toBe(true);
      expect(node.logTail()).not.toBe('');
    }
    const status = await made.status();
    expect(status.underReplicated).toBe(0);
    expect(status.tablets).toHaveLength(12);
  });

  test('leaves nothing behind when it is closed, not even of a paused node', async () => {
    const made = await createCluster();
    const pids = made.nodes.map(({ pid }) => pid ?? 0);
    const folder = made.nodes[0]?.dataFolder ?? '';
    expect(existsSync(folder)).toBe(true);
    made.pause(made.nodes[1] as ClusterNode);
    await made.close();
    await made.close();
    // As somebody would who disturbs nodes while the cluster is closed.
    await expect(made.start(made.nodes[0] as ClusterNode)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test('may run beside another one', async () => {
    const [a, b] = await Promise.all([cluster({ nodes: 1 }), cluster({ nodes: 1 })]);
    const [nodeA, nodeB] = [a.nodes[0] as ClusterNode, b.nodes[0] as ClusterNode];
    await client(nodeA).set('k', 'a');
    expect(await client(nodeB).get('k')).toBeNull();
    expect((await a.status()).clusterId).not.toBe((await b.status()).clusterId);
    await expect(a.kill(nodeB)).rejects.toThrow('node of another cluster');
  });

  test('that cannot start fails with the reason and leaves nothing behind', async () => {
    await expect(createCluster({ options: { 'tick-ms': 'often' } })).rejects.toThrow(/--tick-ms is "often"/);
  });
});

describe('faults', () => {
  test('kill: another node leads; restart: the node is back', async () => {
    const made = await cluster();
    const victim = await made.leaderOf('key');
    const [other] = others(made, victim);
    const redis = client(other as ClusterNode);
    await redis.set('key', 'value');
    await made.kill(victim);
    expect(victim.running).toBe(false);
    expect(victim.pid).toBeUndefined();
    expect(await redis.get('key')).toBe('value');
    expect(await made.leaderOf('key')).not.toBe(victim);
    await made.waitFor((status) => status.nodes.some(({ id, alive }) => id === victim.id && !alive), {
      what: 'the death is noticed',
    });
    await made.start(victim);
    expect(await client(victim).get('key')).toBe('value');
    await made.waitFor((status) => status.nodes.every(({ alive }) => alive));
  });

  test('stop: leadership is handed over first', async () => {
    const made = await cluster();
    const victim = await made.leaderOf('key');
    await made.stop(victim);
    expect(victim.running).toBe(false);
    const [other] = others(made, victim) as [ClusterNode];
    await client(other).set('key', 'value');
    await made.restart(victim);
    expect(await client(victim).get('key')).toBe('value');
  });

  test('pause: others take over; resume: the node follows again', async () => {
    const made = await cluster();
    const victim = await made.leaderOf('key');
    made.pause(victim);
    const leader = await made.leaderOf('key');
    expect(leader).not.toBe(victim);
    await client(leader).set('key', 'value');
    await made.resume(victim);
    await made.waitFor((status) => status.nodes.every(({ alive }) => alive));
    expect(await client(victim).get('key')).toBe('value');
  });

  test('partition: the smaller side refuses, the larger goes on; heal: all is well', async () => {
    const made = await cluster({ options: { 'request-timeout-ms': 1_500 } });
    const alone = await made.leaderOf('key');
    const majority = others(made, alone);
    await client(alone).set('key', 'before');
    await made.partition([alone], majority);
    await made.waitFor(async () => (await leaders(made, majority[0] as ClusterNode)).every((id) => id !== alone.id), {
      what: 'the larger side leads every tablet',
    });
    expect(await client(majority[0] as ClusterNode).set('key', 'during')).toBe('OK');
    await expect(client(alone).get('key')).rejects.toThrow();
    await made.heal();
    await until('the lone node answers again', async () => {
      return (
        (await client(alone)
          .get('key')
          .catch(() => undefined)) === 'during'
      );
    });
  });

  test('a partition holds for a node that is started inside it', async () => {
    const made = await cluster();
    const [a, b, c] = made.nodes as [ClusterNode, ClusterNode, ClusterNode];
    await made.partition([a], [b, c]);
    await made.kill(a);
    await made.start(a, { ready: false });
    await client(b).set('key', 'value');
    const seesA = async (): Promise<boolean> =>
      (await made.status(b)).nodes.some(({ id, alive }) => id === a.id && alive);
    await until('the others miss it', async () => !(await seesA()));
    await made.heal();
    await until(
      'it is back',
      async () =>
        (await client(a)
          .get('key')
          .catch(() => undefined)) === 'value',
    );
  });
});

test('a further node joins', async () => {
  const made = await cluster();
  const added = await made.addNode();
  expect(added.id).toBeGreaterThan(0);
  const status = await made.waitFor((seen) => seen.nodes.length === 4 && seen.nodes.every(({ alive }) => alive));
  expect(status.nodes.at(-1)).toMatchObject({ name: 'node-4', host: added.host });
  await client(added).set('key', 'value');
  expect(await client(made.nodes[0] as ClusterNode).get('key')).toBe('value');
});
