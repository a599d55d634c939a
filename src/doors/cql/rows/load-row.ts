/** Reads one row, or a partition's static row, into a view. */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { ELEMENT, ROW_END, ROW_VALUE, rowKey } from './layout.ts';
import type { StoredRow } from './row-value.ts';
import type { ElementList, RowView } from './row-view.ts';

/** The view is in the row's partition. False when there is no such row in the store. */
export function loadRow(transaction: Transaction, view: RowView, key: ByteKey): boolean {
  view.enterRow(key);
  return load(transaction, key, view.row, view.elements);
}

export function loadStatics(transaction: Transaction, view: RowView): void {
  load(transaction, rowKey(view.partition, null), view.statics, view.staticElements);
}

function load(transaction: Transaction, key: ByteKey, row: StoredRow, elements: ElementList): boolean {
  const value = transaction.get(key + ROW_VALUE);
  elements.clear();
  if (value === undefined) {
    row.clear();
    return false;
  }
  row.parse(value);
  if (row.mayHaveElements) {
    transaction.scan(key + ELEMENT, key + ROW_END, false, (at, bytes) => {
      elements.add(at, key.length, bytes);
      return true;
    });
  }
  return true;
}
