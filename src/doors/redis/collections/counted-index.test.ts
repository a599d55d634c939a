import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../../tablet/operation.ts';
import { TestClock, TestCluster } from '../single-node-router.test-support.ts';
import { CountedIndex, FAN_MAX, LEAF_MAX } from './counted-index.ts';
import { ElementSpace } from './element-space.ts';
import { IndexTree } from './index-cache.ts';

const EMPTY = Buffer.alloc(0);

/** An index beside the plain sorted array that it has to agree with. */
class Pair {
  readonly space: ElementSpace;
  readonly index: CountedIndex;
  model: string[] = [];
  writes = 0;
  /** So many were made without a look at whole blocks. */
  moves = 0;

  constructor() {
    const transaction = new TestCluster({ clock: new TestClock(), nodes: 1, tablets: 1 }).transaction();
    const counting: Transaction = {
      now_ms: 0,
      term: 1,
      sequence: 1,
      get: (key) => transaction.get(key),
      put: (key, value) => {
        this.writes += 1;
        transaction.put(key, value);
      },
      delete: (key) => {
        this.writes += 1;
        transaction.delete(key);
      },
      deleteRange: () => undefined,
      scan: (lo, hi, reverse, visit) => transaction.scan(lo, hi, reverse, visit),
      count: (lo, hi) => transaction.count(lo, hi),
      keyAt: (lo, hi, index) => transaction.keyAt(lo, hi, index),
    };
    this.space = new ElementSpace(counting, 7, '0123456789');
    this.index = new CountedIndex(this.space, new IndexTree(undefined), 's', 0, 0);
  }

  insert(key: string): void {
    const at = this.model.findIndex((each) => each >= key);
    if (this.model[at] === key) return;
    this.model.splice(at < 0 ? this.model.length : at, 0, key);
    this.space.put(`s${key}`, EMPTY);
    this.index.inserted(key);
  }

  remove(key: string): void {
    const at = this.model.indexOf(key);
    if (at < 0) return;
    this.model.splice(at, 1);
    this.space.delete(`s${key}`);
    this.index.removed(key);
  }

  /** As a score is changed. */
  move(from: string, to: string): void {
    const at = this.model.indexOf(from);
    if (at < 0 || this.model.includes(to)) return;
    this.model.splice(at, 1);
    this.space.delete(`s${from}`);
    if (this.index.moved(from, to)) this.moves += 1;
    else {
      this.index.removed(from);
      this.insert(to);
      return;
    }
    this.model.push(to);
    this.model.sort();
    this.space.put(`s${to}`, EMPTY);
  }

  build(keys: readonly string[]): void {
    this.model = [...new Set(keys)].sort();
    for (const key of this.model) this.space.put(`s${key}`, EMPTY);
    this.index.build(this.model);
  }

  /** The invariants at the head of counted-index.ts, and agreement with the model at a few places. */
  check(): void {
    const { model, index } = this;
    expect(index.count).toBe(model.length);
    const levels: { key: string; count: number }[][] = [];
    this.space.scan('i', 'j', false, (key, value) => {
      const level = key.charCodeAt(1);
      levels[level] ??= [];
      levels[level].push({ key: key.slice(2), count: value.readUIntBE(0, 6) });
      return true;
    });
    expect(Math.max(0, levels.length - 1)).toBe(index.levels);
    if (index.levels === 0) expect(model.length).toBeLessThanOrEqual(LEAF_MAX);
    for (let level = 1; level <= index.levels; level += 1) {
      const entries = levels[level] as { key: string; count: number }[];
      expect(entries[0]?.key).toBe('');
      if (level === index.levels) {
        expect(entries.length).toBeGreaterThan(1);
        expect(entries.length).toBeLessThanOrEqual(FAN_MAX);
      }
      const below = levels[level - 1];
      for (const [at, { key, count }] of entries.entries()) {
        const end = entries[at + 1]?.key;
        const inRange = (other: string): boolean => other >= key && (end === undefined || other < end);
        expect(count).toBe(model.filter(inRange).length);
        if (level === 1) expect(count).toBeLessThanOrEqual(LEAF_MAX);
        else {
          expect(below?.some((child) => child.key === key)).toBe(true);
          expect(below?.filter((child) => inRange(child.key)).length).toBeLessThanOrEqual(FAN_MAX);
        }
      }
    }
    expect(index.end(false)).toBe(model[0]);
    expect(index.end(true)).toBe(model[model.length - 1]);
    // What the tree in memory says, and what the entries say.
    for (const reader of [
      index,
      new CountedIndex(this.space, new IndexTree(undefined), 's', index.count, index.levels),
    ]) {
      for (const part of [0, 0.3, 0.7, 1]) {
        const rank = Math.floor(part * (model.length - 1));
        const key = model[rank];
        expect(reader.at(rank)).toBe(key);
        if (key === undefined) continue;
        expect(reader.rankOf(key)).toBe(rank);
        expect(reader.rankOf(`${key}\0`)).toBe(rank + 1);
      }
      expect(reader.at(-1)).toBeUndefined();
      expect(reader.at(model.length)).toBeUndefined();
    }
  }
}

