/**
 * In which order a list got its values. Lists only grow, so the longest read tells the order of everything in it, and every
 * other read must be a beginning of it.
 */
import { showList, showValue, type Value } from '../models/values.ts';
import type { Anomaly } from './anomaly.ts';
import { isBeginning, lastAppend, type Transaction } from './transaction.ts';

export interface Read {
  readonly reader: Transaction;
  /** The list as it was before the reader's own appends. */
  readonly foreign: readonly Value[];
  /** The list as it was at the reader's last read of it. */
  readonly observed: readonly Value[];
}

/** One list of the history. */
export interface ListHistory {
  readonly name: string;
  /** Values in the order in which they were appended, as far as somebody read them. */
  readonly order: readonly Value[];
  /** All values that somebody read; more than `order` only when reads contradict each other. */
  readonly seen: ReadonlySet<Value>;
  /** Who appended a value; transactions that failed included. */
  readonly writers: ReadonlyMap<Value, Transaction>;
  /** Reads that are beginnings of `order`. */
  readonly reads: readonly Read[];
  /** When the last read of the list began; -Infinity when nobody read it. */
  readonly lastReadCall: number;
}

interface Draft {
  readonly name: string;
  readonly writers: Map<Value, Transaction>;
  readonly reads: Read[];
}

type Report = (anomaly: Anomaly) => void;

/** Throws RangeError when a value is appended to the same list twice, because then reads do not tell who wrote what they saw. */
export function listHistories(transactions: readonly Transaction[], report: Report): ListHistory[] {
  const drafts = new Map<string, Draft>();
  const of = (name: string): Draft => {
    let draft = drafts.get(name);
    if (draft === undefined) {
      draft = { name, writers: new Map(), reads: [] };
      drafts.set(name, draft);
    }
    return draft;
  };
  for (const reader of transactions) {
    for (const [name, values] of reader.appends) {
      const { writers } = of(name);
      for (const value of values) {
        if (writers.has(value)) throw new RangeError(`the history appends ${showValue(value)} to ${name} twice`);
        writers.set(value, reader);
      }
    }
    for (const [name, foreign] of reader.reads) {
      of(name).reads.push({ reader, foreign, observed: reader.observed.get(name) ?? foreign });
    }
  }
  return [...drafts.values()].map((draft) => historyOf(draft, report));
}

function historyOf({ name, writers, reads }: Draft, report: Report): ListHistory {
  let longest: Read | undefined;
  let lastReadCall = Number.NEGATIVE_INFINITY;
  for (const read of reads) {
    if (longest === undefined || read.observed.length > longest.observed.length) longest = read;
    lastReadCall = Math.max(lastReadCall, read.reader.operation.call);
  }
  if (longest === undefined) return { name, order: [], seen: new Set(), writers, reads, lastReadCall };
  const order = longest.observed;
  reportStrangeValues(name, longest, writers, report);
  const seen = new Set(order);
  const fitting: Read[] = [];
  for (const read of reads) {
    if (isBeginning(read.observed, order)) {
      fitting.push(read);
      reportIntermediateRead(name, read, writers, report);
    } else {
      report(incompatible(name, read, longest));
      for (const value of read.observed) seen.add(value);
    }
  }
  reportAbortedReads(name, fitting, order, writers, report);
  return { name, order, seen, writers, reads: fitting, lastReadCall };
}

function reportStrangeValues(
  name: string,
  { reader, observed }: Read,
  writers: ReadonlyMap<Value, Transaction>,
  report: Report,
): void {
  const found = new Set<Value>();
  for (const value of observed) {
    const writer = writers.get(value);
    if (found.has(value)) {
      const text = `${reader.name} read ${name} as ${showList(observed)}, in which ${showValue(value)} stands twice.`;
      const transactions = writer === undefined ? [reader] : [writer, reader];
      report({ kind: 'duplicate-append', text, transactions: transactions.map(({ operation }) => operation) });
    } else if (writer === undefined) {
      const text = `${reader.name} found ${showValue(value)} in ${name}, which nobody appended.`;
      report({ kind: 'phantom', text, transactions: [reader.operation] });
    }
    found.add(value);
  }
}

function incompatible(name: string, read: Read, longest: Read): Anomaly {
  const text =
    `${read.reader.name} read ${name} as ${showList(read.observed)}, and ${longest.reader.name} read it as ` +
    `${showList(longest.observed)}: neither is the beginning of the other.`;
  return { kind: 'incompatible-order', text, transactions: [read.reader.operation, longest.reader.operation] };
}

/** G1a, once for each value: its first reader. */
function reportAbortedReads(
  name: string,
  reads: readonly Read[],
  order: readonly Value[],
  writers: ReadonlyMap<Value, Transaction>,
  report: Report,
): void {
  for (const [position, value] of order.entries()) {
    const writer = writers.get(value);
    if (writer?.operation.outcome !== 'failed') continue;
    const reader = reads.find(({ observed }) => observed.length > position)?.reader;
    if (reader === undefined) continue;
    const text = `${reader.name} read ${showValue(value)} in ${name}, which ${writer.name} appended, and ${writer.name} failed.`;
    report({ kind: 'G1a', text, transactions: [writer.operation, reader.operation] });
  }
}

/** G1b. */
function reportIntermediateRead(
  name: string,
  { reader, foreign }: Read,
  writers: ReadonlyMap<Value, Transaction>,
  report: Report,
): void {
  const last = foreign.at(-1);
  const writer = last === undefined ? undefined : writers.get(last);
  if (last === undefined || writer === undefined || writer === reader) return;
  const final = lastAppend(writer, name);
  if (final === last) return;
  const text =
    `${reader.name} read ${name} up to ${showValue(last)}, which ${writer.name} appended before it appended ` +
    `${showValue(final)} in the same transaction.`;
  report({ kind: 'G1b', text, transactions: [writer.operation, reader.operation] });
}
