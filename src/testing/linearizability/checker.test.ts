import { describe, expect, test } from 'vitest';
import { checkHistory, checkKey, type KeyResult } from './checker.ts';
import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { MODELS } from './models/all.ts';

/** An operation of process 0, acknowledged. */
function op(call: number, end: number, input: readonly unknown[], output?: unknown): Operation {
  return { process: 0, key: 'k', call, return: end, input, output, outcome: 'ok' };
}

function unknown(call: number, input: readonly unknown[]): Operation {
  return { ...op(call, Number.POSITIVE_INFINITY, input), outcome: 'unknown' };
}

function failed(call: number, end: number, input: readonly unknown[]): Operation {
  return { ...op(call, end, input), outcome: 'failed' };
}

function check(model: string, operations: readonly Operation[]): KeyResult {
  return checkKey(MODELS[model] as Model, operations);
}

/** The input of the operation that fits nowhere. */
function blockedBy(model: string, operations: readonly Operation[]): unknown {
  const { verdict, blocked } = check(model, operations);
  expect(verdict).toBe('violation');
  return blocked?.input;
}

describe('a register', () => {
  test('is linearizable when overlapping operations can be put into an order', () => {
    const first = op(0, 10, ['set', 1]);
    const second = op(0, 10, ['set', 2]);
    const reads = [op(1, 3, ['get'], 2), op(4, 9, ['get'], 1)];
    const { verdict, linearization, blocked } = check('register', [first, second, ...reads]);
    expect(verdict).toBe('linearizable');
    expect(linearization).toEqual([second, reads[0], first, reads[1]]);
    expect(blocked).toBeUndefined();
  });

  test('that loses an acknowledged write is not', () => {
    expect(blockedBy('register', [op(0, 1, ['set', 1]), op(2, 3, ['get'], null)])).toEqual(['get']);
  });

  test('that answers a read with an older value is not', () => {
    const history = [op(0, 1, ['set', 1]), op(2, 3, ['set', 2]), op(4, 5, ['get'], 1), op(6, 7, ['get'], 2)];
    const { blocked, linearization } = check('register', history);
    expect(blocked).toBe(history[2]);
    expect(linearization).toEqual(history.slice(0, 2));
  });

  test('that lets readers go back and forth while a write lasts is not', () => {
    const history = [op(0, 100, ['set', 1]), op(10, 11, ['get'], 1), op(20, 21, ['get'], null)];
    expect(check('register', history).blocked).toBe(history[2]);
  });

  test('on which two compare-and-sets of the same value succeed is split-brained', () => {
    const history = [
      op(0, 1, ['set', 1]),
      op(2, 9, ['cas', 1, 2], true),
      op(2, 9, ['cas', 1, 3], true),
      op(10, 11, ['get'], 3),
    ];
    expect(check('register', history).verdict).toBe('violation');
    expect(check('register', history.slice(0, 2)).verdict).toBe('linearizable');
  });

  test('that brings a deleted value back is not linearizable', () => {
    const history = [op(0, 1, ['set', 1]), op(2, 3, ['delete'], true), op(4, 5, ['get'], null)];
    expect(check('register', history).verdict).toBe('linearizable');
    expect(blockedBy('register', [...history, op(6, 7, ['get'], 1)])).toEqual(['get']);
  });

  test('may do a write of unknown outcome at any later time, or never, but not twice and not early', () => {
    const write = unknown(0, ['set', 2]);
    const base = op(1, 2, ['set', 1]);
    const reads = (...values: (number | null)[]): Operation[] =>
      values.map((value, index) => op(10 + 2 * index, 11 + 2 * index, ['get'], value));
    expect(check('register', [write, base, ...reads(1, 1)]).verdict).toBe('linearizable');
    expect(check('register', [write, base, ...reads(1, 2)]).verdict).toBe('linearizable');
    expect(check('register', [write, base, ...reads(2, 1)]).verdict).toBe('violation');
    expect(check('register', [unknown(50, ['set', 2]), base, ...reads(1, 2)]).verdict).toBe('violation');
  });

  test('may do several operations of unknown outcome in a row, each of which makes the next one possible', () => {
    const history = [
      unknown(0, ['cas', 3, 2]),
      unknown(1, ['cas', null, 3]),
      unknown(2, ['delete']),
      op(10, 11, ['set', 5]),
      op(12, 13, ['get'], 2),
    ];
    expect(check('register', history).verdict).toBe('linearizable');
    expect(check('register', history.toSpliced(2, 1)).verdict).toBe('violation');
  });

  test('that shows a write that failed is not linearizable', () => {
    expect(check('register', [failed(0, 1, ['set', 1]), op(2, 3, ['get'], null)]).verdict).toBe('linearizable');
    expect(check('register', [failed(0, 1, ['set', 1]), op(2, 3, ['get'], 1)]).verdict).toBe('violation');
  });
});

describe('a counter', () => {
  test('on which a retried increment was done twice is not linearizable', () => {
    const history = [op(0, 1, ['increment', 1], 1), op(2, 3, ['increment', 1], 2), op(4, 5, ['read'], 2)];
    expect(check('counter', history).verdict).toBe('linearizable');
    expect(blockedBy('counter', [op(0, 1, ['increment', 1], 1), op(2, 3, ['increment', 1], 3)])).toEqual([
      'increment',
      1,
    ]);
    expect(blockedBy('counter', [...history, op(6, 7, ['read'], 3)])).toEqual(['read']);
    expect(check('counter', [...history, unknown(0, ['increment', 1]), op(6, 7, ['read'], 3)]).verdict).toBe(
      'linearizable',
    );
  });

  test('that hands out the same number twice is not linearizable', () => {
    expect(check('counter', [op(0, 9, ['increment', 1], 1), op(0, 9, ['increment', 1], 1)]).verdict).toBe('violation');
  });
});

