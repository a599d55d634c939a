/** The checker of transactions against the definition: every order is tried by `transactions.test-support.ts`. */
import { describe, expect, test } from 'vitest';
import { encodeHistory } from '../history-codec.ts';
import type { AnomalyKind } from './anomaly.ts';
import { checkTransactions } from './check-transactions.ts';
import type { TransactionOperation } from './transaction.ts';
import { isSerializable, type RandomTransactions, randomTransactions } from './transactions.test-support.ts';

const RUNS = 5_000;

const SHAPES: readonly Omit<RandomTransactions, 'readAll'>[] = [
  { transactions: 5, processes: 3, torn: 0, stale: 0, lost: 0, wrong: 0 },
  { transactions: 6, processes: 4, torn: 0.5, stale: 0, lost: 0, wrong: 0 },
  { transactions: 6, processes: 3, torn: 0.1, stale: 0.3, lost: 0.05, wrong: 0.05 },
  { transactions: 7, processes: 7, torn: 0.2, stale: 0.1, lost: 0, wrong: 0 },
];

const story = (seed: number, operations: readonly TransactionOperation[], anomalies: unknown): string =>
  `seed ${seed}\n${encodeHistory({ operations, models: new Map([['*', 'transactions']]) })}${JSON.stringify(anomalies, null, 1)}`;

describe('of random transactions', () => {
  test('that are read back at the end, the checker accepts those that are strictly serializable, and no others', () => {
    const counts = { serializable: 0, violation: 0 };
    const kinds = new Set<AnomalyKind>();
    for (let seed = 0; seed < RUNS; seed++) {
      const shape = SHAPES[seed % SHAPES.length] as RandomTransactions;
      const operations = randomTransactions(seed, { ...shape, readAll: true });
      const { verdict, anomalies } = checkTransactions(operations);
      const expected = isSerializable(operations, true) ? 'serializable' : 'violation';
      if (verdict !== expected) expect.fail(`${verdict} instead of ${expected}: ${story(seed, operations, anomalies)}`);
      counts[verdict]++;
      for (const { kind } of anomalies) kinds.add(kind);
    }
    expect(counts.serializable).toBeGreaterThan(RUNS / 5);
    expect(counts.violation).toBeGreaterThan(RUNS / 5);
    // G1c-realtime is too rare at random; it has an example of its own.
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining([
        'G-single',
        'G-single-realtime',
        'G0',
        'G1a',
        'G1b',
        'G1c',
        'G2',
        'incompatible-order',
        'internal',
        'lost-append',
      ]),
    );
  });

  test.each([true, false])('that nobody reads back, it reports only what is wrong (real time: %s)', (realTime) => {
    let reported = 0;
    for (let seed = 0; seed < RUNS; seed++) {
      const shape = SHAPES[seed % SHAPES.length] as RandomTransactions;
      const operations = randomTransactions(seed, { ...shape, readAll: false });
      const { verdict, anomalies } = checkTransactions(operations, { realTime });
      if (verdict === 'serializable') continue;
      reported++;
      if (isSerializable(operations, realTime)) expect.fail(story(seed, operations, anomalies));
    }
    expect(reported).toBeGreaterThan(RUNS / 10);
  });
});
