/** The checker against the definition: every order of every subset is tried by `oracle.test-support.ts`. */
import { describe, expect, test } from 'vitest';
import { checkKey } from './checker.ts';
import { type RandomHistoryOptions, randomHistory } from './histories.test-support.ts';
import type { Operation } from './history.ts';
import { encodeHistory } from './history-codec.ts';
import type { Model } from './model.ts';
import { MODELS } from './models/all.ts';
import { explains, hasOrder, respectsTime } from './oracle.test-support.ts';

const RUNS = 2_500;

const SHAPES: readonly RandomHistoryOptions[] = [
  { operations: 6, processes: 3, unknown: 0.15, wrong: 0.25, astray: 0.1, unique: false },
  { operations: 7, processes: 3, unknown: 0.3, wrong: 0.05, astray: 0.3, unique: true },
  { operations: 8, processes: 4, unknown: 0.4, wrong: 0.3, astray: 0, unique: false },
  { operations: 10, processes: 3, unknown: 0.5, wrong: 0.2, astray: 0.2, unique: true },
  { operations: 10, processes: 8, unknown: 0.1, wrong: 0.1, astray: 0.2, unique: true },
  { operations: 9, processes: 3, unknown: 0.65, wrong: 0.3, astray: 0.1, unique: false },
  { operations: 45, processes: 3, unknown: 0.06, wrong: 0.01, astray: 0.01, unique: true },
  { operations: 45, processes: 3, unknown: 0.03, wrong: 0.01, astray: 0, unique: false },
];

const isOk = ({ outcome }: Operation): boolean => outcome === 'ok';

describe.each(Object.keys(MODELS))('of random histories of a %s', (name) => {
  test('the checker accepts those that have an order, with an order, and no others', () => {
    const counts = { linearizable: 0, violation: 0, unknown: 0 };
    for (let seed = 0; seed < RUNS; seed++) {
      const operations = randomHistory(name, seed, SHAPES[seed % SHAPES.length] as RandomHistoryOptions);
      const result = checkKey(MODELS[name] as Model, operations);
      counts[result.verdict]++;
      // The story is written down only when there is one to tell: thousands of histories are fine.
      const must = (holds: boolean, what: string): void => {
        if (holds) return;
        expect.fail(`${what}: seed ${seed}\n${encodeHistory({ operations, models: new Map([['k', name]]) })}`);
      };
      const expected = hasOrder(name, operations, isOk) ? 'linearizable' : 'violation';
      must(result.verdict === expected, `${result.verdict} instead of ${expected}`);
      must(explains(name, result.linearization), 'the order does not explain the outputs');
      must(respectsTime(result.linearization), 'the order does not respect time');
      const placed = new Set(result.linearization);
      const { blocked } = result;
      if (blocked === undefined) {
        must(
          operations.filter(isOk).every((operation) => placed.has(operation)),
          'an operation is missing in the order',
        );
        continue;
      }
      const earlier = operations.filter((operation) => isOk(operation) && operation.return < blocked.return);
      must(
        earlier.every((operation) => placed.has(operation)),
        'an operation before the blocked one is missing in the order',
      );
      const upToBlocked = (operation: Operation): boolean => isOk(operation) && operation.return <= blocked.return;
      must(!hasOrder(name, operations, upToBlocked), 'what is called blocked has an order');
    }
    expect(counts.linearizable).toBeGreaterThan(RUNS / 5);
    expect(counts.violation).toBeGreaterThan(RUNS / 5);
    expect(counts.unknown).toBe(0);
  }, 120_000);
});
