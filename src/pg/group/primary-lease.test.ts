import { beforeEach, expect, test } from 'vitest';
import { PrimaryLease } from './primary-lease.ts';

let generations: Map<number, number>;
let asked: { node: number; epoch: number; answer: (stands: boolean) => void }[];
let lease: PrimaryLease;

beforeEach(() => {
  generations = new Map();
  asked = [];
  lease = new PrimaryLease({
    supportFrom: (node) => generations.get(node) ?? 0,
    ask: (node, epoch, answer) => asked.push({ node, epoch, answer }),
  });
});

function answer(stands: boolean): void {
  for (const question of asked.splice(0)) question.answer(stands);
}

test('support counts when its giver has been asked, once, and stands by the epoch', () => {
  generations.set(2, 1);
  expect(lease.holds(7, [2, 3], 1)).toBe(false);
  expect(lease.holds(7, [2, 3], 1)).toBe(false);
  expect(asked.map(({ node, epoch }) => [node, epoch])).toEqual([[2, 7]]);
  answer(true);
  expect(lease.holds(7, [2, 3], 1)).toBe(true);
  expect(lease.holds(7, [2, 3], 2)).toBe(false);
});

test('support that has ended, or broken in between, counts no more', () => {
  generations.set(2, 1);
  lease.holds(7, [2, 3], 1);
  answer(true);
  generations.set(2, 0);
  expect(lease.holds(7, [2, 3], 1)).toBe(false);
  generations.set(2, 2);
  expect(lease.holds(7, [2, 3], 1)).toBe(false);
  // It has pledged itself to a newer epoch meanwhile.
  answer(false);
  expect(lease.holds(7, [2, 3], 1)).toBe(false);
});

test('an answer about an epoch that is over counts for nothing', () => {
  generations.set(2, 1);
  lease.holds(7, [2, 3], 1);
  const [old] = asked.splice(0);
  expect(lease.holds(8, [2, 3], 1)).toBe(false);
  old?.answer(true);
  expect(lease.holds(8, [2, 3], 1)).toBe(false);
  answer(true);
  expect(lease.holds(8, [2, 3], 1)).toBe(true);
});

test('a group of one needs nobody', () => {
  expect(lease.holds(1, [], 0)).toBe(true);
});
