/** Sets: single members. */
import { findSet, openSet } from '../collections/open.ts';
import type { RedisSet } from '../collections/set.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { distinctRanks, randomCount } from './random-picks.ts';

const shared = { group: 'set', categories: ['set'] } as const;

function find(context: CommandContext): RedisSet | undefined {
  return findSet(context, context.slot, context.key(1));
}

export const sadd = {
  ...shared,
  name: 'SADD',
  since: '1.0.0',
  summary: 'Adds members to a set.',
  complexity: 'O(N log M), N members added to M',
  arity: -3,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'insert')],
  run(context: CommandContext): void {
    const set = openSet(context, context.slot, context.key(1));
    let added = 0;
    for (const member of context.elements(2)) if (set.add(member)) added += 1;
    if (added > 0) set.save();
    context.reply.integer(added);
  },
} as const satisfies CommandSpec;

export const srem = {
  ...shared,
  name: 'SREM',
  since: '1.0.0',
  summary: 'Removes members from a set.',
  complexity: 'O(N log M), N members removed of M',
  arity: -3,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const set = find(context);
    let removed = 0;
    for (const member of set === undefined ? [] : context.elements(2)) if (set?.delete(member) === true) removed += 1;
    if (removed > 0) set?.save();
    context.reply.integer(removed);
  },
} as const satisfies CommandSpec;

export const sismember = {
  ...shared,
  name: 'SISMEMBER',
  since: '1.0.0',
  summary: 'Tells whether a set has a member.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    context.reply.constant(find(context)?.has(context.element(2)) === true ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const smismember = {
  ...shared,
  name: 'SMISMEMBER',
  since: '6.2.0',
  summary: 'Tells for several members whether a set has them.',
  complexity: 'O(N), N members asked about',
  arity: -3,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    const set = find(context);
    context.reply.array(context.request.count - 2);
    for (const member of context.elements(2)) context.reply.integer(set?.has(member) === true ? 1 : 0);
  },
} as const satisfies CommandSpec;

export const scard = {
  ...shared,
  name: 'SCARD',
  since: '1.0.0',
  summary: 'Counts the members of a set.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run: (context: CommandContext): void => context.reply.integer(find(context)?.count ?? 0),
} as const satisfies CommandSpec;

export const smembers = {
  ...shared,
  name: 'SMEMBERS',
  since: '1.0.0',
  summary: 'Returns all members of a set.',
  complexity: 'O(N), N members',
  arity: 2,
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { reply } = context;
    const set = find(context);
    reply.set(set?.count ?? 0);
    set?.visit((member) => {
      reply.text(member);
      return true;
    });
  },
} as const satisfies CommandSpec;

export const smove = {
  ...shared,
  name: 'SMOVE',
  since: '1.0.0',
  summary: 'Moves a member from one set to another.',
  complexity: 'O(log M), M members',
  arity: 4,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'delete'), oneKey(2, 'RW', 'insert')],
  run(context: CommandContext): void {
    const { reply, slot } = context;
    const to = context.key(2);
    const from = find(context);
    if (from === undefined) {
      reply.constant(Constant.zero);
      return;
    }
    const target = openSet(context, slot, to);
    const member = context.element(3);
    if (from.key === to) {
      reply.constant(from.has(member) ? Constant.one : Constant.zero);
      return;
    }
    if (!from.delete(member)) {
      reply.constant(Constant.zero);
      return;
    }
    from.save();
    if (target.add(member)) target.save();
    reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;

export const spop = {
  ...shared,
  name: 'SPOP',
  since: '1.0.0',
  summary: 'Removes random members from a set and returns them.',
  complexity: 'O(N log M), N members returned of M',
  arity: -2,
  flags: ['write', 'fast'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RW', 'access', 'delete')],
  run(context: CommandContext): void {
    const { request, reply } = context;
    if (request.count > 3) context.syntaxError();
    if (request.count === 2) {
      const set = find(context);
      if (set === undefined) {
        reply.null();
        return;
      }
      const member = set.at(context.prng.below(set.count));
      set.delete(member);
      set.save();
      reply.text(member);
      return;
    }
    const value = context.integer(2, ErrorText.notPositive);
    if (value < 0n) throw replyError(ErrorText.notPositive);
    const set = find(context);
    const count = Math.min(context.number(2), set?.count ?? 0);
    reply.set(count);
    if (set === undefined || count === 0) return;
    popMany(context, set, count);
  },
} as const satisfies CommandSpec;

function popMany(context: CommandContext, set: RedisSet, count: number): void {
  const { reply, keyspace, slot } = context;
  if (count === set.count) {
    set.visit((member) => {
      reply.text(member);
      return true;
    });
    keyspace.remove(slot, set.key);
    return;
  }
  const ranks = distinctRanks(context, set.count, count);
  if (set.isLarge && count * 2 < set.count) {
    const members = ranks.map((rank) => set.at(rank));
    for (const member of members) {
      reply.text(member);
      set.delete(member);
    }
    set.save();
    return;
  }
  const members = set.members();
  const gone = new Set(ranks);
  for (const rank of ranks) reply.text(members[rank] as string);
  set.replace(members.filter((_member, rank) => !gone.has(rank)));
  set.save();
}

export const srandmember = {
  ...shared,
  name: 'SRANDMEMBER',
  since: '1.0.0',
  summary: 'Returns random members of a set.',
  complexity: 'O(N log M), N members returned of M',
  arity: -2,
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { request, reply, prng } = context;
    if (request.count > 3) context.syntaxError();
    if (request.count === 2) {
      const set = find(context);
      if (set === undefined) reply.null();
      else reply.text(set.at(prng.below(set.count)));
      return;
    }
    const count = randomCount(context, 2, false);
    const set = find(context);
    if (set === undefined || count === 0) {
      reply.constant(Constant.emptyArray);
      return;
    }
    const members = set.isLarge && Math.abs(count) * 4 < set.count ? undefined : set.members();
    const ranks = count > 0 ? distinctRanks(context, set.count, Math.min(count, set.count)) : undefined;
    const length = ranks?.length ?? -count;
    reply.array(length);
    for (let index = 0; index < length; index += 1) {
      const rank = ranks?.[index] ?? prng.below(set.count);
      reply.text(members === undefined ? set.at(rank) : (members[rank] as string));
    }
  },
} as const satisfies CommandSpec;
