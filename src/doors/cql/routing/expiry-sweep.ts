/** Removes rows, cells and elements whose time has come, so that they take no room: reads never see them anyway. */
import type { Transaction } from '../../../tablet/operation.ts';
import { expireRow } from '../rows/expire-row.ts';
import { SPACE_BYTES } from '../rows/layout.ts';
import { expiryBound, momentOfExpiryKey, rowOfExpiryKey } from '../rows/tablet-keys.ts';
import type { Sweep, TabletRange } from './sweep.ts';
import type { TablesBySpace } from './tables.ts';

/** Bounds of one piece: entries of the index, and keys and elements looked at. */
const ENTRIES_MAX = 200;
const LOOKED_MAX = 2_000;

export class ExpirySweep implements Sweep {
  readonly #tablet: TabletRange;
  readonly #tables: TablesBySpace;
  #isFull = false;

  constructor(tablet: TabletRange, tables: TablesBySpace) {
    this.#tablet = tablet;
    this.#tables = tables;
  }

  run(transaction: Transaction): void {
    const { slotFirst } = this.#tablet;
    const due: string[] = [];
    transaction.scan(expiryBound(slotFirst, 0), expiryBound(slotFirst, transaction.now_ms + 1), false, (key) => {
      due.push(key);
      return due.length < ENTRIES_MAX;
    });
    let looked = 0;
    this.#isFull = due.length === ENTRIES_MAX;
    for (const entry of due) {
      if (looked >= LOOKED_MAX) {
        this.#isFull = true;
        return;
      }
      const row = rowOfExpiryKey(entry);
      const table = this.#tables.tableOfSpace(Buffer.from(row.slice(0, SPACE_BYTES), 'latin1').readUInt32BE(0));
      // Of a table that was dropped the rows go too.
      if (table === undefined) transaction.delete(entry);
      else looked += expireRow(transaction, table, row, slotFirst, momentOfExpiryKey(entry));
    }
  }

  settle(done: boolean): boolean {
    return done && this.#isFull;
  }
}
