import { expect, test } from 'vitest';
import type { ClusterNode } from '../cluster-node.ts';
import { Reach } from './reach.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name }) as ClusterNode) as [ClusterNode, ClusterNode, ClusterNode];

test('a majority is up as long as one node exchanges messages with more than half, itself included', () => {
  const reach = new Reach([a, b, c], () => undefined);
  expect(reach.majorityIsUp).toBe(true);
  reach.setUp([a], false);
  expect(reach.majorityIsUp).toBe(true);
  reach.cut([[b, c]]);
  expect(reach.majorityIsUp).toBe(false);
  reach.setUp([a], true);
  // a reaches both.
  expect(reach.majorityIsUp).toBe(true);
  reach.cut([
    [b, c],
    [b, a],
    [c, a],
  ]);
  expect(reach.majorityIsUp).toBe(false);
});

test('whoever measures is told of every change', () => {
  const seen: boolean[] = [];
  const reach: Reach = new Reach([a, b, c], () => seen.push(reach.majorityIsUp));
  reach.setUp([a, b, c], false);
  reach.setUp([a], true);
  reach.setUp([b], true);
  expect(seen).toEqual([false, false, true]);
});
