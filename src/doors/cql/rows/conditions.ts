/** IF: conditions on rows of one partition, evaluated in the transaction of the write that they guard. */
import type { Transaction } from '../../../tablet/operation.ts';
import type { Conditions, RowCondition, RowPage } from './commands.ts';
import { rowKey } from './layout.ts';
import { loadRow, loadStatics } from './load-row.ts';
import { PageWriter } from './page-writer.ts';
import { holds } from './predicates.ts';
import { RowView } from './row-view.ts';

const view = new RowView();
const page = new PageWriter();

/** Null when all conditions hold; else the rows as they are. */
export function unmetConditions(transaction: Transaction, conditions: Conditions): RowPage | null {
  const { table, partition, rows } = conditions;
  view.begin(table, transaction.now_ms);
  view.enterPartition(partition);
  if (table.statics.length > 0) loadStatics(transaction, view);
  for (const row of rows) if (!isMet(transaction, row)) return currentRows(transaction, conditions);
  return null;
}

function isMet(transaction: Transaction, { clustering, existence, predicates }: RowCondition): boolean {
  const exists = enter(transaction, clustering);
  if (existence !== null && exists !== (existence === 'exists')) return false;
  for (const predicate of predicates) if (!holds(view, predicate)) return false;
  return true;
}

/** Whether there is such a row; the static row for null. */
function enter(transaction: Transaction, clustering: string | null): boolean {
  if (clustering === null) {
    view.enterStaticOnly(rowKey(view.partition, null));
    return view.hasStatics;
  }
  loadRow(transaction, view, rowKey(view.partition, clustering));
  return view.exists;
}

function currentRows(transaction: Transaction, { rows, projection }: Conditions): RowPage {
  page.begin();
  const shown = new Set<string>();
  for (const { clustering } of [...rows].sort(byClustering)) {
    if (clustering === null || shown.has(clustering)) continue;
    shown.add(clustering);
    if (enter(transaction, clustering)) view.write(projection, page);
  }
  // Of a partition without these rows its static columns are shown, if they have been looked at.
  const hasStatics = projection.wanted.some(({ column }) => column.kind === 'static');
  if (page.rowCount === 0 && hasStatics && enter(transaction, null)) view.write(projection, page);
  return page.take(null, false);
}

function byClustering(a: RowCondition, b: RowCondition): number {
  const left = a.clustering ?? '';
  const right = b.clustering ?? '';
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
