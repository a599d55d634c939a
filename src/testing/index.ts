/**
 * `folkmoot/testing`: real clusters for tests, and faults to put into them. Every node is a process of its own on loopback,
 * on addresses and ports that nothing else uses, so test files may run at the same time. See docs/testing.md. And what
 * judges what the clients of a cluster were told: histories and their checkers. See docs/internals/checker.md.
 *
 * @example
 * const cluster = await createCluster({ nodes: 3 });
 * const redis = new Redis.Cluster(cluster.nodes.map(({ host, ports }) => ({ host, port: ports.redis })));
 * await redis.set('greeting', 'hello');
 * await cluster.kill(await cluster.leaderOf('greeting'));
 * await redis.get('greeting'); // 'hello'
 * redis.disconnect();
 * await cluster.close();
 */
export type { ClusterStatus, NodeStatus, TabletStatus } from '../admin/cluster-status.ts';
export { FolkmootError } from '../base/errors.ts';
export { type Cluster, type ClusterOptions, createCluster, type WaitOptions } from './cluster.ts';
export type { ClusterNode } from './cluster-node.ts';
export {
  type CheckOptions,
  checkHistory,
  checkKey,
  type HistoryResult,
  type KeyResult,
  type Verdict,
} from './linearizability/checker.ts';
export {
  countElements,
  countIncrements,
  type ElementCount,
  type IncrementCount,
  type LostWrite,
  lostWrites,
  type StaleRead,
  staleReads,
} from './linearizability/counting.ts';
export {
  type History,
  HistoryRecorder,
  type Operation,
  type OperationHandle,
  type Outcome,
} from './linearizability/history.ts';
export {
  decodeHistory,
  decodeHistoryLines,
  encodeHistory,
  encodeHistoryLines,
} from './linearizability/history-codec.ts';
export type { Anomaly, AnomalyKind } from './linearizability/list-append/anomaly.ts';
export {
  checkTransactions,
  type TransactionOptions,
  type TransactionResult,
} from './linearizability/list-append/check-transactions.ts';
export type {
  TransactionInput,
  TransactionOperation,
  TransactionOutput,
} from './linearizability/list-append/transaction.ts';
export type { Candidate, Facts, Model, Prepared } from './linearizability/model.ts';
export { MODELS } from './linearizability/models/all.ts';
export { type CounterInput, type CounterOutput, counter } from './linearizability/models/counter.ts';
export { hash } from './linearizability/models/hash.ts';
export type { HashInput, HashOutput } from './linearizability/models/hash-state.ts';
export { type ListInput, type ListOutput, list } from './linearizability/models/list.ts';
export { type RegisterInput, type RegisterOutput, register } from './linearizability/models/register.ts';
export { type SetInput, type SetOutput, set } from './linearizability/models/set.ts';
export { drawHistory, type PictureOptions } from './linearizability/picture.ts';
