/**
 * What hashes, sets, sorted sets and lists have in common: a metadata value that holds either all elements, packed, or
 * an id below which each element is an entry of its own.
 *
 *   open (the type's own function) -> read, change -> save once
 *
 * Invariants:
 *  1. A collection without elements is not there: `save` removes its key.
 *  2. Small collections become large when they pass a limit, at the change that passes it; never the other way round.
 *  3. All changes of a large collection but its metadata are written at once; nothing is right before `save`.
 *  4. The counted index counts the elements of the order that the type names, all of them.
 */
import type { Keyspace } from '../keyspace.ts';
import { expireOf, hasFlag, headerBytes, ValueFlag, type ValueType } from '../value.ts';
import { COPY_BYTES_MAX } from './copy.ts';
import { CountedIndex } from './counted-index.ts';
import { ElementSpace } from './element-space.ts';
import { IndexTree } from './index-cache.ts';
import type { CollectionLimits } from './limits.ts';
import {
  bodyStart,
  type Encoding,
  encodingOfCollection,
  headBytes,
  LARGE_BYTES,
  type LargeHead,
  readLargeHead,
  writeHead,
  writeLargeHead,
} from './payload.ts';

export interface CollectionHost {
  readonly keyspace: Keyspace;
  readonly limits: CollectionLimits;
}

/** The elements of a large collection. */
export class LargePart {
  readonly id: string;
  readonly space: ElementSpace;
  bytes: number;
  expiring: number;
  readonly #keyspace: Keyspace;
  readonly #slot: number;
  readonly #order: string;
  readonly #head: LargeHead;
  /** The metadata that it was found by; undefined for a collection that is made now. */
  readonly #raw: Buffer | undefined;
  #tree: IndexTree | undefined;
  #index: CountedIndex | undefined;

  constructor(keyspace: Keyspace, slot: number, order: string, head: LargeHead, raw?: Buffer) {
    this.id = head.id;
    this.space = new ElementSpace(keyspace.transaction, slot, head.id);
    this.bytes = head.bytes;
    this.expiring = head.expiring;
    this.#keyspace = keyspace;
    this.#slot = slot;
    this.#order = order;
    this.#head = head;
    this.#raw = raw;
  }

  get count(): number {
    return this.#index === undefined ? this.#head.count : this.#index.count;
  }

  get levels(): number {
    return this.#index === undefined ? this.#head.levels : this.#index.levels;
  }

  /** Most commands need none. */
  get index(): CountedIndex {
    if (this.#index !== undefined) return this.#index;
    const { id, count, levels } = this.#head;
    const raw = this.#raw;
    this.#tree = raw === undefined ? new IndexTree(undefined) : this.#keyspace.indexes.open(this.#slot, id, raw);
    this.#index = new CountedIndex(this.space, this.#tree, this.#order, count, levels);
    return this.#index;
  }

  /** All that was changed is written, and `value` is the metadata from now on. */
  saved(value: Buffer): void {
    const { indexes } = this.#keyspace;
    if (this.#tree !== undefined) indexes.save(this.#slot, this.id, this.#tree, value);
    else if (this.#raw !== undefined) indexes.saveUntouched(this.#slot, this.id, this.#raw, value);
  }
}

export abstract class Collection {
  readonly slot: number;
  readonly key: string;
  expire_ms: number;
  protected readonly keyspace: Keyspace;
  protected readonly limits: CollectionLimits;
  protected encoding: Encoding;
  /** The metadata value as it was read; undefined for a collection that is new. */
  protected readonly raw: Buffer | undefined;
  protected large: LargePart | undefined;
  readonly #type: ValueType;
  readonly #order: string;

  protected constructor(
    host: CollectionHost,
    slot: number,
    key: string,
    raw: Buffer | undefined,
    traits: { readonly type: ValueType; readonly order: string; readonly encoding: Encoding },
  ) {
    this.slot = slot;
    this.key = key;
    this.keyspace = host.keyspace;
    this.limits = host.limits;
    this.raw = raw;
    this.#type = traits.type;
    this.#order = traits.order;
    this.expire_ms = raw === undefined ? 0 : expireOf(raw);
    this.encoding = raw === undefined ? traits.encoding : encodingOfCollection(raw);
    if (raw !== undefined && hasFlag(raw, ValueFlag.elementsOutside)) {
      this.large = new LargePart(host.keyspace, slot, traits.order, readLargeHead(raw), raw);
    }
  }

  /** Elements that are stored while the collection is small. */
  protected abstract packedCount(): number;
  /** Their size, packed. */
  protected abstract packedBytes(): number;
  protected abstract writePacked(value: Buffer, position: number): void;
  /** When the next element expires; 0: none does. */
  protected nextExpiry_ms(): number {
    return 0;
  }

  get isLarge(): boolean {
    return this.large !== undefined;
  }

  /** Sum of the elements' bytes, roughly what they take on disk. */
  get bytes(): number {
    return this.large === undefined ? this.packedBytes() : this.large.bytes;
  }

  /** Where the packed elements begin in `raw`. */
  protected get body(): number {
    return this.raw === undefined ? 0 : bodyStart(this.raw);
  }

  protected isPast(count: number, bytes: number): boolean {
    return count > this.limits.packedEntries_max || bytes > this.limits.packedBytes_max;
  }

  /** Whether `kept` elements of a large collection are better written anew than the others removed one by one. */
  protected isCheaperAnew(kept: number): boolean {
    const { large } = this;
    if (large === undefined || kept >= large.count - kept) return false;
    return large.bytes * (kept / large.count) < COPY_BYTES_MAX;
  }

  /** Makes this collection a large one without elements, which the caller then puts in. */
  protected startLarge(): LargePart {
    const id = this.keyspace.newCollectionId(this.slot);
    this.large = new LargePart(this.keyspace, this.slot, this.#order, {
      id,
      count: 0,
      bytes: 0,
      levels: 0,
      expiring: 0,
    });
    return this.large;
  }

  /** Forgets all elements of a large collection, which the background removes, for a new start with others. */
  protected restartLarge(): LargePart {
    const before = this.large;
    const after = this.startLarge();
    // What the metadata names now becomes trash when the metadata names another.
    if (before !== undefined && !this.#isStored(before)) this.keyspace.discard(this.slot, before.id);
    return after;
  }

  #isStored(part: LargePart): boolean {
    const { raw } = this;
    return raw !== undefined && hasFlag(raw, ValueFlag.elementsOutside) && readLargeHead(raw).id === part.id;
  }

  /** Writes the metadata, or removes the key when no element is left. */
  save(): void {
    const { keyspace, large } = this;
    if ((large === undefined ? this.packedCount() : large.count) === 0) {
      if (large !== undefined && !this.#isStored(large)) keyspace.discard(this.slot, large.id);
      if (this.raw !== undefined) keyspace.remove(this.slot, this.key);
      return;
    }
    const next_ms = this.nextExpiry_ms();
    const length = headBytes(next_ms) + (large === undefined ? this.packedBytes() : LARGE_BYTES);
    const flags = (large === undefined ? 0 : ValueFlag.elementsOutside) | (next_ms === 0 ? 0 : ValueFlag.fieldsExpire);
    const value = keyspace.newValue(this.#type, flags, this.expire_ms, length);
    const at = writeHead(value, headerBytes(this.expire_ms), this.encoding, next_ms);
    if (large === undefined) this.writePacked(value, at);
    else {
      const { id, count, bytes, levels, expiring } = large;
      writeLargeHead(value, at, { id, count, bytes, levels, expiring });
      large.saved(value);
    }
    keyspace.put(this.slot, this.key, value, this.expire_ms);
  }
}
