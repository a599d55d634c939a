/**
 * The state of a tablet as its committed log makes it, kept entry by entry, with a hash for every index. The hash is a sum over
 * keys, so that it can be compared with what any replica has applied at any index.
 */
import { crc32 } from 'node:zlib';
import type { ByteKey } from '../../src/storage/ordered-store.ts';
import { decodeWriteBatch } from '../../src/storage/write-batch.ts';
import type { DurableEntry } from './durable-log.ts';

const ENTRY_NORMAL = 0;

export class TabletModel {
  readonly values = new Map<ByteKey, Buffer>();
  /** By index; the first ones are those of a log that begins with an imaginary entry. */
  readonly hashes: number[] = [0, 0];
  readonly #onPut: (key: ByteKey, value: Buffer) => void;
  #hash = 0;

  constructor(onPut: (key: ByteKey, value: Buffer) => void) {
    this.#onPut = onPut;
  }

  apply(index: number, entry: DurableEntry): void {
    if (entry.type === ENTRY_NORMAL && entry.data.length > 0) {
      decodeWriteBatch(entry.data, {
        range: (lo, hi) => {
          for (const key of [...this.values.keys()]) if (lo <= key && key < hi) this.#set(key, null);
        },
        put: (key, bytes, from, to) => {
          const value = bytes.subarray(from, to);
          this.#set(key, value);
          this.#onPut(key, value);
        },
        delete: (key) => this.#set(key, null),
      });
    }
    this.hashes[index] = this.#hash;
  }

  #set(key: ByteKey, value: Buffer | null): void {
    const old = this.values.get(key);
    if (old !== undefined) this.#hash -= hashOf(key, old);
    if (value === null) this.values.delete(key);
    else {
      this.values.set(key, value);
      this.#hash += hashOf(key, value);
    }
  }
}

/** What one entry adds to the hash of a state: sums of a million of them stay exact. */
export function hashOf(key: ByteKey, value: Buffer): number {
  return crc32(value, crc32(Buffer.from(key, 'latin1')));
}
