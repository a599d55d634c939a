/** Writing strings. */

import { allKeys, type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { arityText, ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { expireOf, headerBytes, payloadStart, ValueFlag, ValueType } from '../value.ts';
import { expireOption, isExpireOption } from './expire-options.ts';

/** Stores argument `index` at the key. */
export function putArgument(
  context: CommandContext,
  slot: number,
  key: string,
  index: number,
  expire_ms: number,
): void {
  const { request } = context;
  context.keyspace.putString(slot, key, request.buffer, request.start(index), request.end(index), expire_ms);
}

interface SetOptions {
  condition: '' | 'NX' | 'XX' | 'IFEQ';
  comparedIndex: number;
  get: boolean;
  keepExpire: boolean;
  expireOption: string;
  expireIndex: number;
}

function parseSetOptions(context: CommandContext): SetOptions {
  const { request } = context;
  const options: SetOptions = {
    condition: '',
    comparedIndex: 0,
    get: false,
    keepExpire: false,
    expireOption: '',
    expireIndex: 0,
  };
  for (let index = 3; index < request.count; index += 1) {
    const word = request.word(index);
    const hasNext = index + 1 < request.count;
    if (word === 'NX' || word === 'XX' || (word === 'IFEQ' && hasNext)) {
      if (options.condition !== '' && (options.condition !== word || word === 'IFEQ')) context.syntaxError();
      options.condition = word;
      if (word !== 'IFEQ') continue;
      index += 1;
      options.comparedIndex = index;
    } else if (word === 'GET') options.get = true;
    else if (word === 'KEEPTTL' && options.expireOption === '') options.keepExpire = true;
    else if (isExpireOption(word) && hasNext && options.expireOption === '' && !options.keepExpire) {
      options.expireOption = word;
      index += 1;
      options.expireIndex = index;
    } else context.syntaxError();
  }
  return options;
}

function runSet(context: CommandContext): void {
  const key = context.key(1);
  if (context.request.count === 3) {
    putArgument(context, context.slot, key, 2, 0);
    context.reply.ok();
    return;
  }
  setWithOptions(context, key);
}

function setWithOptions(context: CommandContext, key: string): void {
  const { keyspace, reply, slot } = context;
  const options = parseSetOptions(context);
  let expire_ms = options.expireOption === '' ? 0 : expireOption(context, options.expireOption, options.expireIndex);
  const mustBeString = options.get || options.condition === 'IFEQ';
  const value = mustBeString ? keyspace.findString(slot, key) : keyspace.find(slot, key);
  const met = conditionMet(context, options, value);
  if (options.get) {
    if (value === undefined) reply.null();
    else reply.bulkSlice(value, payloadStart(value), value.length);
  } else if (met) reply.ok();
  else reply.null();
  if (!met) return;
  if (options.keepExpire && value !== undefined) expire_ms = expireOf(value);
  if (options.expireOption !== '' && expire_ms <= context.now_ms) keyspace.remove(slot, key);
  else putArgument(context, slot, key, 2, expire_ms);
}

function conditionMet(context: CommandContext, options: SetOptions, value: Buffer | undefined): boolean {
  if (options.condition === 'NX') return value === undefined;
  if (options.condition === 'XX') return value !== undefined;
  if (options.condition === 'IFEQ') return value !== undefined && payloadEquals(context, value, options.comparedIndex);
  return true;
}

/** True when the string is the same bytes as argument `index`. */
function payloadEquals(context: CommandContext, value: Buffer, index: number): boolean {
  const { request } = context;
  const from = payloadStart(value);
  return value.compare(request.buffer, request.start(index), request.end(index), from) === 0;
}

export const set = {
  name: 'SET',
  group: 'string',
  since: '1.0.0',
  summary: 'Sets a key to a string, on conditions and with an expiry time if asked.',
  complexity: 'O(1)',
  arity: -3,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'access', 'update', 'variable_flags')],
  run: runSet,
} as const satisfies CommandSpec;

