/** Removes from a row what has expired, when the moment of its entry in the expiry index has come. */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { Table } from '../schema/model.ts';
import type { Stamp } from './commands.ts';
import { moveExpiryEntry } from './expiry.ts';
import { IndexKeeper } from './index-keeper.ts';
import { ELEMENT, partitionEnd, ROW_END, ROW_VALUE } from './layout.ts';
import { elementEnd_ms, isElementLive, RowEncoder, StoredRow } from './row-value.ts';
import { expiryKey } from './tablet-keys.ts';
import type { RowPlace } from './upsert.ts';

const row = new StoredRow();
const encoder = new RowEncoder();
const keeper = new IndexKeeper();

/** `entry_ms`: of the entry that has come due. Returns how many keys and cells were looked at. */
export function expireRow(
  transaction: Transaction,
  table: Table,
  key: ByteKey,
  slotFirst: number,
  entry_ms: number,
): number {
  const place: RowPlace = { key, table, slotFirst };
  const stored = transaction.get(key + ROW_VALUE);
  if (stored !== undefined) row.parse(stored);
  // The row was deleted with others, or made anew since then with an entry of its own.
  if (stored === undefined || row.entry_ms !== entry_ms) {
    transaction.delete(expiryKey(slotFirst, entry_ms, key));
    return 1;
  }
  if (table.indexes.length === 0) return removeExpired(transaction, place);
  const partition = key.slice(0, partitionEnd(table, key));
  const before = keeper.entriesOf(transaction, place, partition);
  const looked = removeExpired(transaction, place);
  keeper.replace(transaction, place, partition, before);
  return looked;
}

function removeExpired(transaction: Transaction, place: RowPlace): number {
  const { now_ms } = transaction;
  const { key } = place;
  encoder.begin();
  if (row.hasLiveMarker(now_ms)) encoder.marker = copyTime(row.marker);
  for (let i = 0; i < row.cellCount; i += 1) {
    const time = row.times[i] as number;
    if (row.isTimeLive(time, now_ms)) encoder.copy(row, i, copyTime(time));
  }
  let soonest_ms = encoder.soonest_ms;
  let kept = 0;
  const gone: ByteKey[] = [];
  if (row.mayHaveElements) {
    transaction.scan(key + ELEMENT, key + ROW_END, false, (element, value) => {
      if (!isElementLive(value, now_ms)) {
        gone.push(element);
        return true;
      }
      kept += 1;
      const end_ms = elementEnd_ms(value);
      if (end_ms > 0 && (soonest_ms === 0 || end_ms < soonest_ms)) soonest_ms = end_ms;
      return true;
    });
  }
  for (const element of gone) transaction.delete(element);
  moveExpiryEntry(transaction, place, row.entry_ms, soonest_ms);
  if (encoder.isEmpty && kept === 0) transaction.delete(key + ROW_VALUE);
  else transaction.put(key + ROW_VALUE, encoder.finish(kept > 0, soonest_ms));
  return 1 + kept + gone.length;
}

function copyTime(time: number): number {
  return encoder.time(row.stamps[time] as Stamp, row.explicit[time] as boolean, row.ends_ms[time] as number);
}
