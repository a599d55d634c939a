/**
 * Which transaction must come before which (Adya's direct serialization graph, 1999):
 *
 *   ww   the second appended to a list right after the first
 *   wr   the second read what the first had appended
 *   rw   the second appended what the first did not see yet
 *   rt   the first had ended before the second began; only for strict serializability
 */
import { showValue, type Value } from '../models/values.ts';
import type { Transaction } from './transaction.ts';
import type { ListHistory } from './version-order.ts';

/** Bits, so that a set of kinds is a number. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
export const RT = 8;

export interface Edge {
  readonly to: number;
  readonly kind: number;
  /** Why, in words. */
  readonly reason: () => string;
}

export interface DependencyGraph {
  /** The nodes: transactions that certainly happened. */
  readonly transactions: readonly Transaction[];
  /** For each node, what must come after it. */
  readonly edges: readonly (readonly Edge[])[];
}

export function dependencies(
  transactions: readonly Transaction[],
  lists: readonly ListHistory[],
  realTime: boolean,
): DependencyGraph {
  const happened = certain(transactions, lists);
  const builder = new GraphBuilder(happened);
  for (const list of lists) addListEdges(builder, list);
  if (realTime) addRealTimeEdges(builder, happened);
  return { transactions: happened, edges: builder.edges };
}

/** Transactions that are ok, and those of unknown outcome of which somebody saw a value. */
function certain(transactions: readonly Transaction[], lists: readonly ListHistory[]): Transaction[] {
  const seen = new Set<Transaction>();
  for (const { order, writers } of lists) {
    for (const value of order) {
      const writer = writers.get(value);
      if (writer !== undefined) seen.add(writer);
    }
  }
  return transactions.filter((transaction) => {
    const { outcome } = transaction.operation;
    return outcome === 'ok' || (outcome === 'unknown' && seen.has(transaction));
  });
}

class GraphBuilder {
  readonly edges: Edge[][];
  readonly #transactions: readonly Transaction[];
  readonly #numbers: Map<Transaction, number>;

  constructor(transactions: readonly Transaction[]) {
    this.#transactions = transactions;
    this.edges = transactions.map(() => []);
    this.#numbers = new Map(transactions.map((transaction, number) => [transaction, number]));
  }

  /** True when it is a node. */
  has(transaction: Transaction | undefined): transaction is Transaction {
    return transaction !== undefined && this.#numbers.has(transaction);
  }

  add(kind: number, from: Transaction, to: Transaction, reason: () => string): void {
    if (from === to) return;
    const source = this.#numbers.get(from);
    const target = this.#numbers.get(to);
    if (source === undefined || target === undefined) return;
    this.edges[source]?.push({ to: target, kind, reason });
  }

  addRealTime(from: Transaction, to: Transaction): void {
    const source = this.#numbers.get(from) ?? 0;
    this.edges[source]?.push(realTimeEdge(this.#transactions, source, this.#numbers.get(to) ?? 0));
  }
}

interface Version {
  readonly value: Value;
  readonly writer: Transaction;
  /** How many values the list has with it. */
  readonly length: number;
}

function addListEdges(builder: GraphBuilder, list: ListHistory): void {
  const { name } = list;
  const versions: Version[] = [];
  for (const [index, value] of list.order.entries()) {
    const writer = list.writers.get(value);
    if (builder.has(writer)) versions.push({ value, writer, length: index + 1 });
  }
  // What nobody read but certainly was appended comes after everything that was read: values do not go away.
  const unread: Version[] = [];
  for (const [value, writer] of list.writers) {
    if (!list.seen.has(value) && builder.has(writer)) unread.push({ value, writer, length: list.order.length + 1 });
  }
  const follows = (first: Version, second: Version): void =>
    builder.add(WW, first.writer, second.writer, () => {
      const values = `${showValue(first.value)} to ${name}, and ${second.writer.name} appended ${showValue(second.value)}`;
      return `${first.writer.name} appended ${values} after it`;
    });
  for (const [index, version] of versions.entries()) {
    const next = versions[index + 1];
    if (next !== undefined) follows(version, next);
  }
  const newest = versions.at(-1);
  if (newest !== undefined) for (const version of unread) follows(newest, version);

  for (const { reader, foreign } of list.reads) {
    const next = firstLonger(versions, foreign.length);
    const last = versions[next - 1];
    if (last !== undefined) {
      builder.add(WR, last.writer, reader, () => {
        return `${reader.name} read ${name} with ${showValue(last.value)}, which ${last.writer.name} had appended`;
      });
    }
    const missed = versions[next];
    for (const version of missed === undefined ? unread : [missed]) {
      builder.add(RW, reader, version.writer, () => {
        return `${reader.name} read ${name} without ${showValue(version.value)}, which ${version.writer.name} appended`;
      });
    }
  }
}

/** The index of the first version that makes the list longer than `length`. */
function firstLonger(versions: readonly Version[], length: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((versions[middle] as Version).length > length) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Real time by as few edges as possible: when a transaction begins, those have ended that no other transaction lies behind
 * as a whole; everything that ended earlier comes before one of them.
 */
function addRealTimeEdges(builder: GraphBuilder, transactions: readonly Transaction[]): void {
  const begins = [...transactions].sort((a, b) => a.operation.call - b.operation.call);
  const ends = [...transactions].sort((a, b) => a.operation.return - b.operation.return);
  let ended = 0;
  let frontier: Transaction[] = [];
  for (const transaction of begins) {
    for (; ended < ends.length; ended++) {
      const next = ends[ended] as Transaction;
      if (next.operation.return >= transaction.operation.call) break;
      frontier = frontier.filter(({ operation }) => operation.return >= next.operation.call);
      frontier.push(next);
    }
    for (const earlier of frontier) builder.addRealTime(earlier, transaction);
  }
}

/** That one transaction had ended before another began; nothing here checks that it had. */
export function realTimeEdge(transactions: readonly Transaction[], from: number, to: number): Edge {
  const reason = (): string => `${transactions[from]?.name} had ended before ${transactions[to]?.name} began`;
  return { to, kind: RT, reason };
}
