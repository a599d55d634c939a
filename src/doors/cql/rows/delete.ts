/**
 * Deletions of rows, of slices of a partition and of partitions. Nothing stays behind of what is deleted: there are no tombstones. Only cells
 * whose stamp a client has given may survive, when it is later than the deletion.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { Table } from '../schema/model.ts';
import { afterPrefix } from '../types/key-format.ts';
import type { Slice, Stamp } from './commands.ts';
import { moveExpiryEntry } from './expiry.ts';
import { type Entries, IndexKeeper } from './index-keeper.ts';
import { ELEMENT, ROW_AREA, ROW_END, ROW_VALUE, slotOfKey } from './layout.ts';
import {
  elementEnd_ms,
  elementStamp,
  isElementExplicit,
  isElementLive,
  isElementValue,
  RowEncoder,
  StoredRow,
} from './row-value.ts';
import { readStampBytes } from './stamp-bytes.ts';
import { aheadOfTimeKey, indexWorkKey } from './tablet-keys.ts';
import type { RowPlace } from './upsert.ts';
import { WriteTime } from './write-rules.ts';

/** Up to as many rows are deleted one by one, which takes their entries in the expiry index along. */
const ROWS_ONE_BY_ONE = 16;
/** Up to as many rows of a table with indexes are looked at to delete their entries; of more, the background removes the entries. */
const INDEXED_ROWS_MAX = 5_000;
/** Up to as many elements are deleted one by one. */
const ELEMENTS_ONE_BY_ONE = 64;
const INDEX_CHECK = Buffer.from([0]);

const row = new StoredRow();
const encoder = new RowEncoder();
const time = new WriteTime();

export function deleteRow(transaction: Transaction, place: RowPlace, stamp: Stamp | null): void {
  const { key } = place;
  const stored = transaction.get(key + ROW_VALUE);
  // Where there are elements, there is a value.
  if (stored === undefined) return;
  row.parse(stored);
  time.begin(transaction.now_ms, stamp, 0);
  keepSurvivors();
  let soonest_ms = encoder.soonest_ms;
  let keepsElements = false;
  if (row.mayHaveElements) {
    const { gone, kept, end_ms } = sortElements(transaction, key);
    keepsElements = kept > 0;
    if (end_ms > 0 && (soonest_ms === 0 || end_ms < soonest_ms)) soonest_ms = end_ms;
    if (gone.length > ELEMENTS_ONE_BY_ONE && kept === 0) transaction.deleteRange(key + ELEMENT, key + ROW_END);
    else for (const element of gone) transaction.delete(element);
  }
  if (row.entry_ms !== soonest_ms) moveExpiryEntry(transaction, place, row.entry_ms, soonest_ms);
  if (encoder.isEmpty && !keepsElements) transaction.delete(key + ROW_VALUE);
  else transaction.put(key + ROW_VALUE, encoder.finish(keepsElements, soonest_ms));
}

/** Fills the encoder with what of the row's value survives. */
function keepSurvivors(): void {
  encoder.begin();
  if (row.marker >= 0 && survives(row.marker)) encoder.marker = copyTime(row.marker);
  for (let i = 0; i < row.cellCount; i += 1) {
    const at = row.times[i] as number;
    if (survives(at)) encoder.copy(row, i, copyTime(at));
  }
}

function survives(at: number): boolean {
  return row.isTimeLive(at, time.now_ms) && time.survivesDeletion(row.stamps[at] as Stamp, row.explicit[at] as boolean);
}

function copyTime(at: number): number {
  return encoder.time(row.stamps[at] as Stamp, row.explicit[at] as boolean, row.ends_ms[at] as number);
}

function sortElements(transaction: Transaction, key: ByteKey): { gone: ByteKey[]; kept: number; end_ms: number } {
  const gone: ByteKey[] = [];
  let kept = 0;
  let end_ms = 0;
  transaction.scan(key + ELEMENT, key + ROW_END, false, (element, value) => {
    if (isElementLive(value, time.now_ms) && time.survivesDeletion(elementStamp(value), isElementExplicit(value))) {
      kept += 1;
      const end = elementEnd_ms(value);
      if (end > 0 && (end_ms === 0 || end < end_ms)) end_ms = end;
    } else gone.push(element);
    return true;
  });
  return { gone, kept, end_ms };
}

export function deleteSlice(
  transaction: Transaction,
  place: RowPlace,
  partition: ByteKey,
  slice: Slice,
  stamp: Stamp | null,
): void {
  const start = partition + ROW_AREA;
  if (slice.isRow) deleteIndexedRow(transaction, place, partition, start + slice.lo, stamp);
  else {
    const hi = slice.hi === null ? afterPrefix(start) : start + slice.hi;
    deleteRange(transaction, place, partition, start + slice.lo, hi, stamp);
  }
}

export function deletePartition(
  transaction: Transaction,
  place: RowPlace,
  partition: ByteKey,
  stamp: Stamp | null,
): void {
  deleteRange(transaction, place, partition, partition, afterPrefix(partition), stamp);
}

function deleteRange(
  transaction: Transaction,
  place: RowPlace,
  partition: ByteKey,
  lo: ByteKey,
  hi: ByteKey,
  stamp: Stamp | null,
): void {
  const { table } = place;
  const hasIndexes = table.indexes.length > 0;
  const maySurvive = stamp !== null || isAheadOfTime(transaction, table, slotOfKey(partition));
  const countMax = maySurvive ? Number.POSITIVE_INFINITY : hasIndexes ? INDEXED_ROWS_MAX : ROWS_ONE_BY_ONE;
  const rows = rowsWithin(transaction, lo, hi, countMax);
  if (rows !== null) {
    for (const key of rows) deleteIndexedRow(transaction, place, partition, key, stamp);
    return;
  }
  transaction.deleteRange(lo, hi);
  for (const index of table.indexes) transaction.put(indexWorkKey(place.slotFirst, index.space), INDEX_CHECK);
}

/** What the rows' keys begin with; null when there are more than `countMax`. */
function rowsWithin(transaction: Transaction, lo: ByteKey, hi: ByteKey, countMax: number): ByteKey[] | null {
  const rows: ByteKey[] = [];
  transaction.scan(lo, hi, false, (key, value) => {
    if (!isElementValue(value)) rows.push(key.slice(0, -1));
    return rows.length <= countMax;
  });
  return rows.length > countMax ? null : rows;
}

/** Whether a client has given stamps, in this slot, that are later than now. */
function isAheadOfTime(transaction: Transaction, table: Table, slot: number): boolean {
  const noted = transaction.get(aheadOfTimeKey(slot, table.space));
  return noted !== undefined && readStampBytes(noted) > transaction.now_ms * 1_000;
}

const keeper = new IndexKeeper();

/** Of a row or a static row, with its entries in the indexes. */
export function deleteIndexedRow(
  transaction: Transaction,
  place: RowPlace,
  partition: ByteKey,
  key: ByteKey,
  stamp: Stamp | null,
): void {
  place.key = key;
  if (place.table.indexes.length === 0) {
    deleteRow(transaction, place, stamp);
    return;
  }
  const before: Entries = keeper.entriesOf(transaction, place, partition);
  deleteRow(transaction, place, stamp);
  keeper.replace(transaction, place, partition, before);
}
