import { describe, expect, test } from 'vitest';
import { HistoryRecorder } from '../linearizability/history.ts';
import { type Judgement, judge } from './judge.ts';
import { workloadNamed } from './workloads/all.ts';

type Row = readonly [key: string, outcome: 'ok' | 'failed' | 'unknown', input: unknown, output?: unknown];

/** One operation after the other; the last one is the last read. */
function judgementOf(rows: readonly Row[], options = {}): Judgement {
  const recorder = new HistoryRecorder((key) => workloadNamed(key).model);
  for (const [at, [key, outcome, input, output]] of rows.entries()) {
    const handle = recorder.invoke(1, key, input, 2 * at);
    if (outcome === 'ok') recorder.ok(handle, 2 * at + 1, output);
    if (outcome === 'failed') recorder.fail(handle, 2 * at + 1);
  }
  return judge(recorder.history(), workloadNamed, options);
}

const LIST = '{append:0:0}';
const COUNTER = '{counter:0:0}';

describe('what a history proves', () => {
  test('nothing is wrong with one in which everything is where it should be', () => {
    const judgement = judgementOf([
      [LIST, 'ok', ['append', 'a'], 1],
      [LIST, 'failed', ['append', 'b']],
      [LIST, 'unknown', ['append', 'c']],
      [LIST, 'ok', ['read'], ['a', 'c']],
      [COUNTER, 'ok', ['increment', 1], 1],
      [COUNTER, 'unknown', ['increment', 1]],
      [COUNTER, 'ok', ['read'], 2],
    ]);
    expect(judgement).toEqual({ lost: [], duplicated: [], undead: [], torn: [], anomalies: [], findings: [], keys: 2 });
  });

  test('a write that was acknowledged and is not there is lost', () => {
    const judgement = judgementOf([
      [LIST, 'ok', ['append', 'a'], 1],
      [LIST, 'ok', ['append', 'b'], 2],
      [LIST, 'ok', ['read'], ['a']],
    ]);
    expect(judgement.lost).toEqual([`${LIST}: b`]);
    expect(judgement.findings).toMatchObject([{ key: LIST, workload: 'append', verdict: 'violation' }]);
  });

  test('a write that is there twice, or was refused and is there, is found', () => {
    const twice = judgementOf([
      [LIST, 'unknown', ['append', 'a']],
      [LIST, 'failed', ['append', 'b']],
      [LIST, 'ok', ['read'], ['a', 'b', 'a']],
    ]);
    expect(twice).toMatchObject({ duplicated: [`${LIST}: a`], undead: [`${LIST}: b`] });
    expect(twice.findings).toHaveLength(1);
  });

  test('a counter that ends too low or too high is found, and by how much', () => {
    const increments: Row[] = [
      [COUNTER, 'ok', ['increment', 1], 1],
      [COUNTER, 'ok', ['increment', 1], 2],
      [COUNTER, 'unknown', ['increment', 1]],
    ];
    expect(judgementOf([...increments, [COUNTER, 'ok', ['read'], 1]]).lost).toHaveLength(1);
    expect(judgementOf([...increments, [COUNTER, 'ok', ['read'], 3]]).findings).toEqual([]);
    const high = judgementOf([...increments, [COUNTER, 'ok', ['read'], 5]]);
    expect(high.duplicated).toHaveLength(2);
    expect(high.findings).toHaveLength(1);
  });

  test('a read that is older than another one before it is found, though nothing is missing in the end', () => {
    const judgement = judgementOf([
      ['{register:0:0}', 'ok', ['set', 'a']],
      ['{register:0:0}', 'ok', ['set', 'b']],
      ['{register:0:0}', 'ok', ['get'], 'a'],
      ['{register:0:0}', 'ok', ['get'], 'b'],
    ]);
    expect(judgement.lost).toEqual([]);
    expect(judgement.findings.map(({ verdict }) => verdict)).toEqual(['violation']);
  });

  test('a search that is given up leaves a key of transactions unexplained only when the cycle checker cannot prove it either', () => {
    const key = '{transactions:0:0}';
    const history = (told: number, last: readonly string[]): Row[] => [
      [key, 'ok', [['append', 'a', 'x']], [1]],
      ...Array.from({ length: 20 }, (_, n): Row => [key, 'unknown', [['append', 'b', `z${n}`]]]),
      [key, 'unknown', [['append', 'c', 'w']]],
      [key, 'ok', [['append', 'a', 'y']], [told]],
      [key, 'ok', last.map((list) => ['read', list]), last.map((list) => ({ a: ['x', 'y'], b: ['z7'] })[list] ?? [])],
    ];
    const verdicts = (rows: readonly Row[]): string[] =>
      judgementOf(rows, { maxSteps: 1 }).findings.map(({ verdict }) => verdict);
    expect(verdicts(history(2, ['a', 'b', 'c']))).toEqual([]);
    expect(verdicts(history(1, ['a', 'b', 'c']))).toEqual(['unknown']);
    expect(verdicts(history(2, ['a', 'b']))).toEqual(['unknown']);
  });

  test('transactions that each miss what the other wrote are named as what they are', () => {
    const key = '{transactions:0:0}';
    const recorder = new HistoryRecorder('lists');
    const first = recorder.invoke(
      1,
      key,
      [
        ['read', 'a'],
        ['append', 'b', 'x'],
      ],
      0,
    );
    const second = recorder.invoke(
      2,
      key,
      [
        ['read', 'b'],
        ['append', 'a', 'y'],
      ],
      1,
    );
    recorder.ok(first, 2, [[], 1]);
    recorder.ok(second, 3, [[], 1]);
    const last = recorder.invoke(
      1,
      key,
      [
        ['read', 'a'],
        ['read', 'b'],
        ['read', 'c'],
      ],
      4,
    );
    recorder.ok(last, 5, [['y'], ['x'], []]);
    const judgement = judge(recorder.history(), workloadNamed);
    expect(judgement.anomalies.join()).toContain('G2');
    expect(judgement.findings).toHaveLength(1);
  });
});

