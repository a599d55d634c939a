import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Comparison, hasRedis } from '../differential/compare.test-support.ts';
import type { Words } from '../differential/generator.test-support.ts';
import { hyperloglogGenerator } from '../differential/hyperloglog-generator.test-support.ts';

describe.skipIf(!hasRedis())('HyperLogLogs against redis-server 7 (skipped where it is not installed)', () => {
  let comparison: Comparison;
  beforeAll(async () => {
    comparison = await Comparison.start();
  });
  afterAll(() => comparison.stop());

  test(
    'give the same estimates and the same bytes for random sequences',
    () => comparison.compareRandom(hyperloglogGenerator, 1),
    3_600_000,
  );

  test.each(['18', '120', '16000'])(
    'turn dense past %s bytes as it does',
    async (limit) => {
      await comparison.call('CONFIG', 'SET', 'hll-sparse-max-bytes', limit);
      await comparison.compareRandom(hyperloglogGenerator, 2);
      await comparison.call('CONFIG', 'SET', 'hll-sparse-max-bytes', '3000');
    },
    3_600_000,
  );

  test('give the same estimates on the way to three hundred thousand elements', async () => {
    const sequence: Words[] = [];
    for (let from = 0; from < 300_000; from += 20_000) {
      sequence.push(['PFADD', '{t}a', ...Array.from({ length: 20_000 }, (_, index) => `user:${from + index}`)]);
      sequence.push(['PFCOUNT', '{t}a'], ['PFMERGE', '{t}b', '{t}a'], ['PFCOUNT', '{t}b', '{t}a']);
    }
    expect(await comparison.differences(sequence, undefined)).toBe('');
  });

  test('carry over with GET and SET, in both directions, with or without a stored estimate', async () => {
    const few: Words = ['PFADD', '{t}a', ...Array.from({ length: 60 }, (_, index) => `few ${index}`)];
    const many: Words = ['PFADD', '{t}b', ...Array.from({ length: 9_000 }, (_, index) => `many ${index}`)];
    const reads: Words[] = [
      ['GET', '{t}a'],
      ['GET', '{t}b'],
      ['PFCOUNT', '{t}a'],
      ['PFCOUNT', '{t}b'],
      ['GET', '{t}a'],
      ['GET', '{t}b'],
    ];
    const made = await comparison.run([few, many, ...reads]);
    const values = made.flatMap((replies) => [2, 3, 6, 7].map((index) => bulkOf(replies[index] as string)));
    expect(new Set(values.map((value) => value.toString('hex'))).size).toBe(4);
    for (const value of values) {
      const carried: Words[] = [
        ['SET', '{t}a', value],
        ['PFCOUNT', '{t}a'],
        ['PFADD', '{t}a', 'x', 'y'],
        ['PFCOUNT', '{t}a'],
      ];
      expect(await comparison.differences(carried, undefined)).toBe('');
    }
  });

  test.each([
    ['too few registers', Buffer.from('HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xfe', 'latin1')],
    ['too many registers', Buffer.from('HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff\x80', 'latin1')],
    ['no registers', Buffer.from('HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80', 'latin1')],
  ])('refuse a sparse one that tells of %s', async (_, bytes) => {
    const set: Words = ['SET', '{t}a', bytes];
    const commands: Words[] = [
      ['PFCOUNT', '{t}a'],
      ['PFCOUNT', '{t}a', '{t}b'],
      ['PFMERGE', '{t}b', '{t}a'],
      ['PFDEBUG', 'TODENSE', '{t}a'],
      ['PFDEBUG', 'GETREG', '{t}a'],
    ];
    expect(
      await comparison.differences(
        commands.flatMap((command) => [set, command]),
        undefined,
      ),
    ).toBe('');
  });
});

/** The bytes of a bulk string reply. */
function bulkOf(reply: string): Buffer {
  return Buffer.from(reply.slice(reply.indexOf('\r\n') + 2, -2), 'latin1');
}
