/** The workloads of every run, as a table. A door or a type that is to be verified gets a line here. */
import type { Workload } from '../workload.ts';
import { appendWorkload } from './append.ts';
import { hashWorkload, listWorkload, setWorkload, sortedSetWorkload } from './collections.ts';
import { counterWorkload } from './counter.ts';
import { cqlCounterWorkload } from './cql-counter.ts';
import { cqlBatchWorkload, cqlListWorkload, cqlLoggedBatchWorkload } from './cql-lists.ts';
import { cqlOnceWorkload, cqlRegisterWorkload } from './cql-registers.ts';
import { lockWorkload } from './lock.ts';
import { onceWorkload } from './once.ts';
import { registerWorkload } from './register.ts';
import { transactionsWorkload } from './transactions.ts';

export const WORKLOADS: readonly Workload[] = [
  registerWorkload,
  counterWorkload,
  appendWorkload,
  lockWorkload,
  transactionsWorkload,
  listWorkload,
  setWorkload,
  sortedSetWorkload,
  hashWorkload,
  onceWorkload,
  cqlRegisterWorkload,
  cqlCounterWorkload,
  cqlListWorkload,
  cqlBatchWorkload,
  cqlLoggedBatchWorkload,
  cqlOnceWorkload,
];

/** The workload of a key: keys begin with its name. */
export function workloadNamed(key: string): Workload {
  const name = /^\{?(\w+):/.exec(key)?.[1] ?? '';
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new RangeError(`${key} is a key of no workload`);
  return workload;
}
