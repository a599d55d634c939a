/** Each type against a plain JavaScript model, at limits that exercise both ways of storing and the change between them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RedisHash } from './hash.ts';
import { findHash, findList, findSet, findSortedSet, openHash, openList, openSet, openSortedSet } from './open.ts';
import { CollectionRig, PACKED_LIMITS } from './rig.test-support.ts';
import { compare } from './sorted-set.ts';

const SLOT = 5;
const KEY = 'key';
const LONG = 'x'.repeat(1_700);

const limits = fc.constantFrom(...PACKED_LIMITS);
const word = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }).map(String) },
  { weight: 2, arbitrary: fc.string({ maxLength: 6 }).map((text) => Buffer.from(text, 'utf8').latin1Slice()) },
  { weight: 1, arbitrary: fc.constantFrom('', '\0', '\xff', LONG, `${LONG}y`, `${LONG}z`, 'long'.repeat(1_000)) },
);
const score = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(0.5, -0.5, Infinity, -Infinity, 1e300));

function textOf(buffer: Buffer, start: number, end: number): string {
  return buffer.latin1Slice(start, end);
}

describe('a hash', () => {
  const change = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('set'), field: word, value: word, ttl: fc.constantFrom(0, 0, 50, 200) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), field: word, value: word, ttl: fc.constant(0) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('wait'), field: word, value: word, ttl: fc.constantFrom(10, 60) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep'), field: word, value: word, ttl: fc.constant(0) }) },
  );

  function read(hash: RedisHash | undefined): [string, string, number][] {
    const list: [string, string, number][] = [];
    hash?.visit(
      (field, { buffer, start, end }, expire_ms) => list.push([field, textOf(buffer, start, end), expire_ms]) > 0,
    );
    return list.sort();
  }

  test('agrees with a Map, fields that expire included', () => {
    fc.assert(
      fc.property(limits, fc.array(change, { maxLength: 80 }), (packed, changes) => {
        const rig = new CollectionRig(packed);
        const model = new Map<string, { value: string; expire_ms: number }>();
        for (const { kind, field, value, ttl } of changes) {
          if (kind === 'wait') rig.now_ms += ttl;
          for (const [name, { expire_ms }] of model) if (expire_ms !== 0 && expire_ms <= rig.now_ms) model.delete(name);
          rig.begin();
          const stored = rig.keyspace.findStored(SLOT, KEY);
          if (kind === 'set') {
            const expire_ms = ttl === 0 ? 0 : rig.now_ms + ttl;
            const hash = openHash(rig, SLOT, KEY);
            expect(hash.set(field, value, expire_ms)).toBe(!model.has(field));
            hash.save();
            model.set(field, { value, expire_ms });
          } else if (kind === 'delete') {
            const hash = findHash(rig, SLOT, KEY);
            expect(hash?.delete(field) ?? false).toBe(model.delete(field));
            hash?.save();
          } else if (kind === 'sweep' && stored !== undefined) {
            const hash = findHash(rig, SLOT, KEY);
            hash?.removeExpired(100);
            hash?.save();
          }
          rig.begin();
          const hash = findHash(rig, SLOT, KEY);
          expect(hash === undefined).toBe(model.size === 0);
          expect(hash?.count ?? 0).toBe(model.size);
          expect(read(hash)).toEqual([...model].map(([name, each]) => [name, each.value, each.expire_ms]).sort());
          expect(hash?.get(field)).toBe(model.get(field)?.value);
          const picked = hash?.pick((bound) => bound - 1);
          if (model.size > 0) expect(model.has(picked?.field as string)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a set', () => {
  test('agrees with a Set', () => {
    const change = fc.record({ remove: fc.boolean(), members: fc.array(word, { minLength: 1, maxLength: 12 }) });
    fc.assert(
      fc.property(limits, fc.array(change, { maxLength: 25 }), (packed, changes) => {
        const rig = new CollectionRig(packed);
        const model = new Set<string>();
        for (const { remove, members } of changes) {
          rig.begin();
          const set = openSet(rig, SLOT, KEY);
          for (const member of members) {
            if (remove) expect(set.delete(member)).toBe(model.delete(member));
            else {
              expect(set.add(member)).toBe(!model.has(member));
              model.add(member);
            }
          }
          set.save();
          rig.begin();
          const after = findSet(rig, SLOT, KEY);
          expect(after?.count ?? 0).toBe(model.size);
          expect(after?.members().sort() ?? []).toEqual([...model].sort());
          const byRank = Array.from({ length: model.size }, (_, rank) => after?.at(rank) as string);
          expect(byRank.sort()).toEqual([...model].sort());
          for (const member of members) expect(after?.has(member) ?? false).toBe(model.has(member));
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a sorted set', () => {
  const change = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('set'),
        entries: fc.array(fc.tuple(word, score), { minLength: 1, maxLength: 8 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('delete'),
        entries: fc.array(fc.tuple(word, score), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('range'), entries: fc.tuple(fc.tuple(word, score)) }) },
  );

  test('agrees with a sorted array', () => {
    fc.assert(
      fc.property(
        limits,
        fc.array(change, { maxLength: 25 }),
        fc.array(fc.nat(50), { minLength: 2, maxLength: 2 }),
        (packed, changes, [a, b]) => {
          const rig = new CollectionRig(packed);
          const model = new Map<string, number>();
          const sorted = (): { member: string; score: number }[] =>
            [...model].map(([member, its]) => ({ member, score: its })).sort(compare);
          for (const { kind, entries } of changes) {
            rig.begin();
            const set = openSortedSet(rig, SLOT, KEY);
            if (kind === 'range') {
              const from = Math.min(a as number, model.size);
              const to = Math.min(from + (b as number), model.size);
              for (const { member } of sorted().slice(from, to)) model.delete(member);
              set.deleteRanks(from, to);
            }
            for (const [member, its] of kind === 'range' ? [] : entries) {
              const before = set.score(member);
              expect(before).toBe(model.get(member));
              if (kind === 'set') {
                set.set(member, its, before);
                model.set(member, its);
              } else if (before !== undefined) {
                set.delete(member, before);
                model.delete(member);
              }
            }
            set.save();
            rig.begin();
            const after = findSortedSet(rig, SLOT, KEY);
            const expected = sorted();
            expect(after?.count ?? 0).toBe(expected.length);
            const forward: { member: string; score: number }[] = [];
            after?.visitRanks(0, after.count, false, (member, its) => forward.push({ member, score: its }) > 0);
            expect(forward.map((each) => each.score)).toEqual(expected.map((each) => each.score));
            expect(forward.map((each) => (each.member.length >= 1_700 ? '' : each.member))).toEqual(
              orderOfLong(forward, expected),
            );
            const backward: string[] = [];
            after?.visitRanks(0, after.count, true, (member) => backward.push(member) > 0);
            expect(backward.reverse()).toEqual(forward.map((each) => each.member));
            for (const [rank, { member, score: its }] of forward.entries())
              expect(after?.rankOf(member, its)).toBe(rank);
            for (const [, its] of entries) {
              expect(after?.rankOfScore(its, false) ?? 0).toBe(expected.filter((each) => each.score < its).length);
              expect(after?.rankOfScore(its, true) ?? 0).toBe(expected.filter((each) => each.score <= its).length);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  /** Long members that begin alike are in the order of what stands in for them: they are compared as a group. */
  function orderOfLong(actual: readonly { member: string }[], expected: readonly { member: string }[]): string[] {
    expect(actual.map((each) => each.member).sort()).toEqual(expected.map((each) => each.member).sort());
    return expected.map((each) => (each.member.length >= 1_700 ? '' : each.member));
  }
});

