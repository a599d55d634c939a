import { expect, test } from 'vitest';
import { growthPercent } from './garbage.ts';

const MIB = 1024 * 1024;

// What lives grows by so much before V8 marks its heap.
test('up to 64 MiB of garbage may lie, but not many times what is alive, and V8 has its way with a large heap', () => {
  expect([5, 16, 21, 64, 120, 150, 4_000].map((used) => growthPercent(used * MIB))).toEqual([
    400, 400, 300, 100, 50, 0, 0,
  ]);
});
