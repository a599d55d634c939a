/**
 * Values of the store that were read lately: a read through LMDB with its checksum costs 2 us, a third of a pipelined GET.
 *
 * Each overlay has a cache of its own, and those of a node share a pool of memory: what is read gets the room, and who changes a
 * range looks through the keys of one tablet only.
 *
 * Two generations: what is found in the old one moves to the young one; when the young ones of all caches fill half of the pool
 * they become the old ones, and the old ones are forgotten. That is nearly "least recently used" without a list to maintain
 * at every hit.
 *
 * Once something has been forgotten, a key gets in only when it was asked for twice within a while: under reads that are spread
 * over more keys than there is room for, nearly everything would be forgotten before it is read again, and copying in and out
 * with the garbage that it leaves costs more than the reads that are saved.
 *
 * A cache has what the store has: whoever changes the store says so here (`delete`, `deleteRanges`, `flushed`, `clear`).
 */
import type { ByteKey, OrderedStore, Visitor } from './ordered-store.ts';
import type { RangeSet } from './range-set.ts';
import { RunCache, type RunMemory } from './run-cache.ts';

/** A Map entry, the head of a key string and of a Buffer. */
const ENTRY_BYTES = 180;
/** Larger values cost little more from the store, for what they would push out. */
const VALUE_BYTES_MAX = 16 * 1024;
/** Bits that remember keys which were asked for once, by hash; emptied when a quarter of them may be set. */
const SEEN_BITS = 2 ** 18;
const SEEN_MAX = SEEN_BITS / 4;

export class ReadCache {
  readonly #pool: ReadCachePool;
  #young = new Map<ByteKey, Buffer>();
  #old = new Map<ByteKey, Buffer>();
  readonly #ascending: RunCache;
  readonly #descending: RunCache;

  /** Made by its pool. */
  constructor(pool: ReadCachePool) {
    this.#pool = pool;
    this.#ascending = new RunCache(pool, false);
    this.#descending = new RunCache(pool, true);
  }

  /** Keys, and runs of keys. */
  get size(): number {
    return this.#young.size + this.#old.size + this.#ascending.size + this.#descending.size;
  }

  /** Shared with every other reader: not to be changed. */
  get(key: ByteKey): Buffer | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    if (this.#old.size === 0) return undefined;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#add(key, old);
    return old;
  }

  /** `value` is what the store has for `key`, which the cache does not have. */
  add(key: ByteKey, value: Buffer): void {
    if (value.length <= VALUE_BYTES_MAX && this.#pool.admits(key)) this.#add(key, value);
  }

  /** As `scan` of the store, without the cells above it. Values are shared: not to be changed. */
  scan(store: OrderedStore, lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    (reverse ? this.#descending : this.#ascending).scan(store, lo, hi, visit);
  }

  /** A flush has ended: cells hide no longer what it wrote. */
  flushed(): void {
    this.#ascending.clear();
    this.#descending.clear();
  }

  /** The store has another value for `key` from now on, or none. */
  delete(key: ByteKey): void {
    // The bytes of a deleted entry count until the generation changes: an estimate on the safe side.
    if (this.#young.size > 0) this.#young.delete(key);
    if (this.#old.size > 0) this.#old.delete(key);
  }

  /** The store has nothing left in these ranges. */
  deleteRanges(ranges: RangeSet): void {
    for (const generation of [this.#young, this.#old]) {
      for (const key of generation.keys()) if (ranges.has(key)) generation.delete(key);
    }
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.flushed();
  }

  /** Nobody reads here any more: the pool has its memory back. */
  close(): void {
    this.clear();
    this.#pool.closed(this);
  }

  /** Called by the pool: a generation is full. Returns whether something was forgotten. */
  turn(): boolean {
    const forgotten = [this.#old.size > 0, this.#ascending.turn(), this.#descending.turn()];
    this.#old = this.#young;
    this.#young = new Map();
    return forgotten.includes(true);
  }

  #add(key: ByteKey, value: Buffer): void {
    if (this.#pool.claim(ENTRY_BYTES + key.length + value.length)) this.#young.set(key, value);
  }
}

/** The memory of the read caches of a node. */
export class ReadCachePool implements RunMemory {
  readonly #caches = new Set<ReadCache>();
  readonly #generationBytes: number;
  #youngBytes = 0;
  /** Null until something has been forgotten. */
  #seen: Uint32Array | null = null;
  #seenCount = 0;

  /** `bytesMax` is the memory to use, approximately. 0 caches nothing. */
  constructor(bytesMax: number) {
    this.#generationBytes = bytesMax / 2;
  }

  open(): ReadCache {
    const cache = new ReadCache(this);
    this.#caches.add(cache);
    return cache;
  }

  /** Called by the cache. */
  closed(cache: ReadCache): void {
    this.#caches.delete(cache);
  }

  /** Whether the value of `key`, which was read, is worth keeping; it is remembered that it was asked for. */
  admits(key: ByteKey): boolean {
    if (this.#generationBytes === 0) return false;
    const seen = this.#seen;
    if (seen === null) return true;
    const hash = hashOf(key) % SEEN_BITS;
    const word = seen[hash >>> 5] as number;
    const bit = 1 << (hash & 31);
    if ((word & bit) !== 0) return true;
    this.#seenCount += 1;
    if (this.#seenCount > SEEN_MAX) {
      this.#seenCount = 0;
      seen.fill(0);
    } else seen[hash >>> 5] = word | bit;
    return false;
  }

  /** Room in the young generation; false when there is never enough. */
  claim(bytes: number): boolean {
    if (this.#youngBytes + bytes > this.#generationBytes) {
      this.#turn();
      if (bytes > this.#generationBytes) return false;
    }
    this.#youngBytes += bytes;
    return true;
  }

  /** What was claimed is not used any more. */
  release(bytes: number): void {
    this.#youngBytes -= bytes;
  }

  #turn(): void {
    this.#youngBytes = 0;
    let forgotten = false;
    for (const cache of this.#caches) if (cache.turn()) forgotten = true;
    if (forgotten) this.#seen ??= new Uint32Array(SEEN_BITS / 32);
  }
}

/** FNV-1a; keys differ most in their last bytes. */
function hashOf(key: ByteKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
