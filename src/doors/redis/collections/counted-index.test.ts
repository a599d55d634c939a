import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../../tablet/operation.ts';
import { TestClock, TestCluster } from '../single-node-router.test-support.ts';
import { CountedIndex, LEAF_MAX } from './counted-index.ts';
import { ElementSpace } from './element-space.ts';

const EMPTY = Buffer.alloc(0);

/** An index beside the plain sorted array that it has to agree with. */
class Pair {
  readonly space: ElementSpace;
  readonly index: CountedIndex;
  model: string[] = [];
  writes = 0;

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
    };
    this.space = new ElementSpace(counting, 7, '0123456789');
    this.index = new CountedIndex(this.space, 's', 0, 0);
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
        expect(entries.length).toBeLessThanOrEqual(64);
      }
      const below = levels[level - 1];
      for (const [at, { key, count }] of entries.entries()) {
        const end = entries[at + 1]?.key;
        const inRange = (other: string): boolean => other >= key && (end === undefined || other < end);
        expect(count).toBe(model.filter(inRange).length);
        if (level === 1) expect(count).toBeLessThanOrEqual(LEAF_MAX);
        else {
          expect(below?.some((child) => child.key === key)).toBe(true);
          expect(below?.filter((child) => inRange(child.key)).length).toBeLessThanOrEqual(64);
        }
      }
    }
    for (const part of [0, 0.3, 0.7, 1]) {
      const rank = Math.floor(part * (model.length - 1));
      const key = model[rank];
      expect(index.at(rank)).toBe(key);
      if (key === undefined) continue;
      expect(index.rankOf(key)).toBe(rank);
      expect(index.rankOf(`${key}\0`)).toBe(rank + 1);
    }
    expect(index.at(-1)).toBeUndefined();
    expect(index.at(model.length)).toBeUndefined();
  }
}

const key = fc.oneof(
  fc.integer({ min: 0, max: 3_000 }).map((value) => value.toString(36).padStart(3, '0')),
  fc.string({ maxLength: 4 }).map((text) => Buffer.from(text, 'utf8').latin1Slice()),
);

describe('the counted index', () => {
  test('agrees with an array under random insertions and removals in runs', () => {
    const run = fc.record({ remove: fc.boolean(), keys: fc.array(key, { minLength: 1, maxLength: 400 }) });
    fc.assert(
      fc.property(fc.array(key, { maxLength: 2_000 }), fc.array(run, { maxLength: 12 }), (first, runs) => {
        const pair = new Pair();
        if (first.length % 2 === 0) pair.build(first);
        else for (const each of first) pair.insert(each);
        pair.check();
        for (const { remove, keys } of runs) {
          for (const each of keys) {
            if (remove) pair.remove(each);
            else pair.insert(each);
          }
          pair.check();
        }
      }),
      { numRuns: 60 },
    );
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
    expect(pair.index.levels).toBe(2);
    expect(pair.writes).toBeLessThan(1_000 * 3 + 200);
    expect(pair.index.rankOf('050000')).toBe(
      50_000 + pair.model.filter((each) => each.endsWith('x') && each < '050000').length,
    );
  });
});

function hash(text: string): number {
  return Math.imul(Number(text) + 1, 0x9e3779b1) >>> 0;
}
