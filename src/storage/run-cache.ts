/**
 * Runs of entries that were read from the store lately, by where the reading began, for one direction: a range of ten elements costs 20 us
 * through LMDB, with a checksum and a buffer for each.
 *
 * Used by the read cache (read-cache.ts), whose memory and generations it shares. It has what the store has, and nothing else: the store
 * changes only where cells hide it, so runs stay true until the flush that wrote there ends, and `clear` forgets all of them then.
 */
import type { ByteKey, OrderedStore, Visitor } from './ordered-store.ts';

/** Longer runs are read from the store each time: they are no cheaper here for what they push out. */
const ENTRIES_MAX = 256;
const BYTES_MAX = 64 * 1024;
/** A run in its Map; an entry of it, with the heads of its key and value. */
const RUN_BYTES = 200;
const ENTRY_BYTES = 150;

interface Run {
  readonly keys: readonly ByteKey[];
  readonly values: readonly Buffer[];
  readonly bytes: number;
  /** The store has no more before this bound; null: who read it had enough. */
  readonly through: ByteKey | null;
}

/** What a run asks of the memory that it is kept in. */
export interface RunMemory {
  /** Whether what begins at `key` is worth keeping. */
  admits(key: ByteKey): boolean;
  claim(bytes: number): boolean;
  release(bytes: number): void;
}

const NOTHING: Run = { keys: [], values: [], bytes: RUN_BYTES, through: null };

export class RunCache {
  readonly #memory: RunMemory;
  readonly #reverse: boolean;
  #young = new Map<ByteKey, Run>();
  #old = new Map<ByteKey, Run>();
  #youngBytes = 0;

  constructor(memory: RunMemory, reverse: boolean) {
    this.#memory = memory;
    this.#reverse = reverse;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** As `scan` of the store; values are shared with every other reader. */
  scan(store: OrderedStore, lo: ByteKey, hi: ByteKey, visit: Visitor): void {
    if (lo >= hi) return;
    const reverse = this.#reverse;
    const start = reverse ? hi : lo;
    const run = this.#get(start);
    if (run === undefined) {
      if (this.#memory.admits(start)) this.#read(store, lo, hi, visit, start, NOTHING);
      else store.scan(lo, hi, reverse, visit);
      return;
    }
    const { keys, values, through } = run;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] as ByteKey;
      if (reverse ? key < lo : key >= hi) return;
      if (!visit(key, values[at] as Buffer)) return;
    }
    if (through !== null && (reverse ? lo >= through : hi <= through)) return;
    const last = keys[keys.length - 1];
    if (reverse) this.#read(store, lo, through ?? last ?? hi, visit, start, run);
    else this.#read(store, through ?? (last === undefined ? lo : `${last}\0`), hi, visit, start, run);
  }

  /** The store has changed. */
  clear(): void {
    if (this.size === 0) return;
    this.#young = new Map();
    this.#old = new Map();
    this.#memory.release(this.#youngBytes);
    this.#youngBytes = 0;
  }

  /** A generation is full. Returns whether something was forgotten. */
  turn(): boolean {
    const forgotten = this.#old.size > 0;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
    return forgotten;
  }

  #get(start: ByteKey): Run | undefined {
    const young = this.#young.get(start);
    if (young !== undefined) return young;
    if (this.#old.size === 0) return undefined;
    const old = this.#old.get(start);
    if (old === undefined) return undefined;
    this.#old.delete(start);
    this.#add(start, old);
    return old;
  }

  #add(start: ByteKey, run: Run): void {
    // May make the young generation the old one.
    if (!this.#memory.claim(run.bytes)) return;
    this.#young.set(start, run);
    this.#youngBytes += run.bytes;
  }

  /** Visits lo <= key < hi of the store, which follow on `before`, and keeps both as the run from `start`, unless it gets too long. */
  #read(store: OrderedStore, lo: ByteKey, hi: ByteKey, visit: Visitor, start: ByteKey, before: Run): void {
    const keys: ByteKey[] = [];
    const values: Buffer[] = [];
    let bytes = before.bytes;
    let room = ENTRIES_MAX - before.keys.length;
    let through: ByteKey | null = this.#reverse ? lo : hi;
    store.scan(lo, hi, this.#reverse, (key, value) => {
      if (room > 0) {
        keys.push(key);
        values.push(value);
        bytes += ENTRY_BYTES + key.length + value.length;
      }
      room = bytes > BYTES_MAX ? -1 : room - 1;
      if (visit(key, value)) return true;
      through = null;
      return false;
    });
    if (room < 0) return;
    this.#young.delete(start);
    this.#add(start, {
      keys: before.keys.concat(keys),
      values: before.values.concat(values),
      bytes,
      through,
    });
  }
}
