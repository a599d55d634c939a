/** What the comparison with Redis 7.0 cannot show: commands it lacks, large collections, several slots, transactions. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import type { Decoded, RawClient } from '../raw-client.test-support.ts';

let doors: TestDoors;
let client: RawClient;

beforeAll(async () => {
  doors = await startDoors(1, 4, { configuration: { 'packed-max-entries': '16' } });
  client = await doors.single();
});
afterAll(() => doors.stop());
beforeEach(async () => {
  doors.clock.offset_ms = 0;
  await client.line('FLUSHALL');
});

async function fill(command: string, key: string, words: readonly string[]): Promise<void> {
  for (let from = 0; from < words.length; from += 2_000)
    await client.call(command, key, ...words.slice(from, from + 2_000));
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

describe('fields that expire', () => {
  test('are set, told, kept and taken back as options say', async () => {
    await client.line('HSET h a 1 b 2');
    expect(await client.line('HEXPIRE h 100 FIELDS 3 a b nofield')).toEqual([1, 1, -2]);
    expect(await client.line('HEXPIRE h 200 NX FIELDS 1 a')).toEqual([0]);
    expect(await client.line('HEXPIRE h 50 GT FIELDS 1 a')).toEqual([0]);
    expect(await client.line('HEXPIRE h 50 LT FIELDS 1 a')).toEqual([1]);
    expect(await client.line('HTTL h FIELDS 3 a b x')).toEqual([50, 100, -2]);
    expect(await client.line('HPERSIST h FIELDS 2 b x')).toEqual([1, -2]);
    expect(await client.line('HPERSIST h FIELDS 1 b')).toEqual([-1]);
    expect(await client.line('HTTL h FIELDS 1 b')).toEqual([-1]);
    expect(await client.line('HTTL none FIELDS 2 a b')).toEqual([-2, -2]);
    expect(await client.line('HEXPIREAT h 1 FIELDS 1 a')).toEqual([2]);
    expect(await client.line('HKEYS h')).toEqual(['b']);
    expect(await client.line('HPEXPIREAT h 33177117420000 FIELDS 1 b')).toEqual([1]);
    expect(await client.line('HEXPIRETIME h FIELDS 1 b')).toEqual([33_177_117_420]);
    expect(await client.line('HPEXPIRETIME h FIELDS 1 b')).toEqual([33_177_117_420_000]);
    expect(await client.line('HSET h b 3')).toBe(0);
    expect(await client.line('HTTL h FIELDS 1 b')).toEqual([-1]);
  });

  test('refuse arguments that do not fit', async () => {
    expect(await client.line('HEXPIRE h 100 FIELDS 0 a')).toBe('-ERR Parameter `numFields` should be greater than 0');
    expect(await client.line('HEXPIRE h 100 FIELDS 2 a')).toMatch(/^-ERR The `numfields` parameter must match/);
    expect(await client.line('HEXPIRE h 100 FOO 1 a')).toMatch(/^-ERR Mandatory argument FIELDS/);
    expect(await client.line('HEXPIRE h x FIELDS 1 a')).toBe('-ERR value is not an integer or out of range');
    expect(await client.line('HEXPIRE h -1 FIELDS 1 a')).toBe('-ERR invalid expire time, must be >= 0');
    await client.line('SET s x');
    expect(await client.line('HTTL s FIELDS 1 a')).toMatch(/^-WRONGTYPE/);
  });

  test.each([1, 40])(
    'are not there when their time has come, and neither is a hash without others: %i fields',
    async (count) => {
      const fields = names(count);
      await client.call('HSET', 'h', 'stays', '1', ...fields.flatMap((field) => [field, '1']));
      await client.call('HPEXPIRE', 'h', '500000', 'FIELDS', String(count), ...fields);
      doors.clock.offset_ms += 300_000;
      expect(await client.line('HLEN h')).toBe(count + 1);
      doors.clock.offset_ms += 300_000;
      expect(await client.line('HLEN h')).toBe(1);
      expect(await client.line('HGET h m0')).toBeNull();
      expect(await client.line('HEXISTS h m0')).toBe(0);
      expect(await client.line('HGETALL h')).toEqual(['stays', '1']);
      expect(await client.line('HRANDFIELD h 5')).toEqual(['stays']);
      expect(await client.line('HRANDFIELD h')).toBe('stays');
      expect(await client.line('HSCAN h 0 COUNT 1000')).toEqual(['0', ['stays', '1']]);
      expect(await client.line('HINCRBY h m0 5')).toBe(5);
      expect(await client.line('HDEL h stays m0')).toBe(2);
      expect(await client.line('EXISTS h')).toBe(0);
      expect(await client.line('TYPE h')).toBe('none');
    },
  );

  test('are read and set together with their time', async () => {
    expect(await client.line('HSETEX h EX 100 FIELDS 2 a 1 b 2')).toBe(1);
    expect(await client.line('HTTL h FIELDS 2 a b')).toEqual([100, 100]);
    expect(await client.line('HSETEX h FNX FIELDS 2 a 3 c 4')).toBe(0);
    expect(await client.line('HSETEX h FXX KEEPTTL FIELDS 1 a 5')).toBe(1);
    expect(await client.line('HTTL h FIELDS 1 a')).toEqual([100]);
    expect(await client.line('HSETEX other XX FIELDS 1 a 5')).toBe(0);
    expect(await client.line('HGETEX h PERSIST FIELDS 2 a none')).toEqual(['5', null]);
    expect(await client.line('HTTL h FIELDS 1 a')).toEqual([-1]);
    expect(await client.line('HGETEX h PX 5000 FIELDS 1 a')).toEqual(['5']);
    expect(await client.line('HTTL h FIELDS 1 a')).toEqual([5]);
    expect(await client.line('HGETDEL h FIELDS 3 a b none')).toEqual(['5', '2', null]);
    expect(await client.line('EXISTS h')).toBe(0);
    expect(await client.line('HSETEX h EX 1 KEEPTTL FIELDS 1 a 1')).toBe('-ERR syntax error');
  });

  test('go along with COPY, RENAME, DUMP and RESTORE', async () => {
    await client.line('HSET {h}1 a 1 b 2');
    await client.line('HPEXPIREAT {h}1 33177117420000 FIELDS 1 a');
    await client.line('COPY {h}1 {h}2');
    await client.line('RENAME {h}2 {h}3');
    const dump = (await client.line('DUMP {h}3')) as string;
    await client.call('RESTORE', '{h}4', '0', Buffer.from(dump, 'latin1'));
    for (const key of ['{h}1', '{h}3', '{h}4']) {
      expect(await client.call('HPEXPIRETIME', key, 'FIELDS', '2', 'a', 'b')).toEqual([33_177_117_420_000, -1]);
    }
  });
});

describe('large collections', () => {
  test('give ranks and ranges from anywhere', async () => {
    await fill(
      'ZADD',
      'z',
      names(6_000).flatMap((name, index) => [String(index), name]),
    );
    expect(await client.line('ZRANK z m4321')).toBe(4_321);
    expect(await client.line('ZREVRANK z m4321')).toBe(1_678);
    expect(await client.line('ZRANK z m7 WITHSCORE')).toEqual([7, '7']);
    expect(await client.line('ZRANGE z 3000 3002')).toEqual(['m3000', 'm3001', 'm3002']);
    expect(await client.line('ZRANGE z 10 12 REV')).toEqual(['m5989', 'm5988', 'm5987']);
    expect(await client.line('ZRANGEBYSCORE z (100 +inf LIMIT 5000 2')).toEqual(['m5101', 'm5102']);
    expect(await client.line('ZCOUNT z 1000 (2000')).toBe(1_000);
    expect(await client.line('ZREMRANGEBYRANK z 10 -11')).toBe(5_980);
    expect(await client.line('ZCARD z')).toBe(20);
    expect(await client.line('ZRANGE z 9 10')).toEqual(['m9', 'm5990']);
  });

  test('give list elements from anywhere', async () => {
    await fill('RPUSH', 'l', names(6_000));
    await client.line('LPUSH l first');
    expect(await client.line('LINDEX l 4001')).toBe('m4000');
    expect(await client.line('LINDEX l -1')).toBe('m5999');
    expect(await client.line('LINSERT l BEFORE m3000 inserted')).toBe(6_002);
    expect(await client.line('LRANGE l 3000 3002')).toEqual(['m2999', 'inserted', 'm3000']);
    expect(await client.line('LSET l 3001 changed')).toBe('OK');
    expect(await client.line('LPOS l changed')).toBe(3_001);
    expect(await client.line('LREM l 0 changed')).toBe(1);
    expect(await client.line('LTRIM l 1 -2')).toBe('OK');
    expect(await client.line('LLEN l')).toBe(5_999);
    expect(await client.line('LPOP l 2')).toEqual(['m0', 'm1']);
    expect(await client.line('OBJECT ENCODING l')).toBe('quicklist');
  });

  test('are picked from evenly, and without repetition', async () => {
    await fill('SADD', 's', names(400));
    const picked = (await client.line('SRANDMEMBER s -40000')) as string[];
    const counts = new Map<string, number>();
    for (const name of picked) counts.set(name, (counts.get(name) ?? 0) + 1);
    expect(counts.size).toBe(400);
    // Mean 100, standard deviation 10: seven of them are left to chance.
    expect(Math.max(...counts.values())).toBeLessThan(170);
    expect(Math.min(...counts.values())).toBeGreaterThan(30);
    expect(new Set((await client.line('SRANDMEMBER s 300')) as string[]).size).toBe(300);
    const popped = (await client.line('SPOP s 50')) as string[];
    expect(new Set(popped).size).toBe(50);
    expect(await client.call('SMISMEMBER', 's', ...popped)).toEqual(popped.map(() => 0));
    expect(await client.line('SCARD s')).toBe(350);
  });

  test.each([
    ['SSCAN', 'SADD', 1],
    ['HSCAN', 'HSET', 2],
    ['ZSCAN', 'ZADD', 2],
  ] as const)(
    '%s returns each element that is there throughout, whatever is written in between',
    async (scan, add, width) => {
      const pair = (name: string): string[] => (width === 1 ? [name] : add === 'ZADD' ? ['1', name] : [name, 'v']);
      const staying = names(1_000);
      await fill(add, 'k', staying.flatMap(pair));
      const found = new Set<string>();
      let cursor = '0';
      let calls = 0;
      do {
        const [next, elements] = (await client.call(scan, 'k', cursor, 'COUNT', '50')) as [string, string[]];
        expect(elements.length).toBeLessThanOrEqual(51 * width);
        for (const [index, element] of elements.entries()) if (index % width === 0) found.add(element);
        cursor = next;
        calls += 1;
        await client.call(add, 'k', ...pair(`new${calls}`));
        await client.call(add === 'SADD' ? 'SREM' : add === 'HSET' ? 'HDEL' : 'ZREM', 'k', `new${calls - 3}`);
      } while (cursor !== '0');
      expect(calls).toBeGreaterThan(15);
      expect(staying.filter((name) => !found.has(name))).toEqual([]);
    },
  );
});

describe('several keys', () => {
  test('of several slots are refused', async () => {
    for (const line of [
      'SINTER a b',
      'SUNIONSTORE a b',
      'SMOVE a b x',
      'LMOVE a b LEFT LEFT',
      'ZUNION 2 a b',
      'SORT a STORE b',
    ]) {
      expect(await client.line(line)).toBe("-CROSSSLOT Keys in request don't hash to the same slot");
    }
    expect(await client.line('SORT a BY w*')).toMatch(/^-ERR BY option of SORT denied in cluster mode/);
  });

  test('are changed in one transaction', async () => {
    await client.line('WATCH {t}s');
    await client.line('MULTI');
    await client.line('SADD {t}s a b');
    await client.line('SMOVE {t}s {t}r a');
    await client.line('ZADD {t}z 1 x');
    await client.line('LPUSH {t}z y');
    const replies = (await client.line('EXEC')) as Decoded[];
    expect(replies.slice(0, 3)).toEqual([2, 1, 1]);
    expect(replies[3]).toMatch(/^-WRONGTYPE/);
    expect(await client.line('SMEMBERS {t}r')).toEqual(['a']);
  });

  test('a watched collection that changes ends the transaction, large or small', async () => {
    const other = await doors.single();
    for (const size of [2, 100]) {
      await client.call('SADD', 'w', ...names(size));
      await client.line('WATCH w');
      await other.line(`SADD w more${size}`);
      await client.line('MULTI');
      await client.line('SCARD w');
      expect(await client.line('EXEC')).toBeNull();
    }
  });
});

test('the names of encodings follow the settings of Redis', async () => {
  await client.line('SADD ints 1 2 3');
  expect(await client.line('OBJECT ENCODING ints')).toBe('intset');
  await client.line('SADD ints x');
  expect(await client.line('OBJECT ENCODING ints')).toBe('listpack');
  await client.call('SADD', 'ints', 'x'.repeat(65));
  expect(await client.line('OBJECT ENCODING ints')).toBe('hashtable');
  await client.call('SADD', 'big', ...names(200));
  expect(await client.line('OBJECT ENCODING big')).toBe('hashtable');
  await client.call('HSET', 'h', ...names(200));
  expect(await client.line('OBJECT ENCODING h')).toBe('listpack');
  await client.line('CONFIG SET hash-max-listpack-entries 3');
  await client.line('HSET h one more');
  expect(await client.line('OBJECT ENCODING h')).toBe('hashtable');
  expect(await client.line('CONFIG GET hash-max-ziplist-entries')).toEqual(['hash-max-ziplist-entries', '3']);
  await client.line('CONFIG SET hash-max-listpack-entries 512');
  expect(((await client.line('MEMORY USAGE big')) as number) > 200 * 50).toBe(true);
});
