/** Reading strings. */

import { allKeys, type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { Constant } from '../reply-writer.ts';
import { expireOf, payloadStart, typeOf, ValueType } from '../value.ts';
import { expireOption, isExpireOption } from './expire-options.ts';

function runGet(context: CommandContext): void {
  const value = context.keyspace.findString(context.slot, context.key(1));
  if (value === undefined) context.reply.null();
  else context.reply.bulkSlice(value, payloadStart(value), value.length);
}

export const get = {
  name: 'GET',
  group: 'string',
  since: '1.0.0',
  summary: 'Returns the string at a key.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RO', 'access')],
  run: runGet,
} as const satisfies CommandSpec;

export const mget = {
  name: 'MGET',
  group: 'string',
  since: '1.0.0',
  summary: 'Returns the strings at several keys.',
  complexity: 'O(N), N keys',
  arity: -2,
  flags: ['readonly', 'fast'],
  categories: ['string'],
  tips: ['request_policy:multi_shard'],
  keys: [allKeys(1, 1, 'RO', 'access')],
  split: 'array',
  run(context: CommandContext): void {
    const { request, reply, keyspace } = context;
    reply.array(request.count - 1);
    for (let index = 1; index < request.count; index += 1) {
      const value = keyspace.find(context.slotAt(index), context.key(index));
      if (value === undefined || typeOf(value) !== ValueType.string) reply.null();
      else reply.bulkSlice(value, payloadStart(value), value.length);
    }
  },
} as const satisfies CommandSpec;

export const getdel = {
  name: 'GETDEL',
  group: 'string',
  since: '6.2.0',
  summary: 'Returns the string at a key and removes the key.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['write', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'access', 'delete')],
  run(context: CommandContext): void {
    const key = context.key(1);
    runGet(context);
    context.keyspace.remove(context.slot, key);
  },
} as const satisfies CommandSpec;

export const getex = {
  name: 'GETEX',
  group: 'string',
  since: '6.2.0',
  summary: 'Returns the string at a key and sets or removes its expiry time.',
  complexity: 'O(1)',
  arity: -2,
  flags: ['write', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  run(context: CommandContext): void {
    const { keyspace, request } = context;
    const key = context.key(1);
    // Redis looks at the options' form first, at the key next, and at the time's value last.
    const option = request.count > 2 ? request.word(2) : '';
    const timed = isExpireOption(option);
    const fits =
      option === '' ? request.count === 2 : timed ? request.count === 4 : option === 'PERSIST' && request.count === 3;
    if (!fits) context.syntaxError();
    const value = keyspace.findString(context.slot, key);
    if (value === undefined) {
      context.reply.null();
      return;
    }
    const expire_ms = timed ? expireOption(context, option, 3) : 0;
    context.reply.bulkSlice(value, payloadStart(value), value.length);
    if (timed && expire_ms <= context.now_ms) keyspace.remove(context.slot, key);
    else if (timed || (option === 'PERSIST' && expireOf(value) !== 0)) {
      keyspace.setExpire(context.slot, key, value, expire_ms);
    }
  },
} as const satisfies CommandSpec;

export const strlen = {
  name: 'STRLEN',
  group: 'string',
  since: '2.2.0',
  summary: 'Returns the length of the string at a key.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    const value = context.keyspace.findString(context.slot, context.key(1));
    context.reply.integer(value === undefined ? 0 : value.length - payloadStart(value));
  },
} as const satisfies CommandSpec;

function runGetrange(context: CommandContext): void {
  const { reply } = context;
  let start = context.number(2);
  let end = context.number(3);
  const value = context.keyspace.findString(context.slot, context.key(1));
  if (value === undefined || (start < 0 && end < 0 && start > end)) {
    reply.constant(Constant.emptyBulk);
    return;
  }
  const from = payloadStart(value);
  const length = value.length - from;
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  end = Math.min(end, length - 1);
  if (start > end || length === 0) reply.constant(Constant.emptyBulk);
  else reply.bulkSlice(value, from + start, from + end + 1);
}

export const getrange = {
  name: 'GETRANGE',
  group: 'string',
  since: '2.4.0',
  summary: 'Returns part of the string at a key.',
  complexity: 'O(N), N bytes returned',
  arity: 4,
  flags: ['readonly'],
  categories: ['string'],
  keys: [oneKey(1, 'RO', 'access')],
  run: runGetrange,
} as const satisfies CommandSpec;

export const substr = {
  name: 'SUBSTR',
  group: 'string',
  since: '1.0.0',
  summary: 'Returns part of the string at a key. The old name of GETRANGE.',
  complexity: 'O(N), N bytes returned',
  arity: 4,
  flags: ['readonly'],
  categories: ['string'],
  keys: [oneKey(1, 'RO', 'access')],
  run: runGetrange,
} as const satisfies CommandSpec;
