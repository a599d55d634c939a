import { type Cluster, type ClusterNode, createCluster, type TabletStatus } from 'folkmoot/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Load, print, tagIn, untilReplicated, verify } from './support/load.ts';
import { RespClient } from './support/resp-client.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await createCluster({ nodes: 3, tablets: 6 });
});

afterEach(() => cluster.close());

/** `POST` to the admin port, as a script would; rejects with what was answered when that is no success. */
async function post(node: ClusterNode, path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
  const response = await fetch(`http://${node.host}:${node.ports.admin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text);
}

async function tablet(id: number, asked?: ClusterNode): Promise<TabletStatus> {
  const found = (await cluster.status(asked)).tablets.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no tablet ${id}`);
  return found;
}

/** Waits until exactly these nodes have a replica, and say so themselves. */
async function untilReplicas(id: number, nodes: readonly ClusterNode[]): Promise<void> {
  const wanted = nodes.map((node) => node.id).sort();
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(nodes.map((node) => tablet(id, node)));
      return views.every(({ replicas }) => String([...replicas].sort()) === String(wanted));
    },
    { what: `tablet ${id} on nodes ${wanted}`, timeout_ms: 30_000 },
  );
}

test('a tablet moves to a node that joined, under load, and outlives the nodes that it came from', async () => {
  const [first, second, third] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
  const [moved] = (await cluster.status()).tablets as [TabletStatus];
  // More than the log keeps, so that the new replica needs a snapshot and not only the log.
  const filler = new RespClient({ host: first.host, port: first.ports.redisSingle });
  const tag = tagIn(moved);
  const value = 'v'.repeat(4_000);
  for (let from = 0; from < 4_000; from += 500) {
    const keys = Array.from({ length: 500 }, (_, n) => `{${tag}}:before:${from + n}`);
    expect(new Set(await Promise.all(keys.map((key) => filler.command('SET', key, value))))).toEqual(new Set(['OK']));
  }

  const fourth = await cluster.addNode();
  await cluster.waitFor(({ nodes }) => nodes.length === 4 && nodes.every(({ alive }) => alive), { what: 'four nodes' });

  const load = await Load.start(cluster);
  const begin_ms = performance.now();
  await post(first, `/api/tablets/${moved.id}/replicas`, { add: fourth.id });
  await untilReplicas(moved.id, [first, second, third, fourth]);
  const installed = new RegExp(`snapshot installed.* tablet=${moved.id}\\b`);
  await cluster.waitFor(() => installed.test(fourth.logTail(200)), { what: 'the snapshot is installed' });
  const added_ms = performance.now();
  const old = [first, second, third].find(({ id }) => id === moved.leader) ?? first;
  await post(fourth, `/api/tablets/${moved.id}/replicas`, { remove: old.id });
  const kept = [first, second, third].filter((node) => node !== old);
  await untilReplicas(moved.id, [...kept, fourth]);
  await cluster.waitFor(async () => ((await tablet(moved.id, fourth)).leader || old.id) !== old.id, {
    what: 'another leader than the one removed',
  });
  const removed_ms = performance.now();
  await load.untilAcknowledged([moved.id], removed_ms);
  print(
    `replica added in ${(added_ms - begin_ms).toFixed(0)} ms, the old leader's removed in ` +
      `${(removed_ms - added_ms).toFixed(0)} ms, longest gap ${load.gap_ms([moved.id], begin_ms).toFixed(0)} ms`,
  );

  // The node it came from is no longer needed; with one of the others gone too, the new replica has to count.
  await cluster.kill(old);
  await load.untilAcknowledged([moved.id], performance.now());
  await load.stop();
  await cluster.start(old);
  await untilReplicated(cluster);
  const { acknowledged, lost, undead, refused, unknown } = await verify(cluster, load.writes);
  print(`${acknowledged} acknowledged, ${lost.length} lost, ${unknown} unknown, ${refused} refused: ${load.reasons()}`);
  expect(lost).toEqual([]);
  expect(undead).toEqual([]);

  const [other] = kept as [ClusterNode];
  await cluster.kill(other);
  const reader = new RespClient({ host: fourth.host, port: fourth.ports.redisSingle }, 20_000);
  for (let from = 0; from < 4_000; from += 500) {
    const keys = Array.from({ length: 500 }, (_, n) => `{${tag}}:before:${from + n}`);
    const values = await Promise.all(keys.map((key) => reader.command('GET', key)));
    expect(values.every((found) => found === value)).toBe(true);
  }
  expect(await reader.command('SET', `{${tag}}:after`, 'x')).toBe('OK');
  filler.close();
  reader.close();
});

test('leadership moves where it is asked to, and back, without a lost write', async () => {
  const load = await Load.start(cluster);
  const [one] = (await cluster.status()).tablets as [TabletStatus];
  for (const node of cluster.nodes) {
    await post(node, `/api/tablets/${one.id}/transfer`, { node: node.id });
    await load.untilAcknowledged([one.id], performance.now());
  }
  await load.stop();
  await untilReplicated(cluster);
  const { lost, undead, unknown } = await verify(cluster, load.writes);
  expect({ lost, undead, unknown }).toEqual({ lost: [], undead: [], unknown: 0 });
});

test('a change that makes no sense is refused with a reason', async () => {
  const [node] = cluster.nodes as [ClusterNode];
  const [{ id }] = (await cluster.status()).tablets as [TabletStatus];
  await expect(post(node, `/api/tablets/${id}/replicas`, { add: 99 })).rejects.toThrow(/404 .*there is no node 99/s);
  await expect(post(node, '/api/tablets/999/replicas', { add: 1 })).rejects.toThrow(/404 .*there is no tablet 999/s);
  await expect(post(node, `/api/tablets/${id}/replicas`, {})).rejects.toThrow(/400 /);
  await expect(post(node, `/api/tablets/${id}/replicas`, { add: 1, remove: 2 })).rejects.toThrow(/400 /);
});
