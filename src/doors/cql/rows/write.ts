/**
 * Writes of rows within one transaction on the leader: conditions first, then everything that could refuse, then the changes, each over
 * what those before it have done. A tablet's transaction knows no way back, so nothing is refused after the first change.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { invalidRequest } from '../errors.ts';
import type { RowChange, RowMutation, RowWrite, Upsert, WriteResult } from './commands.ts';
import { unmetConditions } from './conditions.ts';
import { deleteIndexedRow, deletePartition, deleteSlice } from './delete.ts';
import { IndexKeeper } from './index-keeper.ts';
import { keyTooLong, ROW_KEY_BYTES_MAX, rowKey } from './layout.ts';
import { findPlace, type ListPlaces } from './list-places.ts';
import { type RowPlace, upsertRow } from './upsert.ts';

/** Of the values of one write; Cassandra's default too. */
export const WRITE_BYTES_MAX = 16 * 1024 * 1024;

const APPLIED: WriteResult = { applied: true, current: null };

const keeper = new IndexKeeper();

/** `slotFirst`: of the tablet. Throws `CqlError` before anything is written. */
export function writeRows(transaction: Transaction, write: RowWrite, slotFirst: number): WriteResult {
  if (write.conditions !== null) {
    const current = unmetConditions(transaction, write.conditions);
    if (current !== null) return { applied: false, current };
  }
  const places = prepare(transaction, write);
  for (const mutation of write.mutations) mutate(transaction, mutation, slotFirst, places);
  return APPLIED;
}

/** Throws what the write has to be refused for. */
function prepare(transaction: Transaction, { mutations }: RowWrite): ListPlaces | null {
  let places: ListPlaces | null = null;
  let bytes = 0;
  for (const { partition, changes } of mutations) {
    for (const change of changes) {
      if (change.kind === 'deleteRow') checkKey(partition, change.clustering);
      if (change.kind !== 'upsert') continue;
      checkKey(partition, change.clustering);
      bytes += bytesOf(change);
      for (const each of change.collections) {
        if (each.kind !== 'setIndex') continue;
        places ??= new Map();
        places.set(each, findPlace(transaction, rowKey(partition, change.clustering), each));
      }
    }
  }
  if (bytes > WRITE_BYTES_MAX) {
    throw invalidRequest(`Mutation of ${bytes} bytes is too large for the maximum size of ${WRITE_BYTES_MAX}`);
  }
  return places;
}

function checkKey(partition: ByteKey, clustering: ByteKey | null): void {
  const length = partition.length + (clustering === null ? 0 : clustering.length);
  if (length >= ROW_KEY_BYTES_MAX) throw keyTooLong(length);
}

function bytesOf({ values, collections }: Upsert): number {
  let bytes = 0;
  for (let i = 0; i < values.length; i += 1) bytes += values[i]?.length ?? 0;
  for (const change of collections) {
    if (change.kind === 'setIndex') bytes += change.value?.length ?? 0;
    else if (change.kind === 'remove') continue;
    else for (const value of change.values) bytes += value?.length ?? 0;
  }
  return bytes;
}

function mutate(
  transaction: Transaction,
  { table, partition, changes }: RowMutation,
  slotFirst: number,
  places: ListPlaces | null,
): void {
  const place: RowPlace = { key: '', table, slotFirst };
  for (let i = 0; i < changes.length; i += 1) change(transaction, place, partition, changes[i] as RowChange, places);
}

function change(
  transaction: Transaction,
  place: RowPlace,
  partition: ByteKey,
  each: RowChange,
  places: ListPlaces | null,
): void {
  switch (each.kind) {
    case 'upsert':
      place.key = rowKey(partition, each.clustering);
      if (place.table.indexes.length === 0) upsertRow(transaction, place, each, places);
      else {
        const before = keeper.entriesOf(transaction, place, partition);
        upsertRow(transaction, place, each, places);
        keeper.replace(transaction, place, partition, before);
      }
      return;
    case 'deleteRow':
      deleteIndexedRow(transaction, place, partition, rowKey(partition, each.clustering), each.stamp);
      return;
    case 'deleteSlice':
      deleteSlice(transaction, place, partition, each.slice, each.stamp);
      return;
    default:
      deletePartition(transaction, place, partition, each.stamp);
  }
}
