/** EXPIRE and its kind, TTL and its kind, PERSIST. */

import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { expireOf } from '../value.ts';

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

function parseConditions(context: CommandContext): Conditions {
  const { request } = context;
  const conditions: Conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let index = 3; index < request.count; index += 1) {
    const word = request.word(index);
    if (word === 'NX') conditions.nx = true;
    else if (word === 'XX') conditions.xx = true;
    else if (word === 'GT') conditions.gt = true;
    else if (word === 'LT') conditions.lt = true;
    else throw replyError(`ERR Unsupported option ${request.string(index)}`);
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    throw replyError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (conditions.gt && conditions.lt) {
    throw replyError('ERR GT and LT options at the same time are not compatible');
  }
  return conditions;
}

/** A key without expiry time counts as expiring in all eternity. */
function conditionsMet(conditions: Conditions, before_ms: number, after_ms: number): boolean {
  if (conditions.nx && before_ms !== 0) return false;
  if (conditions.xx && before_ms === 0) return false;
  if (conditions.gt && (before_ms === 0 || after_ms <= before_ms)) return false;
  return !(conditions.lt && before_ms !== 0 && after_ms >= before_ms);
}

function expire(context: CommandContext, unit_ms: number, relative: boolean): void {
  const { keyspace, slot } = context;
  const key = context.key(1);
  const conditions = parseConditions(context);
  const expire_ms = context.expireMoment(2, unit_ms, relative, false);
  const value = keyspace.find(slot, key);
  if (value === undefined || !conditionsMet(conditions, expireOf(value), expire_ms)) {
    context.reply.constant(Constant.zero);
    return;
  }
  if (expire_ms <= context.now_ms) keyspace.remove(slot, key);
  else keyspace.setExpire(slot, key, value, expire_ms);
  context.reply.constant(Constant.one);
}

/** The time until the key expires, or with `fromNow` false the moment. */
function remaining(context: CommandContext, unit_ms: number, fromNow: boolean): void {
  const value = context.keyspace.find(context.slot, context.key(1));
  if (value === undefined) {
    context.reply.integer(-2);
    return;
  }
  const expire_ms = expireOf(value);
  if (expire_ms === 0) {
    context.reply.integer(-1);
    return;
  }
  const span_ms = fromNow ? expire_ms - Math.floor(context.now_ms) : expire_ms;
  context.reply.integer(unit_ms === 1 ? span_ms : Math.floor((span_ms + 500) / unit_ms));
}

const expireShared = {
  group: 'generic',
  complexity: 'O(1)',
  arity: -3,
  flags: ['write', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RW', 'update')],
} as const;

export const expireCommand = {
  ...expireShared,
  name: 'EXPIRE',
  since: '1.0.0',
  summary: 'Lets a key expire after so many seconds.',
  run: (context: CommandContext): void => expire(context, 1000, true),
} as const satisfies CommandSpec;

export const pexpire = {
  ...expireShared,
  name: 'PEXPIRE',
  since: '2.6.0',
  summary: 'Lets a key expire after so many milliseconds.',
  run: (context: CommandContext): void => expire(context, 1, true),
} as const satisfies CommandSpec;

export const expireat = {
  ...expireShared,
  name: 'EXPIREAT',
  since: '1.2.0',
  summary: 'Lets a key expire at a moment given in seconds since 1970.',
  run: (context: CommandContext): void => expire(context, 1000, false),
} as const satisfies CommandSpec;

export const pexpireat = {
  ...expireShared,
  name: 'PEXPIREAT',
  since: '2.6.0',
  summary: 'Lets a key expire at a moment given in milliseconds since 1970.',
  run: (context: CommandContext): void => expire(context, 1, false),
} as const satisfies CommandSpec;

const ttlShared = {
  group: 'generic',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

export const ttl = {
  ...ttlShared,
  name: 'TTL',
  since: '1.0.0',
  summary: 'Returns the seconds until a key expires.',
  tips: ['nondeterministic_output'],
  run: (context: CommandContext): void => remaining(context, 1000, true),
} as const satisfies CommandSpec;

export const pttl = {
  ...ttlShared,
  name: 'PTTL',
  since: '2.6.0',
  summary: 'Returns the milliseconds until a key expires.',
  tips: ['nondeterministic_output'],
  run: (context: CommandContext): void => remaining(context, 1, true),
} as const satisfies CommandSpec;

export const expiretime = {
  ...ttlShared,
  name: 'EXPIRETIME',
  since: '7.0.0',
  summary: 'Returns the moment at which a key expires, in seconds since 1970.',
  run: (context: CommandContext): void => remaining(context, 1000, false),
} as const satisfies CommandSpec;

export const pexpiretime = {
  ...ttlShared,
  name: 'PEXPIRETIME',
  since: '7.0.0',
  summary: 'Returns the moment at which a key expires, in milliseconds since 1970.',
  run: (context: CommandContext): void => remaining(context, 1, false),
} as const satisfies CommandSpec;

export const persist = {
  name: 'PERSIST',
  group: 'generic',
  since: '2.2.0',
  summary: 'Takes the expiry time from a key.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['write', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const key = context.key(1);
    const value = context.keyspace.find(context.slot, key);
    const expires = value !== undefined && expireOf(value) !== 0;
    if (expires) context.keyspace.setExpire(context.slot, key, value, 0);
    context.reply.constant(expires ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;
