import { type Cluster, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { busiest, Load, median, print, untilReplicated, verify } from './support/load.ts';

const ROUNDS = Number(process.env['FOLKMOOT_GRACEFUL_ROUNDS'] ?? 3);

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterAll(() => cluster.close());

test(`SIGTERM under load: leaders hand over, nothing is lost, ${ROUNDS} times`, {
  timeout: 30_000 * ROUNDS,
}, async () => {
  const gaps_ms: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const load = await Load.start(cluster);
    const { node, tablets } = await busiest(cluster);
    const all = (await cluster.status()).tablets.map(({ id }) => id);

    const begin_ms = performance.now();
    await cluster.stop(node);
    const stopped_ms = performance.now();
    await load.untilAcknowledged(all, stopped_ms);
    const gap_ms = load.gap_ms(all, begin_ms);
    gaps_ms.push(gap_ms);

    await cluster.start(node);
    await load.untilAcknowledged(all, performance.now());
    await load.stop();
    await untilReplicated(cluster);

    const { acknowledged, lost, undead, unknown, refused } = await verify(cluster, load.writes);
    print(
      `round ${round}: ${node.name} led ${tablets.length}, ended after ${(stopped_ms - begin_ms).toFixed(0)} ms, ` +
        `gap ${gap_ms.toFixed(0)} ms, ${acknowledged} acknowledged, ${lost.length} lost, ${unknown} unknown, ${refused} refused`,
    );
    if (process.env['FOLKMOOT_TEST_REASONS'] !== undefined) print(`  ${load.reasons()}`);
    expect(lost).toEqual([]);
    expect(undead).toEqual([]);
  }
  print(`SIGTERM: gap median ${median(gaps_ms).toFixed(0)} ms, worst ${Math.max(...gaps_ms).toFixed(0)} ms`);
  expect(Math.max(...gaps_ms)).toBeLessThan(5_000);
});

test('SIGTERM to all nodes at once ends all of them cleanly and loses nothing', async () => {
  const load = await Load.start(cluster);
  const ended = Promise.all(cluster.nodes.map((node) => cluster.stop(node)));
  await ended;
  await load.abandon();
  await Promise.all(cluster.nodes.map((node) => cluster.start(node)));
  const { acknowledged, lost, undead } = await verify(cluster, load.writes);
  expect(acknowledged).toBeGreaterThan(0);
  expect(lost).toEqual([]);
  expect(undead).toEqual([]);
});
