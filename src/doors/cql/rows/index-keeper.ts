/** Keeps the entries of a row in its table's indexes as the row is, within the transaction that changes it. */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { addEntries, type Entries } from './index-entries.ts';
import { STATIC_AREA } from './layout.ts';
import { loadRow, loadStatics } from './load-row.ts';
import { RowView } from './row-view.ts';
import type { RowPlace } from './upsert.ts';

export type { Entries } from './index-entries.ts';

export class IndexKeeper {
  readonly #view = new RowView();

  entriesOf(transaction: Transaction, { key, table, slotFirst }: RowPlace, partition: ByteKey): Entries {
    const view = this.#view;
    const entries: Entries = new Map();
    // At the beginning of time nothing has expired: an entry is there for everything that is stored.
    view.begin(table, 0);
    view.enterPartition(partition);
    if (key[partition.length] === STATIC_AREA) {
      loadStatics(transaction, view);
      addEntries(view, true, key, slotFirst, entries);
    } else if (loadRow(transaction, view, key)) addEntries(view, false, key, slotFirst, entries);
    return entries;
  }

  /** The row has been changed: entries that it had and has not any more go, new ones come. */
  replace(transaction: Transaction, place: RowPlace, partition: ByteKey, before: ReadonlyMap<ByteKey, Buffer>): void {
    const after = this.entriesOf(transaction, place, partition);
    for (const entry of before.keys()) if (!after.has(entry)) transaction.delete(entry);
    for (const [entry, value] of after) if (!before.has(entry)) transaction.put(entry, value);
  }
}
