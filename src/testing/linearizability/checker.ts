/**
 * Is a history linearizable? Each operation must appear to happen at one moment between its call and its return, so that
 * the outputs are those of a single copy (Herlihy and Wing 1990). A history is linearizable exactly if the operations on
 * each key are by themselves, so keys are checked one by one (P-compositionality, Horn and Kroening 2015).
 *
 * The search is in `search/`. What is pure here stays pure: no clock, no I/O, the same answer for the same history.
 */
import type { History, Operation } from './history.ts';
import type { Anomaly } from './list-append/anomaly.ts';
import { checkTransactions } from './list-append/check-transactions.ts';
import { TRANSACTIONS, type TransactionOperation } from './list-append/transaction.ts';
import type { Candidate, Model, Prepared } from './model.ts';
import { MODELS } from './models/all.ts';
import { linearizeByPart } from './search/by-part.ts';

/** `unknown`: the search was given up after as many steps as the options allow. */
export type Verdict = 'linearizable' | 'violation' | 'unknown';

export interface CheckOptions {
  /** How often the model may be asked for each key; 10,000,000 when left out. A step takes 0.1 to 1 us. */
  readonly maxSteps?: number;
  /** Further models by the names that the history uses. */
  readonly models?: Readonly<Record<string, Model>>;
}

export interface KeyResult {
  readonly key: string;
  readonly model: Model;
  readonly verdict: Verdict;
  /** How often the model was asked. */
  readonly steps: number;
  /** The operations on the key, as they are in the history. */
  readonly operations: readonly Operation[];
  /**
   * An order that explains the outputs. When linearizable: all operations that are ok, and those of unknown outcome that are
   * needed. Otherwise the one that came furthest in time.
   */
  readonly linearization: readonly Operation[];
  /**
   * After a violation, the operation that fits nowhere: no order explains the outputs of all operations that had returned
   * when this one did. Up to the return before it, `linearization` does, unless that was too long to search.
   */
  readonly blocked: Operation | undefined;
}

export interface HistoryResult {
  /** `violation` when some key has one or there is an anomaly, else `unknown` when some key is, else `linearizable`. */
  readonly verdict: Verdict;
  /** In order of the keys' first operations, without keys of transactions. */
  readonly keys: readonly KeyResult[];
  /** Of the transactions of the history, all of which are checked together (`list-append/`). */
  readonly anomalies: readonly Anomaly[];
}

const MAX_STEPS = 10_000_000;

/** Checks every key with its own model, and all transactions together for strict serializability. Throws RangeError when there is no model of the name that the history gives. */
export function checkHistory(history: History, options: CheckOptions = {}): HistoryResult {
  const models = { ...MODELS, ...options.models };
  const byKey = new Map<string, Operation[]>();
  const transactions: Operation[] = [];
  for (const operation of history.operations) {
    if (history.models.get(operation.key) === TRANSACTIONS) {
      transactions.push(operation);
      continue;
    }
    const operations = byKey.get(operation.key);
    if (operations === undefined) byKey.set(operation.key, [operation]);
    else operations.push(operation);
  }
  const keys: KeyResult[] = [];
  for (const [key, operations] of byKey) {
    const name = history.models.get(key) ?? '';
    const model = models[name];
    if (model === undefined) throw new RangeError(`the model ${JSON.stringify(name)} of key ${key} is not known`);
    keys.push(checkKey(model, operations, options));
  }
  const { anomalies } = checkTransactions(transactions as TransactionOperation[]);
  const verdict = anomalies.length > 0 ? 'violation' : worst(keys.map((result) => result.verdict));
  return { verdict, keys, anomalies };
}

/** Checks operations that are all on one key. */
export function checkKey<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  options: Pick<CheckOptions, 'maxSteps'> = {},
): KeyResult {
  const candidates = candidatesOf(model, operations);
  const prepared: Prepared<State, Input, Output> = model.prepare?.(candidates) ?? { candidates };
  const { verdict, steps, placed, blocked } = linearizeByPart(model, prepared, options.maxSteps ?? MAX_STEPS);
  return {
    key: operations[0]?.key ?? '',
    model: model as Model,
    verdict,
    steps,
    operations,
    linearization: placed.map(({ operation }) => operation),
    blocked: blocked?.operation,
  };
}

/** Operations that failed never happened; a read of unknown outcome says nothing and does nothing. */
function candidatesOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Candidate<Input, Output>[] {
  const candidates: Candidate<Input, Output>[] = [];
  for (const operation of operations) {
    const { call, input, outcome } = operation;
    if (outcome === 'failed' || (outcome === 'unknown' && model.isRead(input, undefined))) continue;
    const known = outcome === 'ok';
    if (known && !(Number.isFinite(operation.return) && operation.return >= call)) {
      throw new RangeError('an operation that is ok returns at a finite time, not before its call');
    }
    const output = known ? operation.output : undefined;
    candidates.push({ operation, input, output, call, return: known ? operation.return : Number.POSITIVE_INFINITY });
  }
  return candidates;
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('violation')) return 'violation';
  return verdicts.includes('unknown') ? 'unknown' : 'linearizable';
}
