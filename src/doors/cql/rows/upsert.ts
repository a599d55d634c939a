/** An INSERT or UPDATE of one row, or a DELETE of some of its columns. */
import { assert } from '../../../base/assert.ts';
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { Column, Table } from '../schema/model.ts';
import type { Cell } from '../types/composite.ts';
import { isCounter } from '../types/data-type.ts';
import { CollectionWriter } from './collections.ts';
import type { Upsert } from './commands.ts';
import { moveExpiryEntry } from './expiry.ts';
import { ELEMENT, ROW_END, ROW_VALUE, slotOfKey } from './layout.ts';
import type { ListPlaces } from './list-places.ts';
import { RowEncoder, StoredRow } from './row-value.ts';
import { readStampBytes, stampBytes } from './stamp-bytes.ts';
import { aheadOfTimeKey } from './tablet-keys.ts';
import { WriteTime } from './write-rules.ts';

const old = new StoredRow();
const encoder = new RowEncoder();
const time = new WriteTime();
const collections = new CollectionWriter();
/** Which of the new row's times each of the old row's is; -1: none yet. */
const timeOf: number[] = [];

/** Used again and again. */
export interface RowPlace {
  /** What the row's keys begin with. */
  key: ByteKey;
  table: Table;
  /** Of the tablet. */
  slotFirst: number;
}

export function upsertRow(transaction: Transaction, place: RowPlace, change: Upsert, places: ListPlaces | null): void {
  const { key } = place;
  const headKey = key + ROW_VALUE;
  const stored = transaction.get(headKey);
  if (stored === undefined) old.clear();
  else old.parse(stored);
  time.begin(transaction.now_ms, change.stamp, change.ttl_s);
  if (change.stamp !== null && change.stamp > time.now_us) noteAheadOfTime(transaction, place, change.stamp);
  const stamp = stampOfRow();
  const isChanged = mergeCells(change, stamp);
  let mayHaveElements = old.mayHaveElements;
  let soonest_ms = encoder.soonest_ms;
  if (change.collections.length > 0) {
    collections.begin(transaction, key, time, stamp, mayHaveElements);
    for (const each of change.collections) collections.apply(each, places);
    mayHaveElements ||= collections.hasPut;
    if (collections.hasPut && time.end_ms > 0 && (soonest_ms === 0 || time.end_ms < soonest_ms))
      soonest_ms = time.end_ms;
    if (collections.hasRemoved && encoder.isEmpty) mayHaveElements = hasElements(transaction, key);
  }
  if (encoder.isEmpty && !mayHaveElements) {
    if (stored === undefined) return;
    if (old.entry_ms > 0) moveExpiryEntry(transaction, place, old.entry_ms, 0);
    transaction.delete(headKey);
    return;
  }
  const entry_ms = old.entry_ms === 0 || (soonest_ms > 0 && soonest_ms < old.entry_ms) ? soonest_ms : old.entry_ms;
  if (!isChanged && stored !== undefined && mayHaveElements === old.mayHaveElements && entry_ms === old.entry_ms)
    return;
  if (entry_ms !== old.entry_ms) moveExpiryEntry(transaction, place, old.entry_ms, entry_ms);
  transaction.put(headKey, encoder.finish(mayHaveElements, entry_ms));
}

/** One stamp for the whole write, later than all of the leader's own in the row. */
function stampOfRow(): number | bigint {
  if (time.stamp !== null) return time.stamp;
  let stamp = time.now_us;
  for (let i = 0; i < old.timeCount; i += 1) {
    const other = old.stamps[i];
    if (old.explicit[i] === false && typeof other === 'number' && other >= stamp) stamp = other + 1;
  }
  return stamp;
}

/** Fills the encoder with the row as it will be. False when that is what is there. */
function mergeCells(change: Upsert, stamp: number | bigint): boolean {
  encoder.begin();
  for (let i = 0; i < old.timeCount; i += 1) timeOf[i] = -1;
  let isChanged = mergeMarker(change, stamp);
  const { columns, values } = change;
  let at = 0;
  for (let i = 0; i < columns.length; i += 1) {
    const column = columns[i] as Column;
    assert(i === 0 || column.id > (columns[i - 1] as Column).id, 'columns of an upsert are in the order of ids');
    while (at < old.cellCount && (old.columns[at] as number) < column.id) {
      keepCell(at);
      at += 1;
    }
    const isThere = at < old.cellCount && old.columns[at] === column.id;
    const value = values[i];
    if (value === undefined) continue;
    if (isThere && staysOver(at, column, value)) continue;
    if (isThere || value !== null) isChanged = true;
    if (value !== null) {
      const content = isCounter(column.type) ? sum(isThere ? at : -1, value) : value;
      encoder.cell(column.id, encoder.time(stamp, time.isExplicit, time.end_ms), content);
    }
    if (isThere) at += 1;
  }
  for (; at < old.cellCount; at += 1) keepCell(at);
  return isChanged;
}

function mergeMarker(change: Upsert, stamp: number | bigint): boolean {
  const { marker } = old;
  const isLive = marker >= 0 && old.isTimeLive(marker, time.now_ms);
  const stays = isLive && time.survives(old.stamps[marker] as number, old.explicit[marker] as boolean, sameValue);
  if (change.marker && !stays) {
    encoder.marker = encoder.time(stamp, time.isExplicit, time.end_ms);
    return true;
  }
  if (isLive) encoder.marker = keptTime(marker);
  return false;
}

const sameValue = (): number => 0;

function staysOver(cell: number, column: Column, value: Cell): boolean {
  const at = old.times[cell] as number;
  if (!old.isTimeLive(at, time.now_ms)) return false;
  const stamp = old.stamps[at] as number | bigint;
  const isExplicit = old.explicit[at] as boolean;
  // Neither closure nor comparison where the client gave no stamp.
  if (time.stamp === null) return !isCounter(column.type) && time.survivesDeletion(stamp, isExplicit);
  if (value === null) return time.survivesDeletion(stamp, isExplicit);
  return time.survives(stamp, isExplicit, () => old.value(cell).compare(value));
}

function keepCell(cell: number): void {
  const at = old.times[cell] as number;
  if (old.isTimeLive(at, time.now_ms)) encoder.copy(old, cell, keptTime(at));
}

function keptTime(at: number): number {
  const known = timeOf[at] as number;
  if (known >= 0) return known;
  const kept = encoder.time(old.stamps[at] as number, old.explicit[at] as boolean, old.ends_ms[at] as number);
  timeOf[at] = kept;
  return kept;
}

/** A counter and what is added to it. Counters wrap around, as Java's long does. */
function sum(cell: number, delta: Buffer): Buffer {
  const before = cell < 0 ? 0n : old.value(cell).readBigInt64BE(0);
  const after = Buffer.allocUnsafe(8);
  after.writeBigInt64BE(BigInt.asIntN(64, before + delta.readBigInt64BE(0)), 0);
  return after;
}

function hasElements(transaction: Transaction, key: ByteKey): boolean {
  let found = false;
  transaction.scan(key + ELEMENT, key + ROW_END, false, () => {
    found = true;
    return false;
  });
  return found;
}

/** So that deletions of ranges know, without looking at every row, that there may be cells which they must not remove. */
function noteAheadOfTime(transaction: Transaction, { key: row, table }: RowPlace, stamp: number | bigint): void {
  const key = aheadOfTimeKey(slotOfKey(row), table.space);
  const noted = transaction.get(key);
  if (noted === undefined || readStampBytes(noted) < stamp) transaction.put(key, stampBytes(stamp));
}
