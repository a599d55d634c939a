/** Sorted sets: union, intersection and difference, of sorted sets and of sets, whose members all have the score 1. */
import { findSet, findSortedSet } from '../collections/open.ts';
import { compare, type ScoredMember } from '../collections/sorted-set.ts';
import { type CommandSpec, countedKeys, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { parseScore } from '../number-format.ts';
import { typeOf, ValueType } from '../value.ts';
import { cardinalityLimit } from './set-algebra.ts';
import { storeMembers } from './sorted-set-ranges.ts';
import { writeMembers } from './sorted-set-reply.ts';

/** One input, its scores weighted. */
interface Source {
  readonly count: number;
  readonly weight: number;
  score(member: string): number | undefined;
  visit(visit: (member: string, score: number) => boolean): void;
}

type Aggregate = (a: number, b: number) => number;

const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  // Opposite infinities cancel each other out.
  SUM: (a, b) => noNan(a + b),
  MIN: lesser,
  MAX: (a, b) => -lesser(-a, -b),
};

/** The first of equal ones, where Math.min would make a difference between 0 and -0. */
function lesser(a: number, b: number): number {
  if (b < a) return b;
  return a;
}

type Name = 'union' | 'intersection' | 'difference';

interface Arguments {
  readonly sources: Source[];
  readonly aggregate: Aggregate;
  readonly withScores: boolean;
  readonly limit: number;
}

const NO_SOURCE: Source = { count: 0, weight: 1, score: () => undefined, visit: () => undefined };

function findSource(context: CommandContext, index: number): Source {
  const key = context.key(index);
  const value = context.keyspace.find(context.slot, key);
  if (value === undefined) return NO_SOURCE;
  if (typeOf(value) === ValueType.set) {
    const set = findSet(context, context.slot, key);
    return {
      count: set?.count ?? 0,
      weight: 1,
      score: (member) => (set?.has(member) === true ? 1 : undefined),
      visit: (visit) => set?.visit((member) => visit(member, 1)),
    };
  }
  const set = findSortedSet(context, context.slot, key);
  return {
    count: set?.count ?? 0,
    weight: 1,
    score: (member) => set?.score(member),
    visit: (visit) => set?.visit(visit),
  };
}

/** Parses `numkeys key [key ...] options` from `index` on. */
function parse(context: CommandContext, index: number, name: Name, form: 'answer' | 'store' | 'count'): Arguments {
  const { request } = context;
  const numkeys = context.integer(index);
  if (numkeys < 1n) throw replyError(`ERR at least 1 input key is needed for '${context.commandName}' command`);
  if (numkeys > BigInt(request.count - index - 1)) context.syntaxError();
  const end = index + 1 + Number(numkeys);
  let sources: Source[] = [];
  for (let at = index + 1; at < end; at += 1) sources.push(findSource(context, at));
  if (form === 'count') {
    return { sources, aggregate: sum, withScores: false, limit: cardinalityLimit(context, end) };
  }
  let aggregate = sum;
  let withScores = false;
  for (let at = end; at < request.count; at += 1) {
    const word = request.word(at);
    const rest = request.count - at;
    if (name !== 'difference' && word === 'WEIGHTS' && rest > sources.length) {
      sources = sources.map((source, position) => ({ ...source, weight: weightAt(context, at + 1 + position) }));
      at += sources.length;
    } else if (name !== 'difference' && word === 'AGGREGATE' && rest >= 2) {
      at += 1;
      aggregate = AGGREGATES[request.word(at)] ?? context.syntaxError();
    } else if (form === 'answer' && word === 'WITHSCORES') withScores = true;
    else context.syntaxError();
  }
  return { sources, aggregate, withScores, limit: Number.POSITIVE_INFINITY };
}

const sum = AGGREGATES['SUM'] as Aggregate;

function weightAt(context: CommandContext, index: number): number {
  const weight = parseScore(context.request.string(index));
  if (weight === undefined) throw replyError('ERR weight value is not a float');
  return weight;
}

