/** ZRANGE and its kind: reading, storing and removing ranges. */
import { assertFitsOneCommand } from '../collections/copy.ts';
import { findSortedSet, newSortedSet } from '../collections/open.ts';
import type { ScoredMember } from '../collections/sorted-set.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { limited, parseRange, type RangeKind, type RangeOf } from './sorted-set-range.ts';
import { writeRanks } from './sorted-set-reply.ts';

interface RangeRequest {
  readonly rangeOf: RangeOf;
  readonly reverse: boolean;
  readonly withScores: boolean;
}

/** What the command's name says already; undefined: an option may say it. */
interface Given {
  readonly kind?: RangeKind;
  readonly reverse?: boolean;
  readonly storing?: boolean;
}

/** Parses `key min max options`, the key standing at `keyIndex`. */
function parse(context: CommandContext, keyIndex: number, given: Given): RangeRequest {
  const { request } = context;
  let { kind, reverse } = given;
  let withScores = false;
  let offset = 0;
  let count = -1;
  for (let index = keyIndex + 3; index < request.count; index += 1) {
    const word = request.word(index);
    if (word === 'WITHSCORES' && given.storing !== true) withScores = true;
    else if (word === 'LIMIT' && index + 2 < request.count) {
      offset = context.number(index + 1);
      count = context.number(index + 2);
      index += 2;
    } else if (word === 'REV' && reverse === undefined) reverse = true;
    else if (word === 'BYLEX' && kind === undefined) kind = 'member';
    else if (word === 'BYSCORE' && kind === undefined) kind = 'score';
    else context.syntaxError();
  }
  const backwards = reverse === true;
  if (count !== -1 && (kind ?? 'rank') === 'rank') {
    throw replyError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
  }
  if (withScores && kind === 'member') {
    throw replyError('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
  }
  if (kind === undefined || kind === 'rank') {
    return {
      rangeOf: parseRange(context, 'rank', keyIndex + 1, keyIndex + 2, backwards),
      reverse: backwards,
      withScores,
    };
  }
  // The other way round the higher bound comes first.
  const minIndex = backwards ? keyIndex + 2 : keyIndex + 1;
  const maxIndex = backwards ? keyIndex + 1 : keyIndex + 2;
  const rangeOf = parseRange(context, kind, minIndex, maxIndex, false);
  return { rangeOf: (set) => limited(rangeOf(set), backwards, offset, count), reverse: backwards, withScores };
}

function answer(context: CommandContext, given: Given): void {
  const { rangeOf, reverse, withScores } = parse(context, 1, given);
  const set = findSortedSet(context, context.slot, context.key(1));
  if (set === undefined) context.reply.constant(Constant.emptyArray);
  else writeRanks(context.reply, set, rangeOf(set), reverse, withScores);
}

const reading = {
  group: 'sorted_set',
  complexity: 'O(log M + N), N members returned of M',
  arity: -4,
  flags: ['readonly'],
  categories: ['sortedset'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

export const zrange = {
  ...reading,
  name: 'ZRANGE',
  since: '1.2.0',
  summary: 'Returns members in a range of ranks, scores or members.',
  run: (context: CommandContext): void => answer(context, {}),
} as const satisfies CommandSpec;

export const zrevrange = {
  ...reading,
  name: 'ZREVRANGE',
  since: '1.2.0',
  summary: 'Returns members in a range of ranks, the highest score first.',
  run: (context: CommandContext): void => answer(context, { kind: 'rank', reverse: true }),
} as const satisfies CommandSpec;

export const zrangebyscore = {
  ...reading,
  name: 'ZRANGEBYSCORE',
  since: '1.0.5',
  summary: 'Returns members with scores in a range.',
  run: (context: CommandContext): void => answer(context, { kind: 'score', reverse: false }),
} as const satisfies CommandSpec;

export const zrevrangebyscore = {
  ...reading,
  name: 'ZREVRANGEBYSCORE',
  since: '2.2.0',
  summary: 'Returns members with scores in a range, the highest score first.',
  run: (context: CommandContext): void => answer(context, { kind: 'score', reverse: true }),
} as const satisfies CommandSpec;

export const zrangebylex = {
  ...reading,
  name: 'ZRANGEBYLEX',
  since: '2.8.9',
  summary: 'Returns members in a range of members. All scores are equal.',
  run: (context: CommandContext): void => answer(context, { kind: 'member', reverse: false }),
} as const satisfies CommandSpec;

export const zrevrangebylex = {
  ...reading,
  name: 'ZREVRANGEBYLEX',
  since: '2.8.9',
  summary: 'Returns members in a range of members, the last first. All scores are equal.',
  run: (context: CommandContext): void => answer(context, { kind: 'member', reverse: true }),
} as const satisfies CommandSpec;

/** Stores members; removes the key when there are none. Replies with their number. */
export function storeMembers(context: CommandContext, key: string, members: readonly ScoredMember[]): void {
  const { keyspace, slot, reply } = context;
  if (members.length === 0) keyspace.remove(slot, key);
  else {
    const bytes = members.reduce((sum, { member }) => sum + member.length * 2, 0);
    assertFitsOneCommand(members.length * 2, bytes);
    const set = newSortedSet(context, slot, key);
    set.replace(members);
    set.save();
  }
  reply.integer(members.length);
}

export const zrangestore = {
  name: 'ZRANGESTORE',
  group: 'sorted_set',
  since: '6.2.0',
  summary: 'Stores members in a range of ranks, scores or members.',
  complexity: 'O(log M + N log N), N members stored of M',
  arity: -5,
  flags: ['write', 'denyoom'],
  categories: ['sortedset'],
  keys: [oneKey(1, 'OW', 'update'), oneKey(2, 'RO', 'access')],
  run(context: CommandContext): void {
    const { rangeOf, reverse } = parse(context, 2, { storing: true });
    const target = context.key(1);
    const set = findSortedSet(context, context.slot, context.key(2));
    const members: ScoredMember[] = [];
    if (set !== undefined) {
      const { from, to } = rangeOf(set);
      set.visitRanks(from, to, reverse, (member, score) => members.push({ member, score }) > 0);
    }
    storeMembers(context, target, members);
  },
} as const satisfies CommandSpec;

function removeRange(context: CommandContext, kind: RangeKind): void {
  const rangeOf = parseRange(context, kind, 2, 3, false);
  const set = findSortedSet(context, context.slot, context.key(1));
  const { from, to } = set === undefined ? { from: 0, to: 0 } : rangeOf(set);
  if (set !== undefined && from < to) {
    if (to - from === set.count) context.keyspace.remove(context.slot, set.key);
    else {
      set.deleteRanks(from, to);
      set.save();
    }
  }
  context.reply.integer(Math.max(0, to - from));
}

const removing = {
  group: 'sorted_set',
  complexity: 'O(log M + N log M), the lesser of N members removed and kept of M',
  arity: 4,
  flags: ['write'],
  categories: ['sortedset'],
  keys: [oneKey(1, 'RW', 'delete')],
} as const;

export const zremrangebyrank = {
  ...removing,
  name: 'ZREMRANGEBYRANK',
  since: '2.0.0',
  summary: 'Removes members in a range of ranks.',
  run: (context: CommandContext): void => removeRange(context, 'rank'),
} as const satisfies CommandSpec;

export const zremrangebyscore = {
  ...removing,
  name: 'ZREMRANGEBYSCORE',
  since: '1.2.0',
  summary: 'Removes members with scores in a range.',
  run: (context: CommandContext): void => removeRange(context, 'score'),
} as const satisfies CommandSpec;

export const zremrangebylex = {
  ...removing,
  name: 'ZREMRANGEBYLEX',
  since: '2.8.9',
  summary: 'Removes members in a range of members. All scores are equal.',
  run: (context: CommandContext): void => removeRange(context, 'member'),
} as const satisfies CommandSpec;
