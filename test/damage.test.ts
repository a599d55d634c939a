import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cut, flipBit, flipIn, readBytes, segmentsOf, sizeOf, storeOf } from './support/damage.ts';
import { Load, print, untilReplicated, verify, type Write } from './support/load.ts';
import { ErrorReply, RespClient } from './support/resp-client.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await createCluster({ nodes: 3, tablets: 6 });
});

afterEach(() => cluster.close());

function nodes(): [ClusterNode, ClusterNode, ClusterNode] {
  return cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
}

/** Writes for a while, and until the stores of all nodes hold some of it. */
async function written(duration_ms = 600): Promise<Write[]> {
  const load = await Load.start(cluster, { lanes: 3, pace_ms: 0 });
  const tablets = (await cluster.status()).tablets.map(({ id }) => id);
  await load.untilAcknowledged(tablets, performance.now() + duration_ms);
  await load.stop();
  await untilReplicated(cluster);
  return load.writes;
}

/** Replicas that the node has lost, or rebuilt, since it started. */
async function count(node: ClusterNode, what: 'lost' | 'rebuilt'): Promise<number> {
  const name = `folkmoot_replicas_${what}_total`;
  const text = await (await fetch(`http://${node.host}:${node.ports.admin}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

/** Waits until every replica is in place again. */
async function untilRebuilt(): Promise<void> {
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

/** Reads everything back from each majority that the rebuilt node is part of. */
async function checkMajorities(rebuilt: ClusterNode, writes: readonly Write[]): Promise<void> {
  for (const other of cluster.nodes.filter((node) => node !== rebuilt)) {
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
async function rebuild(node: ClusterNode, before: readonly Write[], said = /./): Promise<number> {
  const load = await Load.start(cluster, { lanes: 1 });
  await cluster.start(node);
  expect(node.logTail(200)).toMatch(said);
  await cluster.waitFor(async () => (await count(node, 'rebuilt')) === (await count(node, 'lost')), {
    what: 'every lost replica rebuilt',
    timeout_ms: 45_000,
  });
  await untilRebuilt();
  await load.stop();
  await untilReplicated(cluster);
  const lost = await count(node, 'lost');
  await checkMajorities(node, [...before, ...load.writes]);
  return lost;
}

const TABLETS = 6;
const METADATA = 1;
const SLOW = { timeout: 180_000 };

describe('a node is rebuilt, and nothing is lost, when', () => {
  test('a bit in the middle of its log has flipped', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written();
    await cluster.kill(second);
    const [segment] = segmentsOf(second) as [string];
    expect(flipIn(segment, writes[100]?.value ?? '')).toBeGreaterThan(0);
    expect(await rebuild(second, writes, /log is damaged.*wal-0+1\.log/)).toBe(TABLETS + METADATA);
  });

  test('the newest part of its log is gone, or cut off', SLOW, async () => {
    const [first] = nodes();
    const writes = await written();
    await cluster.kill(first);
    const segment = segmentsOf(first).at(-1) as string;
    cut(segment, sizeOf(segment) >> 1);
    expect(await rebuild(first, writes, /the file has been cut/)).toBe(TABLETS + METADATA);

    await cluster.kill(first);
    rmSync(segmentsOf(first).at(-1) as string);
    expect(await rebuild(first, writes)).toBe(TABLETS + METADATA);
  });

  test('its whole log is gone', SLOW, async () => {
    const [, , third] = nodes();
    const writes = await written();
    await cluster.stop(third);
    rmSync(join(third.dataFolder, 'wal'), { recursive: true });
    expect(await rebuild(third, writes)).toBe(TABLETS + METADATA);
  });

  test('one value in its store is damaged: only that tablet is rebuilt', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written();
    await cluster.stop(second);
    expect(flipIn(storeOf(second), writes[50]?.value ?? '')).toBeGreaterThan(0);
    expect(await rebuild(second, writes, /the value of key [0-9a-f]+ is damaged/)).toBe(1);
  });

  test('a value in its store is damaged while it runs and leads: the reader gets what was written', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written();
    // What it has been told is in its store after a clean stop, and nowhere else in it.
    await cluster.restart(second);
    await untilReplicated(cluster);
    const [write] = writes.filter(({ outcome }) => outcome === 'acknowledged') as [Write];
    const admin = `http://${second.host}:${second.ports.admin}/api/tablets/${write.tablet}/transfer`;
    const body = JSON.stringify({ node: second.id });
    await fetch(admin, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(flipIn(storeOf(second), write.value)).toBeGreaterThan(0);
    // Leadership may have moved back meanwhile: a read that does not ask for the newest is answered by the node itself.
    const client = new RespClient({ host: second.host, port: second.ports.redis });
    await client.command('READONLY');
    const answer = await client.command('GET', write.key);
    expect(answer === write.value || answer instanceof ErrorReply).toBe(true);
    client.close();
    await cluster.waitFor(async () => (await count(second, 'rebuilt')) === 1, { what: 'rebuilt', timeout_ms: 45_000 });
    await untilRebuilt();
    await checkMajorities(second, writes);
  });

  test('the metadata in its store is damaged', SLOW, async () => {
    const [first] = nodes();
    const writes = await written();
    const { clusterId } = await cluster.status();
    await cluster.stop(first);
    expect(flipIn(storeOf(first), clusterId)).toBeGreaterThan(0);
    expect(await rebuild(first, writes)).toBe(TABLETS + METADATA);
  });

  test('its store has lost a page, or its end', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written();
    await cluster.stop(second);
    const image = readBytes(storeOf(second), 0, sizeOf(storeOf(second)));
    // The heads of all pages that hold the value, since some of them may be free: their number, their kind, their bounds.
    const value = writes[200]?.value ?? '';
    const pages = new Set<number>();
    for (let at = image.indexOf(value); at >= 0; at = image.indexOf(value, at + 1)) pages.add(at & ~4_095);
    expect(pages.size).toBeGreaterThan(0);
    for (const page of pages) for (let byte = 0; byte < 24; byte += 3) flipBit(storeOf(second), page + byte);
    expect(await rebuild(second, writes, /the store .*data\.mdb is damaged/)).toBe(TABLETS + METADATA);
    expect(existsSync(join(second.dataFolder, 'store.damaged'))).toBe(false);

    await cluster.stop(second);
    cut(storeOf(second), sizeOf(storeOf(second)) >> 1);
    expect(await rebuild(second, writes)).toBe(TABLETS + METADATA);
  });

  test('its store is gone', SLOW, async () => {
    const [first] = nodes();
    const writes = await written();
    await cluster.kill(first);
    rmSync(join(first.dataFolder, 'store'), { recursive: true });
    expect(await rebuild(first, writes)).toBe(TABLETS + METADATA);
  });

  test('all that it had is gone but who it is', SLOW, async () => {
    const [, , third] = nodes();
    const writes = await written();
    await cluster.stop(third);
    for (const name of ['store', 'wal']) rmSync(join(third.dataFolder, name), { recursive: true });
    // Nothing is left that could be given up.
    expect(await rebuild(third, writes, /works without the lost replica/)).toBe(0);
  });

  test('it is killed again and again while it is rebuilt', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written();
    await cluster.kill(second);
    const [segment] = segmentsOf(second) as [string];
    expect(flipIn(segment, writes[100]?.value ?? '')).toBeGreaterThan(0);
    for (const word of [/is lost/, /works without the lost/, /removing what is left/, /installing a snapshot/]) {
      const last = second.logTail(1);
      const listening = cluster.start(second, { ready: false }).catch(() => undefined);
      const said = (): string => second.logTail(200).split(last).at(-1) ?? '';
      await cluster.waitFor(() => word.test(said()), { what: String(word) });
      await cluster.kill(second);
      await listening;
    }
    await cluster.start(second);
    await untilRebuilt();
    await checkMajorities(second, writes);
  });
});

describe('nothing is destroyed when too much is damaged:', () => {
  test('two of three nodes refuse to start, and serve again from a copy of their folders', SLOW, async () => {
    const [first, second, third] = nodes();
    const writes = await written();
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
    const writes = await written(300);
    await cluster.stop(node);
    const value = writes[20]?.value ?? '';
    const segment = segmentsOf(node)[0] as string;
    expect(flipIn(segment, value)).toBeGreaterThan(0);
    await expect(cluster.start(node)).rejects.toThrow(/it knows of no other that has it/);
    expect(flipIn(storeOf(node), value)).toBeGreaterThan(0);
    await expect(cluster.start(node)).rejects.toThrow(/it knows of no other that has it/);
  });
});
