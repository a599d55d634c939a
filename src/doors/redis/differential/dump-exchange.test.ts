/** What DUMP of a real Redis gives can be restored here, and the other way round. */
import type { ChildProcess } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import { decode, encode, type RawClient } from '../raw-client.test-support.ts';
import type { Word } from './family.test-support.ts';
import { member, score, some, someOf, value } from './family.test-support.ts';
import { hasRedis, startRedis } from './redis-server.test-support.ts';

const KEY = '{t}k';

/** Texts that compress well, so that Redis packs them with LZF. */
const long: fc.Arbitrary<Word> = fc
  .integer({ min: 21, max: 3_000 })
  .map((length) => 'abcabcab'.repeat(length).slice(0, length));
const element = fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: long });

const filled: fc.Arbitrary<readonly Word[]> = fc.oneof(
  element.map((text) => ['SET', KEY, text]),
  some(element, 1, 200).map((words) => ['RPUSH', KEY, ...words]),
  some(element, 1, 150).map((words) => ['SADD', KEY, ...words]),
  some(fc.integer({ min: -100_000, max: 100_000 }).map(String), 1, 600).map((words) => ['SADD', KEY, ...words]),
  someOf(1, 150, element, element).map((words) => ['HSET', KEY, ...words]),
  someOf(1, 150, score, member).map((words) => ['ZADD', KEY, ...words]),
);

/** The whole value at the key. */
async function content(client: RawClient): Promise<unknown> {
  const type = await client.call('TYPE', KEY);
  if (type === 'string') return client.call('GET', KEY);
  if (type === 'list') return client.call('LRANGE', KEY, '0', '-1');
  if (type === 'set') return ((await client.call('SMEMBERS', KEY)) as string[]).sort();
  if (type === 'zset') {
    const flat = (await client.call('ZRANGE', KEY, '0', '-1', 'WITHSCORES')) as string[];
    return flat.map((text, index) => (index % 2 === 0 ? text : Number(text.replace('inf', 'Infinity'))));
  }
  const flat = (await client.call('HGETALL', KEY)) as string[];
  return flat.flatMap((text, index) => (index % 2 === 0 ? [[text, flat[index + 1]].join('\n')] : [])).sort();
}

async function dumpOf(client: RawClient): Promise<Buffer> {
  return Buffer.from((await client.call('DUMP', KEY)) as string, 'latin1');
}

describe.skipIf(!hasRedis())('DUMP and RESTORE against redis-server 7 (skipped where it is not installed)', () => {
  let server: ChildProcess;
  let doors: TestDoors;
  let theirs: RawClient;
  let ours: RawClient;

  beforeAll(async () => {
    ({ server, client: theirs } = await startRedis());
    doors = await startDoors(1, 1);
    ours = await doors.single();
  });

  afterAll(async () => {
    theirs.close();
    await doors.stop();
    server.kill('SIGKILL');
  });

  test('what one dumps the other restores, for all types and packings', async () => {
    await fc.assert(
      fc.asyncProperty(filled, async (words) => {
        for (const [from, to] of [
          [theirs, ours],
          [ours, theirs],
        ] as const) {
          await from.call('FLUSHALL');
          await to.call('FLUSHALL');
          await from.call(...words);
          if ((await from.call('EXISTS', KEY)) === 0) continue;
          expect(await to.call('RESTORE', KEY, '0', await dumpOf(from))).toBe('OK');
          expect(await content(to)).toEqual(await content(from));
        }
      }),
      { numRuns: 150 },
    );
  });

  test('answers RESTORE alike, also of bytes that are damaged', async () => {
    const option = fc.constantFrom('REPLACE', 'ABSTTL', 'IDLETIME', 'FREQ', '1', '300', 'x', '-1');
    const ttl = fc.constantFrom('0', '100000', '-1', 'x', '1000000000000');
    await fc.assert(
      fc.asyncProperty(filled, fc.array(option, { maxLength: 3 }), ttl, fc.nat(), async (words, options, when, at) => {
        await Promise.all([theirs.call('FLUSHALL'), ours.call('FLUSHALL')]);
        await theirs.call(...words);
        if ((await theirs.call('EXISTS', KEY)) === 0) return;
        const dump = await dumpOf(theirs);
        const damaged = Buffer.from(dump);
        const place = at % dump.length;
        damaged[place] = (damaged[place] as number) ^ 0x20;
        for (const bytes of [damaged, dump, dump.subarray(0, at % 12)]) {
          const command = encode(['RESTORE', '{t}other', when, bytes, ...options]);
          const replies = await Promise.all(
            [theirs, ours].map((client) => {
              client.write(command);
              return client.next();
            }),
          );
          expect(decode(replies[1] as Buffer)).toEqual(decode(replies[0] as Buffer));
        }
      }),
      { numRuns: 150 },
    );
  });
});
