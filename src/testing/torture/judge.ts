/**
 * What a history proves. The checker says whether any order of the operations explains what the clients were told; beside it,
 * writes that leave a trace are counted: lost, twice, or there although they were refused.
 */
import type { Verdict as CheckVerdict, HistoryResult, KeyResult } from '../linearizability/checker.ts';
import { checkHistory } from '../linearizability/checker.ts';
import type { History, Operation } from '../linearizability/history.ts';
import { checkTransactions } from '../linearizability/list-append/check-transactions.ts';
import type { TransactionOperation } from '../linearizability/list-append/transaction.ts';
import type { Model } from '../linearizability/model.ts';
import { type ListsInput, type ListsOutput, lists } from './models/lists.ts';
import type { Workload } from './workload.ts';

export interface Finding {
  readonly key: string;
  readonly workload: string;
  readonly verdict: CheckVerdict;
  readonly result: KeyResult;
}

export interface Judgement {
  /** Acknowledged writes that the last read of their key does not show. */
  readonly lost: readonly string[];
  /** Writes that are there more than once. */
  readonly duplicated: readonly string[];
  /** Writes that are there although they were said not to have been done. */
  readonly undead: readonly string[];
  /** Writes of which a part is there and a part is not. */
  readonly torn: readonly string[];
  /** Keys whose history has no explanation, or one that was not found in time. */
  readonly findings: readonly Finding[];
  /** Anomalies of transactions over several lists, each in words. */
  readonly anomalies: readonly string[];
  readonly keys: number;
}

/** `maxSteps`: the budget of the search for each key; the checker's own, 10 million, when left out. */
export function judge(
  history: History,
  workloadOf: (key: string) => Workload,
  options: { readonly maxSteps?: number } = {},
): Judgement {
  const traces = { lost: [] as string[], duplicated: [] as string[], undead: [] as string[], torn: [] as string[] };
  const anomalies: string[] = [];
  const models: Record<string, Model> = {};
  const explained = new Set<string>();
  const byKey = new Map<string, Operation[]>();
  for (const operation of history.operations) {
    const operations = byKey.get(operation.key);
    if (operations === undefined) byKey.set(operation.key, [operation]);
    else operations.push(operation);
  }
  for (const [key, operations] of byKey) {
    const workload = workloadOf(key);
    if (workload.modelOf !== undefined) models[workload.model] = workload.modelOf;
    traceKey(key, operations, workload, traces);
    countKey(key, operations, workload, traces);
    if (workload.model !== lists.name || workload.parts !== undefined) continue;
    const found = anomaliesOf(key, operations);
    anomalies.push(...found);
    if (found.length === 0 && tellsAll(operations, workload)) explained.add(key);
  }
  const result: HistoryResult = checkHistory(inParts(history, byKey, workloadOf), { ...options, models });
  const findings = result.keys
    .filter(({ key, verdict }) => verdict === 'violation' || (verdict === 'unknown' && !explained.has(key)))
    .map((key) => ({ key: key.key, workload: workloadOf(key.key).name, verdict: key.verdict, result: key }));
  return { ...traces, anomalies, findings, keys: result.keys.length };
}

/** Operations that need not happen at one moment are cut into those that do. */
function inParts(
  history: History,
  byKey: ReadonlyMap<string, readonly Operation[]>,
  workloadOf: (key: string) => Workload,
): History {
  const operations: Operation[] = [];
  const models = new Map<string, string>();
  for (const [key, whole] of byKey) {
    const { parts } = workloadOf(key);
    if (parts === undefined) {
      models.set(key, history.models.get(key) ?? '');
      operations.push(...whole);
      continue;
    }
    for (const part of whole.flatMap((operation) => parts.of(operation))) {
      models.set(part.key, parts.model);
      operations.push(part);
    }
  }
  return { operations, models };
}

/** The cycle checker names what is wrong with transactions, where the search can only say that nothing explains them. */
function anomaliesOf(key: string, operations: readonly Operation[]): string[] {
  const transactions = operations.map(({ input, output, ...operation }): TransactionOperation => {
    const told = output as ListsOutput | undefined;
    const reads = told?.map((item) => (typeof item === 'number' ? null : item));
    return { ...operation, input: input as ListsInput, output: reads };
  });
  return checkTransactions(transactions).anomalies.map(({ kind, text }) => `${key}: ${kind}: ${text}`);
}

/**
 * Whether that the cycle checker finds nothing is a proof, for keys on which the search is given up: the last operation reads every list
 * after all others have ended, so the order of all appends is known, and each append was told its own place in it.
 */
function tellsAll(operations: readonly Operation[], workload: Workload): boolean {
  const last = lastRead(operations, workload);
  if (last === undefined) return false;
  const final = new Map<string, readonly unknown[]>();
  for (const [index, step] of (last.input as ListsInput).entries()) {
    const told = (last.output as ListsOutput)[index];
    if (step[0] === 'read' && typeof told !== 'number' && told !== undefined) final.set(step[1], told);
  }
  return operations.every((operation) => {
    const { outcome, output, return: end } = operation;
    if (operation !== last && outcome === 'ok' && end >= last.call) return false;
    return (operation.input as ListsInput).every((step, index) => {
      const list = final.get(step[1]);
      const told = outcome === 'ok' ? (output as ListsOutput | undefined)?.[index] : undefined;
      return list !== undefined && (typeof told !== 'number' || list[told - 1] === step[2]);
    });
  });
}

interface Traces {
  readonly lost: string[];
  readonly duplicated: string[];
  readonly undead: string[];
  readonly torn: string[];
}

/** Compares what was written with what the last read shows. */
function traceKey(key: string, operations: readonly Operation[], workload: Workload, traces: Traces): void {
  if (workload.trace === undefined) return;
  const last = lastRead(operations, workload);
  if (last === undefined) return;
  const counts = new Map<string, number>();
  for (const item of workload.trace.shown(last.output)) counts.set(item, (counts.get(item) ?? 0) + 1);
  for (const operation of operations) {
    const items = workload.trace.written(operation.input);
    const there = items.filter((item) => counts.has(item)).length;
    if (there > 0 && there < items.length) traces.torn.push(`${key}: ${items.join(', ')}`);
    for (const item of items) {
      const count = counts.get(item) ?? 0;
      if (operation.outcome === 'ok' && count === 0) traces.lost.push(`${key}: ${item}`);
      if (operation.outcome === 'failed' && count > 0) traces.undead.push(`${key}: ${item}`);
      if (count > 1) traces.duplicated.push(`${key}: ${item}`);
    }
  }
}

/** Of a counter only the sum is known: at least what was acknowledged, at most that and what is unknown. */
function countKey(key: string, operations: readonly Operation[], workload: Workload, traces: Traces): void {
  if (workload.model !== 'counter') return;
  const last = lastRead(operations, workload);
  if (last === undefined) return;
  const writes = operations.filter(({ input }) => workload.isWrite(input));
  const acknowledged = writes.filter(({ outcome }) => outcome === 'ok').length;
  const unknown = writes.filter(({ outcome }) => outcome === 'unknown').length;
  const value = Number(last.output);
  for (let n = value; n < acknowledged; n++) traces.lost.push(`${key}: an increment`);
  for (let n = acknowledged + unknown; n < value; n++) traces.duplicated.push(`${key}: an increment`);
}

/** The last operation of a key, when it is a read that nothing overlaps. */
function lastRead(operations: readonly Operation[], workload: Workload): Operation | undefined {
  const last = operations.at(-1);
  return last !== undefined && last.outcome === 'ok' && !workload.isWrite(last.input) ? last : undefined;
}
