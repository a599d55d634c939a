/**
 * Transactions over several lists, the histories of this checker. A transaction is an operation of the model `transactions`,
 * on any key (`*` by convention), whose input is a list of steps:
 *
 *   ['append', list, value]   adds the value at the end of the list; every value is appended to a list once in a history
 *   ['read', list]            reads the whole list
 *
 * The output has one entry for each step: the list that was read, or null for an append. When the outcome is unknown, there
 * is no output.
 */
import { assert } from '../../../base/assert.ts';
import type { Operation } from '../history.ts';
import { showList, showValue, type Value } from '../models/values.ts';

export const TRANSACTIONS = 'transactions';

export type Step = readonly ['append', string, Value] | readonly ['read', string];
export type TransactionInput = readonly Step[];
export type TransactionOutput = readonly (readonly Value[] | null)[];
export type TransactionOperation = Operation<TransactionInput, TransactionOutput>;

/** One transaction, taken apart by list. */
export interface Transaction {
  /** `T` and its place in the history, counted from 1. */
  readonly name: string;
  readonly operation: TransactionOperation;
  /** What it appended to each list, in order. */
  readonly appends: ReadonlyMap<string, readonly Value[]>;
  /** The first read of each list without what the transaction itself had appended before: what others had written. */
  readonly reads: ReadonlyMap<string, readonly Value[]>;
  /** The longest it saw of each list, what it had appended itself included. */
  readonly observed: ReadonlyMap<string, readonly Value[]>;
  /** Contradictions between its own steps, in words. */
  readonly contradictions: readonly string[];
}

/** Throws RangeError when the output does not have one entry for each step. */
export function takeApart(operation: TransactionOperation, name: string): Transaction {
  const { input, output } = operation;
  const known = operation.outcome === 'ok' && output !== undefined;
  if (known && output.length !== input.length)
    throw new RangeError(`${name} has ${input.length} steps and other outputs`);
  const appends = new Map<string, Value[]>();
  const reads = new Map<string, readonly Value[]>();
  const observed = new Map<string, readonly Value[]>();
  const contradictions: string[] = [];
  for (const [index, step] of input.entries()) {
    const own = appends.get(step[1]) ?? [];
    if (step[0] === 'append') {
      appends.set(step[1], [...own, step[2]]);
      continue;
    }
    const seen = known ? output[index] : undefined;
    if (seen === undefined || seen === null) continue;
    const foreign = withoutOwn(seen, own);
    const expected = reads.get(step[1]);
    if (foreign === undefined) {
      contradictions.push(
        `${name} read ${step[1]} as ${showList(seen)}, though it had itself appended ${showList(own)}`,
      );
    } else if (expected === undefined || isSame(expected, foreign)) {
      reads.set(step[1], foreign);
      observed.set(step[1], seen);
    } else {
      const should = showList([...expected, ...own]);
      contradictions.push(
        `${name} read ${step[1]} as ${showList(seen)}, though it had read before what makes it ${should}`,
      );
    }
  }
  return { name, operation, appends, reads, observed, contradictions };
}

/** What stands before the transaction's own values; undefined when they are not at the end. */
function withoutOwn(seen: readonly Value[], own: readonly Value[]): readonly Value[] | undefined {
  const start = seen.length - own.length;
  if (start < 0 || own.some((value, index) => seen[start + index] !== value)) return undefined;
  return seen.slice(0, start);
}

export function isBeginning(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length <= b.length && a.every((value, index) => value === b[index]);
}

function isSame(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && isBeginning(a, b);
}

/** `append x 1, read y → [2]` */
export function describeTransaction({ input, output }: TransactionOperation): string {
  const steps = input.map((step, index) => {
    if (step[0] === 'append') return `append ${step[1]} ${showValue(step[2])}`;
    const seen = output?.[index];
    return seen === undefined || seen === null ? `read ${step[1]}` : `read ${step[1]} → ${showList(seen)}`;
  });
  return steps.join(', ');
}

/** The last value that the transaction appended to the list; it must have appended one. */
export function lastAppend(transaction: Transaction, list: string): Value {
  const value = transaction.appends.get(list)?.at(-1);
  assert(value !== undefined, 'the transaction appends to the list');
  return value;
}
