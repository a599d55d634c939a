/**
 * Cells that expire are not seen from their moment on, whoever reads. The expiry index is what removes them: a row that has something
 * that expires has one entry, at the first such moment or earlier; when it comes, what has expired is removed and the entry moves on.
 * So a row that is written with a TTL a thousand times a second still has one entry.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { expiryKey } from './tablet-keys.ts';

const NO_VALUE = Buffer.alloc(0);

/** Moments of 0 are none. */
export function moveExpiryEntry(
  transaction: Transaction,
  place: { readonly key: ByteKey; readonly slotFirst: number },
  from_ms: number,
  to_ms: number,
): void {
  if (from_ms > 0) transaction.delete(expiryKey(place.slotFirst, from_ms, place.key));
  if (to_ms > 0) transaction.put(expiryKey(place.slotFirst, to_ms, place.key), NO_VALUE);
}
