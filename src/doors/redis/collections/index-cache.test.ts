import { describe, expect, test } from 'vitest';
import { ValueType, writeHeader } from '../value.ts';
import { IndexCache, type IndexTree } from './index-cache.ts';

const SLOT = 7;

/** The metadata of a collection after its write number `sequence`. */
function metadata(sequence: number): Buffer {
  const value = Buffer.alloc(20);
  writeHeader(value, ValueType.sortedSet, 0, 1, sequence, 0);
  return value;
}

describe('trees of counted indexes', () => {
  test('are found again at the metadata they are true for, and at no other', () => {
    const cache = new IndexCache();
    const tree = cache.open(SLOT, 'a', metadata(1));
    tree.first = 'x';
    expect(cache.open(SLOT, 'a', metadata(1))).toBe(tree);
    expect(cache.open(SLOT + 1, 'a', metadata(1)).first).toBeUndefined();
    expect(cache.open(SLOT, 'b', metadata(1)).first).toBeUndefined();
    expect(cache.open(SLOT, 'a', metadata(2)).first).toBeUndefined();
    // Nor the old one: another has taken its place.
    expect(cache.open(SLOT, 'a', metadata(1)).first).toBeUndefined();
  });

  test('follow a writer when it saves, and are lost when it does not', () => {
    const cache = new IndexCache();
    const tree = cache.open(SLOT, 'a', metadata(1));
    tree.stamp = undefined;
    tree.first = 'changed';
    cache.save(SLOT, 'a', tree, metadata(2));
    expect(cache.open(SLOT, 'a', metadata(2)).first).toBe('changed');
    // A change that was never saved: the metadata stays what it was.
    tree.stamp = undefined;
    tree.first = 'not saved';
    expect(cache.open(SLOT, 'a', metadata(2)).first).toBeUndefined();
  });

  test('stay true through a change that touches no index', () => {
    const cache = new IndexCache();
    const tree = cache.open(SLOT, 'a', metadata(1));
    cache.saveUntouched(SLOT, 'a', metadata(1), metadata(2));
    expect(cache.open(SLOT, 'a', metadata(2))).toBe(tree);
    cache.saveUntouched(SLOT, 'a', metadata(3), metadata(4));
    expect(cache.open(SLOT, 'a', metadata(4))).not.toBe(tree);
  });

  test('are forgotten when there are too many entries, those first that were not used for long', () => {
    const cache = new IndexCache(100);
    const open = (id: string): IndexTree => cache.open(SLOT, id, metadata(1));
    const load = (id: string): void => {
      const tree = open(id);
      tree.first = id;
      tree.entries += 30;
      expect(open(id)).toBe(tree);
    };
    load('a');
    load('b');
    // These two are more than half: they are the old ones now, of which one is used again.
    expect(open('a').first).toBe('a');
    load('c');
    expect(open('a').first).toBe('a');
    expect(open('c').first).toBe('c');
    expect(open('b').first).toBeUndefined();
  });
});