const key = fc.oneof(
  fc.integer({ min: 0, max: 3_000 }).map((value) => value.toString(36).padStart(3, '0')),
  fc.string({ maxLength: 4 }).map((text) => Buffer.from(text, 'utf8').latin1Slice()),
);

describe('the counted index', () => {
  test('agrees with an array under random insertions, removals and moves in runs', () => {
    let moves = 0;
    const kind = fc.constantFrom('insert', 'remove', 'move');
    const run = fc.record({ kind, keys: fc.array(key, { minLength: 1, maxLength: 400 }) });
    fc.assert(
      fc.property(fc.array(key, { maxLength: 2_000 }), fc.array(run, { maxLength: 12 }), (first, runs) => {
        const pair = new Pair();
        if (first.length % 2 === 0) pair.build(first);
        else for (const each of first) pair.insert(each);
        pair.check();
        for (const { kind, keys } of runs) {
          for (const [at, each] of keys.entries()) {
            if (kind === 'remove') pair.remove(each);
            else if (kind === 'insert' || at === 0) pair.insert(each);
            else pair.move(keys[at - 1] as string, each);
          }
          pair.check();
        }
        moves += pair.moves;
      }),
      { numRuns: 60 },
    );
    expect(moves).toBeGreaterThan(100);
  });

  test.each(['ascending', 'descending', 'random'])('grows to several levels and shrinks to nothing, %s', (order) => {
    const pair = new Pair();
    const keys = Array.from({ length: 20_000 }, (_, index) => index.toString().padStart(6, '0'));
    if (order === 'descending') keys.reverse();
    if (order === 'random') keys.sort((a, b) => hash(a) - hash(b));
    for (const each of keys) {
      pair.model.push(each);
      pair.space.put(`s${each}`, EMPTY);
      pair.index.inserted(each);
    }
    pair.model.sort();
    expect(pair.index.levels).toBeGreaterThan(1);
    pair.check();
    for (const [at, each] of keys.entries()) {
      pair.space.delete(`s${each}`);
      pair.index.removed(each);
      if (at % 4_000 === 0) {
        const gone = new Set(keys.slice(0, at + 1));
        pair.model = keys.filter((one) => !gone.has(one)).sort();
        pair.check();
      }
    }
    expect(pair.index.count).toBe(0);
    expect(pair.index.levels).toBe(0);
    expect(pair.space.first('i', 'j', false)).toBeUndefined();
  });

  test('writes a few counters for an insertion, whatever the size', () => {
    const pair = new Pair();
    pair.build(Array.from({ length: 100_000 }, (_, index) => index.toString().padStart(6, '0')));
    pair.writes = 0;
    for (let index = 0; index < 1_000; index += 1) pair.insert(`${String(index * 97).padStart(6, '0')}x`);
    // The element itself, and one counter on each level.
    expect(pair.index.levels).toBe(3);
    expect(pair.writes).toBeLessThan(1_000 * 4 + 200);
    expect(pair.index.rankOf('050000')).toBe(
      50_000 + pair.model.filter((each) => each.endsWith('x') && each < '050000').length,
    );
  });
});

function hash(text: string): number {
  return Math.imul(Number(text) + 1, 0x9e3779b1) >>> 0;
}
