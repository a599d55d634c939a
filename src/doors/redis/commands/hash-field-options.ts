/** HGETEX, HSETEX, HGETDEL: fields read or set together with their expiry time. */
import { findHash, openHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { Constant } from '../reply-writer.ts';
import { expireOption, isExpireOption } from './expire-options.ts';
import { fieldArguments } from './field-arguments.ts';
import { replySlice } from './hash-read.ts';

const shared = {
  group: 'hash',
  since: '9.0.0',
  complexity: 'O(N log M), N fields of M in the hash',
  categories: ['hash'],
} as const;

export const hgetdel = {
  ...shared,
  name: 'HGETDEL',
  summary: 'Returns the values of fields and removes the fields.',
  arity: -5,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'delete')],
  run(context: CommandContext): void {
    const fields = fieldArguments(context, 2, 1);
    const hash = findHash(context, context.slot, context.key(1));
    context.reply.array(fields.length);
    let removed = false;
    for (const field of fields) {
      replySlice(context, hash?.find(field)?.value);
      if (hash?.delete(field) === true) removed = true;
    }
    if (removed) hash?.save();
  },
} as const satisfies CommandSpec;

export const hgetex = {
  ...shared,
  name: 'HGETEX',
  summary: 'Returns the values of fields and sets or removes their expiry time.',
  arity: -5,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  run(context: CommandContext): void {
    const word = context.request.word(2);
    const timed = isExpireOption(word);
    const persist = word === 'PERSIST';
    const expire_ms = timed ? expireOption(context, word, 3) : 0;
    const fields = fieldArguments(context, timed ? 4 : persist ? 3 : 2, 1);
    const hash = findHash(context, context.slot, context.key(1));
    context.reply.array(fields.length);
    let changed = false;
    for (const field of fields) {
      const found = hash?.find(field);
      replySlice(context, found?.value);
      if (hash === undefined || found === undefined || found.expire_ms === expire_ms || !(timed || persist)) continue;
      changed = true;
      if (timed && expire_ms <= context.now_ms) hash.delete(field);
      else hash.set(field, found.value.buffer.latin1Slice(found.value.start, found.value.end), expire_ms);
    }
    if (changed) hash?.save();
  },
} as const satisfies CommandSpec;

interface SetOptions {
  keyCondition: string;
  fieldCondition: string;
  expire_ms: number;
  timed: boolean;
  keep: boolean;
  fieldsAt: number;
}

function parseSetOptions(context: CommandContext): SetOptions {
  const { request } = context;
  const options: SetOptions = {
    keyCondition: '',
    fieldCondition: '',
    expire_ms: 0,
    timed: false,
    keep: false,
    fieldsAt: 2,
  };
  for (; options.fieldsAt < request.count; options.fieldsAt += 1) {
    const word = request.word(options.fieldsAt);
    if (word === 'FIELDS') break;
    if ((word === 'NX' || word === 'XX') && options.keyCondition === '') options.keyCondition = word;
    else if ((word === 'FNX' || word === 'FXX') && options.fieldCondition === '') options.fieldCondition = word;
    else if (word === 'KEEPTTL' && !options.timed) options.keep = true;
    else if (isExpireOption(word) && !options.timed && !options.keep) {
      options.timed = true;
      options.fieldsAt += 1;
      options.expire_ms = expireOption(context, word, options.fieldsAt);
    } else context.syntaxError();
  }
  return options;
}

export const hsetex = {
  ...shared,
  name: 'HSETEX',
  summary: 'Sets fields with an expiry time, on conditions.',
  arity: -6,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const options = parseSetOptions(context);
    const words = fieldArguments(context, options.fieldsAt, 2);
    const key = context.key(1);
    const before = findHash(context, context.slot, key);
    const fields = words.filter((_word, index) => index % 2 === 0);
    const refused =
      (options.keyCondition === 'NX' && before !== undefined) ||
      (options.keyCondition === 'XX' && before === undefined) ||
      (options.fieldCondition === 'FNX' && fields.some((field) => before?.has(field) === true)) ||
      (options.fieldCondition === 'FXX' && fields.some((field) => before?.has(field) !== true));
    if (refused) {
      context.reply.constant(Constant.zero);
      return;
    }
    const hash = before ?? openHash(context, context.slot, key);
    for (const [index, field] of fields.entries()) {
      if (options.timed && options.expire_ms <= context.now_ms) hash.delete(field);
      else {
        const expire_ms = options.keep ? (hash.find(field)?.expire_ms ?? 0) : options.expire_ms;
        hash.set(field, words[index * 2 + 1] as string, expire_ms);
      }
    }
    hash.save();
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;
