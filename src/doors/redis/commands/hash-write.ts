/** Hashes: setting and removing fields. */
import { findHash, openHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { arityText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';

/** Sets the pairs from argument 2 on; returns how many fields are new. */
function setPairs(context: CommandContext): number {
  const { count } = context.request;
  if (count % 2 !== 0) throw replyError(arityText(context.commandName));
  const hash = openHash(context, context.slot, context.key(1));
  const words = context.elements(2);
  let added = 0;
  for (let at = 0; at < words.length; at += 2) {
    if (hash.set(words[at] as string, words[at + 1] as string, 0)) added += 1;
  }
  hash.save();
  return added;
}

const shared = { group: 'hash', categories: ['hash'] } as const;

export const hset = {
  ...shared,
  name: 'HSET',
  since: '2.0.0',
  summary: 'Sets fields of a hash.',
  complexity: 'O(N log M), N fields of M in the hash',
  arity: -4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'update')],
  run: (context: CommandContext): void => context.reply.integer(setPairs(context)),
} as const satisfies CommandSpec;

export const hmset = {
  ...shared,
  name: 'HMSET',
  since: '2.0.0',
  summary: 'Sets fields of a hash. The old name of HSET.',
  complexity: 'O(N log M), N fields of M in the hash',
  arity: -4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    setPairs(context);
    context.reply.ok();
  },
} as const satisfies CommandSpec;

export const hsetnx = {
  ...shared,
  name: 'HSETNX',
  since: '2.0.0',
  summary: 'Sets a field of a hash when it is not there.',
  complexity: 'O(log M), M fields in the hash',
  arity: 4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'insert')],
  run(context: CommandContext): void {
    const hash = openHash(context, context.slot, context.key(1));
    const field = context.element(2);
    if (hash.has(field)) {
      context.reply.constant(Constant.zero);
      return;
    }
    hash.set(field, context.element(3), 0);
    hash.save();
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;

export const hdel = {
  ...shared,
  name: 'HDEL',
  since: '2.0.0',
  summary: 'Removes fields of a hash.',
  complexity: 'O(N log M), N fields of M in the hash',
  arity: -3,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const hash = findHash(context, context.slot, context.key(1));
    let removed = 0;
    for (const field of hash === undefined ? [] : context.elements(2)) if (hash?.delete(field) === true) removed += 1;
    if (removed > 0) hash?.save();
    context.reply.integer(removed);
  },
} as const satisfies CommandSpec;
