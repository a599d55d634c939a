/** Changes of collections and user types that are not frozen: each element has a key and a write time of its own. */
import { assert } from '../../../base/assert.ts';
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { Column } from '../schema/model.ts';
import { compareValues } from '../types/compare.ts';
import type { Cell } from '../types/composite.ts';
import { encodeKeyPart } from '../types/key-format.ts';
import type { CollectionChange, PutElements, RemoveFromList, Stamp } from './commands.ts';
import { boundedPart, elementPrefix } from './layout.ts';
import { freePlace, type ListPlaces, placeKey } from './list-places.ts';
import {
  ELEMENT_HEADER_BYTES,
  elementStamp,
  elementValue,
  encodeElement,
  isElementExplicit,
  isElementLive,
} from './row-value.ts';
import type { WriteTime } from './write-rules.ts';

export class CollectionWriter {
  /** Elements were put, or removed, since `begin`. */
  hasPut = false;
  hasRemoved = false;
  #transaction: Transaction | undefined;
  #row = '';
  #time: WriteTime | undefined;
  #stamp: Stamp = 0;
  /** Whether the row may have had elements before. */
  #mayHave = false;

  begin(transaction: Transaction, row: ByteKey, time: WriteTime, stamp: Stamp, mayHave: boolean): void {
    this.#transaction = transaction;
    this.#row = row;
    this.#time = time;
    this.#stamp = stamp;
    this.#mayHave = mayHave;
    this.hasPut = false;
    this.hasRemoved = false;
  }

  apply(change: CollectionChange, places: ListPlaces | null): void {
    const { column } = change;
    switch (change.kind) {
      case 'put':
        if (change.replace) this.#clear(column);
        this.#putAll(column, change);
        return;
      case 'remove':
        for (const key of change.keys) this.#remove(this.#elementKey(column, key));
        return;
      case 'append':
      case 'prepend':
        this.#add(column, change.values, change.kind === 'append');
        return;
      case 'setIndex': {
        const key = places?.get(change);
        assert(key !== undefined, 'places in lists are looked up before the first write');
        if (change.value === null) this.#remove(key);
        else this.#put(key, [change.value]);
        return;
      }
      default:
        this.#removeValues(change);
    }
  }

  #putAll(column: Column, { keys, values }: PutElements): void {
    const { kind } = column.type;
    if (kind === 'list') {
      this.#add(column, values as readonly Buffer[], true);
      return;
    }
    for (let i = 0; i < keys.length; i += 1) {
      const part = keys[i] as Buffer;
      const key = this.#elementKey(column, part);
      if (kind === 'set') {
        this.#put(key, [part]);
        continue;
      }
      const value = values[i] ?? null;
      if (value === null) this.#remove(key);
      else this.#put(key, kind === 'map' ? [part, value] : [value]);
    }
  }

  #elementKey(column: Column, part: Buffer): ByteKey {
    const { type } = column;
    const prefix = this.#row + elementPrefix(column.id);
    // The position of a field is its key as it is.
    if (type.kind === 'udt') return prefix + part.latin1Slice();
    assert(type.kind === 'map' || type.kind === 'set', 'elements with keys are those of maps and sets');
    return prefix + boundedPart(encodeKeyPart(type.kind === 'map' ? type.key : type.element, part));
  }

  #add(column: Column, values: readonly Buffer[], atEnd: boolean): void {
    if (values.length === 0) return;
    const prefix = this.#row + elementPrefix(column.id);
    let place = freePlace(this.#open(), this.#row, column.id, atEnd, values.length);
    for (const value of values) {
      this.#put(prefix + placeKey(place), [value]);
      place += 1;
    }
  }

  #put(key: ByteKey, parts: readonly Buffer[]): void {
    const transaction = this.#open();
    const time = this.#time as WriteTime;
    // A row of which nothing is known to be there has no elements to compare with but those of this change.
    const stored = this.#mayHave || this.hasPut ? transaction.get(key) : undefined;
    let stamp = this.#stamp;
    if (stored !== undefined && isElementLive(stored, time.now_ms)) {
      const before = elementStamp(stored);
      const fresh = (): number =>
        stored.compare(encodeElement(before, false, 0, parts), ELEMENT_HEADER_BYTES, undefined, ELEMENT_HEADER_BYTES);
      if (time.survives(before, isElementExplicit(stored), fresh)) return;
      if (!time.isExplicit && before >= stamp) stamp = time.stampOver(before);
    }
    transaction.put(key, encodeElement(stamp, time.isExplicit, time.end_ms, parts));
    this.hasPut = true;
  }

  #remove(key: ByteKey): void {
    if (!this.#mayHave && !this.hasPut) return;
    const transaction = this.#open();
    const stored = transaction.get(key);
    if (stored === undefined || !this.#yields(stored)) return;
    transaction.delete(key);
    this.hasRemoved = true;
  }

  #yields(stored: Buffer): boolean {
    const time = this.#time as WriteTime;
    return (
      !isElementLive(stored, time.now_ms) || !time.survivesDeletion(elementStamp(stored), isElementExplicit(stored))
    );
  }

  /** Everything that the collection holds and that this write may remove. */
  #clear(column: Column): void {
    if (!this.#mayHave && !this.hasPut) return;
    this.#removeWhere(column, (stored) => this.#yields(stored));
  }

  #removeValues({ column, values }: RemoveFromList): void {
    const { type } = column;
    assert(type.kind === 'list', 'values are removed from lists');
    const isMeant = (value: Cell): boolean =>
      values.some((other) => compareValues(type.element, other, value as Buffer) === 0);
    this.#removeWhere(column, (stored) => isMeant(elementValue(stored, false)) && this.#yields(stored));
  }

  #removeWhere(column: Column, isMeant: (stored: Buffer) => boolean): void {
    const transaction = this.#open();
    const found: ByteKey[] = [];
    const prefix = this.#row + elementPrefix(column.id);
    transaction.scan(prefix, this.#row + elementPrefix(column.id + 1), false, (key, stored) => {
      if (isMeant(stored)) found.push(key);
      return true;
    });
    for (const key of found) transaction.delete(key);
    if (found.length > 0) this.hasRemoved = true;
  }

  #open(): Transaction {
    return this.#transaction as Transaction;
  }
}
