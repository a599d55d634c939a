/**
 * Elements of a list stand in their order at places, u48 around 2^47, so that adding at either end writes nothing but what is added.
 * `l[i]` is found by walking: the places of all commands of a transaction are looked up before its first write, as Cassandra reads lists
 * before a batch, since an index that does not exist refuses the whole.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { invalidRequest } from '../errors.ts';
import type { SetAtIndex } from './commands.ts';
import { elementPrefix } from './layout.ts';
import { isElementLive } from './row-value.ts';

/** Keys of elements that `setIndex` names. */
export type ListPlaces = Map<SetAtIndex, ByteKey>;

const FIRST = 2 ** 47;

/** Places are six bytes. */
export function placeKey(place: number): string {
  const high = Math.floor(place / 0x1_0000_0000);
  return String.fromCharCode(
    (high >>> 8) & 0xff,
    high & 0xff,
    (place >>> 24) & 0xff,
    (place >>> 16) & 0xff,
    (place >>> 8) & 0xff,
    place & 0xff,
  );
}

function placeOf(key: ByteKey, at: number): number {
  let place = 0;
  for (let i = 0; i < 6; i += 1) place = place * 256 + key.charCodeAt(at + i);
  return place;
}

/** Where the first of `count` elements goes that are added at an end. */
export function freePlace(
  transaction: Transaction,
  row: ByteKey,
  column: number,
  atEnd: boolean,
  count: number,
): number {
  const prefix = row + elementPrefix(column);
  let edge = -1;
  transaction.scan(prefix, row + elementPrefix(column + 1), atEnd, (key) => {
    edge = placeOf(key, prefix.length);
    return false;
  });
  if (edge < 0) return FIRST;
  return atEnd ? edge + 1 : edge - count;
}

export function findPlace(transaction: Transaction, row: ByteKey, change: SetAtIndex): ByteKey {
  let size = 0;
  let found = '';
  transaction.scan(
    row + elementPrefix(change.column.id),
    row + elementPrefix(change.column.id + 1),
    false,
    (key, value) => {
      if (!isElementLive(value, transaction.now_ms)) return true;
      if (size === change.index) found = key;
      size += 1;
      return found === '';
    },
  );
  if (found !== '') return found;
  if (size === 0) {
    const what = change.value === null ? 'delete an element from' : 'set an element on';
    throw invalidRequest(`Attempted to ${what} a list which is null`);
  }
  throw invalidRequest(`List index ${change.index} out of bound, list has size ${size}`);
}
