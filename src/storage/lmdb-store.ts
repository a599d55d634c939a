/**
 * The node's ordered store on LMDB (lmdb-js). LMDB has no checksums: values carry a CRC-32 of key and value in front, which is
 * checked at every read, and the whole file is read when it is opened (lmdb-store-check.ts).
 *
 * It is not the point of durability: with `overlappingSync` and `safeRestore` it opens, after any crash, at a transaction
 * that was flushed whole, possibly an earlier one than the last that was visible. The WAL replays from there.
 *
 * Rules that come from measurements: at most 1,000 changes a transaction (after a transaction of 20,000 every later one of
 * a single put cost 83 ms of CPU), and never `transactionSync` (it blocks the event loop on an fsync).
 *
 * Measured (2 cores, ext4, Node 20, 18-byte keys, 100-byte values, 100,000-300,000 keys, random): get 1.9 us (0.5 us when
 * absent), scan 1.4 us an entry and 3.5 us to begin, range delete 2 us a key. A put costs 1.4-2.5 us of the main thread; with
 * LMDB's thread 8-10 us of CPU in all in flushes of 1,000 to 10,000, 27-36 us in flushes of 64.
 */
import { closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Database, open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import { arrivalChecksumOf } from '../base/arrival-checksums.ts';
import { AssertionError, assert } from '../base/assert.ts';
import { combineCrc32 } from '../base/crc32-combine.ts';
import { DamagedError, StoreDamagedError, StoreOpenError, StoreWriteError } from './errors.ts';
import { checkStoreFile, DAMAGED_KEYS_MAX, type StoreCheck } from './lmdb-store-check.ts';
import {
  type ByteKey,
  KEY_BYTES_MAX,
  type KeyRange,
  type OrderedStore,
  STORE_TRANSACTION_BYTES,
  STORE_TRANSACTION_CHANGES_MAX,
  type StoreChange,
  storeChange,
  type Visitor,
} from './ordered-store.ts';
import { SortedChanges } from './sorted-changes.ts';

export interface LmdbStoreOptions {
  /** A folder that holds nothing else. */
  readonly path: string;
  /** Address space, not memory nor disk: the data file grows as needed up to this. */
  readonly mapBytes?: number;
  /** Resolves when the event loop has come round: large flushes are sorted in parts. Default: does not wait. */
  readonly nextTurn?: () => Promise<void>;
}

const MAP_BYTES = 1024 ** 4;
/** No key is below it. */
const LOWEST_KEY: ByteKey = '\0';
const CRC_BYTES = 4;
/** A transaction with more than this is put together in slices of it. New memory is slow: 1 to 2 ms for each. */
const SLICE_BYTES = 2 * 1024 * 1024;
const FILE_NAME = 'data.mdb';

/** Where LMDB's meta pages (data format 2) keep what is checked before the file is opened. */
const META_FLAGS_AT = 18;
const META_FLAG = 0x08;
const META_MAGIC_AT = 24;
const META_MAGIC = 0xbeefc0de;
const META_PAGE_BYTES_AT = 48;
const META_LAST_PAGE_AT = 144;
const META_PAGE_BYTES_MAX = 65_536;

/** Keys go in and come out as latin1 strings: one native call each, no Buffer per key. */
const keyEncoder = {
  writeKey(key: ByteKey, target: Buffer, start: number): number {
    return start + target.latin1Write(key, start, key.length);
  },
  readKey(source: Buffer, start: number, end: number): ByteKey {
    return source.latin1Slice(start, end);
  },
};

/** A buffer of which lmdb-js puts the part from `start` to `end`. */
type ValueBlock = Buffer & { start?: number; end?: number };

/**
 * What lmdb-js looks for on a database, and has no option for: a decoder that says that it copies is given the one buffer into which
 * all values are read, where a scan would otherwise make a new one for each. Ours leaves the copying to `#unpacked`.
 */
const SHARED_VALUES = { decoder: { decode: (bytes: Buffer) => bytes }, decoderCopies: true } as const;

/** Options that lmdb-js has and its type file leaves out. */
interface UntypedOptions {
  readonly safeRestore: boolean;
  readonly maxFreeSpaceToLoad: number;
  readonly maxFreeSpaceToRetain: number;
}

export class LmdbStore implements OrderedStore {
  readonly #path: string;
  readonly #database: RootDatabase<Buffer, ByteKey> & Database<Buffer, ByteKey>;
  readonly #nextTurn: () => Promise<void>;
  readonly damagedKeys: readonly ByteKey[];
  #writing = false;
  #closed = false;

  private constructor(
    path: string,
    database: RootDatabase<Buffer, ByteKey>,
    nextTurn: () => Promise<void>,
    check: StoreCheck | null,
  ) {
    this.#path = path;
    this.#database = database;
    this.#nextTurn = nextTurn;
    this.damagedKeys = check?.damagedKeys ?? [];
  }

  /** Throws `StoreOpenError`; its cause is a `DamagedError` when the file is not what was written. */
  static open(options: LmdbStoreOptions): LmdbStore {
    const settings: RootDatabaseOptions & UntypedOptions = {
      keyEncoder,
      encoding: 'binary',
      mapSize: options.mapBytes ?? MAP_BYTES,
      overlappingSync: true,
      safeRestore: true,
      maxFreeSpaceToLoad: 2_000,
      maxFreeSpaceToRetain: 4_000,
      // Data of other keys in unused parts of a page is no secret from those who may read the file.
      noMemInit: true,
      noSubdir: false,
      // Transactions are what `batch` says, never what one turn of the event loop happens to hold.
      eventTurnBatching: false,
      maxReaders: 64,
      maxDbs: 1,
      cache: false,
    };
    try {
      mkdirSync(options.path, { recursive: true });
      const file = `${options.path}/${FILE_NAME}`;
      const nextTurn = options.nextTurn ?? (() => Promise.resolve());
      const isNew = !checkFile(file);
      const database = open<Buffer, ByteKey>(options.path, settings);
      Object.assign(database, SHARED_VALUES);
      if (isNew) return new LmdbStore(options.path, database, nextTurn, null);
      try {
        const check = checkStoreFile(file);
        if (check.damagedKeys.length >= DAMAGED_KEYS_MAX) throw new DamagedError('more than 1,000 values are damaged');
        return new LmdbStore(options.path, database, nextTurn, check);
      } catch (error) {
        void database.close();
        throw error;
      }
    } catch (error) {
      throw new StoreOpenError(`${options.path}/${FILE_NAME}`, isLmdbDamage(error) ? asDamage(error) : error);
    }
  }

  get(key: ByteKey): Buffer | undefined {
    assert(!this.#closed, 'a closed store is not read');
    // lmdb-js gives one shared buffer that the next read overwrites.
    let shared: Uint8Array | undefined;
    try {
      shared = this.#database.getBinaryFast(key);
    } catch (error) {
      throw this.#readFailed(key, error);
    }
    if (shared === undefined) return undefined;
    // From 16 MiB on it is a view of the mapped file, and a bare Uint8Array.
    const packed = Buffer.isBuffer(shared) ? shared : Buffer.from(shared.buffer, shared.byteOffset, shared.length);
    return this.#unpacked(key, packed, shared.length);
  }

  /**
   * One cursor on one read transaction: consistent, and pinning the pages that are freed meanwhile, so callers that want
   * much ask in parts, with turns of the event loop between them. The visitor may read the store.
   */
  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    assert(!this.#closed, 'a closed store is not read');
    // LMDB has no empty key, and lmdb-js takes none as a bound.
    const low = lo === '' ? LOWEST_KEY : lo;
    if (hi <= low) return;
    const range = reverse
      ? this.#database.getRange({ start: hi, end: low, inclusiveEnd: true, reverse: true })
      : this.#database.getRange({ start: low, end: hi });
    try {
      for (const { key, value } of range) {
        // Descending, lmdb-js begins at hi itself when that exists.
        if (key === hi) continue;
        if (!visit(key, this.#unpacked(key, value, value.length))) return;
      }
    } catch (error) {
      throw this.#readFailed(low, error);
    }
  }

  firstKey(lo: ByteKey, hi: ByteKey): ByteKey | undefined {
    return this.keyAt(lo, hi, 0);
  }

  count(lo: ByteKey, hi: ByteKey): number {
    assert(!this.#closed, 'a closed store is not read');
    const low = lo === '' ? LOWEST_KEY : lo;
    if (hi <= low) return 0;
    try {
      return this.#database.getKeysCount({ start: low, end: hi });
    } catch (error) {
      throw this.#readFailed(low, error);
    }
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    assert(!this.#closed, 'a closed store is not read');
    const low = lo === '' ? LOWEST_KEY : lo;
    if (hi <= low) return undefined;
    try {
      for (const key of this.#database.getKeys({ start: low, end: hi, offset: index, limit: 1 })) return key;
    } catch (error) {
      throw this.#readFailed(low, error);
    }
    return undefined;
  }

  /** LMDB has found that a page is not what it must be; or another error, as it came. */
  #readFailed(key: ByteKey, error: unknown): unknown {
    return isLmdbDamage(error) ? this.#damaged(key, messageOf(error), { cause: error }) : error;
  }

  #unpacked(key: ByteKey, packed: Buffer, length: number): Buffer {
    if (length < CRC_BYTES) throw this.#damaged(key, 'a value is too short');
    const value = Buffer.allocUnsafe(length - CRC_BYTES);
    const crc = copyWithChecksum(key, packed, CRC_BYTES, length, value, 0);
    if (crc !== packed.readUInt32LE(0)) throw this.#damaged(key, 'a value has a wrong checksum');
    return value;
  }

  #damaged(key: ByteKey, detail: string, options?: ErrorOptions): StoreDamagedError {
    const hex = Buffer.from(key, 'latin1').toString('hex');
    return new StoreDamagedError(this.#path, hex, `${hex}00`, detail, options);
  }

  async write(
    ranges: readonly KeyRange[],
    entries: Iterable<StoreChange>,
    trailer: readonly (readonly [ByteKey, Uint8Array | null])[],
  ): Promise<void> {
    assert(!this.#closed && !this.#writing, 'one write at a time, on an open store');
    this.#writing = true;
    try {
      for (const range of ranges) await this.#removeRange(range);
      // In key order neighbouring keys share a transaction and so the pages that it copies: 30 % less CPU at 10,000
      // random keys, for a sort that costs less than 1 us a key.
      const changes = await SortedChanges.of(entries, this.#nextTurn);
      let part = changes.take(STORE_TRANSACTION_CHANGES_MAX, STORE_TRANSACTION_BYTES);
      for (; changes.left > 0; part = changes.take(STORE_TRANSACTION_CHANGES_MAX, STORE_TRANSACTION_BYTES)) {
        await this.#transaction(part);
      }
      for (const [key, value] of trailer) part.push(storeChange(key, value));
      if (part.length > 0) await this.#transaction(part);
      // LMDB makes transactions durable in their order, so the last one speaks for all.
      await this.#database.flushed;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      throw new StoreWriteError(this.#path, await causeOf(error));
    } finally {
      this.#writing = false;
    }
  }

  async #removeRange(range: KeyRange): Promise<void> {
    let from = range.lo === '' ? LOWEST_KEY : range.lo;
    while (from < range.hi) {
      const keys = [...this.#database.getKeys({ start: from, end: range.hi, limit: STORE_TRANSACTION_CHANGES_MAX })];
      const last = keys[keys.length - 1];
      if (last === undefined) return;
      await this.#transaction(keys.map((key) => storeChange(key, null)));
      if (keys.length < STORE_TRANSACTION_CHANGES_MAX) return;
      from = `${last}\0`;
    }
  }

  /** One transaction; resolves when it is visible. */
  async #transaction(changes: readonly StoreChange[]): Promise<void> {
    let size = 0;
    for (const { key, source, from, to } of changes) {
      assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key has 1 to KEY_BYTES_MAX bytes');
      if (source !== null) size += CRC_BYTES + to - from;
    }
    // One block for all values of a transaction: lmdb-js keeps the memory in place until its thread has copied it.
    const block = Buffer.allocUnsafeSlow(size);
    // Another object for the same memory: writing to one that has properties of its own is slow.
    const handed: ValueBlock = block.subarray();
    const isLarge = size > SLICE_BYTES;
    if (isLarge) await this.#packInSlices(block, changes);
    let end = 0;
    // `batch` is what makes it one transaction, and gives the only promise there is: with single puts lmdb-js makes
    // promises of its own that nobody can catch when a commit fails.
    await this.#database.batch(() => {
      for (const { key, source, from, to } of changes) {
        if (source === null) {
          void this.#database.remove(key);
          continue;
        }
        const start = end;
        end = isLarge ? start + CRC_BYTES + to - from : pack(block, start, key, source, from, to);
        // What lmdb-js takes of a buffer with these two properties: a view for each value would cost as much as the put.
        handed.start = start;
        handed.end = end;
        void this.#database.put(key, handed);
      }
    });
  }

  /** As `pack` for each change; the event loop turns after every slice. */
  async #packInSlices(block: Buffer, changes: readonly StoreChange[]): Promise<void> {
    let end = 0;
    let left = SLICE_BYTES;
    for (const { key, source, from, to } of changes) {
      if (source === null) continue;
      const start = end;
      const begin = ~crcOfKey(key) >>> 0;
      const known = arrivalChecksumOf(source.subarray(from, to));
      let crc = known === undefined ? begin : combineCrc32(begin, known, to - from);
      end += CRC_BYTES;
      for (let at = from; at < to; ) {
        const slice = source.subarray(at, Math.min(to, at + left));
        block.set(slice, end);
        if (known === undefined) crc = crc32(slice, crc);
        end += slice.length;
        at += slice.length;
        left -= slice.length;
        if (left > 0) continue;
        await this.#nextTurn();
        left = SLICE_BYTES;
      }
      block.writeUInt32LE(crc, start);
    }
  }

  sizeBytes(): number {
    try {
      // Blocks, not length: the file is sparse.
      return statSync(`${this.#path}/${FILE_NAME}`).blocks * 512;
    } catch {
      return 0;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#database.close();
  }
}

/** Below this a loop is faster than the calls of `set` and `crc32` with the view that they need. */
const LOOP_BYTES_MAX = 128;
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb8_8320;
  return crc;
});

/** The state of the CRC-32 after the key, which belongs to it: a value that is found under another key than its own is damage. */
function crcOfKey(key: ByteKey): number {
  let crc = -1;
  for (let at = 0; at < key.length; at += 1) {
    crc = (CRC_TABLE[(crc ^ key.charCodeAt(at)) & 0xff] as number) ^ (crc >>> 8);
  }
  return crc;
}

/** Copies bytes[from, to) to target[at, ...); returns the CRC-32 of key and bytes. */
function copyWithChecksum(
  key: ByteKey,
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  let crc = crcOfKey(key);
  if (to - from > LOOP_BYTES_MAX) {
    const view = bytes.subarray(from, to);
    target.set(view, at);
    return crc32(view, ~crc >>> 0);
  }
  let end = at;
  for (let position = from; position < to; position += 1, end += 1) {
    const byte = bytes[position] as number;
    target[end] = byte;
    crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** Writes checksum and value to block[start, ...) and returns where they end. */
function pack(block: Buffer, start: number, key: ByteKey, source: Uint8Array, from: number, to: number): number {
  block.writeUInt32LE(copyWithChecksum(key, source, from, to, block, start + CRC_BYTES), start);
  return start + CRC_BYTES + to - from;
}

/** LMDB's own words for a file that is not what it wrote. */
function isLmdbDamage(error: unknown): boolean {
  return /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|BAD_TXN|PANIC)/.test(messageOf(error));
}

function asDamage(error: unknown): DamagedError {
  return error instanceof DamagedError ? error : new DamagedError(messageOf(error), { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** lmdb-js puts the reason of a failed commit into a promise of its own, which must be caught too. */
async function causeOf(error: unknown): Promise<unknown> {
  const commitError = (error as { commitError?: Promise<never> }).commitError;
  if (commitError === undefined) return error;
  try {
    return await commitError;
  } catch (reason) {
    return reason;
  }
}

/**
 * lmdb-js ends the process with a segmentation fault when the two meta pages are not what LMDB expects, or the file is
 * shorter than they say. That much can be looked at before. False when there is nothing in it yet.
 */
function checkFile(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  // None, or one whose creation was cut off: LMDB makes it anew.
  if (size === 0) return false;
  const file = openSync(path, 'r');
  const head = Buffer.alloc(2 * META_PAGE_BYTES_MAX);
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const pageBytes = head.readUInt32LE(META_PAGE_BYTES_AT);
  if (pageBytes < 256 || pageBytes > META_PAGE_BYTES_MAX) throw new DamagedError('it is no LMDB file');
  let pages = Number.POSITIVE_INFINITY;
  for (const at of [0, pageBytes]) {
    const isMeta = (head.readUInt16LE(at + META_FLAGS_AT) & META_FLAG) !== 0;
    if (!isMeta || head.readUInt32LE(at + META_MAGIC_AT) !== META_MAGIC)
      throw new DamagedError('a meta page is damaged');
    pages = Math.min(pages, Number(head.readBigUInt64LE(at + META_LAST_PAGE_AT)) + 1);
  }
  if (pages * pageBytes > size) throw new DamagedError('the file is too short');
  return true;
}