export const setnx = {
  name: 'SETNX',
  group: 'string',
  since: '1.0.0',
  summary: 'Sets a key to a string when the key is not there.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'OW', 'insert')],
  run(context: CommandContext): void {
    const key = context.key(1);
    if (context.keyspace.find(context.slot, key) !== undefined) {
      context.reply.constant(Constant.zero);
      return;
    }
    putArgument(context, context.slot, key, 2, 0);
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;

function runSetWithTime(context: CommandContext, option: 'EX' | 'PX'): void {
  const key = context.key(1);
  const expire_ms = expireOption(context, option, 2);
  putArgument(context, context.slot, key, 3, expire_ms);
  context.reply.ok();
}

export const setex = {
  name: 'SETEX',
  group: 'string',
  since: '2.0.0',
  summary: 'Sets a key to a string that expires after so many seconds.',
  complexity: 'O(1)',
  arity: 4,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  keys: [oneKey(1, 'OW', 'update')],
  run: (context: CommandContext): void => runSetWithTime(context, 'EX'),
} as const satisfies CommandSpec;

export const psetex = {
  name: 'PSETEX',
  group: 'string',
  since: '2.6.0',
  summary: 'Sets a key to a string that expires after so many milliseconds.',
  complexity: 'O(1)',
  arity: 4,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  keys: [oneKey(1, 'OW', 'update')],
  run: (context: CommandContext): void => runSetWithTime(context, 'PX'),
} as const satisfies CommandSpec;

export const getset = {
  name: 'GETSET',
  group: 'string',
  since: '1.0.0',
  summary: 'Sets a key to a string and returns the one it had.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  run(context: CommandContext): void {
    const key = context.key(1);
    const value = context.keyspace.findString(context.slot, key);
    if (value === undefined) context.reply.null();
    else context.reply.bulkSlice(value, payloadStart(value), value.length);
    putArgument(context, context.slot, key, 2, 0);
  },
} as const satisfies CommandSpec;

export const delifeq = {
  name: 'DELIFEQ',
  group: 'string',
  since: '9.0.0',
  summary: 'Removes a key when its string is the one given.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['write', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const key = context.key(1);
    const value = context.keyspace.findString(context.slot, key);
    const equal = value !== undefined && payloadEquals(context, value, 2);
    if (equal) context.keyspace.remove(context.slot, key);
    context.reply.constant(equal ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const append = {
  name: 'APPEND',
  group: 'string',
  since: '2.0.0',
  summary: 'Appends to the string at a key, which is made when it is not there.',
  complexity: 'O(N), N bytes of the new string',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'insert')],
  run(context: CommandContext): void {
    const { keyspace, request, slot } = context;
    const key = context.key(1);
    const value = keyspace.findString(slot, key);
    if (value === undefined) {
      putArgument(context, slot, key, 2, 0);
      context.reply.integer(request.length(2));
      return;
    }
    const from = payloadStart(value);
    const length = value.length - from + request.length(2);
    if (length > context.limits.bulkBytes_max) throw replyError(ErrorText.stringTooLong);
    const expire_ms = expireOf(value);
    const changed = keyspace.newValue(ValueType.string, ValueFlag.changedInPlace, expire_ms, length);
    value.copy(changed, from, from);
    request.buffer.copy(changed, value.length, request.start(2), request.end(2));
    keyspace.put(slot, key, changed, expire_ms);
    context.reply.integer(length);
  },
} as const satisfies CommandSpec;

export const setrange = {
  name: 'SETRANGE',
  group: 'string',
  since: '2.2.0',
  summary: 'Overwrites part of the string at a key, zero bytes filling a gap.',
  complexity: 'O(N), N bytes of the new string',
  arity: 4,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const { keyspace, request, slot } = context;
    const key = context.key(1);
    const offset = context.number(2);
    if (offset < 0) throw replyError(ErrorText.offsetRange);
    const value = keyspace.findString(slot, key);
    const from = value === undefined ? headerBytes(0) : payloadStart(value);
    const before = value === undefined ? 0 : value.length - from;
    const added = request.length(3);
    if (added === 0) {
      context.reply.integer(before);
      return;
    }
    if (offset + added > context.limits.bulkBytes_max) throw replyError(ErrorText.stringTooLong);
    const length = Math.max(before, offset + added);
    const expire_ms = value === undefined ? 0 : expireOf(value);
    const changed = keyspace.newValue(ValueType.string, ValueFlag.changedInPlace, expire_ms, length);
    value?.copy(changed, from, from);
    if (offset > before) changed.fill(0, from + before, from + offset);
    request.buffer.copy(changed, from + offset, request.start(3), request.end(3));
    keyspace.put(slot, key, changed, expire_ms);
    context.reply.integer(length);
  },
} as const satisfies CommandSpec;

export const mset = {
  name: 'MSET',
  group: 'string',
  since: '1.0.1',
  summary: 'Sets several keys to strings, all at once.',
  complexity: 'O(N), N keys',
  arity: -3,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
  keys: [allKeys(1, 2, 'OW', 'update')],
  run(context: CommandContext): void {
    putPairs(context, 'mset');
    context.reply.ok();
  },
} as const satisfies CommandSpec;

export const msetnx = {
  name: 'MSETNX',
  group: 'string',
  since: '1.0.1',
  summary: 'Sets several keys to strings when none of them is there.',
  complexity: 'O(N), N keys',
  arity: -3,
  flags: ['write', 'denyoom'],
  categories: ['string'],
  keys: [allKeys(1, 2, 'OW', 'insert')],
  run(context: CommandContext): void {
    const { keyspace, request, slot } = context;
    if (request.count % 2 === 0) throw replyError(arityText('msetnx'));
    for (let index = 1; index < request.count; index += 2) {
      if (keyspace.find(slot, context.key(index)) === undefined) continue;
      context.reply.constant(Constant.zero);
      return;
    }
    putPairs(context, 'msetnx');
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;

function putPairs(context: CommandContext, name: string): void {
  const { count } = context.request;
  if (count % 2 === 0) throw replyError(arityText(name));
  const keys: string[] = [];
  for (let index = 1; index < count; index += 2) keys.push(context.key(index));
  for (const [position, key] of keys.entries()) putArgument(context, context.slot, key, position * 2 + 2, 0);
}
