/**
 * Reads rows within one transaction on the leader. Keys come in order; rows that have expired or that the filter refuses are left out;
 * reading stops at the limits, at a megabyte, or after a bounded number of keys, and tells where it has stopped.
 *
 * Whether there are more rows is known by meeting the next one, not by having given out as many as were asked for.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { Table } from '../schema/model.ts';
import { afterPrefix } from '../types/key-format.ts';
import type { IndexSource, PartitionSource, Position, RowPage, RowRead, Slice, TokenSource } from './commands.ts';
import { entriesHead, rowOfEntry } from './index-entries.ts';
import {
  headOfToken,
  partitionEnd,
  ROW_AREA,
  ROW_END,
  rowKey,
  SPACE_BYTES,
  STATIC_AREA,
  spaceBytes,
} from './layout.ts';
import { loadRow, loadStatics } from './load-row.ts';
import { PageWriter } from './page-writer.ts';
import { holds, passes } from './predicates.ts';
import { isElementValue } from './row-value.ts';
import { RowView } from './row-view.ts';
import { WHOLE_PARTITION } from './slices.ts';

/** A page is not made larger than this, but by the row that goes beyond it. */
export const PAGE_BYTES_MAX = 1024 * 1024;
/** Keys looked at in one transaction: others wait meanwhile. */
export const KEYS_MAX = 10_000;
/** Entries of an index taken at a time, since rows cannot be read while it is scanned. */
const ENTRIES_AT_A_TIME = 128;

const view = new RowView();
const page = new PageWriter();

/** `slotFirst`: of the tablet. */
export function readRows(transaction: Transaction, read: RowRead, slotFirst: number): RowPage {
  const { source, slices, table } = read;
  view.begin(table, transaction.now_ms);
  page.begin();
  if (source.kind === 'partition') {
    const clustering = onlyRow(table, slices);
    if (clustering !== null) return readOne(transaction, read, source, clustering);
  }
  return new RowReader(transaction, read, slotFirst).run();
}

/** The clustering of the one row that may be meant; null when there may be several. */
function onlyRow(table: Table, slices: readonly Slice[] | null): ByteKey | null {
  if (slices === null) return table.clustering.length === 0 ? '' : null;
  const slice = slices[0];
  return slices.length === 1 && slice?.isRow === true ? slice.lo : null;
}

function readOne(
  transaction: Transaction,
  read: RowRead,
  { partition }: PartitionSource,
  clustering: ByteKey,
): RowPage {
  view.enterPartition(partition);
  if (read.after === null && read.limit > 0) {
    if (needsStatics(read)) loadStatics(transaction, view);
    const isThere = loadRow(transaction, view, rowKey(partition, clustering)) && view.exists;
    if (!isThere && read.staticOnly && view.hasStatics) view.enterStaticOnly(rowKey(partition, null));
    if ((isThere || view.isStaticOnly) && passes(view, read.filter)) view.write(read.projection, page);
  }
  return page.take(null, false);
}

function needsStatics(read: RowRead): boolean {
  if (read.table.statics.length === 0) return false;
  return read.staticOnly || read.projection.hasStatics || read.filter.some(({ column }) => column.kind === 'static');
}

class RowReader {
  readonly #transaction: Transaction;
  readonly #read: RowRead;
  readonly #slotFirst: number;
  readonly #needsStatics: boolean;
  #looked = 0;
  #more = false;
  /** The row that was looked at last. */
  #last = '';
  #lastPartitionRows = 0;
  /** Rows of the partition that were given out, and whether it has any that live. */
  #partitionRows = 0;
  #hasRows = false;
  /** A row of the partition is met although as many as are wanted have been given out. */
  #isFull = false;
  /** The row is known and its elements may follow. */
  #isOpen = false;
  #isInStatics = false;
  /** In a scan from the end elements come before their row. */
  readonly #heldKeys: ByteKey[] = [];
  readonly #heldValues: Buffer[] = [];

  constructor(transaction: Transaction, read: RowRead, slotFirst: number) {
    this.#transaction = transaction;
    this.#read = read;
    this.#slotFirst = slotFirst;
    this.#needsStatics = needsStatics(read);
  }

