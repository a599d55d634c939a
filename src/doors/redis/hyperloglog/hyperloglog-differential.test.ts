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
