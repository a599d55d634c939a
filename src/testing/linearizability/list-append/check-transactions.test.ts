import { describe, expect, test } from 'vitest';
import type { AnomalyKind } from './anomaly.ts';
import { checkTransactions, type TransactionOptions } from './check-transactions.ts';
import type { Step, TransactionOperation } from './transaction.ts';

type Written = readonly ['append', string, number] | readonly ['read', string, (readonly number[])?];

/** A transaction that was acknowledged, from one time to another. */
function tx(call: number, end: number, ...steps: Written[]): TransactionOperation {
  const input = steps.map((step): Step => (step[0] === 'append' ? step : ['read', step[1]]));
  const output = steps.map((step) => (step[0] === 'read' ? (step[2] ?? []) : null));
  return { process: 0, key: '*', call, return: end, input, output, outcome: 'ok' };
}

function unknown(operation: TransactionOperation): TransactionOperation {
  return { ...operation, outcome: 'unknown', return: Number.POSITIVE_INFINITY, output: undefined };
}

function failed(operation: TransactionOperation): TransactionOperation {
  return { ...operation, outcome: 'failed', output: undefined };
}

function kinds(operations: TransactionOperation[], options?: TransactionOptions): AnomalyKind[] {
  return [...new Set(checkTransactions(operations, options).anomalies.map(({ kind }) => kind))].sort();
}

