/**
 * Removes keys, and fields of hashes, whose time has come, so that they take no room: reads never see them anyway. Both
 * look at the start of their slots' indexes of moments (key-layout.ts). Called by background.ts.
 */
import type { Transaction } from '../../tablet/operation.ts';
import { RedisHash } from './collections/hash.ts';
import type { CollectionLimits } from './collections/limits.ts';
import {
  FIELD_MOMENTS,
  KEY_MOMENTS,
  type MomentIndex,
  momentDueEnd,
  momentOfKey,
  momentRangeEnd,
  momentRangeStart,
  slotOfMomentKey,
  userKeyOfMomentKey,
} from './key-layout.ts';
import { Keyspace } from './keyspace.ts';
import type { SlotRange, Sweep } from './sweep.ts';
import { typeOf, ValueType } from './value.ts';

/** Bounds of one piece: keys looked at, slots looked at, and fields removed from one hash. */
const KEYS_MAX = 200;
const SLOTS_MAX = 64;
const FIELDS_MAX = 500;

interface DueKey {
  readonly slot: number;
  readonly key: string;
}

/** Entries of an index whose moment has come, from slot `from` on, and the slot to go on at. */
function findDue(
  transaction: Transaction,
  index: MomentIndex,
  tablet: SlotRange,
  from: number,
  limit: number,
): { due: DueKey[]; next: number } {
  const { slotFirst, slotLast } = tablet;
  const due: DueKey[] = [];
  let slot = from;
  for (let looked = 0; looked < SLOTS_MAX && due.length < limit; looked += 1) {
    // The first entry at or after this slot tells which slot is next to look at: slots without expiry cost nothing.
    let found = -1;
    let soonest_ms = 0;
    transaction.scan(momentRangeStart(index, slot), momentRangeEnd(index, slotLast), false, (key) => {
      found = slotOfMomentKey(key);
      soonest_ms = momentOfKey(key);
      return false;
    });
    if (found < 0) return { due, next: slotFirst };
    if (soonest_ms <= transaction.now_ms) {
      const end = momentDueEnd(index, found, transaction.now_ms);
      transaction.scan(momentRangeStart(index, found), end, false, (key) => {
        due.push({ slot: found, key: userKeyOfMomentKey(key) });
        return due.length < limit;
      });
    }
    slot = due.length < limit ? found + 1 : found;
    if (slot > slotLast) return { due, next: slotFirst };
  }
  return { due, next: slot };
}

const keyspace = new Keyspace();

export class KeyExpirySweep implements Sweep {
  readonly #tablet: SlotRange;
  readonly #count: (removed: number) => void;
  #from: number;
  #next: number;
  #removed = 0;

  constructor(tablet: SlotRange, count: (removed: number) => void) {
    this.#tablet = tablet;
    this.#count = count;
    this.#from = tablet.slotFirst;
    this.#next = tablet.slotFirst;
  }

  run(transaction: Transaction): void {
    const { due, next } = findDue(transaction, KEY_MOMENTS, this.#tablet, this.#from, KEYS_MAX);
    this.#next = next;
    this.#removed = 0;
    keyspace.bind(transaction);
    for (const { slot, key } of due) if (keyspace.removeExpired(slot, key)) this.#removed += 1;
  }

  settle(done: boolean): boolean {
    this.#from = this.#next;
    if (done) this.#count(this.#removed);
    return done && this.#removed >= KEYS_MAX;
  }
}

export class FieldExpirySweep implements Sweep {
  readonly #tablet: SlotRange;
  readonly #limits: CollectionLimits;
  #from: number;
  #next: number;
  #removed = 0;

  constructor(tablet: SlotRange, limits: CollectionLimits) {
    this.#tablet = tablet;
    this.#limits = limits;
    this.#from = tablet.slotFirst;
    this.#next = tablet.slotFirst;
  }

  run(transaction: Transaction): void {
    const { due, next } = findDue(transaction, FIELD_MOMENTS, this.#tablet, this.#from, KEYS_MAX);
    this.#next = next;
    this.#removed = 0;
    keyspace.bind(transaction);
    for (const { slot, key } of due) {
      if (this.#removed >= FIELDS_MAX) {
        this.#next = slot;
        break;
      }
      this.#removed += removeFields(slot, key, this.#limits);
    }
  }

  settle(done: boolean): boolean {
    this.#from = this.#next;
    return done && this.#removed >= FIELDS_MAX;
  }
}

function removeFields(slot: number, key: string, limits: CollectionLimits): number {
  const raw = keyspace.findStored(slot, key);
  if (raw === undefined || typeOf(raw) !== ValueType.hash) return 0;
  const hash = new RedisHash({ keyspace, limits }, slot, key, raw);
  const removed = hash.removeExpired(FIELDS_MAX);
  if (removed > 0) hash.save();
  return removed;
}
