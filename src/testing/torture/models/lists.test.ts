import { describe, expect, test } from 'vitest';
import { checkKey } from '../../linearizability/checker.ts';
import type { Operation } from '../../linearizability/history.ts';
import { type ListsInput, type ListsOutput, lists } from './lists.ts';

const A: ListsInput[number] = ['read', 'a'];
const B: ListsInput[number] = ['read', 'b'];

type Row = readonly [call: number, end: number | undefined, input: ListsInput, output?: ListsOutput];

/** Without an end: of unknown outcome. */
function verdictOf(rows: readonly Row[]): string {
  const operations = rows.map(
    ([call, end, input, output], process): Operation<ListsInput, ListsOutput> => ({
      process,
      key: 'k',
      call,
      return: end ?? Number.POSITIVE_INFINITY,
      input,
      output,
      outcome: end === undefined ? 'unknown' : 'ok',
    }),
  );
  return checkKey(lists, operations).verdict;
}

describe('transactions over lists', () => {
  test('that happen one after the other are explained', () => {
    const rows: Row[] = [
      [0, 1, [['append', 'a', 'x'], A, B], [1, ['x'], []]],
      [
        2,
        3,
        [
          ['append', 'b', 'y'],
          ['append', 'a', 'y'],
        ],
        [1, 2],
      ],
      [4, 5, [A, B], [['x', 'y'], ['y']]],
    ];
    expect(verdictOf(rows)).toBe('linearizable');
  });

  test('of which one half is seen without the other are a violation', () => {
    const both: Row = [
      0,
      10,
      [
        ['append', 'a', 'x'],
        ['append', 'b', 'x'],
      ],
      [1, 1],
    ];
    expect(verdictOf([both, [1, 9, [A, B], [['x'], ['x']]]])).toBe('linearizable');
    expect(verdictOf([both, [1, 9, [A, B], [[], []]]])).toBe('linearizable');
    expect(verdictOf([both, [1, 9, [A, B], [['x'], []]]])).toBe('violation');
  });

  test('that each miss what the other wrote are a violation (write skew)', () => {
    const rows: Row[] = [
      [0, 10, [A, ['append', 'b', 'x']], [[], 1]],
      [0, 10, [B, ['append', 'a', 'y']], [[], 1]],
    ];
    expect(verdictOf(rows)).toBe('violation');
    expect(verdictOf(rows.slice(0, 1))).toBe('linearizable');
  });

  test('of unknown outcome may have happened or not, wholly', () => {
    const unknown: Row = [
      0,
      undefined,
      [
        ['append', 'a', 'x'],
        ['append', 'b', 'x'],
      ],
    ];
    expect(verdictOf([unknown, [1, 2, [A, B], [['x'], ['x']]]])).toBe('linearizable');
    expect(verdictOf([unknown, [1, 2, [A, B], [[], []]]])).toBe('linearizable');
    expect(verdictOf([unknown, [1, 2, [A, B], [['x'], []]]])).toBe('violation');
    expect(verdictOf([unknown, [1, 2, [A], [['x']]], [3, 4, [B], [[]]]])).toBe('violation');
  });

  test('that lose, repeat or reorder a write are a violation', () => {
    const writes: Row[] = [
      [0, 1, [['append', 'a', 'x']], [1]],
      [2, 3, [['append', 'a', 'y']], [2]],
    ];
    expect(verdictOf([...writes, [4, 5, [A], [['x', 'y']]]])).toBe('linearizable');
    for (const told of [['x'], ['y'], ['y', 'x'], ['x', 'y', 'y'], []]) {
      expect(verdictOf([...writes, [4, 5, [A], [told]]])).toBe('violation');
    }
  });
});
