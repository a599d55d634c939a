import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cut, flipIn, segmentsOf, sizeOf, storeOf } from './support/damage.ts';
import { untilReplicated, verify } from './support/load.ts';
import { checkMajorities, rebuild, untilRebuilt, written } from './support/rebuild.ts';

let cluster: Cluster;

async function start(): Promise<void> {
  cluster = await createCluster({ nodes: 3, tablets: 6 });
}

const close = (): Promise<void> => cluster.close();

function nodes(): [ClusterNode, ClusterNode, ClusterNode] {
  return cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
}

/** Where it is written, which depends on what was written before. */
function flipInLog(node: ClusterNode, value: string): number {
  return segmentsOf(node).reduce((count, segment) => count + flipIn(segment, value), 0);
}

const TABLETS = 6;
const METADATA = 1;
const SLOW = { timeout: 180_000 };

describe('a node is rebuilt, and nothing is lost, when', () => {
  // One cluster for all: each test ends with one that is whole again, and has looked for what it wrote.
  beforeAll(start);
  afterAll(close);

  test('a bit in the middle of its log has flipped', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written(cluster);
    await cluster.kill(second);
    expect(flipInLog(second, writes[100]?.value ?? '')).toBeGreaterThan(0);
    expect(await rebuild(cluster, second, writes, /log is damaged.*wal-0+1\.log/)).toBe(TABLETS + METADATA);
  });

  test('the newest part of its log is gone, or cut off', SLOW, async () => {
    const [first] = nodes();
    const writes = await written(cluster);
    await cluster.kill(first);
    const segment = segmentsOf(first).at(-1) as string;
    cut(segment, sizeOf(segment) >> 1);
    expect(await rebuild(cluster, first, writes, /the file has been cut/)).toBe(TABLETS + METADATA);

    await cluster.kill(first);
    rmSync(segmentsOf(first).at(-1) as string);
    expect(await rebuild(cluster, first, writes)).toBe(TABLETS + METADATA);
  });

  test('its whole log is gone', SLOW, async () => {
    const [, , third] = nodes();
    const writes = await written(cluster);
    await cluster.stop(third);
    rmSync(join(third.dataFolder, 'wal'), { recursive: true });
    expect(await rebuild(cluster, third, writes)).toBe(TABLETS + METADATA);
  });

  test('it is killed again and again while it is rebuilt', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written(cluster);
    await cluster.kill(second);
    expect(flipInLog(second, writes[100]?.value ?? '')).toBeGreaterThan(0);
    for (const word of [/is lost/, /works without the lost/, /removing what is left/, /installing a snapshot/]) {
      const last = second.logTail(1);
      const listening = cluster.start(second, { ready: false }).catch(() => undefined);
      const said = (): string => second.logTail(200).split(last).at(-1) ?? '';
      await cluster.waitFor(() => word.test(said()), { what: String(word) });
      await cluster.kill(second);
      await listening;
    }
    await cluster.start(second);
    await untilRebuilt(cluster);
    await checkMajorities(cluster, second, writes);
  });
});

describe('nothing is destroyed when too much is damaged:', () => {
  beforeEach(start);
  afterEach(close);

  test('two of three nodes refuse to start, and serve again from a copy of their folders', SLOW, async () => {
    const [first, second, third] = nodes();
    const writes = await written(cluster);
    for (const node of [first, second, third]) await cluster.kill(node);
    for (const node of [second, third]) cpSync(node.dataFolder, `${node.dataFolder}.copy`, { recursive: true });
    for (const node of [second, third]) {
      expect(flipIn(segmentsOf(node)[0] as string, writes[100]?.value ?? '')).toBeGreaterThan(0);
    }
    await cluster.start(first, { ready: false });
    const refused = await Promise.allSettled([second, third].map((node) => cluster.start(node)));
    for (const start of refused) {
      expect(start).toMatchObject({
        status: 'rejected',
        reason: { code: 'UNRECOVERABLE', message: expect.stringMatching(/no majority of undamaged replicas/) },
      });
    }
    for (const node of [second, third]) {
      expect(segmentsOf(node).length).toBeGreaterThan(0);
      rmSync(node.dataFolder, { recursive: true });
      renameSync(`${node.dataFolder}.copy`, node.dataFolder);
    }
    // It has met the lives that the copies know nothing of, and would refuse them.
    await cluster.kill(first);
    await Promise.all([first, second, third].map((node) => cluster.start(node)));
    await untilReplicated(cluster);
    const { acknowledged, lost } = await verify(cluster, writes);
    expect(acknowledged).toBeGreaterThan(100);
    expect(lost).toEqual([]);
  });

  test('a node alone refuses to start', SLOW, async () => {
    await cluster.close();
    cluster = await createCluster({ nodes: 1, tablets: 4 });
    const [node] = cluster.nodes as [ClusterNode];
    const writes = await written(cluster, 300);
    await cluster.stop(node);
    const value = writes[20]?.value ?? '';
    const segment = segmentsOf(node)[0] as string;
    expect(flipIn(segment, value)).toBeGreaterThan(0);
    await expect(cluster.start(node)).rejects.toThrow(/it knows of no other that has it/);
    expect(flipIn(storeOf(node), value)).toBeGreaterThan(0);
    await expect(cluster.start(node)).rejects.toThrow(/it knows of no other that has it/);
  });
});
