/**
 * What lately used counted indexes (counted-index.ts) have read of their entries, so that finding a rank or a block needs no
 * look into the store above the elements.
 *
 * A tree is true for one write of its collection, which the stamp of the metadata names (value.ts): whoever opens the
 * collection at another stamp begins with an empty tree. A writer takes the stamp away with its first change and gives the new
 * one when it saves; what is never saved, or is discarded with the leader's term, is never found again. So nobody has to tell
 * this cache of lost leadership, snapshots or removed keys.
 *
 * One cache serves a door.
 */
import { stampOf } from '../value.ts';

/** Neighbouring entries of one level, whose parent is one entry of the next level. */
export interface IndexNode {
  /** Separators, ascending. */
  readonly keys: string[];
  readonly counts: number[];
  /** By place in `keys`: what is below each, as far as it has been read. */
  readonly below: (IndexNode | undefined)[];
  /** The separator at which the node's range ends; undefined at the end of the level. */
  end: string | undefined;
}

export class IndexTree {
  top: IndexNode | undefined;
  /** The first and the last element, when they are known. */
  first: string | undefined;
  last: string | undefined;
  /** Undefined when it is not that of any metadata value (yet). */
  stamp: string | undefined;
  /** Of all nodes that were read, and so many of them as the cache has counted. */
  entries = 1;
  counted = 0;

  constructor(stamp: string | undefined) {
    this.stamp = stamp;
  }
}

/** 100 to 200 bytes each. */
const ENTRIES_MAX = 100_000;

export class IndexCache {
  /** By what names the collection. When the young trees are half of what there may be, they become the old ones. */
  #young = new Map<string, IndexTree>();
  #old = new Map<string, IndexTree>();
  /** Of the young ones. */
  #entries = 0;
  readonly #youngEntries_max: number;

  constructor(entries_max = ENTRIES_MAX) {
    this.#youngEntries_max = entries_max / 2;
  }

  /** The tree of the collection `id` of a slot, as it is at the metadata value `raw`. */
  open(slot: number, id: string, raw: Buffer): IndexTree {
    const name = nameOf(slot, id);
    const stamp = stampOf(raw);
    const kept = this.#young.get(name) ?? this.#old.get(name);
    const tree = kept?.stamp === stamp ? kept : new IndexTree(stamp);
    this.#keep(name, tree);
    return tree;
  }

  /** The collection has been changed, and is at `raw` what the tree says. */
  save(slot: number, id: string, tree: IndexTree, raw: Buffer): void {
    tree.stamp = stampOf(raw);
    this.#keep(nameOf(slot, id), tree);
  }

  /** The collection has got the metadata value `after`, and its index has not been touched. */
  saveUntouched(slot: number, id: string, before: Buffer, after: Buffer): void {
    const name = nameOf(slot, id);
    const kept = this.#young.get(name) ?? this.#old.get(name);
    if (kept?.stamp === stampOf(before)) kept.stamp = stampOf(after);
  }

  #keep(name: string, tree: IndexTree): void {
    const before = this.#young.get(name);
    if (before === tree && tree.counted === tree.entries) return;
    this.#entries += tree.entries - (before?.counted ?? 0);
    tree.counted = tree.entries;
    if (before !== tree) this.#young.set(name, tree);
    if (this.#entries <= this.#youngEntries_max) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#entries = 0;
  }
}

function nameOf(slot: number, id: string): string {
  return String.fromCharCode(slot) + id;
}
