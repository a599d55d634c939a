/** What a node with damaged files must do: be rebuilt from its peers, under load, and hold everything that was acknowledged. */
import type { Cluster, ClusterNode } from 'folkmoot/testing';
import { expect } from 'vitest';
import { Load, print, untilReplicated, verify, type Write } from './load.ts';

/** Writes for a while, and until the stores of all nodes hold some of it. */
export async function written(cluster: Cluster, duration_ms = 600): Promise<Write[]> {
  const load = await Load.start(cluster, { lanes: 2, pace_ms: 4 });
  const tablets = (await cluster.status()).tablets.map(({ id }) => id);
  await load.untilAcknowledged(tablets, performance.now() + duration_ms);
  await load.stop();
  await untilReplicated(cluster);
  return load.writes;
}

/** Replicas that the node has lost, or rebuilt, since it started. */
export async function count(node: ClusterNode, what: 'lost' | 'rebuilt'): Promise<number> {
  const name = `folkmoot_replicas_${what}_total`;
  const text = await (await fetch(`http://${node.host}:${node.ports.admin}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

/** Waits until every replica is in place again. */
export async function untilRebuilt(cluster: Cluster): Promise<void> {
  const begin_ms = performance.now();
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(cluster.nodes.map((node) => cluster.status(node)));
      return views.every((view) =>
        view.tablets.every(({ replicas, rebuilding }) => replicas.length === 3 && (rebuilding ?? []).length === 0),
      );
    },
    { what: 'all replicas in place', timeout_ms: 45_000 },
  );
  await untilReplicated(cluster, 45_000);
  print(`rebuilt after ${(performance.now() - begin_ms).toFixed(0)} ms`);
}

/** Reads everything back from each majority that the rebuilt node is part of, or from the first `count` of them. */
export async function checkMajorities(
  cluster: Cluster,
  rebuilt: ClusterNode,
  writes: readonly Write[],
  count = 2,
): Promise<void> {
  for (const other of cluster.nodes.filter((node) => node !== rebuilt).slice(0, count)) {
    await cluster.kill(other);
    const { acknowledged, lost, undead } = await verify(cluster, writes);
    expect(acknowledged).toBeGreaterThan(100);
    expect(lost).toEqual([]);
    expect(undead).toEqual([]);
    await cluster.start(other);
    await untilReplicated(cluster, 45_000);
  }
}

/** Starts the damaged node again while the cluster is written to, and looks at what has become of it. */
export async function rebuild(
  cluster: Cluster,
  node: ClusterNode,
  before: readonly Write[],
  said = /./,
): Promise<number> {
  const load = await Load.start(cluster, { lanes: 1 });
  await cluster.start(node);
  expect(node.logTail(200)).toMatch(said);
  await cluster.waitFor(async () => (await count(node, 'rebuilt')) === (await count(node, 'lost')), {
    what: 'every lost replica rebuilt',
    timeout_ms: 45_000,
  });
  await untilRebuilt(cluster);
  await load.stop();
  await untilReplicated(cluster);
  const lost = await count(node, 'lost');
  // Both are read where a test is about what was read or killed meanwhile; they take as long as all the rest.
  await checkMajorities(cluster, node, [...before, ...load.writes], 1);
  return lost;
}
