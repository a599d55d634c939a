import { describe, expect, test } from 'vitest';
import { countElements, countIncrements, lostWrites, staleReads } from './counting.ts';
import { busyHistory } from './histories.test-support.ts';
import type { Operation } from './history.ts';

function op(call: number, end: number, input: readonly unknown[], output?: unknown, key = 'k'): Operation {
  return { process: 0, key, call, return: end, input, output, outcome: 'ok' };
}

const unknown = (operation: Operation): Operation => ({
  ...operation,
  outcome: 'unknown',
  return: Number.POSITIVE_INFINITY,
});
const failed = (operation: Operation): Operation => ({ ...operation, outcome: 'failed' });
const end = (value: string | number | null): Map<string, string | number | null> => new Map([['k', value]]);

describe('a register at the end', () => {
  const first = op(0, 1, ['set', 'a']);
  const second = op(2, 3, ['set', 'b']);

  test('holds the last acknowledged write', () => {
    expect(lostWrites([first, second], end('b'))).toEqual([]);
    expect(lostWrites([], end(null))).toEqual([]);
  });

  test('that holds an earlier value, another one or nothing has lost the last write', () => {
    for (const found of ['a', 'other', null]) {
      expect(lostWrites([first, second], end(found))).toEqual([{ key: 'k', write: second, found }]);
    }
  });

  test('may hold either of two writes that overlapped', () => {
    const overlapping = op(0.5, 2.5, ['set', 'c']);
    expect(lostWrites([first, overlapping, second], end('c'))).toEqual([]);
    expect(lostWrites([first, overlapping, second], end('a'))).toHaveLength(1);
  });

  test('may hold a write of unknown outcome, however old, and not one that failed', () => {
    expect(lostWrites([unknown(first), second], end('a'))).toEqual([]);
    expect(lostWrites([failed(first), second], end('a'))).toHaveLength(1);
  });

  test('may be empty after a delete, and holds what a successful compare-and-set wrote', () => {
    expect(lostWrites([first, op(2, 3, ['delete'], true)], end(null))).toEqual([]);
    expect(lostWrites([first, op(2, 3, ['cas', 'a', 'z'], true)], end('a'))).toHaveLength(1);
    expect(lostWrites([first, op(2, 3, ['cas', 'b', 'z'], false)], end('a'))).toEqual([]);
  });
});

test('elements at the end are counted as lost, repeated and from nowhere', () => {
  const history = [
    op(0, 1, ['append', 1], 1),
    op(2, 3, ['append', 2], 2),
    unknown(op(4, 5, ['append', 3])),
    unknown(op(4, 5, ['add', 4])),
    failed(op(4, 5, ['prepend', 5])),
    op(6, 7, ['read'], [1]),
  ];
  const counted = { acknowledged: 2, unknown: 2 };
  expect(countElements(history, [1, 2, 3])).toEqual({ lost: [], repeated: [], phantom: [], ...counted });
  expect(countElements(history, [1, 1, 5, 6])).toEqual({ lost: [2], repeated: [1], phantom: [5, 6], ...counted });
});

test('a counter at the end is too low, right or too high', () => {
  const history = [
    op(0, 1, ['increment', 5], 5),
    unknown(op(0, 1, ['increment', 2])),
    failed(op(0, 1, ['increment', 100])),
    op(2, 3, ['read'], 5),
  ];
  const sums = { acknowledged: 5, unknown: 2 };
  expect(countIncrements(history, 4)).toEqual({ lost: 1, repeated: 0, ...sums });
  expect(countIncrements(history, 5)).toEqual({ lost: 0, repeated: 0, ...sums });
  expect(countIncrements(history, 7)).toEqual({ lost: 0, repeated: 0, ...sums });
  expect(countIncrements(history, 9)).toEqual({ lost: 0, repeated: 2, ...sums });
});

describe('reads that go back in time', () => {
  const version = ({ output }: Operation): number | undefined => (typeof output === 'number' ? output : undefined);
  const isRead = ({ input }: Operation): boolean => (input as readonly unknown[])[0] === 'read';

  test('are those below what had been read or acknowledged on their key before', () => {
    const increment = op(0, 1, ['increment', 1], 7);
    const fresh = op(2, 3, ['read'], 8);
    const stale = op(4, 5, ['read'], 7);
    const overlapping = op(2.5, 9, ['read'], 7);
    const elsewhere = op(4, 5, ['read'], 1, 'other');
    const found = staleReads([increment, fresh, stale, overlapping, elsewhere], version, isRead);
    expect(found).toEqual([{ read: stale, known: fresh, version: 7, knownVersion: 8 }]);
    expect(staleReads([increment, op(2, 3, ['read'], 6)], version, isRead)).toHaveLength(1);
  });

  test('do not occur in a correct history, and one that is planted is found', () => {
    const history = busyHistory('counter', 1, { operations: 20_000, clients: 10, unknown: 0.01, unique: true });
    expect(staleReads(history, version, isRead)).toEqual([]);
    const index = history.findIndex((operation, at) => at > 15_000 && isRead(operation) && operation.outcome === 'ok');
    const planted = history.map((operation, at) => (at === index ? { ...operation, output: 17 } : operation));
    expect(staleReads(planted, version, isRead).map(({ read }) => read)).toEqual([planted[index]]);
  });
});
