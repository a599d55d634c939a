/** An OrderedStore in memory for tests. `write` becomes visible at a moment the test chooses: at once, or in `land`. */
import { StoreDamagedError } from './errors.ts';
import type { ByteKey, KeyRange, OrderedStore, StoreChange, Visitor } from './ordered-store.ts';

export class MemoryStore implements OrderedStore {
  readonly entries = new Map<ByteKey, Buffer>();
  /** Values that are not what was written any more: reading one throws. */
  readonly rotten = new Set<ByteKey>();
  damagedKeys: readonly ByteKey[] = [];
  /** For tests that count what is read. */
  scanned = 0;

  get(key: ByteKey): Buffer | undefined {
    const value = this.entries.get(key);
    this.#check(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    const keys = this.#keys(lo, hi);
    if (reverse) keys.reverse();
    for (const key of keys) {
      this.scanned += 1;
      this.#check(key);
      if (!visit(key, Buffer.from(this.entries.get(key) as Buffer))) return;
    }
  }

  firstKey(lo: ByteKey, hi: ByteKey): ByteKey | undefined {
    return this.keyAt(lo, hi, 0);
  }

  count(lo: ByteKey, hi: ByteKey): number {
    return this.#keys(lo, hi).length;
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    return this.#keys(lo, hi)[index];
  }

  #keys(lo: ByteKey, hi: ByteKey): ByteKey[] {
    return [...this.entries.keys()].filter((key) => lo <= key && key < hi).sort();
  }

  #check(key: ByteKey): void {
    if (this.rotten.has(key) && this.entries.has(key)) {
      throw new StoreDamagedError('memory', Buffer.from(key, 'latin1').toString('hex'), '', 'a test says so');
    }
  }

  apply(
    ranges: readonly KeyRange[],
    entries: Iterable<StoreChange | readonly [ByteKey, Uint8Array | null]>,
    trailer: readonly (readonly [ByteKey, Uint8Array | null])[] = [],
  ): void {
    for (const { lo, hi } of ranges) {
      for (const key of [...this.entries.keys()]) if (lo <= key && key < hi) this.entries.delete(key);
    }
    for (const change of [...entries, ...trailer]) {
      const [key, value] = 'key' in change ? [change.key, changedValue(change)] : change;
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, Buffer.from(value));
      this.rotten.delete(key);
    }
  }

  async write(
    ranges: readonly KeyRange[],
    entries: Iterable<StoreChange>,
    trailer: readonly (readonly [ByteKey, Uint8Array | null])[],
  ): Promise<void> {
    this.apply(ranges, entries, trailer);
  }

  sizeBytes(): number {
    return 0;
  }

  async close(): Promise<void> {}
}

function changedValue({ source, from, to }: StoreChange): Uint8Array | null {
  return source === null ? null : source.subarray(from, to);
}