describe('logged batches', () => {
  const KEY = '{cqllogged:0:0}';
  const append = (token: string): unknown => ['a', 'b', 'c'].map((part) => ['append', part, token]);
  const read = ['a', 'b', 'c'].map((part) => ['read', part]);

  test('may be seen half done, since each partition is checked by itself', () => {
    const recorder = new HistoryRecorder('lists');
    const batch = recorder.invoke(1, KEY, append('x'), 0);
    const half = recorder.invoke(2, KEY, read, 1);
    recorder.ok(half, 2, [['x'], [], []]);
    recorder.ok(batch, 3);
    const last = recorder.invoke(1, KEY, read, 4);
    recorder.ok(last, 5, [['x'], ['x'], ['x']]);
    expect(judge(recorder.history(), workloadNamed)).toMatchObject({ torn: [], lost: [], findings: [], keys: 3 });
  });

  test('of unknown outcome that are there in part are torn, and acknowledged ones have lost something', () => {
    const rows = (outcome: 'ok' | 'unknown'): Row[] => [
      [KEY, outcome, append('x')],
      [KEY, 'ok', read, [['x'], [], ['x']]],
    ];
    expect(judgementOf(rows('unknown'))).toMatchObject({ torn: [`${KEY}: a x, b x, c x`], lost: [], findings: [] });
    const lost = judgementOf(rows('ok'));
    expect(lost.lost).toEqual([`${KEY}: b x`]);
    expect(lost.findings).toMatchObject([{ key: `${KEY}b`, workload: 'cqllogged', verdict: 'violation' }]);
  });

  test('that were read again after others had seen them go back are found', () => {
    const judgement = judgementOf([
      [KEY, 'ok', append('x')],
      [KEY, 'ok', read, [['x'], ['x'], []]],
      [KEY, 'ok', read, [['x'], ['x'], ['x']]],
    ]);
    expect(judgement.findings).toMatchObject([{ key: `${KEY}c`, verdict: 'violation' }]);
  });

  test('of one partition are seen as a whole', () => {
    const judgement = judgementOf([
      ['{cqlbatch:0:0}', 'unknown', append('x')],
      ['{cqlbatch:0:0}', 'ok', read, [['x'], [], ['x']]],
    ]);
    expect(judgement.torn).toHaveLength(1);
    expect(judgement.findings).toMatchObject([{ workload: 'cqlbatch', verdict: 'violation' }]);
  });
});
