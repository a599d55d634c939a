/**
 * Removes what is left of tables and indexes that were dropped or emptied. The schema names their spaces with the slots in which something
 * may be left; here it is removed from the tablet, and the schema is told. Before that the tablet's leaders are bound to the schema in
 * which the table is gone, so that nobody can write to it any more.
 */

import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { tabletHead } from '../rows/tablet-keys.ts';
import { touchesSlots } from '../schema/slot-ranges.ts';
import { afterPrefix } from '../types/key-format.ts';
import type { RowServices } from './row-services.ts';
import type { Sweep, TabletRange } from './sweep.ts';

/** Keys in one piece: small enough to be one entry in the log among others. */
const KEYS_MAX = 1_000;

export class DropSweep implements Sweep {
  readonly #services: RowServices;
  readonly #tablet: TabletRange;
  readonly #swept: (spaces: readonly number[], tablet: TabletRange) => void;
  /** Told already; the schema may not have heard it yet. */
  readonly #told = new Set<number>();
  #done: number[] = [];
  #hasMore = false;

  constructor(
    services: RowServices,
    tablet: TabletRange,
    swept: (spaces: readonly number[], tablet: TabletRange) => void,
  ) {
    this.#services = services;
    this.#tablet = tablet;
    this.#swept = swept;
  }

  run(transaction: Transaction): void {
    const { slotFirst, slotLast } = this.#tablet;
    this.#done = [];
    this.#hasMore = false;
    let left = KEYS_MAX;
    for (const { space, slots } of this.#services.tables.sweeps) {
      if (!touchesSlots(slots, slotFirst, slotLast)) this.#told.delete(space);
      else if (!this.#told.has(space)) {
        if (!this.#services.isSchemaCurrent(transaction, slotFirst)) return;
        this.#services.requireSchema(transaction, slotFirst);
        left -= this.#remove(transaction, space, left);
        if (left <= 0) {
          this.#hasMore = true;
          return;
        }
        this.#done.push(space);
      }
    }
  }

  settle(done: boolean): boolean {
    if (done && this.#done.length > 0) {
      for (const space of this.#done) this.#told.add(space);
      this.#swept(this.#done, this.#tablet);
    }
    this.#done = [];
    return done && this.#hasMore;
  }

  /** The schema has not taken it in. */
  forget(spaces: readonly number[]): void {
    for (const space of spaces) this.#told.delete(space);
  }

  #remove(transaction: Transaction, space: number, keysMax: number): number {
    const keys: ByteKey[] = [];
    const lo = tabletHead(space, this.#tablet.slotFirst);
    const hi = afterPrefix(tabletHead(space, this.#tablet.slotLast));
    transaction.scan(lo, hi, false, (key) => keys.push(key) < keysMax);
    const last = keys[keys.length - 1];
    if (last !== undefined) transaction.deleteRange(lo, `${last}\x00`);
    return keys.length;
  }
}
