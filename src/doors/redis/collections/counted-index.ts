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
    const leaf = this.#add(key, 1);
    if (leaf.count <= LEAF_MAX) return;
    if (this.levels === 0) this.#addLevel();
    this.#split(1, leaf.key);
    this.#tree.clear();
  }

  /** The element `key` has been deleted from the space. */
  removed(key: string): void {
    assert(this.count > 0, 'an element that is removed was counted');
    this.#noteEnds(key, undefined);
    this.count -= 1;
    const leaf = this.#add(key, -1);
    assert(leaf.count >= 0, 'a block has no fewer than zero elements');
    if (this.levels === 0 || leaf.count >= LEAF_MIN) return;
    this.#merge(1, leaf);
    this.#tree.clear();
  }

  /**
   * As `removed(before)` and `inserted(after)`, whose common part costs nothing. False, and nothing has been done, when one of
   * their blocks would have to be put right: then they have to be called.
   */
  moved(before: string, after: string): boolean {
    const from = this.#leafOf(before);
    const to = this.#leafOf(after);
    if (from.key !== to.key) {
      if (from.count <= LEAF_MIN || to.count >= LEAF_MAX) return false;
      let giving = this.#top();
      let taking = giving;
      for (let level = this.levels; giving !== undefined && taking !== undefined; level -= 1) {
        const givingAt = placeOf(giving, before);
        const takingAt = placeOf(taking, after);
        if (giving !== taking || givingAt !== takingAt) {
          this.#addAt(level, giving, givingAt, -1);
          this.#addAt(level, taking, takingAt, 1);
        }
        giving = this.#below(level, giving, givingAt);
        taking = this.#below(level, taking, takingAt);
      }
    }
    this.#tree.stamp = undefined;
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
    const found = this.#space.keyAt(this.#order + from, this.#orderEnd, rest);
    assert(found !== undefined, 'counters are true');
    return (found as string).slice(1);
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
      groups.push({ key: this.#boundary(children, from), count: sum(part) });
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

  #addLevel(): void {
    this.levels += 1;
    assert(this.levels <= LEVELS_MAX, 'a tree of this fan-out is not higher');
    this.#write(this.levels, '', this.count);
  }

  #split(level: number, separator: string): void {
    const children = this.#children(level, separator);
    const middle = children.length >>> 1;
    const right = (children[middle] as Entry).key;
    const boundary = level === 1 ? shortestBetween((children[middle - 1] as Entry).key, right) : right;
    const left = sum(children.slice(0, middle));
    this.#write(level, separator, left);
    this.#write(level, boundary, sum(children) - left);
    if (level === this.levels) {
      if (this.#entries(level, '', undefined).length <= FAN_MAX) return;
      this.#addLevel();
      this.#split(level + 1, '');
      return;
    }
    const parent = this.#blockOf(level + 1, separator);
    if (this.#children(level + 1, parent.key).length > FAN_MAX) this.#split(level + 1, parent.key);
  }

  #merge(level: number, block: Entry): void {
    const isTop = level === this.levels;
    const parent = isTop ? '' : this.#blockOf(level + 1, block.key).key;
    const siblings = this.#entries(level, parent, isTop ? undefined : this.#next(level + 1, parent));
    const at = siblings.findIndex((entry) => entry.key === block.key);
    const leftAt = at > 0 ? at - 1 : at;
    const left = siblings[leftAt] as Entry;
    const right = siblings[leftAt + 1];
    // An only child stays as it is: its parent is merged when that becomes too small.
    if (right === undefined) return;
    this.#delete(level, right.key);
    this.#write(level, left.key, left.count + right.count);
    const size = level === 1 ? left.count + right.count : this.#children(level, left.key).length;
    if (size > (level === 1 ? LEAF_MAX : FAN_MAX)) {
      this.#split(level, left.key);
      return;
    }
    if (isTop) this.#dropLevels();
    else if (siblings.length - 1 < FAN_MIN) this.#merge(level + 1, this.#blockOf(level + 1, parent));
  }

  #dropLevels(): void {
    while (this.levels > 0 && this.#entries(this.levels, '', undefined).length === 1) {
      this.#delete(this.levels, '');
      this.levels -= 1;
    }
  }

  // ---- the tree in memory

  /** Adds to the counters of the blocks of `key`; returns the lowest of them. */
  #add(key: string, by: number): Entry {
    let leaf: Entry = { key: '', count: this.count };
    this.#tree.stamp = undefined;
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      const at = placeOf(node, key);
      leaf = { key: node.keys[at] as string, count: this.#addAt(level, node, at, by) };
      node = this.#below(level, node, at);
    }
    return leaf;
  }

  #addAt(level: number, node: IndexNode, at: number, by: number): number {
    const count = (node.counts[at] as number) + by;
    node.counts[at] = count;
    this.#write(level, node.keys[at] as string, count);
    return count;
  }

  /** The block of elements in which `key` lies. */
  #leafOf(key: string): Entry {
    let leaf: Entry = { key: '', count: this.count };
    for (let level = this.levels, node = this.#top(); node !== undefined; level -= 1) {
      const at = placeOf(node, key);
      leaf = { key: node.keys[at] as string, count: node.counts[at] as number };
      node = this.#below(level, node, at);
    }
    return leaf;
  }

  /** The element `gone` is no more ('': none is), and `come` is there. */
  #noteEnds(gone: string, come: string | undefined): void {
    const tree = this.#tree;
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

  /** The block of a level in which a key lies. */
  #blockOf(level: number, key: string): Entry {
    const node = nodeKey(level, '');
    const found = this.#space.first(node, `${node + key}\0`, true);
    assert(found !== undefined, 'every level has a block for each key');
    return { key: found.key.slice(2), count: counterOf(found.value) };
  }

  /** The separator after one; undefined at the end of the level. */
  #next(level: number, separator: string): string | undefined {
    return this.#space.first(`${nodeKey(level, separator)}\0`, nodeKey(level + 1, ''), false)?.key.slice(2);
  }

  #visit(level: number, from: string, to: string | undefined, visit: (entry: Entry) => boolean): void {
    const end = to === undefined ? nodeKey(level + 1, '') : nodeKey(level, to);
    this.#space.scan(nodeKey(level, from), end, false, (key, value) =>
      visit({ key: key.slice(2), count: counterOf(value) }),
    );
  }

  #entries(level: number, from: string, to: string | undefined): Entry[] {
    const list: Entry[] = [];
    this.#visit(level, from, to, (entry) => list.push(entry) > 0);
    return list;
  }

  #children(level: number, separator: string): Entry[] {
    const end = this.#next(level, separator);
    if (level > 1) return this.#entries(level - 1, separator, end);
    const list: Entry[] = [];
    const hi = end === undefined ? this.#orderEnd : this.#order + end;
    this.#space.scan(this.#order + separator, hi, false, (key) => list.push({ key: key.slice(1), count: 1 }) > 0);
    return list;
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

function sum(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) total += entry.count;
  return total;
}

/** The shortest text that is above `left` and not above `right`. */
function shortestBetween(left: string, right: string): string {
  let same = 0;
  while (same < left.length && left.charCodeAt(same) === right.charCodeAt(same)) same += 1;
  return right.slice(0, same + 1);
}
