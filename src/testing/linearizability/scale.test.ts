/** Large histories. How long each takes is what the test runner reports; docs/internals/checker.md has the numbers. */
import { describe, expect, test } from 'vitest';
import { checkHistory, checkKey } from './checker.ts';
import { busyHistory } from './histories.test-support.ts';
import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { MODELS } from './models/all.ts';

const NAMES = Object.keys(MODELS);
const READS: readonly unknown[] = ['get', 'read', 'members', 'all'];

const whatOf = ({ input }: Operation): unknown => (input as readonly unknown[])[0];

/** The history with one read near its end that shows what one in its middle does, or a member that was removed. */
function withStaleRead(operations: readonly Operation[]): { operations: Operation[]; planted: Operation } {
  const after = (share: number, isWanted: (operation: Operation) => boolean): Operation | undefined =>
    operations.slice(operations.length * share).find((operation) => operation.outcome === 'ok' && isWanted(operation));
  const old = after(0.5, (operation) => READS.includes(whatOf(operation)) && Boolean(operation.output));
  const target =
    old === undefined
      ? after(0.95, (operation) => whatOf(operation) === 'contains' && operation.output === false)
      : after(0.95, (operation) => whatOf(operation) === whatOf(old));
  const planted = { ...(target as Operation), output: old?.output ?? true };
  return { operations: operations.map((operation) => (operation === target ? planted : operation)), planted };
}

describe.each(NAMES)('a %s', (name) => {
  const model = MODELS[name] as Model;

  // Keys are checked one by one; a few of the models that take longest are enough.
  const keys = name === 'hash' || name === 'set' ? 25 : 100;

  test(`${keys},000 operations over ${keys} keys are linearizable`, { timeout: 120_000 }, () => {
    const operations: Operation[] = [];
    const models = new Map<string, string>();
    for (let number = 0; number < keys; number++) {
      const key = `key-${number}`;
      models.set(key, name);
      const options = { operations: 1_000, clients: 10, unknown: 0.01, unique: true, key };
      for (const operation of busyHistory(name, number, options)) operations.push(operation);
    }
    expect(checkHistory({ operations, models }).verdict).toBe('linearizable');
  });

  // A list of thousands that is read thousands of times is millions of values; nobody records that.
  const count = name === 'list' ? 2_000 : 10_000;

  test('operations of ten clients on one key are linearizable', { timeout: 120_000 }, () => {
    const operations = busyHistory(name, 1, { operations: count, clients: 10, unknown: 0, unique: true });
    expect(checkKey(model, operations).verdict).toBe('linearizable');
  });

  test('a stale read near the end of them is found', { timeout: 120_000 }, () => {
    const { operations, planted } = withStaleRead(
      busyHistory(name, 1, { operations: 2_000, clients: 10, unknown: 0, unique: true }),
    );
    const { verdict, blocked } = checkKey(model, operations);
    expect(verdict).toBe('violation');
    expect(blocked).toBe(planted);
  });

  test('also among hundreds of operations of unknown outcome', { timeout: 120_000 }, () => {
    const options = { operations: 1_000, clients: 10, unknown: 0.16, unique: true, parts: true };
    const history = busyHistory(name, 7, options);
    expect(history.filter(({ outcome }) => outcome === 'unknown').length).toBeGreaterThanOrEqual(150);
    expect(checkKey(model, history).verdict).toBe('linearizable');
    expect(checkKey(model, withStaleRead(history).operations).verdict).toBe('violation');
  });
});

describe('500 operations of unknown outcome that nobody can tell', () => {
  const unknowns = (input: (number: number) => readonly unknown[]): Operation[] =>
    Array.from({ length: 500 }, (_, number) => ({
      process: number,
      key: 'k',
      call: number / 10,
      return: Number.POSITIVE_INFINITY,
      input: input(number),
      output: undefined,
      outcome: 'unknown',
    }));
  const told = (call: number, input: readonly unknown[], output?: unknown): Operation => ({
    process: 0,
    key: 'k',
    call,
    return: call + 1,
    input,
    output,
    outcome: 'ok',
  });

  test('on a register cost next to nothing', () => {
    const history = [...unknowns((number) => ['set', number]), told(10, ['set', -1]), told(20, ['get'], -1)];
    expect(checkKey(MODELS['register'] as Model, history).steps).toBeLessThan(50);
    const lost = [...history, told(30, ['get'], null)];
    const result = checkKey(MODELS['register'] as Model, lost);
    expect(result.verdict).toBe('violation');
    expect(result.steps).toBeLessThan(1_000);
  });

  test('on a register where a compare-and-set failed are interchangeable', () => {
    const history = [
      ...unknowns((number) => (number % 2 === 0 ? ['set', number] : ['delete'])),
      told(10, ['set', -1]),
      told(20, ['cas', -1, -2], false),
    ];
    expect(checkKey(MODELS['register'] as Model, history).verdict).toBe('linearizable');
    const wrong = [...history, told(30, ['get'], -2)];
    const result = checkKey(MODELS['register'] as Model, wrong);
    expect(result.verdict).toBe('violation');
    expect(result.steps).toBeLessThan(10_000);
  });

  test('on a counter are counted, not told apart', () => {
    const history = unknowns(() => ['increment', 1]);
    const right = [...history, told(60, ['read'], 250), told(70, ['increment', 1], 400)];
    expect(checkKey(MODELS['counter'] as Model, right).verdict).toBe('linearizable');
    const wrong = [...right, told(80, ['read'], 399)];
    const result = checkKey(MODELS['counter'] as Model, wrong);
    expect(result.verdict).toBe('violation');
    expect(result.blocked).toBe(wrong.at(-1));
    expect(result.steps).toBeLessThan(100_000);
  });
});
