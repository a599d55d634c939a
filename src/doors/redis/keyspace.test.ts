import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectionIdOf, nextExpiryOf } from './collections/payload.ts';
import { startDoors, type TestDoors } from './door.test-support.ts';
import {
  collectionIdOfTrashKey,
  META_PREFIX_BYTES,
  momentOfKey,
  slotOfCountKey,
  slotOfMetaKey,
  slotOfMomentKey,
  slotOfTrashKey,
  USER_KEY_BYTES_MAX,
  userKeyOfMomentKey,
} from './key-layout.ts';
import { countOf } from './keyspace.ts';
import type { RawClient } from './raw-client.test-support.ts';
import { expireOf, hasFlag, ValueFlag } from './value.ts';

let doors: TestDoors;
let client: RawClient;

beforeEach(async () => {
  doors = await startDoors(1, 4, { configuration: { 'active-expire-enabled': 'no', 'packed-max-entries': '2' } });
  client = await doors.single();
});
afterEach(() => doors.stop());

/** Checks the invariants at the head of keyspace.ts over the whole map. */
function checkInvariants(): void {
  const counts = new Map<number, number>();
  const expiring = new Set<string>();
  const fields = new Set<string>();
  /** Collections that have elements, and those that metadata or the trash names. */
  const owned = new Set<string>();
  const owners = new Set<string>();
  const { map } = doors.cluster;
  for (const key of map.keys()) {
    if (key.charCodeAt(3) !== 0) continue;
    const slot = slotOfMetaKey(key);
    if (key[6] === 'e') {
      owned.add(`${slot} ${key.slice(7, 17)}`);
      continue;
    }
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
    const expire_ms = expireOf(map.get(key) as Buffer);
    if (expire_ms !== 0) expiring.add(`${slot} ${expire_ms} ${key.slice(META_PREFIX_BYTES)}`);
    const value = map.get(key) as Buffer;
    const next_ms = nextExpiryOf(value);
    if (next_ms !== 0) fields.add(`${slot} ${next_ms} ${key.slice(META_PREFIX_BYTES)}`);
    if (hasFlag(value, ValueFlag.elementsOutside)) owners.add(`${slot} ${collectionIdOf(value)}`);
  }
  const counted = new Map<number, number>();
  const indexed = new Set<string>();
  const indexedFields = new Set<string>();
  for (const key of map.keys()) {
    const space = key.charCodeAt(3);
    if (space === 1) indexed.add(`${slotOfMomentKey(key)} ${momentOfKey(key)} ${userKeyOfMomentKey(key)}`);
    if (space === 4) indexedFields.add(`${slotOfMomentKey(key)} ${momentOfKey(key)} ${userKeyOfMomentKey(key)}`);
    if (space === 3) owners.add(`${slotOfTrashKey(key)} ${collectionIdOfTrashKey(key)}`);
    if (space === 2) counted.set(slotOfCountKey(key), countOf(map.get(key) as Buffer));
  }
  expect(counted).toEqual(counts);
  expect(indexed).toEqual(expiring);
  expect(indexedFields).toEqual(fields);
  expect([...owned].filter((id) => !owners.has(id))).toEqual([]);
}

