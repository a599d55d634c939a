import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Outcome } from '../../tablet/operation.ts';
import { startDoors, type TestDoors } from './door.test-support.ts';
import type { RawClient } from './raw-client.test-support.ts';
import { slotOfString } from './slot.ts';

describe('three nodes', () => {
  let doors: TestDoors;
  let single: RawClient;
  let clustered: RawClient;

  beforeEach(async () => {
    doors = await startDoors(3);
    single = await doors.single(1);
    clustered = await doors.clustered(1);
  });
  afterEach(() => doors.stop());

  const keyOf = (node: number): string => {
    for (let index = 0; ; index += 1) {
      if (doors.cluster.tabletOf(slotOfString(`k${index}`)).leader === node) return `k${index}`;
    }
  };

  test('the cluster port redirects to the leader', async () => {
    const key = keyOf(2);
    const port = doors.doors[1]?.clusterPort;
    expect(await clustered.line(`SET ${key} 1`)).toBe(`-MOVED ${slotOfString(key)} 127.0.0.1:${port}`);
    expect(await (await doors.clustered(2)).line(`SET ${key} 1`)).toBe('OK');
  });

  test('READONLY lets a replica answer reads, not writes', async () => {
    const key = keyOf(2);
    await single.line(`SET ${key} 1`);
    expect(await clustered.line('READONLY')).toBe('OK');
    expect(await clustered.line(`GET ${key}`)).toBe('1');
    expect(await clustered.line(`SET ${key} 1`)).toMatch(/^-MOVED/);
    expect(await clustered.line('READWRITE')).toBe('OK');
    expect(await clustered.line(`GET ${key}`)).toMatch(/^-MOVED/);
  });

  test('the single-endpoint port answers for all slots', async () => {
    for (let index = 0; index < 60; index += 1) expect(await single.line(`SET key${index} v${index}`)).toBe('OK');
    const keys = Array.from({ length: 60 }, (_, index) => `key${index}`);
    const values = keys.map((key) => key.replace('key', 'v'));
    expect(await single.call('MGET', ...keys)).toEqual(values);
    expect(await single.call('EXISTS', ...keys, 'key0', 'none')).toBe(61);
    expect(await single.line('DBSIZE')).toBe(60);
    expect(((await single.line('KEYS key1?')) as string[]).sort()).toEqual(keys.slice(10, 20));
    expect(keys).toContain(await single.line('RANDOMKEY'));
    const sizes = await Promise.all([1, 2, 3].map(async (node) => (await doors.clustered(node)).line('DBSIZE')));
    expect(sizes.reduce((sum: number, size) => sum + (size as number), 0)).toBe(60);
    expect(await single.call('DEL', ...keys.slice(0, 30))).toBe(30);
    expect(await clustered.line('FLUSHALL')).toBe('OK');
    expect(await clustered.line('DBSIZE')).toBe(0);
    expect(await single.line('FLUSHALL')).toBe('OK');
    expect(await single.line('DBSIZE')).toBe(0);
    expect(doors.cluster.map.size).toBe(0);
  });

  test('what cannot be split is refused', async () => {
    for (const line of ['MSET a 1 b 2', 'MSETNX a 1 b 2', 'RENAME a b', 'COPY a b', 'LCS a b', 'MSETEX 2 a 1 b 2']) {
      expect(await single.line(line)).toBe("-CROSSSLOT Keys in request don't hash to the same slot");
    }
    expect(await clustered.line('DEL a b')).toBe("-CROSSSLOT Keys in request don't hash to the same slot");
  });

  test('a request waits for a leader', async () => {
    const key = keyOf(2);
    const tablet = doors.cluster.tabletOf(slotOfString(key)).id;
    doors.cluster.setLeader(tablet, 0);
    const reply = single.line(`SET ${key} 1`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    doors.cluster.setLeader(tablet, 3);
    expect(await reply).toBe('OK');
  });

  test('a request that finds no leader says that nothing was executed', async () => {
    const key = keyOf(1);
    doors.cluster.setLeader(doors.cluster.tabletOf(slotOfString(key)).id, 0);
    const reply = single.line(`SET ${key} 1`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    doors.cluster.endWaiting();
    expect(await reply).toBe(
      `-CLUSTERDOWN no leader for slot ${slotOfString(key)} within 500 ms; nothing was executed`,
    );
  });

  test('a request that was not executed is tried again', async () => {
    doors.cluster.nextOutcome = Outcome.notLeader;
    expect(await single.line(`SET ${keyOf(1)} 1`)).toBe('OK');
    doors.cluster.nextOutcome = Outcome.notLeader;
    expect(await single.line(`SET ${keyOf(2)} 1`)).toBe('OK');
  });

  test.each([1, 2])('an unknown outcome is told as one (leader %i)', async (node) => {
    doors.cluster.nextOutcome = Outcome.unknown;
    expect(await single.line(`SET ${keyOf(node)} 1`)).toMatch(/^-TIMEOUT the outcome is unknown/);
  });

  test.each([1, 2])('a full tablet is told with TRYAGAIN (leader %i)', async (node) => {
    doors.cluster.nextOutcome = Outcome.overloaded;
    expect(await single.line(`SET ${keyOf(node)} 1`)).toMatch(/^-TRYAGAIN .* nothing was executed/);
  });

  test('a write whose answer is lost is unknown, a read is made again', async () => {
    const key = keyOf(2);
    await single.line(`SET ${key} 1`);
    doors.cluster.loseNextReply = true;
    expect(await single.line(`INCR ${key}`)).toMatch(/^-TIMEOUT the outcome is unknown/);
    doors.cluster.loseNextReply = true;
    expect(await single.line(`GET ${key}`)).toBe('2');
  });

  test('replies keep the order of requests, however they are reached', async () => {
    const replies = await Promise.all(
      Array.from({ length: 90 }, (_, index) => single.line(index % 3 === 2 ? 'PING' : `INCR n${index}`)),
    );
    expect(replies).toEqual(Array.from({ length: 90 }, (_, index) => (index % 3 === 2 ? 'PONG' : 1)));
  });

  test('all nodes give the same CLUSTER SLOTS and SHARDS, which cover every slot once', async () => {
    const all = await Promise.all(
      [1, 2, 3].map(async (node) => {
        const client = await doors.clustered(node);
        return [await client.raw('CLUSTER', 'SLOTS'), await client.raw('CLUSTER', 'SHARDS')];
      }),
    );
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
    for (const announce of ['no', 'yes']) {
      await clustered.line(`CONFIG SET cluster-announce-replicas ${announce}`);
      const slots = (await clustered.line('CLUSTER SLOTS')) as [number, number, ...unknown[]][];
      const covered = slots.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      );
      expect(new Set(covered).size).toBe(16_384);
      expect(covered).toHaveLength(16_384);
      expect(slots.some((entry) => entry.length > 3)).toBe(announce === 'yes');
    }
  });

  test('CLUSTER answers follow the view', async () => {
    const before = await clustered.line('CLUSTER NODES');
    doors.cluster.setLeader(1, 2);
    expect(await clustered.line('CLUSTER NODES')).not.toBe(before);
    expect(await clustered.line('CLUSTER INFO')).toMatch(/^cluster_state:ok\r\n/);
    expect(await single.line('CLUSTER INFO')).toBe('-ERR This instance has cluster support disabled');
  });

  test('keys of a slot are counted and listed', async () => {
    await single.line('MSET {t}a 1 {t}b 2');
    const slot = slotOfString('{t}');
    expect(await clustered.line(`CLUSTER COUNTKEYSINSLOT ${slot}`)).toBe(2);
    expect(await clustered.line(`CLUSTER GETKEYSINSLOT ${slot} 10`)).toEqual(['{t}a', '{t}b']);
  });

  test('WAIT answers what is certain of three replicas', async () => {
    expect(await single.line('WAIT 2 100')).toBe(1);
    expect(await single.line('WAITAOF 1 1 100')).toEqual([1, 1]);
  });
});
