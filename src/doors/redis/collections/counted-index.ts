/**
 * Rank in an ordered range of elements, below linear: a counted B-tree whose nodes are entries of the ordered store
 * itself.
 *
 *   'i' | level u8 | separator  ->  u48, number of elements from the separator to the next one of this level
 *
 * Level 1 cuts the elements into blocks, level 2 cuts the blocks of level 1, and so on. Elements are never touched: an
 * insertion adds one to one counter of 6 bytes on each level. A block that has become too large or too small is put right
 * by looking at that block alone. What has been read of the levels stays in a tree in memory (index-cache.ts); the elements of
 * one block are counted by the store.
 *
 * Invariants, after each method:
 *  1. Every level has the empty separator, and the separators of level n + 1 are separators of level n.
 *  2. A counter is the number of elements of its range, hence the sum of its children's counters.
 *  3. A level-1 block has at most LEAF_MAX elements, any other at most FAN_MAX children; the topmost level has at least 2
 *     and at most FAN_MAX entries. With no level at all there are at most LEAF_MAX elements.
 *  4. Blocks below LEAF_MIN or FAN_MIN are merged with a neighbour of the same parent, unless there is none.
 *
 * Used by all large collections (collection.ts). `levels` and `count` are kept in the collection's metadata.
 */
import { assert } from '../../../base/assert.ts';
import type { ElementSpace } from './element-space.ts';
import type { IndexNode, IndexTree } from './index-cache.ts';

/** Elements that a look-up lets the store count; half of it on average. */
export const LEAF_MAX = 128;
const LEAF_MIN = 32;
const LEAF_BUILT = 96;
/** What is read at once of a level that is not in memory. */
export const FAN_MAX = 32;
const FAN_MIN = 8;
const FAN_BUILT = 24;
const COUNTER_BYTES = 6;
const LEVELS_MAX = 8;

interface Entry {
  /** The separator, or on level 0 the element. */
  readonly key: string;
  readonly count: number;
}

/** A block: the entry at a place of a node. */
interface Step {
  readonly node: IndexNode;
  readonly at: number;
}

export class CountedIndex {
  /** Number of elements. */
  count: number;
  levels: number;
  readonly #space: ElementSpace;
  readonly #tree: IndexTree;
  /** First char of the elements that are counted. */
  readonly #order: string;
  readonly #orderEnd: string;

  constructor(space: ElementSpace, tree: IndexTree, order: string, count: number, levels: number) {
    this.#space = space;
    this.#tree = tree;
    this.#order = order;
    this.#orderEnd = String.fromCharCode(order.charCodeAt(0) + 1);
    this.count = count;
    this.levels = levels;
  }

  /** The element `key`, which was not there, has been put into the space. */
  inserted(key: string): void {
    this.#noteEnds('', key);
    this.count += 1;
    const size = this.#add(key, 1);
    if (size <= LEAF_MAX) return;
    if (this.levels === 0) this.#addLevel(undefined);
    this.#splitLeaf(this.#path(key));
  }

  /** The element `key` has been deleted from the space. */
  removed(key: string): void {
    assert(this.count > 0, 'an element that is removed was counted');
    this.#noteEnds(key, undefined);
    this.count -= 1;
    const size = this.#add(key, -1);
    assert(size >= 0, 'a block has no fewer than zero elements');
    if (this.levels > 0 && size < LEAF_MIN) this.#merge(1, this.#path(key));
  }

  /**
   * As `removed(before)` and `inserted(after)`, whose common part costs nothing. False, and nothing has been done, when one of
   * their blocks would have to be put right: then they have to be called.
   */
  moved(before: string, after: string): boolean {
    const giving = this.#path(before);
    const taking = this.#path(after);
    const [from, to] = [giving[0], taking[0]];
    if (from !== undefined && to !== undefined && !isSame(from, to)) {
      if ((from.node.counts[from.at] as number) <= LEAF_MIN) return false;
      if ((to.node.counts[to.at] as number) >= LEAF_MAX) return false;
      this.#tree.stamp = undefined;
      for (let level = 1; level <= this.levels; level += 1) {
        const [gives, takes] = [giving[level - 1] as Step, taking[level - 1] as Step];
        if (isSame(gives, takes)) break;
        this.#addAt(level, gives.node, gives.at, -1);
        this.#addAt(level, takes.node, takes.at, 1);
      }
    }
    this.#noteEnds(before, after);
    return true;
  }

  /** The first element, or the last. */
  end(last: boolean): string | undefined {
    const tree = this.#tree;
    const known = last ? tree.last : tree.first;
    if (known !== undefined) return known;
    const found = this.#space.first(this.#order, this.#orderEnd, last)?.key.slice(1);
    if (last) tree.last = found;
    else tree.first = found;
    return found;
  }

