import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cut, flipBit, flipIn, readBytes, sizeOf, storeOf } from './support/damage.ts';
import { untilReplicated, type Write } from './support/load.ts';
import { checkMajorities, count, rebuild, untilRebuilt, written } from './support/rebuild.ts';
import { ErrorReply, RespClient } from './support/resp-client.ts';

let cluster: Cluster;

// One for all tests: each ends with a cluster that is whole again, and has looked for what it wrote.
beforeAll(async () => {
  cluster = await createCluster({ nodes: 3, tablets: 6 });
});

afterAll(() => cluster.close());

function nodes(): [ClusterNode, ClusterNode, ClusterNode] {
  return cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
}

const TABLETS = 6;
const METADATA = 1;
const SLOW = { timeout: 180_000 };

describe('a node is rebuilt, and nothing is lost, when', () => {
  test('one value in its store is damaged: only that tablet is rebuilt', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written(cluster);
    await cluster.stop(second);
    expect(flipIn(storeOf(second), writes[50]?.value ?? '')).toBeGreaterThan(0);
    expect(await rebuild(cluster, second, writes, /the value of key [0-9a-f]+ is damaged/)).toBe(1);
  });

  test('a value in its store is damaged while it runs and leads: the reader gets what was written', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written(cluster);
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
    await untilRebuilt(cluster);
    await checkMajorities(cluster, second, writes);
  });

  test('the metadata in its store is damaged', SLOW, async () => {
    const [first] = nodes();
    const writes = await written(cluster);
    const { clusterId } = await cluster.status();
    await cluster.stop(first);
    expect(flipIn(storeOf(first), clusterId)).toBeGreaterThan(0);
    expect(await rebuild(cluster, first, writes)).toBe(TABLETS + METADATA);
  });

  test('its store has lost a page, or its end', SLOW, async () => {
    const [, second] = nodes();
    const writes = await written(cluster);
    await cluster.stop(second);
    const image = readBytes(storeOf(second), 0, sizeOf(storeOf(second)));
    // The heads of all pages that hold the value, since some of them may be free: their number, their kind, their bounds.
    const value = writes[200]?.value ?? '';
    const pages = new Set<number>();
    for (let at = image.indexOf(value); at >= 0; at = image.indexOf(value, at + 1)) pages.add(at & ~4_095);
    expect(pages.size).toBeGreaterThan(0);
    for (const page of pages) for (let byte = 0; byte < 24; byte += 3) flipBit(storeOf(second), page + byte);
    expect(await rebuild(cluster, second, writes, /the store .*data\.mdb is damaged/)).toBe(TABLETS + METADATA);
    expect(existsSync(join(second.dataFolder, 'store.damaged'))).toBe(false);

    await cluster.stop(second);
    cut(storeOf(second), sizeOf(storeOf(second)) >> 1);
    expect(await rebuild(cluster, second, writes)).toBe(TABLETS + METADATA);
  });

  test('its store is gone', SLOW, async () => {
    const [first] = nodes();
    const writes = await written(cluster);
    await cluster.kill(first);
    rmSync(join(first.dataFolder, 'store'), { recursive: true });
    expect(await rebuild(cluster, first, writes)).toBe(TABLETS + METADATA);
  });

  test('all that it had is gone but who it is', SLOW, async () => {
    const [, , third] = nodes();
    const writes = await written(cluster);
    await cluster.stop(third);
    for (const name of ['store', 'wal']) rmSync(join(third.dataFolder, name), { recursive: true });
    // Nothing is left that could be given up.
    expect(await rebuild(cluster, third, writes, /works without the lost replica/)).toBe(0);
  });
});
