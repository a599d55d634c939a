/** Hashes: reading fields. */
import type { RedisHash, Slice } from '../collections/hash.ts';
import { findHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { Constant } from '../reply-writer.ts';

const shared = {
  group: 'hash',
  categories: ['hash'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

function find(context: CommandContext): RedisHash | undefined {
  return findHash(context, context.slot, context.key(1));
}

export function replySlice(context: CommandContext, slice: Slice | undefined): void {
  if (slice === undefined) context.reply.null();
  else context.reply.bulkSlice(slice.buffer, slice.start, slice.end);
}

export const hget = {
  ...shared,
  name: 'HGET',
  since: '2.0.0',
  summary: 'Returns the value of a field of a hash.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly', 'fast'],
  run: (context: CommandContext): void => replySlice(context, find(context)?.find(context.element(2))?.value),
} as const satisfies CommandSpec;

export const hmget = {
  ...shared,
  name: 'HMGET',
  since: '2.0.0',
  summary: 'Returns the values of fields of a hash.',
  complexity: 'O(N), N fields',
  arity: -3,
  flags: ['readonly', 'fast'],
  run(context: CommandContext): void {
    const hash = find(context);
    context.reply.array(context.request.count - 2);
    for (let index = 2; index < context.request.count; index += 1) {
      replySlice(context, hash?.find(context.element(index))?.value);
    }
  },
} as const satisfies CommandSpec;

export const hexists = {
  ...shared,
  name: 'HEXISTS',
  since: '2.0.0',
  summary: 'Tells whether a hash has a field.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    context.reply.constant(find(context)?.has(context.element(2)) === true ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const hlen = {
  ...shared,
  name: 'HLEN',
  since: '2.0.0',
  summary: 'Counts the fields of a hash.',
  complexity: 'O(1), and 1 for each field that has expired and is not removed yet',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  note: 'Fields that have expired are not counted.',
  run: (context: CommandContext): void => context.reply.integer(find(context)?.count ?? 0),
} as const satisfies CommandSpec;

export const hstrlen = {
  ...shared,
  name: 'HSTRLEN',
  since: '3.2.0',
  summary: 'Returns the length of the value of a field.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run(context: CommandContext): void {
    const value = find(context)?.find(context.element(2))?.value;
    context.reply.integer(value === undefined ? 0 : value.end - value.start);
  },
} as const satisfies CommandSpec;

/** Fields, values or both of all that are there. */
function list(context: CommandContext, fields: boolean, values: boolean): void {
  const { reply } = context;
  const hash = find(context);
  const count = hash?.count ?? 0;
  if (fields && values) reply.map(count);
  else reply.array(count);
  hash?.visit((field, value) => {
    if (fields) reply.text(field);
    if (values) reply.bulkSlice(value.buffer, value.start, value.end);
    return true;
  });
}

const listing = {
  ...shared,
  since: '2.0.0',
  complexity: 'O(N), N fields',
  arity: 2,
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
} as const;

export const hgetall = {
  ...listing,
  name: 'HGETALL',
  summary: 'Returns all fields of a hash with their values.',
  run: (context: CommandContext): void => list(context, true, true),
} as const satisfies CommandSpec;

export const hkeys = {
  ...listing,
  name: 'HKEYS',
  summary: 'Returns the names of all fields of a hash.',
  run: (context: CommandContext): void => list(context, true, false),
} as const satisfies CommandSpec;

export const hvals = {
  ...listing,
  name: 'HVALS',
  summary: 'Returns the values of all fields of a hash.',
  run: (context: CommandContext): void => list(context, false, true),
} as const satisfies CommandSpec;
