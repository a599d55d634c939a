/** Fields that expire: HEXPIRE and its kind, HTTL and its kind, HPERSIST. */
import { findHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { fieldArguments } from './field-arguments.ts';

/** What these commands answer for a field. */
const FieldReply = { absent: -2, refused: 0, changed: 1, removed: 2, eternal: -1 } as const;

type Condition = 'NX' | 'XX' | 'GT' | 'LT' | undefined;

function isMet(condition: Condition, before_ms: number, after_ms: number): boolean {
  if (condition === 'NX') return before_ms === 0;
  if (condition === 'XX') return before_ms !== 0;
  if (condition === 'GT') return before_ms !== 0 && after_ms > before_ms;
  if (condition === 'LT') return before_ms === 0 || after_ms < before_ms;
  return true;
}

function replyForAbsent(context: CommandContext, fields: readonly string[]): void {
  context.reply.array(fields.length);
  for (const _field of fields) context.reply.integer(FieldReply.absent);
}

function expireFields(context: CommandContext, unit_ms: number, relative: boolean): void {
  const { request, reply } = context;
  const moment_ms = context.expireMoment(2, unit_ms, relative, false);
  if (context.integer(2) < 0n) throw replyError('ERR invalid expire time, must be >= 0');
  const word = request.word(3);
  const condition = ['NX', 'XX', 'GT', 'LT'].includes(word) ? (word as Condition) : undefined;
  const fields = fieldArguments(context, condition === undefined ? 3 : 4, 1);
  const hash = findHash(context, context.slot, context.key(1));
  if (hash === undefined) {
    replyForAbsent(context, fields);
    return;
  }
  let changed = false;
  reply.array(fields.length);
  for (const field of fields) {
    const found = hash.find(field);
    if (found === undefined) reply.integer(FieldReply.absent);
    else if (!isMet(condition, found.expire_ms, moment_ms)) reply.integer(FieldReply.refused);
    else {
      changed = true;
      if (moment_ms <= context.now_ms) hash.delete(field);
      else hash.set(field, found.value.buffer.latin1Slice(found.value.start, found.value.end), moment_ms);
      reply.integer(moment_ms <= context.now_ms ? FieldReply.removed : FieldReply.changed);
    }
  }
  if (changed) hash.save();
}

/** The time until fields expire, or with `fromNow` false the moment. */
function fieldTimes(context: CommandContext, unit_ms: number, fromNow: boolean): void {
  const { reply } = context;
  const fields = fieldArguments(context, 2, 1);
  const hash = findHash(context, context.slot, context.key(1));
  if (hash === undefined) {
    replyForAbsent(context, fields);
    return;
  }
  reply.array(fields.length);
  for (const field of fields) {
    const found = hash.find(field);
    if (found === undefined) reply.integer(FieldReply.absent);
    else if (found.expire_ms === 0) reply.integer(FieldReply.eternal);
    else {
      const span_ms = fromNow ? found.expire_ms - Math.floor(context.now_ms) : found.expire_ms;
      reply.integer(Math.ceil(span_ms / unit_ms));
    }
  }
}

const writing = {
  group: 'hash',
  since: '9.0.0',
  complexity: 'O(N log M), N fields of M in the hash',
  arity: -6,
  flags: ['write', 'fast'],
  categories: ['hash'],
  keys: [oneKey(1, 'RW', 'update')],
} as const;

export const hexpire = {
  ...writing,
  name: 'HEXPIRE',
  summary: 'Lets fields of a hash expire after so many seconds.',
  run: (context: CommandContext): void => expireFields(context, 1000, true),
} as const satisfies CommandSpec;

export const hpexpire = {
  ...writing,
  name: 'HPEXPIRE',
  summary: 'Lets fields of a hash expire after so many milliseconds.',
  run: (context: CommandContext): void => expireFields(context, 1, true),
} as const satisfies CommandSpec;

export const hexpireat = {
  ...writing,
  name: 'HEXPIREAT',
  summary: 'Lets fields of a hash expire at a moment given in seconds since 1970.',
  run: (context: CommandContext): void => expireFields(context, 1000, false),
} as const satisfies CommandSpec;

export const hpexpireat = {
  ...writing,
  name: 'HPEXPIREAT',
  summary: 'Lets fields of a hash expire at a moment given in milliseconds since 1970.',
  run: (context: CommandContext): void => expireFields(context, 1, false),
} as const satisfies CommandSpec;

export const hpersist = {
  ...writing,
  name: 'HPERSIST',
  summary: 'Takes the expiry time from fields of a hash.',
  arity: -5,
  run(context: CommandContext): void {
    const { reply } = context;
    const fields = fieldArguments(context, 2, 1);
    const hash = findHash(context, context.slot, context.key(1));
    if (hash === undefined) {
      replyForAbsent(context, fields);
      return;
    }
    let changed = false;
    reply.array(fields.length);
    for (const field of fields) {
      const found = hash.find(field);
      if (found === undefined) reply.integer(FieldReply.absent);
      else if (found.expire_ms === 0) reply.integer(FieldReply.eternal);
      else {
        changed = true;
        hash.set(field, found.value.buffer.latin1Slice(found.value.start, found.value.end), 0);
        reply.integer(FieldReply.changed);
      }
    }
    if (changed) hash.save();
  },
} as const satisfies CommandSpec;

const reading = {
  group: 'hash',
  since: '9.0.0',
  complexity: 'O(N), N fields',
  arity: -5,
  flags: ['readonly', 'fast'],
  categories: ['hash'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

export const httl = {
  ...reading,
  name: 'HTTL',
  summary: 'Returns the seconds until fields of a hash expire.',
  tips: ['nondeterministic_output'],
  run: (context: CommandContext): void => fieldTimes(context, 1000, true),
} as const satisfies CommandSpec;

export const hpttl = {
  ...reading,
  name: 'HPTTL',
  summary: 'Returns the milliseconds until fields of a hash expire.',
  tips: ['nondeterministic_output'],
  run: (context: CommandContext): void => fieldTimes(context, 1, true),
} as const satisfies CommandSpec;

export const hexpiretime = {
  ...reading,
  name: 'HEXPIRETIME',
  summary: 'Returns the moments at which fields of a hash expire, in seconds since 1970.',
  run: (context: CommandContext): void => fieldTimes(context, 1000, false),
} as const satisfies CommandSpec;

export const hpexpiretime = {
  ...reading,
  name: 'HPEXPIRETIME',
  summary: 'Returns the moments at which fields of a hash expire, in milliseconds since 1970.',
  run: (context: CommandContext): void => fieldTimes(context, 1, false),
} as const satisfies CommandSpec;
