import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from './door.test-support.ts';
import { trashRangeEnd, trashRangeStart } from './key-layout.ts';
import type { RawClient } from './raw-client.test-support.ts';
import { SLICE_ELEMENTS, TrashSweep } from './trash.ts';

let doors: TestDoors;
let client: RawClient;

/** The background stands still: tests run its sweep themselves. */
beforeEach(async () => {
  doors = await startDoors(1, 1, { configuration: { 'packed-max-entries': '4' } });
  doors.clock.standStill = true;
  client = await doors.single();
});
afterEach(() => doors.stop());

async function fill(name: string, key: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    const words: string[] = [];
    for (let index = from; index < Math.min(count, from + 1_000); index += 1) {
      words.push(
        ...(name === 'ZADD' ? [String(index), `m${index}`] : name === 'HSET' ? [`m${index}`, 'v'] : [`m${index}`]),
      );
    }
    await client.call(name, key, ...words);
  }
}

function stored(): { elements: number; trash: number; all: number } {
  const keys = doors.cluster.map.keys();
  return {
    elements: keys.filter((key) => key.charCodeAt(3) === 0 && key[6] === 'e').length,
    trash: keys.filter((key) => key >= trashRangeStart(0) && key < trashRangeEnd(16_383)).length,
    all: keys.length,
  };
}

/** Runs slices until nothing is left; returns how many there were and the most keys that one removed. */
function sweep(): { slices: number; largest: number } {
  const trash = new TrashSweep({ slotFirst: 0, slotLast: 16_383 });
  let slices = 0;
  let largest = 0;
  for (let more = true; more; slices += 1) {
    const before = doors.cluster.map.size;
    trash.run(doors.cluster.transaction());
    largest = Math.max(largest, before - doors.cluster.map.size);
    more = trash.settle(true);
  }
  return { slices, largest };
}

describe('a large collection that is gone', () => {
  test.each(['SADD', 'HSET', 'ZADD', 'RPUSH'])('leaves one entry, and its elements go in slices: %s', async (name) => {
    await fill(name, 'k', 3_000);
    expect(stored().elements).toBeGreaterThan(3_000);
    const { map } = doors.cluster;
    const before = map.size;
    expect(await client.line('DEL k')).toBe(1);
    // Metadata and count are gone, the trash entry is new: nothing else was touched.
    expect(before - map.size).toBe(1);
    expect(await client.line('EXISTS k')).toBe(0);
    expect(await client.line('DBSIZE')).toBe(0);
    expect(await client.line('SCAN 0')).toEqual(['0', []]);
    const { slices, largest } = sweep();
    expect(slices).toBeGreaterThan(6);
    expect(largest).toBeLessThanOrEqual(SLICE_ELEMENTS + 1);
    expect(map.size).toBe(0);
  });

  test('is not seen by the key that is made again meanwhile', async () => {
    await fill('SADD', 'k', 1_000);
    await client.line('DEL k');
    await client.line('SADD k a b c d e f');
    expect(await client.line('SCARD k')).toBe(6);
    expect(await client.line('SISMEMBER k m1')).toBe(0);
    sweep();
    expect(((await client.line('SMEMBERS k')) as string[]).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await client.line('SRANDMEMBER k -3')).toHaveLength(3);
  });

  test.each([
    ['SET {k} x', 0],
    ['EXPIRE {k} -1', 0],
    ['SUNIONSTORE {k} {k}none', 0],
    ['SPOP {k} 900', 100],
    ['RENAME {k}other {k}', 0],
  ])('goes likewise after %s', async (line, left) => {
    await client.line('SET {k}other x');
    await fill('SADD', '{k}', 1_000);
    await client.line(line);
    expect(stored().trash).toBe(1);
    sweep();
    const { elements, trash } = stored();
    expect(trash).toBe(0);
    expect(elements >= left && elements <= left + 20).toBe(true);
  });

  test('keeps its elements when it is renamed, and has its own when it is copied', async () => {
    await fill('ZADD', '{k}1', 1_000);
    await client.line('RENAME {k}1 {k}2');
    expect(stored().trash).toBe(0);
    await client.line('COPY {k}2 {k}3');
    await client.line('ZREMRANGEBYRANK {k}2 0 9');
    await client.line('DEL {k}2');
    sweep();
    expect(await client.line('ZCARD {k}3')).toBe(1_000);
    expect(await client.line('ZRANK {k}3 m500')).toBe(500);
    expect(await client.line('ZRANGE {k}3 500 501')).toEqual(['m500', 'm501']);
  });

  test('goes at once with FLUSHALL, trash included', async () => {
    await fill('SADD', 'k', 500);
    await fill('SADD', 'j', 500);
    await client.line('DEL j');
    await client.line('FLUSHALL');
    expect(doors.cluster.map.size).toBe(0);
  });

  test('is looked at from its start after a slice whose outcome is not known', async () => {
    await fill('SADD', 'k', 2_000);
    await client.line('DEL k');
    const trash = new TrashSweep({ slotFirst: 0, slotLast: 16_383 });
    trash.run(doors.cluster.transaction());
    expect(trash.settle(true)).toBe(true);
    trash.run({
      ...silent(),
      scan: (lo, hi, reverse, visit) => doors.cluster.transaction().scan(lo, hi, reverse, visit),
    });
    expect(trash.settle(false)).toBe(false);
    while (true) {
      trash.run(doors.cluster.transaction());
      if (!trash.settle(true)) break;
    }
    expect(doors.cluster.map.size).toBe(0);
  });
});

/** A transaction whose writes are lost. */
function silent(): Parameters<TrashSweep['run']>[0] {
  return {
    now_ms: 0,
    term: 1,
    sequence: 1,
    get: () => undefined,
    put: () => undefined,
    delete: () => undefined,
    deleteRange: () => undefined,
    scan: () => undefined,
    count: () => 0,
    keyAt: () => undefined,
  };
}

test('the background removes the elements of what is gone, and fields and keys that have expired', async () => {
  const others = await startDoors(1, 1, { configuration: { 'packed-max-entries': '4' } });
  const connection = await others.single();
  const members = Array.from({ length: 1_200 }, (_, index) => `m${index}`);
  await connection.call('SADD', 'set', ...members);
  await connection.call('HSET', 'hash', ...members.flatMap((member) => [member, 'v']));
  await connection.call('HPEXPIRE', 'hash', '1000', 'FIELDS', '1200', ...members);
  await connection.call('HSET', 'small', 'stays', '1', 'goes', '2');
  await connection.call('HPEXPIRE', 'small', '1000', 'FIELDS', '1', 'goes');
  await connection.line('DEL set');
  expect(await connection.line('HLEN hash')).toBe(1_200);
  others.clock.offset_ms += 2_000;
  // Exact at once, whatever the background has done.
  expect(await connection.line('EXISTS hash')).toBe(0);
  expect(await connection.line('HLEN small')).toBe(1);
  expect(await connection.line('HGETALL small')).toEqual(['stays', '1']);
  // metadata and count of `small`.
  await expect.poll(() => others.cluster.map.size, { timeout: 10_000 }).toBe(2);
  expect(await connection.line('DBSIZE')).toBe(1);
  await others.stop();
});
