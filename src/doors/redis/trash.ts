/**
 * Removes the elements of collections that no key names any more, in slices. DEL of a collection of any size, and whatever
 * replaces one, writes one entry into the trash and is done; the entry survives restarts, changes of leader and snapshots
 * like all else, and goes with the last element. Nothing is ever added below an id in the trash, and a key that is made
 * again has another id, so a slice needs to know nothing of keys. Called by background.ts.
 */
import type { Transaction } from '../../tablet/operation.ts';
import {
  afterPrefix,
  collectionIdOfTrashKey,
  elementPrefix,
  slotOfTrashKey,
  trashRangeEnd,
  trashRangeStart,
} from './key-layout.ts';
import type { SlotRange, Sweep } from './sweep.ts';

/** A slice: small enough to be one entry in the log among others. */
export const SLICE_ELEMENTS = 500;

export class TrashSweep implements Sweep {
  readonly #tablet: SlotRange;
  /**
   * How far the collection in hand has been removed, so that no slice looks again at what earlier ones removed: until the
   * store has written it down that would be a walk over tombstones.
   */
  #done: { prefix: string; from: string } | undefined;
  #next: { prefix: string; from: string } | undefined;
  #found = false;

  constructor(tablet: SlotRange) {
    this.#tablet = tablet;
  }

  run(transaction: Transaction): void {
    const { slotFirst, slotLast } = this.#tablet;
    let entry: string | undefined;
    transaction.scan(trashRangeStart(slotFirst), trashRangeEnd(slotLast), false, (key) => {
      entry = key;
      return false;
    });
    this.#found = entry !== undefined;
    this.#next = undefined;
    if (entry === undefined) return;
    const prefix = elementPrefix(slotOfTrashKey(entry), collectionIdOfTrashKey(entry));
    const from = this.#done?.prefix === prefix ? this.#done.from : prefix;
    const keys: string[] = [];
    transaction.scan(from, afterPrefix(prefix), false, (key) => keys.push(key) < SLICE_ELEMENTS);
    for (const key of keys) transaction.delete(key);
    if (keys.length < SLICE_ELEMENTS) transaction.delete(entry);
    else this.#next = { prefix, from: `${keys[keys.length - 1] as string}\0` };
  }

  settle(done: boolean): boolean {
    // After an outcome that is not known the collection is looked at from its start.
    this.#done = done ? this.#next : undefined;
    return done && this.#found;
  }
}
