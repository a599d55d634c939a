/** Sorted sets: scores, ranks and counts. */
import { findSortedSet } from '../collections/open.ts';
import type { RedisSortedSet } from '../collections/sorted-set.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { arityText, replyError } from '../errors.ts';
import { parseRange, type RangeKind } from './sorted-set-range.ts';

const shared = {
  group: 'sorted_set',
  categories: ['sortedset'],
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

function find(context: CommandContext): RedisSortedSet | undefined {
  return findSortedSet(context, context.slot, context.key(1));
}

function replyScore(context: CommandContext, score: number | undefined): void {
  if (score === undefined) context.reply.null();
  else context.reply.double(score);
}

export const zscore = {
  ...shared,
  name: 'ZSCORE',
  since: '1.2.0',
  summary: 'Returns the score of a member.',
  complexity: 'O(1)',
  arity: 3,
  run: (context: CommandContext): void => replyScore(context, find(context)?.score(context.element(2))),
} as const satisfies CommandSpec;

export const zmscore = {
  ...shared,
  name: 'ZMSCORE',
  since: '6.2.0',
  summary: 'Returns the scores of members.',
  complexity: 'O(N), N members asked about',
  arity: -3,
  run(context: CommandContext): void {
    const set = find(context);
    context.reply.array(context.request.count - 2);
    for (const member of context.elements(2)) replyScore(context, set?.score(member));
  },
} as const satisfies CommandSpec;

export const zcard = {
  ...shared,
  name: 'ZCARD',
  since: '1.2.0',
  summary: 'Counts the members of a sorted set.',
  complexity: 'O(1)',
  arity: 2,
  keys: [oneKey(1, 'RO')],
  run: (context: CommandContext): void => context.reply.integer(find(context)?.count ?? 0),
} as const satisfies CommandSpec;

function count(context: CommandContext, kind: RangeKind): void {
  const rangeOf = parseRange(context, kind, 2, 3, false);
  const set = find(context);
  const { from, to } = set === undefined ? { from: 0, to: 0 } : rangeOf(set);
  context.reply.integer(Math.max(0, to - from));
}

export const zcount = {
  ...shared,
  name: 'ZCOUNT',
  since: '2.0.0',
  summary: 'Counts the members with scores in a range.',
  complexity: 'O(log M), M members',
  arity: 4,
  run: (context: CommandContext): void => count(context, 'score'),
} as const satisfies CommandSpec;

export const zlexcount = {
  ...shared,
  name: 'ZLEXCOUNT',
  since: '2.8.9',
  summary: 'Counts the members in a range of members. All scores are equal.',
  complexity: 'O(log M), M members',
  arity: 4,
  run: (context: CommandContext): void => count(context, 'member'),
} as const satisfies CommandSpec;

function rank(context: CommandContext, reverse: boolean): void {
  const { request, reply } = context;
  if (request.count > 4) throw replyError(arityText(context.commandName));
  const withScore = request.count === 4;
  if (withScore && request.word(3) !== 'WITHSCORE') context.syntaxError();
  const set = find(context);
  const member = context.element(2);
  const score = set?.score(member);
  if (set === undefined || score === undefined) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  const forward = set.rankOf(member, score);
  if (withScore) reply.array(2);
  reply.integer(reverse ? set.count - 1 - forward : forward);
  if (withScore) reply.double(score);
}

export const zrank = {
  ...shared,
  name: 'ZRANK',
  since: '2.0.0',
  summary: 'Returns the place of a member, counted from the lowest score.',
  complexity: 'O(log M), M members',
  arity: -3,
  run: (context: CommandContext): void => rank(context, false),
} as const satisfies CommandSpec;

export const zrevrank = {
  ...shared,
  name: 'ZREVRANK',
  since: '2.0.0',
  summary: 'Returns the place of a member, counted from the highest score.',
  complexity: 'O(log M), M members',
  arity: -3,
  run: (context: CommandContext): void => rank(context, true),
} as const satisfies CommandSpec;
