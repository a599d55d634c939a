import { type Cluster, createCluster } from 'folkmoot/testing';
import { afterEach, expect, test } from 'vitest';
import { Load, print, untilReplicated, verify, type Write } from './support/load.ts';

const ROUNDS = Number(process.env['FOLKMOOT_POWER_CUT_ROUNDS'] ?? 3);

let cluster: Cluster | undefined;

afterEach(() => cluster?.close());

/** Kills all nodes at once under load and starts them again; answers what has been written, with its outcome. */
async function cutPower(running: Cluster, load_ms: number): Promise<Write[]> {
  const load = await Load.start(running, { pace_ms: 0 });
  const tablets = (await running.status()).tablets.map(({ id }) => id);
  await load.untilAcknowledged(tablets, performance.now() + load_ms);
  await Promise.all(running.nodes.map((node) => running.kill(node)));
  await load.abandon();

  const begin_ms = performance.now();
  await Promise.all(running.nodes.map((node) => running.start(node)));
  print(`all serve ${(performance.now() - begin_ms).toFixed(0)} ms after the power is back`);
  return load.writes;
}

async function check(running: Cluster, writes: readonly Write[], what: string): Promise<void> {
  const verdict = await verify(running, writes);
  const { acknowledged, lost, unknown } = verdict;
  print(`${what}: ${acknowledged} acknowledged, ${lost.length} lost, ${unknown} unknown`);
  expect(acknowledged).toBeGreaterThan(0);
  expect(lost).toEqual([]);
  expect(verdict.undead).toEqual([]);
}

test(`three nodes killed at once under load lose nothing that was acknowledged, ${ROUNDS} times in a row`, async () => {
  cluster = await createCluster({ nodes: 3 });
  const all: Write[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const writes = await cutPower(cluster, 500 * round);
    all.push(...writes);
    await check(cluster, writes, `round ${round}`);
  }
  await untilReplicated(cluster);
  await check(cluster, all, 'all rounds');
});

test('a single node killed under load loses nothing that was acknowledged', async () => {
  cluster = await createCluster({ nodes: 1 });
  const all: Write[] = [];
  for (let round = 1; round <= 3; round++) all.push(...(await cutPower(cluster, 500)));
  await check(cluster, all, 'one node');
});

test('a majority that starts again serves without the third node', async () => {
  cluster = await createCluster({ nodes: 3 });
  const load = await Load.start(cluster);
  await Promise.all(cluster.nodes.map((node) => cluster?.kill(node)));
  await load.abandon();
  const [, second, third] = cluster.nodes;
  if (second === undefined || third === undefined) throw new Error('three nodes');
  await Promise.all([cluster.start(second), cluster.start(third)]);
  await check(cluster, load.writes, 'two of three');
});
