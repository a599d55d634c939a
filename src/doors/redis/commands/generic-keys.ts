/** Commands on keys of any type. */

import { copyElements } from '../collections/copy.ts';
import { allKeys, type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import {
  expireOf,
  hasFlag,
  headerBytes,
  payloadStart,
  TYPE_NAMES,
  typeOf,
  ValueFlag,
  type ValueType,
} from '../value.ts';

/** Counts the keys for which `act` is true. */
function countKeys(context: CommandContext, act: (slot: number, key: string) => boolean): void {
  let count = 0;
  const keys: string[] = [];
  // All keys are looked at before the first is changed: one that is too long ends the command.
  for (let index = 1; index < context.request.count; index += 1) keys.push(context.key(index));
  for (const [position, key] of keys.entries()) if (act(context.slotAt(position + 1), key)) count += 1;
  context.reply.integer(count);
}

function runDel(context: CommandContext): void {
  if (context.request.count === 2) {
    const removed = context.keyspace.remove(context.slot, context.key(1));
    context.reply.constant(removed ? Constant.one : Constant.zero);
    return;
  }
  countKeys(context, (slot, key) => context.keyspace.remove(slot, key));
}

function runExists(context: CommandContext): void {
  countKeys(context, (slot, key) => context.keyspace.find(slot, key) !== undefined);
}

const multiShardSum = ['request_policy:multi_shard', 'response_policy:agg_sum'] as const;

export const del = {
  name: 'DEL',
  group: 'generic',
  since: '1.0.0',
  summary: 'Removes keys.',
  complexity: 'O(N), N keys',
  arity: -2,
  flags: ['write'],
  categories: ['keyspace'],
  tips: multiShardSum,
  keys: [allKeys(1, 1, 'RM', 'delete')],
  split: 'sum',
  run: runDel,
} as const satisfies CommandSpec;

export const unlink = {
  name: 'UNLINK',
  group: 'generic',
  since: '4.0.0',
  summary: 'Removes keys, large ones in the background.',
  complexity: 'O(N), N keys',
  arity: -2,
  flags: ['write', 'fast'],
  categories: ['keyspace'],
  tips: multiShardSum,
  keys: [allKeys(1, 1, 'RM', 'delete')],
  split: 'sum',
  run: runDel,
} as const satisfies CommandSpec;

export const exists = {
  name: 'EXISTS',
  group: 'generic',
  since: '1.0.0',
  summary: 'Counts how many of the keys are there.',
  complexity: 'O(N), N keys',
  arity: -2,
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  tips: multiShardSum,
  keys: [allKeys(1, 1, 'RO')],
  split: 'sum',
  run: runExists,
} as const satisfies CommandSpec;

export const touch = {
  name: 'TOUCH',
  group: 'generic',
  since: '3.2.1',
  summary: 'Counts how many of the keys are there. When they were last used is not recorded.',
  complexity: 'O(N), N keys',
  arity: -2,
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  tips: multiShardSum,
  keys: [allKeys(1, 1, 'RO')],
  split: 'sum',
  run: runExists,
} as const satisfies CommandSpec;

export const type = {
  name: 'TYPE',
  group: 'generic',
  since: '1.0.0',
  summary: 'Names the type of the value at a key.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    const value = context.keyspace.find(context.slot, context.key(1));
    context.reply.status(TYPE_NAMES[value === undefined ? 0 : typeOf(value)] ?? 'none');
  },
} as const satisfies CommandSpec;

/** Makes another key what one key is, with its expiry time. Of a large collection both have the same elements then. */
function assign(context: CommandContext, value: Buffer, to: string): void {
  const { keyspace, slot } = context;
  const expire_ms = expireOf(value);
  const from = payloadStart(value);
  const flags = (value[0] as number) & 0x0f;
  const copy = keyspace.newValue(typeOf(value) as ValueType, flags, expire_ms, value.length - from);
  value.copy(copy, headerBytes(expire_ms), from);
  keyspace.put(slot, to, copy, expire_ms);
}

/** RENAME and RENAMENX; false when the new name is taken and must not be. */
function rename(context: CommandContext, onlyIfFree: boolean): boolean {
  const { keyspace, slot } = context;
  const from = context.key(1);
  const to = context.key(2);
  const value = keyspace.find(slot, from);
  if (value === undefined) throw replyError(ErrorText.noSuchKey);
  if (from === to) return !onlyIfFree;
  if (onlyIfFree && keyspace.find(slot, to) !== undefined) return false;
  assign(context, value, to);
  keyspace.removeAfterMove(slot, from);
  return true;
}

export const renameCommand = {
  name: 'RENAME',
  group: 'generic',
  since: '1.0.0',
  summary: 'Renames a key, replacing one that has the new name.',
  complexity: 'O(N), N bytes of a small value; O(1) for a large collection',
  arity: 3,
  flags: ['write'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RW', 'access', 'delete'), oneKey(2, 'OW', 'update')],
  run(context: CommandContext): void {
    rename(context, false);
    context.reply.ok();
  },
} as const satisfies CommandSpec;

export const renamenx = {
  name: 'RENAMENX',
  group: 'generic',
  since: '1.0.0',
  summary: 'Renames a key when no key has the new name.',
  complexity: 'O(N), N bytes of a small value; O(1) for a large collection',
  arity: 3,
  flags: ['write', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RW', 'access', 'delete'), oneKey(2, 'OW', 'insert')],
  run(context: CommandContext): void {
    context.reply.constant(rename(context, true) ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const copy = {
  name: 'COPY',
  group: 'generic',
  since: '6.2.0',
  summary: 'Copies the value at a key to another key.',
  complexity: 'O(N), N bytes of the value',
  arity: -3,
  flags: ['write', 'denyoom'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RO', 'access'), oneKey(2, 'OW', 'update')],
  run(context: CommandContext): void {
    const { keyspace, request, slot } = context;
    let replace = false;
    for (let index = 3; index < request.count; index += 1) {
      const word = request.word(index);
      if (word === 'REPLACE') replace = true;
      else if (word === 'DB' && index + 1 < request.count) {
        index += 1;
        const database = context.integer(index);
        if (database !== 0n) throw replyError(ErrorText.copyDatabase);
      } else context.syntaxError();
    }
    const from = context.key(1);
    const to = context.key(2);
    if (from === to) throw replyError(ErrorText.sameObject);
    const value = keyspace.find(slot, from);
    if (value === undefined || (!replace && keyspace.find(slot, to) !== undefined)) {
      context.reply.constant(Constant.zero);
      return;
    }
    if (hasFlag(value, ValueFlag.elementsOutside)) assign(context, copyElements(keyspace, slot, value), to);
    else assign(context, value, to);
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;

export const move = {
  name: 'MOVE',
  group: 'generic',
  since: '1.0.0',
  summary: 'Moves a key to another database: there is only one.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['write', 'fast'],
  categories: ['keyspace'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  refusal: ErrorText.moveInCluster,
} as const satisfies CommandSpec;