describe('a list', () => {
  const change = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('left', 'right'),
        words: fc.array(word, { minLength: 1, maxLength: 8 }),
        at: fc.nat(60),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('pop', 'shift', 'set', 'before', 'after', 'remove', 'trim'),
        words: fc.array(word, { minLength: 2, maxLength: 2 }),
        at: fc.nat(60),
      }),
    },
  );

  function apply(model: string[], kind: string, words: readonly string[], at: number): void {
    const [first, second] = words as [string, string];
    const place = model.length === 0 ? 0 : at % model.length;
    if (kind === 'left') for (const each of words) model.unshift(each);
    else if (kind === 'right') model.push(...words);
    else if (kind === 'pop') model.pop();
    else if (kind === 'shift') model.shift();
    else if (kind === 'set' && model.length > 0) model[place] = first;
    else if (kind === 'before' || kind === 'after') {
      const pivot = model.indexOf(model[place] ?? first);
      if (pivot >= 0) model.splice(kind === 'before' ? pivot : pivot + 1, 0, second);
    } else if (kind === 'remove') {
      const gone = model[place];
      model.splice(0, model.length, ...model.filter((each) => each !== gone));
    } else if (kind === 'trim') model.splice(0, model.length, ...model.slice(place, place + 10));
  }

  function applyToList(
    list: ReturnType<typeof openList>,
    model: readonly string[],
    kind: string,
    words: readonly string[],
    at: number,
  ): void {
    const [first, second] = words as [string, string];
    const place = model.length === 0 ? 0 : at % model.length;
    if (kind === 'left' || kind === 'right') for (const each of words) list.push(each, kind === 'left');
    else if (kind === 'pop' || kind === 'shift') {
      if (model.length > 0) expect(list.pop(kind === 'shift')).toBe(model.at(kind === 'shift' ? 0 : -1));
    } else if (kind === 'set') {
      if (model.length > 0) list.set(place, first);
    } else if (kind === 'before' || kind === 'after') {
      const pivot = model[place] ?? first;
      expect(list.insert(pivot, second, kind === 'before')).toBe(model.includes(pivot));
    } else if (kind === 'remove') {
      const gone: (string | number)[] = [];
      list.visit(0, false, (buffer, start, end, reference) => {
        if (textOf(buffer, start, end) === model[place]) gone.push(reference);
        return true;
      });
      list.removeAll(gone);
    } else if (kind === 'trim') list.trim(Math.min(place, model.length), Math.min(place + 10, model.length));
  }

  test('agrees with an array', () => {
    fc.assert(
      fc.property(limits, fc.array(change, { maxLength: 40 }), (packed, changes) => {
        const rig = new CollectionRig(packed);
        const model: string[] = [];
        for (const { kind, words, at } of changes) {
          rig.begin();
          const list = openList(rig, SLOT, KEY);
          applyToList(list, model, kind, words, at);
          list.save();
          apply(model, kind, words, at);
          rig.begin();
          const after = findList(rig, SLOT, KEY);
          expect(after?.count ?? 0).toBe(model.length);
          const forward: string[] = [];
          after?.visit(0, false, (buffer, start, end) => forward.push(textOf(buffer, start, end)) > 0);
          expect(forward).toEqual(model);
          const backward: string[] = [];
          after?.visit(model.length - 1, true, (buffer, start, end) => backward.push(textOf(buffer, start, end)) > 0);
          expect(backward.reverse()).toEqual(model);
          if (model.length > 0) expect(after?.at(at % model.length).latin1Slice()).toBe(model[at % model.length]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('keeps its order when insertions zigzag at one place until positions are written anew', () => {
    const rig = new CollectionRig(PACKED_LIMITS[0]);
    rig.begin();
    const list = openList(rig, SLOT, KEY);
    const model = ['low', 'high'];
    for (const each of model) list.push(each, false);
    let [low, high] = ['low', 'high'];
    for (let count = 0; count < 2_600; count += 1) {
      const next = `n${count}`;
      list.insert(count % 2 === 0 ? high : low, next, count % 2 === 0);
      model.splice(count % 2 === 0 ? model.indexOf(high) : model.indexOf(low) + 1, 0, next);
      if (count % 2 === 0) high = next;
      else low = next;
    }
    list.save();
    const found: string[] = [];
    list.visit(0, false, (buffer, start, end) => found.push(textOf(buffer, start, end)) > 0);
    expect(found).toEqual(model);
    const longest = Math.max(...rig.cluster.map.keys().map((key) => key.length));
    expect(longest).toBeLessThan(700);
  });
});
