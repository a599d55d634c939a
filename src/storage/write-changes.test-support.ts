/** Writes changes that are given as pairs. */
import { type ByteKey, type KeyRange, type OrderedStore, storeChange } from './ordered-store.ts';

type Pair = readonly [ByteKey, Uint8Array | null];

export function write(
  store: OrderedStore,
  ranges: readonly KeyRange[],
  entries: Iterable<Pair>,
  trailer: readonly Pair[],
): Promise<void> {
  return store.write(
    ranges,
    [...entries].map(([key, value]) => storeChange(key, value)),
    trailer,
  );
}
