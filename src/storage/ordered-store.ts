/**
 * A node's ordered key-value store below the overlay: LMDB for real (`lmdb-store.ts`), a simulated one in `sim/`. It is
 * never the point of durability (that is the WAL) and may fall back to an earlier flush after a crash.
 */

/**
 * Key bytes as a string with one char (0-255) per byte: `<` is then byte order, a Map finds it without hashing code of
 * our own, and building it from a socket buffer is one native call (`latin1Slice`). At most `KEY_BYTES_MAX` long.
 */
export type ByteKey = string;

/** LMDB's limit for a key is 1,978 bytes in lmdb-js builds; the rest is room for the store's own use. */
export const KEY_BYTES_MAX = 1_900;

/** What `write` puts into one transaction: not more changes, and none behind one with which their values reach the bytes. */
export const STORE_TRANSACTION_CHANGES_MAX = 1_000;
export const STORE_TRANSACTION_BYTES = 2 * 1024 * 1024;

/** The key becomes source[from, to), or is deleted when `source` is null. */
export interface StoreChange {
  readonly key: ByteKey;
  readonly source: Uint8Array | null;
  readonly from: number;
  readonly to: number;
}

export function storeChange(key: ByteKey, value: Uint8Array | null): StoreChange {
  return { key, source: value, from: 0, to: value === null ? 0 : value.length };
}

/** Returns false to end the scan. `value` belongs to the visitor. The visitor must not write to the store. */
export type Visitor = (key: ByteKey, value: Buffer) => boolean;

/** Finds keys without reading values, damaged ones included. */
export interface KeyFinder {
  /** The first key with lo <= key < hi. It may be one that was deleted a short while ago. */
  firstKey(lo: ByteKey, hi: ByteKey): ByteKey | undefined;
}

export interface OrderedStore extends KeyFinder {
  /** Keys that were found damaged when the store was opened. Reading one of them throws `DamagedError`. */
  readonly damagedKeys: readonly ByteKey[];
  /** The value, owned by the caller, or undefined. Throws `DamagedError`: what is there is not what was written. */
  get(key: ByteKey): Buffer | undefined;
  /** Visits the entries with lo <= key < hi, ascending, or descending from hi when `reverse`. Throws `DamagedError`. */
  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void;
  /** The number of keys with lo <= key < hi. Values are not read, damaged ones count. */
  count(lo: ByteKey, hi: ByteKey): number;
  /** The key of lo <= key < hi that has `index` others of them before it; undefined when there are not so many. */
  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined;
  /**
   * Removes `ranges`, then writes `entries`, then writes `trailer` in the same transaction as the last
   * entries. Split into transactions of `STORE_TRANSACTION_CHANGES_MAX` and `STORE_TRANSACTION_BYTES`: a crash may leave a
   * prefix, never the trailer without the rest. Resolves when everything is durable. Calls do not overlap; the caller awaits one before the next.
   */
  write(
    ranges: readonly KeyRange[],
    entries: Iterable<StoreChange>,
    trailer: readonly (readonly [ByteKey, Uint8Array | null])[],
  ): Promise<void>;
  /** Bytes on disk, for metrics. */
  sizeBytes(): number;
  close(): Promise<void>;
}

export interface KeyRange {
  /** Inclusive. */
  readonly lo: ByteKey;
  /** Exclusive. */
  readonly hi: ByteKey;
}