describe('the keyspace', () => {
  test('keeps its counts and its expiry index right under random commands', async () => {
    const key = fc.constantFrom('a', 'b', '{a}x', '{a}y');
    const member = fc.constantFrom('1', '2', '3', '4', '5', '6');
    const command = fc.oneof(
      fc.tuple(fc.constantFrom('DEL', 'INCR', 'PERSIST', 'GETDEL'), key),
      fc.tuple(fc.constant('SET'), key, fc.constant('1')),
      fc.tuple(fc.constant('SETEX'), key, fc.constantFrom('1', '5', '50'), fc.constant('2')),
      fc.tuple(fc.constant('EXPIRE'), key, fc.constantFrom('-1', '3', '30')),
      fc.tuple(fc.constant('GETEX'), key, fc.constant('EX'), fc.constantFrom('4', '40')),
      fc.tuple(fc.constantFrom('RENAME', 'COPY'), fc.constantFrom('a', '{a}x'), fc.constantFrom('a', '{a}y')),
      fc.tuple(fc.constant('HSET'), key, member, fc.constant('v')),
      fc.tuple(fc.constantFrom('HDEL', 'SADD', 'SREM', 'RPUSH'), key, member),
      fc.tuple(
        fc.constant('HEXPIRE'),
        key,
        fc.constantFrom('1', '5', '0'),
        fc.constant('FIELDS'),
        fc.constant('1'),
        member,
      ),
      fc.tuple(fc.constantFrom('SUNIONSTORE', 'LMOVE'), fc.constantFrom('a', '{a}x'), fc.constantFrom('a', '{a}y')),
      fc.tuple(fc.constantFrom('LPOP', 'SPOP'), key, fc.constantFrom('1', '3')),
      fc.constantFrom(['FORWARD', '2000'], ['FORWARD', '10000']),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40, size: 'max' }), async (lines) => {
        for (const line of lines) {
          if (line[0] === 'FORWARD') doors.clock.offset_ms += Number(line[1]);
          else await client.call(...line);
          checkInvariants();
        }
        await client.call('FLUSHALL');
        expect(doors.cluster.map.size).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test('does not show a key whose time has come', async () => {
    await client.line('SET k v PX 1000');
    expect(await client.line('GET k')).toBe('v');
    doors.clock.offset_ms += 1_000;
    expect(await client.line('GET k')).toBeNull();
    expect(await client.line('EXISTS k')).toBe(0);
    expect(await client.line('KEYS *')).toEqual([]);
    expect(await client.line('SCAN 0')).toEqual(['0', []]);
    expect(await client.line('RANDOMKEY')).toBeNull();
    expect(await client.line('SET k w XX')).toBeNull();
    expect(await client.line('DEL k')).toBe(0);
    checkInvariants();
  });

  test('removes what has expired in the background, and tells how many', async () => {
    for (let index = 0; index < 500; index += 1) await client.line(`SET k${index} v PX ${index < 400 ? 1000 : 100000}`);
    doors.clock.offset_ms += 2_000;
    await client.line('CONFIG SET active-expire-enabled yes');
    for (let attempt = 0; attempt < 100 && (await client.line('DBSIZE')) !== 100; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await client.line('DBSIZE')).toBe(100);
    expect(await client.line('INFO stats')).toMatch(/expired_keys:400\r\n/);
    checkInvariants();
  });

  test('takes keys up to the limit and refuses longer ones', async () => {
    const longest = 'k'.repeat(USER_KEY_BYTES_MAX);
    expect(await client.call('SET', longest, 'v', 'EX', '100')).toBe('OK');
    expect(await client.call('GET', longest)).toBe('v');
    const error = `-ERR key is too long: the limit is ${USER_KEY_BYTES_MAX} bytes`;
    expect(await client.call('SET', `${longest}k`, 'v')).toBe(error);
    expect(await client.call('MGET', 'a', `${longest}k`)).toBe(error);
    expect(await client.call('EXISTS', `${longest}k`)).toBe(error);
  });

  test('keeps bytes as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await client.call('SET', bytes, bytes);
    expect(await client.call('GET', bytes)).toBe(bytes.latin1Slice());
    expect(await client.line('KEYS *')).toEqual([bytes.latin1Slice()]);
  });

  test('keeps large values', async () => {
    const value = Buffer.alloc(5_000_000, 'abc');
    expect(await client.call('SET', 'large', value)).toBe('OK');
    expect(await client.call('STRLEN', 'large')).toBe(5_000_000);
    expect(((await client.call('GET', 'large')) as string) === value.latin1Slice()).toBe(true);
  });
});

describe('newer string commands', () => {
  test('SET IFEQ sets when the value is the one given', async () => {
    expect(await client.line('SET k a')).toBe('OK');
    expect(await client.line('SET k b IFEQ x')).toBeNull();
    expect(await client.line('SET k b IFEQ a')).toBe('OK');
    expect(await client.line('SET k c IFEQ b GET')).toBe('b');
    expect(await client.line('GET k')).toBe('c');
    expect(await client.line('SET none c IFEQ b')).toBeNull();
    expect(await client.line('SET k c IFEQ b NX')).toBe('-ERR syntax error');
  });

  test('DELIFEQ removes when the value is the one given', async () => {
    await client.line('SET k a');
    expect(await client.line('DELIFEQ k b')).toBe(0);
    expect(await client.line('DELIFEQ k a')).toBe(1);
    expect(await client.line('DELIFEQ k a')).toBe(0);
  });

  test('MSETEX sets several keys with one expiry time, on conditions', async () => {
    expect(await client.line('MSETEX 2 {t}a 1 {t}b 2 EX 100')).toBe(1);
    expect(await client.line('TTL {t}b')).toBe(100);
    expect(await client.line('MSETEX 2 {t}a 3 {t}c 4 NX')).toBe(0);
    expect(await client.line('MSETEX 2 {t}a 3 {t}c 4 XX')).toBe(0);
    expect(await client.line('MSETEX 2 {t}a 3 {t}b 4 XX KEEPTTL')).toBe(1);
    expect(await client.line('TTL {t}a')).toBe(100);
    expect(await client.line('MGET {t}a {t}b {t}c')).toEqual(['3', '4', null]);
    expect(await client.line('MSETEX 0 {t}a 3')).toMatch(/^-ERR/);
    expect(await client.line('MSETEX x {t}a 3')).toMatch(/^-ERR/);
    expect(await client.line('MSETEX 2 {t}a 3')).toMatch(/^-ERR/);
    expect(await client.line('MSETEX 1 {t}a 3 FOO')).toBe('-ERR syntax error');
  });
});
