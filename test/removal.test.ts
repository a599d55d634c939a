import { renameSync } from 'node:fs';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folkmoot, killCommands, portFlags, RunningCommand } from './support/command.ts';
import { Load, print, untilReplicated, verify, type Write } from './support/load.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await createCluster({ nodes: 3, tablets: 6 });
});

afterEach(async () => {
  await killCommands();
  await cluster.close();
});

const SLOW = { timeout: 180_000 };

function nodes(): [ClusterNode, ClusterNode, ClusterNode] {
  return cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
}

async function written(duration_ms = 400): Promise<Write[]> {
  const load = await Load.start(cluster, { lanes: 2, pace_ms: 0 });
  const tablets = (await cluster.status()).tablets.map(({ id }) => id);
  await load.untilAcknowledged(tablets, performance.now() + duration_ms);
  await load.stop();
  return load.writes;
}

async function untilThreeReplicas(): Promise<void> {
  await cluster.waitFor(({ tablets }) => tablets.every(({ replicas }) => replicas.length === 3), {
    what: 'three replicas of each tablet',
    timeout_ms: 45_000,
  });
  await untilReplicated(cluster, 45_000);
}

async function check(writes: readonly Write[]): Promise<void> {
  const { acknowledged, lost, undead } = await verify(cluster, writes);
  expect(acknowledged).toBeGreaterThan(50);
  expect(lost).toEqual([]);
  expect(undead).toEqual([]);
}

test('a dead node is removed, refused when it comes back, and another one takes its address', SLOW, async () => {
  const [first, , third] = nodes();
  const writes = await written();
  await cluster.kill(third);

  // Its address is its own until it is removed: an empty folder there is told what to do.
  renameSync(third.dataFolder, `${third.dataFolder}.old`);
  await cluster.start(third, { ready: false });
  await cluster.waitFor(() => /remove it first with .*folkmoot remove node-3/.test(third.logTail(100)), {
    what: 'advice',
  });
  await cluster.kill(third);

  await cluster.waitFor(({ nodes: seen }) => seen.some(({ alive }) => !alive), { what: 'the death is noticed' });
  const join = cluster.nodes.map(({ host, ports }) => `${host}:${ports.peer}`).join(',');
  await cluster.removeNode(third);
  const status = await cluster.status();
  expect(status.nodes.map(({ name }) => name)).toEqual(['node-1', 'node-2']);
  expect(status.tablets.every(({ replicas }) => replicas.length === 2)).toBe(true);
  expect(status.underReplicated).toBe(6);
  await check(writes);

  const back = new RunningCommand([
    'start',
    `--data=${third.dataFolder}.old`,
    `--listen=${third.host}`,
    '--name=node-3',
    `--join=${join}`,
    ...portFlags(third.ports),
  ]);
  const { code, stderr } = await back.ended;
  expect(stderr).toMatch(/node 3 \(node-3\) has been removed from the cluster/);
  expect(code).toBe(1);

  const fourth = await cluster.addNode();
  expect(fourth.host).toBe(third.host);
  expect(fourth.id).toBe(4);
  await untilThreeReplicas();
  await cluster.kill(first);
  await check(writes);
});

test('a live node is removed under load: it hands over, ends cleanly, and nothing is lost', SLOW, async () => {
  const [first, second] = nodes();
  await cluster.addNode();
  const load = await Load.start(cluster);
  const tablets = (await cluster.status()).tablets.map(({ id }) => id);
  const begin_ms = performance.now();
  // The first one leads the metadata group, too.
  const { code, stdout } = await folkmoot(
    'remove',
    first.name,
    `--host=${second.host}`,
    `--admin-port=${second.ports.admin}`,
  );
  expect(stdout).toMatch(/node-1 is removed; \d+ of 6 tablets are under-replicated/);
  expect(code).toBe(0);
  await cluster.waitFor(() => !first.running, { what: 'the removed node ends' });
  expect(first.logTail(50)).toMatch(/has been removed from the cluster; it stops/);
  await load.untilAcknowledged(tablets, performance.now());
  print(
    `removed in ${(performance.now() - begin_ms).toFixed(0)} ms, gap ${load.gap_ms(tablets, begin_ms).toFixed(0)} ms`,
  );
  await load.stop();
  expect((await cluster.status(second)).nodes.map(({ id }) => id)).toEqual([2, 3, 4]);
  await untilThreeReplicas();
  await check(load.writes);
  await cluster.kill(second);
  await check(load.writes);
});

test('a removal that would cost a majority is refused with a reason', SLOW, async () => {
  const [first, second, third] = nodes();
  await cluster.kill(third);
  await cluster.waitFor(({ nodes: seen }) => seen.some(({ alive }) => !alive), { what: 'the death is noticed' });
  const flags = [`--host=${first.host}`, `--admin-port=${first.ports.admin}`];
  const refused = await folkmoot('remove', second.name, ...flags);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/without node 2 6 tablets .* would have no majority of living replicas/);
  const unknown = await folkmoot('remove', 'node-9', ...flags);
  expect(unknown.stderr).toMatch(/the cluster has no node "node-9"/);
  await cluster.start(third);
  await untilReplicated(cluster);
});