  run(): RowPage {
    const { source, after, table } = this.#read;
    const afterKey = after === null ? null : spaceBytes(table.space) + after.row;
    if (this.#read.limit > 0) {
      if (source.kind === 'partition') this.#readPartition(source.partition, afterKey);
      else if (source.kind === 'tokens') this.#readTokens(source, afterKey);
      else this.#readIndex(source, afterKey);
    }
    const last = this.#last === '' ? after : this.#position();
    return page.take(last, this.#more);
  }

  #position(): Position {
    return { row: this.#last.slice(SPACE_BYTES), partitionRows: this.#lastPartitionRows };
  }

  // ---- one partition

  #readPartition(partition: ByteKey, afterKey: ByteKey | null): void {
    this.#enterPartition(partition, afterKey !== null);
    const { reversed } = this.#read;
    const slices = this.#read.slices ?? [WHOLE_PARTITION];
    for (let i = 0; i < slices.length; i += 1) {
      this.#readSlice(slices[reversed ? slices.length - 1 - i : i] as Slice, afterKey);
      if (this.#more || this.#isFull) return;
    }
    this.#endPartition();
  }

  /** Enters a partition, the one that an earlier page ended in when `again`. */
  #enterPartition(partition: ByteKey, again: boolean): void {
    view.enterPartition(partition);
    this.#beginPartition();
    const { after } = this.#read;
    if (again && after !== null) {
      this.#hasRows = after.partitionRows >= 0;
      this.#partitionRows = Math.max(0, after.partitionRows);
    }
    if (this.#needsStatics) loadStatics(this.#transaction, view);
  }

  #beginPartition(): void {
    this.#partitionRows = 0;
    this.#hasRows = false;
    this.#isFull = false;
    this.#isOpen = false;
    this.#isInStatics = false;
  }