/** Infinity times zero, and infinity less infinity, count as zero. */
function noNan(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function compute(name: Name, { sources, aggregate, limit }: Arguments): ScoredMember[] {
  if (name === 'union') return unite(sources, aggregate);
  return name === 'intersection' ? intersect(sources, aggregate, limit) : subtract(sources);
}

/** From the smallest to the largest, in which order Redis adds scores up. */
function bySize(sources: readonly Source[]): Source[] {
  return [...sources].sort((a, b) => a.count - b.count);
}

function unite(sources: readonly Source[], aggregate: Aggregate): ScoredMember[] {
  const scores = new Map<string, number>();
  for (const source of bySize(sources)) {
    source.visit((member, raw) => {
      const score = noNan(source.weight * raw);
      const before = scores.get(member);
      scores.set(member, before === undefined ? score : aggregate(before, score));
      return true;
    });
  }
  return [...scores].map(([member, score]) => ({ member, score })).sort(compare);
}

function intersect(sources: readonly Source[], aggregate: Aggregate, limit: number): ScoredMember[] {
  const [smallest, ...others] = bySize(sources);
  const found: ScoredMember[] = [];
  smallest?.visit((member, raw) => {
    let score = noNan(smallest.weight * raw);
    for (const other of others) {
      const its = other.score(member);
      if (its === undefined) return true;
      score = aggregate(score, noNan(other.weight * its));
    }
    return found.push({ member, score }) < limit;
  });
  return found.sort(compare);
}

function subtract([first, ...others]: readonly Source[]): ScoredMember[] {
  const found: ScoredMember[] = [];
  first?.visit((member, score) => {
    if (others.every((other) => other.score(member) === undefined)) found.push({ member, score });
    return true;
  });
  return found.sort(compare);
}

function answer(context: CommandContext, name: Name): void {
  const parsed = parse(context, 1, name, 'answer');
  writeMembers(context.reply, compute(name, parsed), parsed.withScores);
}

function store(context: CommandContext, name: Name): void {
  const target = context.key(1);
  storeMembers(context, target, compute(name, parse(context, 2, name, 'store')));
}

const answering = {
  group: 'sorted_set',
  since: '6.2.0',
  arity: -3,
  flags: ['readonly', 'movablekeys'],
  categories: ['sortedset'],
  keys: [countedKeys(1, 1, 'RO', 'access')],
} as const;

const storing = {
  group: 'sorted_set',
  since: '2.0.0',
  arity: -4,
  flags: ['write', 'denyoom', 'movablekeys'],
  categories: ['sortedset'],
  keys: [oneKey(1, 'OW', 'update'), countedKeys(2, 1, 'RO', 'access')],
} as const;

export const zunion = {
  ...answering,
  name: 'ZUNION',
  summary: 'Returns the members that any of the sorted sets has.',
  complexity: 'O(N log N), N members of all sets',
  run: (context: CommandContext): void => answer(context, 'union'),
} as const satisfies CommandSpec;

export const zinter = {
  ...answering,
  name: 'ZINTER',
  summary: 'Returns the members that all sorted sets have.',
  complexity: 'O(N K + M log M), N members of the smallest of K sets, M returned',
  run: (context: CommandContext): void => answer(context, 'intersection'),
} as const satisfies CommandSpec;

export const zdiff = {
  ...answering,
  name: 'ZDIFF',
  summary: 'Returns the members of the first sorted set that no other has.',
  complexity: 'O(N K + M log M), N members of the first of K sets, M returned',
  run: (context: CommandContext): void => answer(context, 'difference'),
} as const satisfies CommandSpec;

export const zintercard = {
  ...answering,
  name: 'ZINTERCARD',
  since: '7.0.0',
  summary: 'Counts the members that all sorted sets have.',
  complexity: 'O(N K), N members of the smallest of K sets',
  run(context: CommandContext): void {
    context.reply.integer(compute('intersection', parse(context, 1, 'intersection', 'count')).length);
  },
} as const satisfies CommandSpec;

export const zunionstore = {
  ...storing,
  name: 'ZUNIONSTORE',
  summary: 'Stores the members that any of the sorted sets has.',
  complexity: 'O(N log N), N members of all sets',
  run: (context: CommandContext): void => store(context, 'union'),
} as const satisfies CommandSpec;

export const zinterstore = {
  ...storing,
  name: 'ZINTERSTORE',
  summary: 'Stores the members that all sorted sets have.',
  complexity: 'O(N K + M log M), N members of the smallest of K sets, M stored',
  run: (context: CommandContext): void => store(context, 'intersection'),
} as const satisfies CommandSpec;

export const zdiffstore = {
  ...storing,
  name: 'ZDIFFSTORE',
  since: '6.2.0',
  summary: 'Stores the members of the first sorted set that no other has.',
  complexity: 'O(N K + M log M), N members of the first of K sets, M stored',
  run: (context: CommandContext): void => store(context, 'difference'),
} as const satisfies CommandSpec;
