/**
 * Builds indexes over rows that were there before them, and looks for entries that stand for nothing any more after deletions that were
 * too large to take them along.
 *
 * Building: first the tablet's leaders are bound to the schema that has the index, so that every later write keeps it; then the rows are
 * walked through, and entries put for what is stored. Entries are put twice without harm, so a new leader begins again.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { rowOfEntry } from '../rows/index-entries.ts';
import { IndexKeeper } from '../rows/index-keeper.ts';
import { partitionEnd } from '../rows/layout.ts';
import { isElementValue } from '../rows/row-value.ts';
import { indexWorkHead, indexWorkKey, tabletHead } from '../rows/tablet-keys.ts';
import type { Index, Table } from '../schema/model.ts';
import { touchesSlots } from '../schema/slot-ranges.ts';
import { afterPrefix } from '../types/key-format.ts';
import type { RowServices } from './row-services.ts';
import type { Sweep, TabletRange } from './sweep.ts';

/** Rows or entries in one piece. */
const ROWS_MAX = 300;
const CHECKS_MAX = 16;

interface Work {
  readonly kind: 'build' | 'check';
  readonly table: Table;
  readonly index: Index;
  /** Where the next piece begins. */
  from: ByteKey;
}

export class IndexSweep implements Sweep {
  readonly #services: RowServices;
  readonly #tablet: TabletRange;
  readonly #built: (spaces: readonly number[], tablet: TabletRange) => void;
  readonly #told = new Set<number>();
  readonly #keeper = new IndexKeeper();
  #work: Work | undefined;
  #next: ByteKey | undefined;
  #isEnded = false;

  constructor(
    services: RowServices,
    tablet: TabletRange,
    built: (spaces: readonly number[], tablet: TabletRange) => void,
  ) {
    this.#services = services;
    this.#tablet = tablet;
    this.#built = built;
  }

  run(transaction: Transaction): void {
    this.#next = undefined;
    this.#isEnded = false;
    this.#work = this.#current(transaction);
    const work = this.#work;
    if (work === undefined) return;
    if (work.kind === 'build') this.#build(transaction, work);
    else this.#check(transaction, work);
  }

  settle(done: boolean): boolean {
    const work = this.#work;
    if (work === undefined) return false;
    if (!done) {
      // Whatever became of the piece, it is done again.
      return false;
    }
    if (this.#next !== undefined) {
      work.from = this.#next;
      return true;
    }
    if (this.#isEnded && work.kind === 'build') {
      this.#told.add(work.index.space);
      this.#built([work.index.space], this.#tablet);
    }
    this.#work = undefined;
    return this.#isEnded;
  }

  /** The schema has not taken it in. */
  forget(spaces: readonly number[]): void {
    for (const space of spaces) this.#told.delete(space);
  }

  /** What is under way, if it still is to be done, or what is to be done next. */
  #current(transaction: Transaction): Work | undefined {
    const { slotFirst, slotLast } = this.#tablet;
    for (const { table, index } of this.#services.tables.unbuilt) {
      if (touchesSlots(index.unbuilt, slotFirst, slotLast) && !this.#told.has(index.space)) {
        return this.#begin('build', table, index, tabletHead(table.space, slotFirst));
      }
    }
    if (this.#services.tables.unbuilt.length === 0) this.#told.clear();
    return this.#toCheck(transaction);
  }

  #toCheck(transaction: Transaction): Work | undefined {
    const { slotFirst } = this.#tablet;
    const asked: ByteKey[] = [];
    const head = indexWorkHead(slotFirst);
    transaction.scan(head, afterPrefix(head), false, (key) => asked.push(key) < CHECKS_MAX);
    for (const key of asked) {
      const space = Buffer.from(key.slice(head.length), 'latin1').readUInt32BE(0);
      const found = this.#services.tables.indexOfSpace(space);
      if (found !== undefined) return this.#begin('check', found.table, found.index, tabletHead(space, slotFirst));
      // The index was dropped: its entries go with it.
      transaction.delete(key);
    }
    return undefined;
  }

  #begin(kind: Work['kind'], table: Table, index: Index, from: ByteKey): Work {
    const known = this.#work;
    if (
      known !== undefined &&
      known.kind === kind &&
      known.index.space === index.space &&
      known.table.space === table.space
    ) {
      return { kind, table, index, from: known.from };
    }
    return { kind, table, index, from };
  }

  #build(transaction: Transaction, { table, from }: Work): void {
    const { slotFirst, slotLast } = this.#tablet;
    if (!this.#services.isSchemaCurrent(transaction, slotFirst)) return;
    this.#services.requireSchema(transaction, slotFirst);
    const rows: ByteKey[] = [];
    const end = afterPrefix(tabletHead(table.space, slotLast));
    transaction.scan(from, end, false, (key, value) => {
      if (!isElementValue(value)) rows.push(key.slice(0, -1));
      return rows.length < ROWS_MAX;
    });
    for (const key of rows) {
      const partition = key.slice(0, partitionEnd(table, key));
      // Entries of the table's other indexes are there already.
      this.#keeper.replace(transaction, { key, table, slotFirst }, partition, NO_ENTRIES);
    }
    this.#endPiece(rows);
  }

  #check(transaction: Transaction, { table, index, from }: Work): void {
    const { slotFirst } = this.#tablet;
    const entries: { key: ByteKey; row: ByteKey }[] = [];
    transaction.scan(from, afterPrefix(tabletHead(index.space, slotFirst)), false, (key, value) => {
      entries.push({ key, row: rowOfEntry(table, key, value) });
      return entries.length < ROWS_MAX;
    });
    for (const { key, row } of entries) {
      const partition = row.slice(0, partitionEnd(table, row));
      const there = this.#keeper.entriesOf(transaction, { key: row, table, slotFirst }, partition);
      if (!there.has(key)) transaction.delete(key);
    }
    this.#endPiece(entries.map(({ key }) => key));
    if (this.#isEnded) transaction.delete(indexWorkKey(slotFirst, index.space));
  }

  #endPiece(keys: readonly ByteKey[]): void {
    const last = keys[keys.length - 1];
    if (keys.length < ROWS_MAX || last === undefined) this.#isEnded = true;
    // Behind the row's own value; its elements are walked over.
    else this.#next = `${last}\x11`;
  }
}

const NO_ENTRIES: ReadonlyMap<ByteKey, Buffer> = new Map();