  /** The number of elements below `key`, which need not be there. */
  rankOf(key: string): number {
    let rank = 0;
    let from = '';
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      const at = placeOf(node, key);
      for (let before = 0; before < at; before += 1) rank += node.counts[before] as number;
      from = node.keys[at] as string;
      node = this.#below(level, node, at);
    }
    return rank + this.#space.count(this.#order + from, this.#order + key);
  }

  /** The element with so many below it; undefined past the end. */
  at(rank: number): string | undefined {
    if (rank < 0 || rank >= this.count) return undefined;
    let rest = rank;
    let from = '';
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      let at = 0;
      while (rest >= (node.counts[at] as number)) {
        rest -= node.counts[at] as number;
        at += 1;
        assert(at < node.counts.length, 'counters add up');
      }
      from = node.keys[at] as string;
      node = this.#below(level, node, at);
    }
    return this.#element(from, rest);
  }

  /** Makes the index of a space whose elements are `keys`, ascending, and which has none yet. */
  build(keys: readonly string[]): void {
    assert(this.levels === 0 && this.count === 0, 'an index is built once');
    this.count = keys.length;
    if (keys.length <= LEAF_MAX) return;
    let entries = keys.map((key) => ({ key, count: 1 }));
    for (let size = LEAF_BUILT; this.levels === 0 || entries.length > FAN_MAX; size = FAN_BUILT) {
      entries = this.#group(entries, size);
      this.levels += 1;
      for (const entry of entries) this.#write(this.levels, entry.key, entry.count);
    }
  }

  #group(children: readonly Entry[], size: number): Entry[] {
    const groups: Entry[] = [];
    for (let from = 0; from < children.length; from += size) {
      const part = children.slice(from, from + size);
      groups.push({ key: this.#boundary(children, from), count: sum(part.map((child) => child.count)) });
    }
    return groups;
  }

  /** The separator before children[at]. Between elements it is as short as can be. */
  #boundary(children: readonly Entry[], at: number): string {
    if (at === 0) return '';
    const right = (children[at] as Entry).key;
    return this.levels === 0 ? shortestBetween((children[at - 1] as Entry).key, right) : right;
  }

  // ---- keeping blocks within bounds

  #addLevel(below: IndexNode | undefined): IndexNode {
    this.levels += 1;
    assert(this.levels <= LEVELS_MAX, 'a tree of this fan-out is not higher');
    this.#write(this.levels, '', this.count);
    const top: IndexNode = { keys: [''], counts: [this.count], below: [below], end: undefined };
    this.#tree.top = top;
    return top;
  }

  /** The block of elements at the end of the path is too large. */
  #splitLeaf(path: Step[]): void {
    const { node, at } = path[0] as Step;
    const from = node.keys[at] as string;
    const count = node.counts[at] as number;
    const middle = count >>> 1;
    const boundary = shortestBetween(this.#element(from, middle - 1), this.#element(from, middle));
    this.#insert(1, node, at, { boundary, count: count - middle, below: undefined });
    this.#splitNode(1, path);
  }

  /** The list of blocks of `level` on the path has become longer. */
  #splitNode(level: number, path: Step[]): void {
    const { node } = path[level - 1] as Step;
    if (node.keys.length <= FAN_MAX) return;
    if (level === this.levels) path.push({ node: this.#addLevel(node), at: 0 });
    const middle = node.keys.length >>> 1;
    const keys = node.keys.splice(middle);
    const counts = node.counts.splice(middle);
    const right: IndexNode = { keys, counts, below: node.below.splice(middle), end: node.end };
    const boundary = keys[0] as string;
    node.end = boundary;
    const { node: parent, at } = path[level] as Step;
    this.#insert(level + 1, parent, at, { boundary, count: sum(counts), below: right });
    this.#splitNode(level + 1, path);
  }

  /** A part of the block at a place becomes the next block. */
  #insert(
    level: number,
    node: IndexNode,
    at: number,
    block: { readonly boundary: string; readonly count: number; readonly below: IndexNode | undefined },
  ): void {
    this.#addAt(level, node, at, -block.count);
    node.keys.splice(at + 1, 0, block.boundary);
    node.counts.splice(at + 1, 0, block.count);
    node.below.splice(at + 1, 0, block.below);
    this.#write(level, block.boundary, block.count);
    this.#tree.entries += 1;
  }

  /** The block of `level` on the path has become too small: joins it with a neighbour. */
  #merge(level: number, path: Step[]): void {
    const { node, at } = path[level - 1] as Step;
    // An only child stays as it is: its parent is merged when that becomes too small.
    if (node.keys.length === 1) return;
    const left = Math.max(0, at - 1);
    const right = left + 1;
    const low = this.#below(level, node, left);
    const high = this.#below(level, node, right);
    if (low !== undefined && high !== undefined) {
      low.keys.push(...high.keys);
      low.counts.push(...high.counts);
      low.below.push(...high.below);
      low.end = high.end;
    }
    this.#delete(level, node.keys[right] as string);
    this.#addAt(level, node, left, node.counts[right] as number);
    for (const list of [node.keys, node.counts, node.below]) list.splice(right, 1);
    this.#tree.entries -= 1;
    path[level - 1] = { node, at: left };
    const isSplitAgain = low === undefined ? (node.counts[left] as number) > LEAF_MAX : low.keys.length > FAN_MAX;
    if (!isSplitAgain) {
      if (level === this.levels) this.#dropLevels();
      else if (node.keys.length < FAN_MIN) this.#merge(level + 1, path);
    } else if (low === undefined) this.#splitLeaf(path);
    else {
      path[level - 2] = { node: low, at: 0 };
      this.#splitNode(level - 1, path);
    }
  }

  #dropLevels(): void {
    for (let top = this.#top(); top !== undefined && top.keys.length === 1; top = this.#top()) {
      this.#tree.top = this.#below(this.levels, top, 0);
      this.#delete(this.levels, '');
      this.levels -= 1;
    }
  }

  /** The element of the block that begins at `from` with so many of it before it. */
  #element(from: string, index: number): string {
    const found = this.#space.keyAt(this.#order + from, this.#orderEnd, index);
    assert(found !== undefined, 'counters are true');
    return found.slice(1);
  }

  // ---- the tree in memory

  /** Adds to the counters of the blocks of `key`; returns how many elements the lowest of them has. */
  #add(key: string, by: number): number {
    let size = this.count;
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      const at = placeOf(node, key);
      size = this.#addAt(level, node, at, by);
      node = this.#below(level, node, at);
    }
    return size;
  }

  /** Where `key` lies, by level. */
  #path(key: string): Step[] {
    const path = new Array<Step>(this.levels);
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      const at = placeOf(node, key);
      path[level - 1] = { node, at };
      node = this.#below(level, node, at);
    }
    return path;
  }

  #addAt(level: number, node: IndexNode, at: number, by: number): number {
    const count = (node.counts[at] as number) + by;
    node.counts[at] = count;
    this.#write(level, node.keys[at] as string, count);
    return count;
  }

  /** The element `gone` is no more ('': none is), and `come` is there. */
  #noteEnds(gone: string, come: string | undefined): void {
    const tree = this.#tree;
    tree.stamp = undefined;
    if (tree.first !== undefined) {
      if (come !== undefined && come < tree.first) tree.first = come;
      else if (gone === tree.first) tree.first = undefined;
    }
    if (tree.last !== undefined) {
      if (come !== undefined && come > tree.last) tree.last = come;
      else if (gone === tree.last) tree.last = undefined;
    }
  }

  #top(): IndexNode | undefined {
    if (this.levels === 0) return undefined;
    this.#tree.top ??= this.#read(this.levels, '', undefined);
    return this.#tree.top;
  }

  /** The blocks that one of `level` consists of; undefined when those are elements. */
  #below(level: number, node: IndexNode, at: number): IndexNode | undefined {
    if (level === 1) return undefined;
    const known = node.below[at];
    if (known !== undefined) return known;
    const end = at + 1 < node.keys.length ? node.keys[at + 1] : node.end;
    const below = this.#read(level - 1, node.keys[at] as string, end);
    node.below[at] = below;
    return below;
  }

  #read(level: number, from: string, end: string | undefined): IndexNode {
    const keys: string[] = [];
    const counts: number[] = [];
    this.#visit(level, from, end, ({ key, count }) => {
      keys.push(key);
      counts.push(count);
      return true;
    });
    assert(keys[0] === from, 'every level has a block for each key');
    this.#tree.entries += keys.length;
    return { keys, counts, below: new Array<IndexNode | undefined>(keys.length), end };
  }

  // ---- entries

  #visit(level: number, from: string, to: string | undefined, visit: (entry: Entry) => boolean): void {
    const end = to === undefined ? nodeKey(level + 1, '') : nodeKey(level, to);
    this.#space.scan(nodeKey(level, from), end, false, (key, value) =>
      visit({ key: key.slice(2), count: counterOf(value) }),
    );
  }

  #write(level: number, separator: string, count: number): void {
    const value = Buffer.allocUnsafe(COUNTER_BYTES);
    value.writeUIntBE(count, 0, COUNTER_BYTES);
    this.#space.put(nodeKey(level, separator), value);
  }

  #delete(level: number, separator: string): void {
    this.#space.delete(nodeKey(level, separator));
  }
}

/** The place of the last separator that is not above `key`. */
function placeOf({ keys }: IndexNode, key: string): number {
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((keys[middle] as string) <= key) low = middle;
    else high = middle - 1;
  }
  return low;
}

function nodeKey(level: number, separator: string): string {
  return `i${String.fromCharCode(level)}${separator}`;
}

function counterOf(value: Buffer): number {
  return value.readUIntBE(0, COUNTER_BYTES);
}

function isSame(a: Step, b: Step): boolean {
  return a.node === b.node && a.at === b.at;
}

function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** The shortest text that is above `left` and not above `right`. */
function shortestBetween(left: string, right: string): string {
  let same = 0;
  while (same < left.length && left.charCodeAt(same) === right.charCodeAt(same)) same += 1;
  return right.slice(0, same + 1);
}
