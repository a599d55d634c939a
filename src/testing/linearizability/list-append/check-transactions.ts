/**
 * Are transactions over lists (strictly) serializable? The way of Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation
 * Anomalies from Experimental Observations", 2020): reads of append-only lists tell in which order the writes happened, from
 * that follows which transaction must come before which, and a cycle of that is an anomaly. Takes time in proportion to the
 * history, however many clients there were.
 *
 * Everything that is reported is wrong (with `realTime`, of a strictly serializable store; without, of a serializable one).
 * Nothing is overlooked when the last transaction reads all lists after all others have ended.
 */

import { showValue } from '../models/values.ts';
import type { Anomaly } from './anomaly.ts';
import { findCycles } from './cycles.ts';
import { dependencies } from './dependencies.ts';
import { type TransactionOperation, takeApart } from './transaction.ts';
import { type ListHistory, listHistories } from './version-order.ts';

export interface TransactionOptions {
  /** False: a transaction may take effect before it began or after it ended. True when left out. */
  readonly realTime?: boolean;
}

export interface TransactionResult {
  readonly verdict: 'serializable' | 'violation';
  readonly anomalies: readonly Anomaly[];
}

/**
 * Throws RangeError for histories that it cannot judge: a value that is appended twice to the same list, an output that does
 * not fit its input.
 */
export function checkTransactions(
  operations: readonly TransactionOperation[],
  { realTime = true }: TransactionOptions = {},
): TransactionResult {
  const transactions = operations.map((operation, index) => takeApart(operation, `T${index + 1}`));
  const anomalies: Anomaly[] = [];
  for (const { contradictions, operation } of transactions) {
    for (const text of contradictions)
      anomalies.push({ kind: 'internal', text: `${text}.`, transactions: [operation] });
  }
  const lists = listHistories(transactions, (anomaly) => anomalies.push(anomaly));
  if (realTime) for (const list of lists) anomalies.push(...lostAppends(list));
  anomalies.push(...findCycles(dependencies(transactions, lists, realTime)));
  return { verdict: anomalies.length === 0 ? 'serializable' : 'violation', anomalies };
}

/** Acknowledged appends that no read shows although one began after the acknowledgement. */
function lostAppends({ name, seen, writers, lastReadCall }: ListHistory): Anomaly[] {
  const lost: Anomaly[] = [];
  for (const [value, writer] of writers) {
    const { outcome, return: returned } = writer.operation;
    if (outcome !== 'ok' || seen.has(value) || !(returned < lastReadCall)) continue;
    const text = `${writer.name} was told that it had appended ${showValue(value)} to ${name}, and no read shows it, not even one that began later.`;
    lost.push({ kind: 'lost-append', text, transactions: [writer.operation] });
  }
  return lost;
}