test('a set that forgets a member, or keeps a removed one, is not linearizable', () => {
  const history = [op(0, 1, ['add', 'a'], true), op(0, 1, ['add', 'b'], true), op(2, 3, ['members'], ['b', 'a'])];
  expect(check('set', history).verdict).toBe('linearizable');
  expect(blockedBy('set', [...history, op(4, 5, ['members'], ['a'])])).toEqual(['members']);
  expect(blockedBy('set', [...history, op(4, 5, ['members'], ['a', 'a'])])).toEqual(['members']);
  const removed = [...history, op(4, 5, ['remove', 'a'], true)];
  expect(check('set', [...removed, op(6, 7, ['contains', 'a'], false)]).verdict).toBe('linearizable');
  expect(blockedBy('set', [...removed, op(6, 7, ['contains', 'a'], true)])).toEqual(['contains', 'a']);
});

test('a list that loses, repeats or reorders elements is not linearizable', () => {
  const history = [op(0, 1, ['append', 1], 1), op(2, 3, ['append', 2], 2), op(4, 5, ['prepend', 0], 3)];
  expect(check('list', [...history, op(6, 7, ['read'], [0, 1, 2])]).verdict).toBe('linearizable');
  for (const wrong of [[0, 1], [0, 2, 1], [0, 1, 1, 2], [1, 2, 0], []]) {
    expect(blockedBy('list', [...history, op(6, 7, ['read'], wrong)])).toEqual(['read']);
  }
  expect(blockedBy('list', [...history, op(6, 7, ['append', 3], 3)])).toEqual(['append', 3]);
});

test('a hash whose fields do not change together is not linearizable', () => {
  const history = [
    op(0, 1, ['set', 'a', 'x'], true),
    op(2, 3, ['increment', 'n', 2], 2),
    op(4, 5, ['all'], { n: 2, a: 'x' }),
  ];
  expect(check('hash', history).verdict).toBe('linearizable');
  expect(blockedBy('hash', [...history, op(6, 7, ['all'], { a: 'x' })])).toEqual(['all']);
  expect(blockedBy('hash', [...history, op(6, 7, ['get', 'a'], null)])).toEqual(['get', 'a']);
  expect(blockedBy('hash', [...history, op(6, 7, ['increment', 'n', 1], 2)])).toEqual(['increment', 'n', 1]);
  expect(blockedBy('hash', [...history, op(6, 7, ['delete', 'a'], false)])).toEqual(['delete', 'a']);
});

describe('a whole history', () => {
  const set = (key: string, value: number): Operation => ({ ...op(0, 1, ['set', value]), key });
  const get = (key: string, value: number): Operation => ({ ...op(2, 3, ['get'], value), key });

  test('is judged key by key, and is as bad as its worst key', () => {
    const models = new Map([
      ['good', 'register'],
      ['bad', 'register'],
    ]);
    const good = [set('good', 1), get('good', 1)];
    const bad = [set('bad', 1), get('bad', 2)];
    expect(checkHistory({ operations: good, models }).verdict).toBe('linearizable');
    const result = checkHistory({ operations: [...good, ...bad], models });
    expect(result.verdict).toBe('violation');
    expect(result.keys.map(({ key, verdict }) => [key, verdict])).toEqual([
      ['good', 'linearizable'],
      ['bad', 'violation'],
    ]);
  });

  test('may contain transactions, and models of the caller', () => {
    const stale = [
      { ...op(0, 1, [['append', 'x', 1]], [null]), key: '*' },
      { ...op(2, 3, [['read', 'x']], [[]]), key: '*' },
    ];
    const result = checkHistory({ operations: stale, models: new Map([['*', 'transactions']]) });
    expect(result.verdict).toBe('violation');
    expect(result.anomalies.map(({ kind }) => kind)).toContain('lost-append');

    const mine = { mine: { ...(MODELS['register'] as Model), name: 'mine' } };
    const history = { operations: [set('k', 1), get('k', 1)], models: new Map([['k', 'mine']]) };
    expect(checkHistory(history, { models: mine }).verdict).toBe('linearizable');
    expect(() => checkHistory(history)).toThrow('the model "mine" of key k is not known');
  });

  test('is unknown when the steps do not suffice', () => {
    const operations = Array.from({ length: 12 }, (_, value) => op(0, 100, ['increment', 1], 12 - value));
    const wrong = [...operations, op(101, 102, ['read'], 11)];
    expect(check('counter', wrong).verdict).toBe('violation');
    const result = checkKey(MODELS['counter'] as Model, wrong, { maxSteps: 5 });
    expect(result.verdict).toBe('unknown');
    expect(result.blocked).toBeUndefined();
  });

  test('whose times make no sense is refused', () => {
    expect(() => check('register', [op(2, 1, ['get'], null)])).toThrow(RangeError);
    expect(() => check('register', [{ ...op(2, Number.POSITIVE_INFINITY, ['get']) }])).toThrow(RangeError);
  });
});
