/** Sorted sets: adding, scoring and removing members. */
import { findSortedSet, openSortedSet } from '../collections/open.ts';
import type { RedisSortedSet } from '../collections/sorted-set.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { parseScore } from '../number-format.ts';

interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  ch: boolean;
  incr: boolean;
}

function parseAddOptions(context: CommandContext): { options: AddOptions; first: number } {
  const { request } = context;
  const options: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: false };
  let first = 2;
  for (; first < request.count; first += 1) {
    const word = request.word(first).toLowerCase();
    if (!(word in options)) break;
    options[word as keyof AddOptions] = true;
  }
  const words = request.count - first;
  if (words === 0 || words % 2 !== 0) context.syntaxError();
  if (options.nx && options.xx) throw replyError('ERR XX and NX options at the same time are not compatible');
  if ((options.gt && options.nx) || (options.lt && options.nx) || (options.gt && options.lt)) {
    throw replyError('ERR GT, LT, and/or NX options at the same time are not compatible');
  }
  if (options.incr && words > 2) throw replyError('ERR INCR option supports a single increment-element pair');
  return { options, first };
}

export function scoreArgument(context: CommandContext, index: number): number {
  const score = parseScore(context.request.string(index));
  if (score === undefined) throw replyError(ErrorText.notFloat);
  return score;
}

/** What became of a member. `score` undefined: left as it was, on a condition. */
interface Added {
  readonly score: number | undefined;
  readonly isNew: boolean;
  readonly changed: boolean;
}

function add(set: RedisSortedSet, member: string, given: number, options: AddOptions): Added {
  const before = set.score(member);
  if (before === undefined) {
    if (options.xx) return { score: undefined, isNew: false, changed: false };
    set.set(member, given, undefined);
    return { score: given, isNew: true, changed: true };
  }
  if (options.nx) return { score: undefined, isNew: false, changed: false };
  const score = options.incr ? before + given : given;
  if (Number.isNaN(score)) throw replyError(ErrorText.scoreNan);
  if ((options.gt && score <= before) || (options.lt && score >= before)) {
    return { score: undefined, isNew: false, changed: false };
  }
  if (score !== before) set.set(member, score, before);
  return { score, isNew: false, changed: score !== before };
}

const shared = { group: 'sorted_set', categories: ['sortedset'] } as const;

export const zadd = {
  ...shared,
  name: 'ZADD',
  since: '1.2.0',
  summary: 'Adds members to a sorted set, or changes their scores.',
  complexity: 'O(N log M), N members added to M',
  arity: -4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const { options, first } = parseAddOptions(context);
    const { request, reply } = context;
    const scores: number[] = [];
    for (let index = first; index < request.count; index += 2) scores.push(scoreArgument(context, index));
    const members: string[] = [];
    for (let index = first + 1; index < request.count; index += 2) members.push(context.element(index));
    const set = openSortedSet(context, context.slot, context.key(1));
    let isNew = 0;
    let changed = 0;
    let last: Added | undefined;
    for (const [position, score] of scores.entries()) {
      last = add(set, members[position] as string, score, options);
      if (last.isNew) isNew += 1;
      if (last.changed) changed += 1;
    }
    if (changed > 0) set.save();
    if (!options.incr) reply.integer(options.ch ? changed : isNew);
    else if (last?.score === undefined) reply.null();
    else reply.double(last.score);
  },
} as const satisfies CommandSpec;

export const zincrby = {
  ...shared,
  name: 'ZINCRBY',
  since: '1.2.0',
  summary: 'Adds to the score of a member.',
  complexity: 'O(log M), M members',
  arity: 4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  run(context: CommandContext): void {
    const amount = scoreArgument(context, 2);
    const set = openSortedSet(context, context.slot, context.key(1));
    const options: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: true };
    const { score, changed } = add(set, context.element(3), amount, options);
    if (changed) set.save();
    context.reply.double(score as number);
  },
} as const satisfies CommandSpec;

export const zrem = {
  ...shared,
  name: 'ZREM',
  since: '1.2.0',
  summary: 'Removes members from a sorted set.',
  complexity: 'O(N log M), N members removed of M',
  arity: -3,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const set = findSortedSet(context, context.slot, context.key(1));
    let removed = 0;
    for (const member of set === undefined ? [] : context.elements(2)) {
      const score = set?.score(member);
      if (score === undefined) continue;
      set?.delete(member, score);
      removed += 1;
    }
    if (removed > 0) set?.save();
    context.reply.integer(removed);
  },
} as const satisfies CommandSpec;
