/** Strings that are numbers: INCR and its kind. */

import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { addDecimal, parseFloatText } from '../number-format.ts';
import { fitsInt64, parseInteger, parseSmallInteger } from '../request.ts';
import { expireOf, headerBytes, payloadStart, ValueType } from '../value.ts';

/** Doubles are exact below this; sums beyond take the way with bigints. */
const EXACT_MAX = 9_007_199_254_740_991;

/** Adds to the integer at the key, which counts as 0 when it is not there. */
function add(context: CommandContext, amount: number, exact: bigint | undefined): void {
  const { keyspace, slot } = context;
  const key = context.key(1);
  const value = keyspace.findString(slot, key);
  let now = 0;
  if (value !== undefined) now = parseSmallInteger(value, payloadStart(value), value.length);
  const sum = now + amount;
  // NaN fails the comparison too: a number too long for the short way, or none at all.
  if (exact === undefined && sum <= EXACT_MAX && sum >= -EXACT_MAX) {
    store(context, key, value, String(sum));
    context.reply.integer(sum);
    return;
  }
  const stored = value === undefined ? 0n : parseInteger(value, payloadStart(value), value.length);
  if (stored === undefined) throw replyError(ErrorText.notInteger);
  const total = stored + (exact ?? BigInt(amount));
  if (!fitsInt64(total)) throw replyError(ErrorText.overflow);
  store(context, key, value, String(total));
  context.reply.bigInteger(total);
}

/** Replaces the string and keeps the expiry time. */
function store(context: CommandContext, key: string, before: Buffer | undefined, text: string): void {
  const expire_ms = before === undefined ? 0 : expireOf(before);
  const value = context.keyspace.newValue(ValueType.string, 0, expire_ms, text.length);
  value.latin1Write(text, headerBytes(expire_ms));
  context.keyspace.put(context.slot, key, value, expire_ms);
}

function addArgument(context: CommandContext, sign: 1 | -1): void {
  const { request } = context;
  const small = parseSmallInteger(request.buffer, request.start(2), request.end(2));
  if (!Number.isNaN(small)) {
    add(context, small === 0 ? 0 : sign * small, undefined);
    return;
  }
  const exact = context.integer(2);
  // The negative of the least integer does not exist.
  if (sign < 0 && !fitsInt64(-exact)) throw replyError(ErrorText.decrementOverflow);
  add(context, 0, sign < 0 ? -exact : exact);
}

const shared = {
  group: 'string',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  categories: ['string'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
} as const;

export const incr = {
  ...shared,
  name: 'INCR',
  since: '1.0.0',
  summary: 'Adds one to the integer at a key.',
  arity: 2,
  run: (context: CommandContext): void => add(context, 1, undefined),
} as const satisfies CommandSpec;

export const decr = {
  ...shared,
  name: 'DECR',
  since: '1.0.0',
  summary: 'Takes one from the integer at a key.',
  arity: 2,
  run: (context: CommandContext): void => add(context, -1, undefined),
} as const satisfies CommandSpec;

export const incrby = {
  ...shared,
  name: 'INCRBY',
  since: '1.0.0',
  summary: 'Adds a number to the integer at a key.',
  arity: 3,
  run: (context: CommandContext): void => addArgument(context, 1),
} as const satisfies CommandSpec;

export const decrby = {
  ...shared,
  name: 'DECRBY',
  since: '1.0.0',
  summary: 'Takes a number from the integer at a key.',
  arity: 3,
  run: (context: CommandContext): void => addArgument(context, -1),
} as const satisfies CommandSpec;

export const incrbyfloat = {
  ...shared,
  name: 'INCRBYFLOAT',
  since: '2.6.0',
  summary: 'Adds a decimal number to the number at a key.',
  arity: 3,
  run(context: CommandContext): void {
    const key = context.key(1);
    const value = context.keyspace.findString(context.slot, key);
    const stored = value === undefined ? '0' : value.latin1Slice(payloadStart(value));
    const added = context.request.string(2);
    const left = parseFloatText(stored);
    const right = parseFloatText(added);
    if (left === undefined || right === undefined) throw replyError(ErrorText.notFloat);
    if (!Number.isFinite(left) || !Number.isFinite(right)) throw replyError(ErrorText.nanOrInfinity);
    const sum = addDecimal(stored, added);
    if (sum === undefined) throw replyError(ErrorText.nanOrInfinity);
    store(context, key, value, sum);
    context.reply.text(sum);
  },
} as const satisfies CommandSpec;
