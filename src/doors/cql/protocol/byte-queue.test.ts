import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

it('gives the bytes in their order, however they were cut and are taken', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.nat({ max: 9 })),
      fc.array(fc.nat({ max: 9 })),
      (all, cuts, takes) => {
        const bytes = Buffer.from(all);
        const queue = new ByteQueue();
        const taken: Buffer[] = [];
        let at = 0;
        const take = (count: number): void => {
          if (queue.length < count) return;
          taken.push(Buffer.from(queue.front(count).subarray(0, count)));
          queue.drop(count);
        };
        for (const [i, cut] of [...cuts, 60].entries()) {
          if (at < bytes.length) queue.push(bytes.subarray(at, at + cut));
          at += cut;
          take(takes[i] ?? 1);
        }
        take(queue.length);
        expect(Buffer.concat(taken)).toEqual(bytes);
        expect(queue.length).toBe(0);
      },
    ),
  );
});
