/** ZPOPMIN, ZPOPMAX, ZMPOP and ZRANDMEMBER. */
import { findSortedSet } from '../collections/open.ts';
import type { RedisSortedSet, ScoredMember } from '../collections/sorted-set.ts';
import { type CommandSpec, countedKeys, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { parseMultiPop } from './multi-pop.ts';
import { distinctRanks, randomCount } from './random-picks.ts';
import { beginMembers, writeMember } from './sorted-set-reply.ts';

/** Removes up to `count` members from an end and returns them, the outermost first. */
function pop(context: CommandContext, set: RedisSortedSet, count: number, fromEnd: boolean): ScoredMember[] {
  const size = set.count;
  const wanted = Math.min(count, size);
  const from = fromEnd ? size - wanted : 0;
  const popped: ScoredMember[] = [];
  set.visitRanks(from, from + wanted, fromEnd, (member, score) => popped.push({ member, score }) > 0);
  if (wanted === size) context.keyspace.remove(context.slot, set.key);
  else {
    set.deleteRanks(from, from + wanted);
    set.save();
  }
  return popped;
}

function runPop(context: CommandContext, fromEnd: boolean): void {
  const { request, reply } = context;
  if (request.count > 3) context.syntaxError();
  const counted = request.count === 3;
  if (counted && context.integer(2, ErrorText.notPositive) < 0n) throw replyError(ErrorText.notPositive);
  const count = counted ? context.number(2) : 1;
  const set = findSortedSet(context, context.slot, context.key(1));
  if (set === undefined || count === 0) {
    reply.constant(Constant.emptyArray);
    return;
  }
  const popped = pop(context, set, count, fromEnd);
  // One pair without a count is not wrapped, in RESP3 either.
  if (!counted) reply.array(2);
  else beginMembers(reply, popped.length, true);
  for (const { member, score } of popped) {
    if (counted) writeMember(reply, member, score, true);
    else {
      reply.text(member);
      reply.double(score);
    }
  }
}

const popping = {
  group: 'sorted_set',
  since: '5.0.0',
  complexity: 'O(N log M), N members removed of M',
  arity: -2,
  flags: ['write', 'fast'],
  categories: ['sortedset'],
  keys: [oneKey(1, 'RW', 'access', 'delete')],
} as const;

export const zpopmin = {
  ...popping,
  name: 'ZPOPMIN',
  summary: 'Removes the members with the lowest scores and returns them.',
  run: (context: CommandContext): void => runPop(context, false),
} as const satisfies CommandSpec;

export const zpopmax = {
  ...popping,
  name: 'ZPOPMAX',
  summary: 'Removes the members with the highest scores and returns them.',
  run: (context: CommandContext): void => runPop(context, true),
} as const satisfies CommandSpec;

export const zmpop = {
  name: 'ZMPOP',
  group: 'sorted_set',
  since: '7.0.0',
  summary: 'Removes members from an end of the first sorted set that has any, and returns them.',
  complexity: 'O(K + N log M), N members removed of M, K keys',
  arity: -4,
  flags: ['write', 'movablekeys'],
  categories: ['sortedset'],
  keys: [countedKeys(1, 1, 'RW', 'access', 'delete')],
  run(context: CommandContext): void {
    const { reply, slot } = context;
    const { keys, first, count } = parseMultiPop(context, 'MIN', 'MAX');
    for (const key of keys) {
      const set = findSortedSet(context, slot, key);
      if (set === undefined) continue;
      const popped = pop(context, set, count, !first);
      reply.array(2);
      reply.text(key);
      reply.array(popped.length);
      for (const { member, score } of popped) {
        reply.array(2);
        reply.text(member);
        reply.double(score);
      }
      return;
    }
    reply.nullArray();
  },
} as const satisfies CommandSpec;

export const zrandmember = {
  name: 'ZRANDMEMBER',
  group: 'sorted_set',
  since: '6.2.0',
  summary: 'Returns random members of a sorted set.',
  complexity: 'O(N log M), N members returned of M',
  arity: -2,
  flags: ['readonly'],
  categories: ['sortedset'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { request, reply, prng } = context;
    if (request.count === 2) {
      const set = findSortedSet(context, context.slot, context.key(1));
      if (set === undefined) reply.null();
      else reply.text(set.at(prng.below(set.count)).member);
      return;
    }
    randomCount(context, 2, false);
    if (request.count > 4 || (request.count === 4 && request.word(3) !== 'WITHSCORES')) context.syntaxError();
    const withScores = request.count === 4;
    const count = randomCount(context, 2, withScores);
    const set = findSortedSet(context, context.slot, context.key(1));
    if (set === undefined || count === 0) {
      reply.constant(Constant.emptyArray);
      return;
    }
    const ranks = count > 0 ? distinctRanks(context, set.count, Math.min(count, set.count)) : undefined;
    const length = ranks?.length ?? -count;
    beginMembers(reply, length, withScores);
    for (let index = 0; index < length; index += 1) {
      const { member, score } = set.at(ranks?.[index] ?? prng.below(set.count));
      writeMember(reply, member, score, withScores);
    }
  },
} as const satisfies CommandSpec;