  #readSlice(slice: Slice, afterKey: ByteKey | null): void {
    const { partition } = view;
    const { reversed } = this.#read;
    const start = partition + ROW_AREA;
    if (slice.isRow) {
      const key = start + slice.lo;
      if (afterKey === null || (reversed ? key < afterKey : key > afterKey)) this.#readRow(key);
      return;
    }
    let lo = start + slice.lo;
    let hi = slice.hi === null ? afterPrefix(start) : start + slice.hi;
    if (afterKey !== null && reversed && afterKey < hi) hi = afterKey;
    if (afterKey !== null && !reversed && afterKey + ROW_END > lo) lo = afterKey + ROW_END;
    if (lo >= hi) return;
    if (reversed) {
      this.#transaction.scan(lo, hi, true, this.#onReversed);
      this.#heldKeys.length = 0;
      this.#heldValues.length = 0;
    } else {
      this.#transaction.scan(lo, hi, false, this.#onForward);
      this.#finishRow();
    }
  }

  #readRow(key: ByteKey): void {
    if (this.#isPartitionFull() || this.#mustStop()) return;
    this.#looked += 1;
    if (loadRow(this.#transaction, view, key)) {
      this.#isOpen = true;
      this.#finishRow();
    }
  }

  // ---- tokens

  #readTokens({ first, last }: TokenSource, afterKey: ByteKey | null): void {
    const { table } = this.#read;
    let lo = headOfToken(table.space, first);
    const hi = afterPrefix(headOfToken(table.space, last));
    if (afterKey !== null && afterKey + ROW_END > lo) {
      this.#enterPartition(afterKey.slice(0, partitionEnd(table, afterKey)), true);
      lo = afterKey + ROW_END;
    }
    while (lo < hi) {
      this.#transaction.scan(lo, hi, false, this.#onForward);
      if (!this.#isFull || this.#more) break;
      // The rest of the partition is not wanted: on to the next one without walking through it.
      lo = afterPrefix(view.partition);
      this.#isFull = false;
    }
    if (this.#more) return;
    this.#finishRow();
    this.#endPartition();
  }

  readonly #onForward = (key: ByteKey, value: Buffer): boolean => {
    this.#looked += 1;
    if (isElementValue(value)) {
      if (this.#isOpen) view.elements.add(key, view.key.length, value);
      else if (this.#isInStatics) view.staticElements.add(key, view.partition.length + 1, value);
      return true;
    }
    this.#finishRow();
    if (!key.startsWith(view.partition) || view.partition === '') {
      this.#endPartition();
      if (this.#more || this.#mustStop()) return false;
      const { table } = this.#read;
      view.enterPartition(key.slice(0, partitionEnd(table, key)));
      this.#beginPartition();
    } else if (this.#isPartitionFull() || this.#mustStop()) return false;
    this.#isInStatics = key[view.partition.length] === STATIC_AREA;
    if (this.#isInStatics) {
      view.statics.parse(value);
      return true;
    }
    view.enterRow(key.slice(0, -1));
    view.row.parse(value);
    this.#isOpen = true;
    // Without elements nothing else of the row follows.
    if (!view.row.mayHaveElements) this.#finishRow();
    return true;
  };

  readonly #onReversed = (key: ByteKey, value: Buffer): boolean => {
    this.#looked += 1;
    if (isElementValue(value)) {
      this.#heldKeys.push(key);
      this.#heldValues.push(value);
      return true;
    }
    if (this.#isPartitionFull() || this.#mustStop()) return false;
    view.enterRow(key.slice(0, -1));
    view.row.parse(value);
    for (let i = this.#heldKeys.length - 1; i >= 0; i -= 1) {
      view.elements.add(this.#heldKeys[i] as ByteKey, key.length - 1, this.#heldValues[i] as Buffer);
    }
    this.#heldKeys.length = 0;
    this.#heldValues.length = 0;
    this.#isOpen = true;
    this.#finishRow();
    return true;
  };

  #isPartitionFull(): boolean {
    this.#isFull = this.#partitionRows >= this.#read.perPartitionLimit;
    return this.#isFull;
  }

  /** There is another row, and it is not looked at any more. */
  #mustStop(): boolean {
    const isOver =
      page.rowCount >= this.#read.limit ||
      page.size >= PAGE_BYTES_MAX ||
      (this.#looked > KEYS_MAX && this.#last !== '');
    if (isOver) this.#more = true;
    return isOver;
  }

  #finishRow(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (view.exists) {
      this.#hasRows = true;
      if (this.#isInSlices() && passes(view, this.#read.filter)) {
        view.write(this.#read.projection, page);
        this.#partitionRows += 1;
      }
    }
    this.#noteLast(view.key);
  }

  #noteLast(key: ByteKey): void {
    this.#last = key;
    this.#lastPartitionRows = this.#hasRows ? this.#partitionRows : -1;
  }

  /** For rows that were not found by their slices. */
  #isInSlices(): boolean {
    const { source, slices } = this.#read;
    if (slices === null || source.kind === 'partition') return true;
    const clustering = view.key.slice(view.partition.length + 1);
    return slices.some(({ lo, hi, isRow }) =>
      isRow ? clustering === lo : lo <= clustering && (hi === null || clustering < hi),
    );
  }

  /** A partition without rows, but with something static, is a row of nulls. */
  #endPartition(): void {
    if (view.partition === '' || this.#hasRows || !this.#read.staticOnly) return;
    if (!view.hasStatics || this.#mustStop()) return;
    view.enterStaticOnly(rowKey(view.partition, null));
    this.#hasRows = true;
    if (passes(view, this.#read.filter)) {
      view.write(this.#read.projection, page);
      this.#partitionRows += 1;
    }
    this.#noteLast(view.key);
  }

  // ---- an index

  #readIndex(source: IndexSource, afterKey: ByteKey | null): void {
    const { table } = this.#read;
    const isStatic = source.predicate.column.kind === 'static';
    const head = entriesHead(source.index, source.predicate, this.#slotFirst);
    const { partition } = source;
    let lo = head + (partition ?? headOfToken(table.space, source.first)).slice(SPACE_BYTES);
    const hi = head + afterPrefix(partition ?? headOfToken(table.space, source.last)).slice(SPACE_BYTES);
    if (afterKey !== null) {
      const begun = afterKey.slice(0, partitionEnd(table, afterKey));
      this.#enterPartition(begun, true);
      // An index on a static column has one entry for all rows of a partition.
      if (isStatic) {
        this.#readIndexed(source, rowKey(begun, null), afterKey);
        if (this.#more) return;
      }
      const resumed = `${head}${(isStatic ? rowKey(begun, null) : afterKey).slice(SPACE_BYTES)}\x00`;
      if (resumed > lo) lo = resumed;
    }
    while (lo < hi) {
      const rows: ByteKey[] = [];
      let lastEntry = '';
      this.#transaction.scan(lo, hi, false, (entry, value) => {
        rows.push(rowOfEntry(table, entry, value));
        lastEntry = entry;
        return rows.length < ENTRIES_AT_A_TIME;
      });
      for (const row of rows) {
        if (this.#mustStop()) return;
        this.#readIndexed(source, row, null);
        if (this.#more) return;
      }
      if (rows.length < ENTRIES_AT_A_TIME) return;
      lo = `${lastEntry}\x00`;
    }
  }

  #readIndexed({ predicate }: IndexSource, row: ByteKey, afterKey: ByteKey | null): void {
    const { table } = this.#read;
    this.#looked += 1;
    if (view.partition === '' || !row.startsWith(view.partition)) {
      this.#enterPartition(row.slice(0, partitionEnd(table, row)), false);
    }
    if (row[view.partition.length] === STATIC_AREA) {
      if (!this.#needsStatics) loadStatics(this.#transaction, view);
      if (holds(view, predicate)) this.#readSlices(afterKey);
    } else if (!this.#isPartitionFull() && loadRow(this.#transaction, view, row) && holds(view, predicate)) {
      this.#isOpen = true;
      this.#finishRow();
    }
  }

  #readSlices(afterKey: ByteKey | null): void {
    for (const slice of this.#read.slices ?? [WHOLE_PARTITION]) {
      this.#readSlice(slice, afterKey);
      if (this.#more || this.#isFull) return;
    }
    this.#endPartition();
  }
}
