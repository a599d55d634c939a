import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Comparison, type Words } from '../differential/comparison.test-support.ts';
import { withoutEstimate } from '../differential/hyperloglog.test-support.ts';
import { hasRedis } from '../differential/redis-server.test-support.ts';

describe.skipIf(!hasRedis())('HyperLogLogs against redis-server 7 (skipped where it is not installed)', () => {
  let comparison: Comparison;
  beforeAll(async () => {
    comparison = await Comparison.start();
  });
  afterAll(() => comparison.stop());

  test.each(['18', '120', '3000', '16000'])('turn dense past %s bytes as it does', async (limit) => {
    await comparison.call('CONFIG', 'SET', 'hll-sparse-max-bytes', limit);
    const sequence: Words[] = [];
    for (let element = 0; element < 300; element += 1) {
      // One by one at first, then in steps of a hundred.
      const count = element < 200 ? 1 : 100;
      sequence.push(['PFADD', '{t}a', ...Array.from({ length: count }, (_, index) => `${element} of ${index}`)]);
      sequence.push(['PFADD', '{t}b', `other ${element}`], ['GET', '{t}a'], ['PFDEBUG', 'ENCODING', '{t}a']);
      if (element % 10 === 0)
        sequence.push(['PFMERGE', `{t}${element % 7}`, '{t}a', '{t}b'], ['GET', `{t}${element % 7}`]);
    }
    expect(await comparison.differences(sequence, withoutEstimate)).toBe('');
    await comparison.call('CONFIG', 'SET', 'hll-sparse-max-bytes', '3000');
  });

  test('give the same estimates on the way to three hundred thousand elements', async () => {
    const sequence: Words[] = [];
    for (let from = 0; from < 300_000; from += 20_000) {
      sequence.push(['PFADD', '{t}a', ...Array.from({ length: 20_000 }, (_, index) => `user:${from + index}`)]);
      sequence.push(['PFCOUNT', '{t}a'], ['PFMERGE', '{t}b', '{t}a'], ['PFCOUNT', '{t}b', '{t}a']);
    }
    expect(await comparison.differences(sequence)).toBe('');
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
      expect(await comparison.differences(carried)).toBe('');
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
    expect(await comparison.differences(commands.flatMap((command) => [set, command]))).toBe('');
  });
});

/** The bytes of a bulk string reply. */
function bulkOf(reply: string): Buffer {
  return Buffer.from(reply.slice(reply.indexOf('\r\n') + 2, -2), 'latin1');
}