describe('a history of transactions', () => {
  test('that ran one after the other has no anomaly', () => {
    const history = [
      tx(0, 1, ['append', 'x', 1], ['append', 'y', 1]),
      tx(2, 3, ['read', 'x', [1]], ['append', 'x', 2], ['read', 'x', [1, 2]]),
      tx(4, 5, ['read', 'y', [1]], ['read', 'x', [1, 2]]),
    ];
    expect(checkTransactions(history)).toEqual({ verdict: 'serializable', anomalies: [] });
  });

  test('with writes in opposite orders on two lists has G0', () => {
    const history = [
      tx(0, 9, ['append', 'x', 1], ['append', 'y', 1]),
      tx(0, 9, ['append', 'x', 2], ['append', 'y', 2]),
      tx(10, 11, ['read', 'x', [1, 2]]),
      tx(10, 11, ['read', 'y', [2, 1]]),
    ];
    expect(kinds(history)).toContain('G0');
    expect(kinds(history, { realTime: false })).toContain('G0');
  });

  test('that reads what a failed transaction wrote has G1a', () => {
    const history = [failed(tx(0, 1, ['append', 'x', 1])), tx(2, 3, ['read', 'x', [1]])];
    const { anomalies } = checkTransactions(history);
    expect(anomalies.map(({ kind, text }) => [kind, text])).toEqual([
      ['G1a', 'T2 read 1 in x, which T1 appended, and T1 failed.'],
    ]);
  });

  test('that reads between two writes of a transaction has G1b', () => {
    const history = [
      tx(0, 9, ['append', 'x', 1], ['append', 'x', 2]),
      tx(0, 9, ['read', 'x', [1]]),
      tx(10, 11, ['read', 'x', [1, 2]]),
    ];
    expect(kinds(history)).toContain('G1b');
  });

  test('in which two transactions read each other has G1c, told with its reasons', () => {
    const history = [
      tx(0, 9, ['append', 'x', 1], ['read', 'y', [1]]),
      tx(0, 9, ['append', 'y', 1], ['read', 'x', [1]]),
    ];
    const { anomalies } = checkTransactions(history);
    expect(anomalies).toHaveLength(1);
    expect(anomalies[0]?.kind).toBe('G1c');
    expect(anomalies[0]?.transactions).toHaveLength(2);
    expect(anomalies[0]?.text).toContain('T1 comes before T2: T2 read x with 1, which T1 had appended.');
    expect(anomalies[0]?.text).toContain('T2 comes before T1: T1 read y with 1, which T2 had appended.');
  });

  test('in which a reader sees one half of a transaction has G-single', () => {
    const history = [
      tx(0, 9, ['append', 'x', 1], ['append', 'y', 1]),
      tx(0, 9, ['read', 'x', [1]], ['read', 'y', []]),
      tx(10, 11, ['read', 'y', [1]]),
    ];
    expect(kinds(history, { realTime: false })).toEqual(['G-single']);
  });

  test('with write skew has G2, also when nobody reads what was written', () => {
    const skew = [tx(0, 9, ['read', 'x', []], ['append', 'y', 1]), tx(0, 9, ['read', 'y', []], ['append', 'x', 1])];
    expect(kinds(skew, { realTime: false })).toEqual(['G2']);
    expect(kinds([...skew, tx(10, 11, ['read', 'x', [1]], ['read', 'y', [1]])])).toEqual(['G2']);
  });

  test('in which two transactions both append to what they read, as if alone, is a lost update', () => {
    const history = [
      tx(0, 9, ['read', 'x', []], ['append', 'x', 1]),
      tx(0, 9, ['read', 'x', []], ['append', 'x', 2]),
      tx(10, 11, ['read', 'x', [1, 2]]),
    ];
    expect(kinds(history, { realTime: false })).toEqual(['G-single']);
  });

  test('with a stale read is wrong in real time only', () => {
    const history = [tx(0, 1, ['append', 'x', 1]), tx(2, 3, ['read', 'x', []]), tx(4, 5, ['read', 'x', [1]])];
    expect(kinds(history)).toEqual(['G-single-realtime']);
    expect(kinds(history, { realTime: false })).toEqual([]);
    const [anomaly] = checkTransactions(history).anomalies;
    expect(anomaly?.text).toBe(
      'T2 comes before T1: T2 read x without 1, which T1 appended. T1 comes before T2: T1 had ended before T2 began. ' +
        'So T2 would come before itself.',
    );
  });

  test('that orders writes against real time has G0-realtime', () => {
    const history = [tx(0, 1, ['append', 'x', 1]), tx(2, 3, ['append', 'x', 2]), tx(4, 5, ['read', 'x', [2, 1]])];
    expect(kinds(history)).toEqual(['G0-realtime']);
  });

  test('that reads the future has G1c-realtime', () => {
    expect(kinds([tx(0, 1, ['read', 'x', [1]]), tx(2, 3, ['append', 'x', 1])])).toEqual(['G1c-realtime']);
  });

  test('with write skew that only real time shows has G2-realtime', () => {
    const history = [
      tx(0, 1, ['append', 'x', 1]),
      tx(0.5, 6, ['read', 'x', []], ['read', 'y', [1]]),
      tx(0.5, 5, ['append', 'y', 1]),
      tx(2, 3, ['read', 'y', []]),
      tx(7, 8, ['read', 'x', [1]]),
    ];
    expect(kinds(history)).toEqual(['G2-realtime']);
    expect(kinds(history, { realTime: false })).toEqual([]);
  });

  test('that loses an acknowledged append says which', () => {
    const history = [tx(0, 1, ['append', 'x', 1]), tx(0, 1, ['append', 'x', 2]), tx(2, 3, ['read', 'x', [2]])];
    const { anomalies } = checkTransactions(history);
    expect(anomalies.filter(({ kind }) => kind === 'lost-append').map(({ text }) => text)).toEqual([
      'T1 was told that it had appended 1 to x, and no read shows it, not even one that began later.',
    ]);
    expect(kinds(history, { realTime: false })).toEqual([]);
  });

  test('with a value twice in a list, or with one from nowhere, says so', () => {
    expect(kinds([tx(0, 1, ['append', 'x', 1]), tx(2, 3, ['read', 'x', [1, 1]])])).toContain('duplicate-append');
    expect(kinds([tx(0, 1, ['read', 'x', [7]])])).toEqual(['phantom']);
  });

  test('with two reads that fork has an incompatible order', () => {
    const history = [
      tx(0, 1, ['append', 'x', 1]),
      tx(0, 1, ['append', 'x', 2]),
      tx(2, 3, ['read', 'x', [1]]),
      tx(2, 3, ['read', 'x', [2]]),
    ];
    expect(kinds(history)).toContain('incompatible-order');
  });

  test('with a transaction that contradicts itself is internally inconsistent', () => {
    expect(kinds([tx(0, 1, ['append', 'x', 1], ['read', 'x', []])])).toContain('internal');
    const unrepeatable = [tx(0, 1, ['append', 'x', 1]), tx(0, 9, ['read', 'x', []], ['read', 'x', [1]])];
    expect(kinds(unrepeatable)).toContain('internal');
  });

  test('may contain a transaction of unknown outcome, wholly or not at all', () => {
    const doubtful = unknown(tx(0, 1, ['append', 'x', 1], ['append', 'y', 1]));
    expect(kinds([doubtful, tx(2, 3, ['read', 'x', []], ['read', 'y', []])])).toEqual([]);
    expect(kinds([doubtful, tx(2, 3, ['read', 'x', [1]], ['read', 'y', [1]])])).toEqual([]);
    expect(kinds([doubtful, tx(2, 3, ['read', 'x', [1]], ['read', 'y', []])])).toEqual(['G-single']);
    // It may still come later.
    expect(kinds([doubtful, tx(2, 3, ['read', 'x', []]), tx(4, 5, ['read', 'x', [1]], ['read', 'y', [1]])])).toEqual(
      [],
    );
  });

  test('that reads cannot be told from is refused', () => {
    const twice = [tx(0, 1, ['append', 'x', 1]), tx(2, 3, ['append', 'x', 1])];
    expect(() => checkTransactions(twice)).toThrow('the history appends 1 to x twice');
    expect(() => checkTransactions([{ ...tx(0, 1, ['read', 'x', []]), output: [] }])).toThrow(RangeError);
  });

  test('of 20,000 transactions of ten clients is checked as one', () => {
    const history: TransactionOperation[] = [];
    const lists = new Map<string, number[]>();
    for (let number = 0; number < 20_000; number++) {
      const name = `list-${Math.floor(number / 200)}-${number % 3}`;
      const list = lists.get(name) ?? [];
      lists.set(name, list);
      const step: Written = number % 2 === 0 ? ['append', name, number] : ['read', name, [...list]];
      if (number % 2 === 0) list.push(number);
      history.push(tx(number, number + 9.5, step, ['read', `other-${number % 7}`, []]));
    }
    expect(checkTransactions(history).verdict).toBe('serializable');
    // The last read shows a list as it was at the beginning.
    const broken = history.map((operation, index) =>
      index === 19_999 ? tx(index, index + 9.5, ['read', 'list-0-0', [0]]) : operation,
    );
    const { anomalies } = checkTransactions(broken);
    expect(anomalies.map(({ kind }) => kind)).toEqual(['lost-append', 'G-single-realtime']);
    expect(anomalies[1]?.transactions).toHaveLength(2);
  });
});
