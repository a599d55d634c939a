/** Hashes: fields that are numbers. */
import { openHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { addDecimal, parseFloatText } from '../number-format.ts';
import { fitsInt64, parseInteger } from '../request.ts';

const shared = {
  group: 'hash',
  categories: ['hash'],
  arity: 4,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  complexity: 'O(1)',
} as const;

export const hincrby = {
  ...shared,
  name: 'HINCRBY',
  since: '2.0.0',
  summary: 'Adds a number to the integer in a field.',
  run(context: CommandContext): void {
    const amount = context.integer(3);
    const hash = openHash(context, context.slot, context.key(1));
    const field = context.element(2);
    const found = hash.find(field);
    const stored = found === undefined ? 0n : parseInteger(found.value.buffer, found.value.start, found.value.end);
    if (stored === undefined) throw replyError(ErrorText.hashNotInteger);
    const total = stored + amount;
    if (!fitsInt64(total)) throw replyError(ErrorText.overflow);
    hash.set(field, String(total), found?.expire_ms ?? 0);
    hash.save();
    context.reply.bigInteger(total);
  },
} as const satisfies CommandSpec;

export const hincrbyfloat = {
  ...shared,
  name: 'HINCRBYFLOAT',
  since: '2.6.0',
  summary: 'Adds a decimal number to the number in a field.',
  run(context: CommandContext): void {
    const added = context.request.string(3);
    const amount = parseFloatText(added);
    if (amount === undefined) throw replyError(ErrorText.notFloat);
    if (!Number.isFinite(amount)) throw replyError(ErrorText.valueNan);
    const hash = openHash(context, context.slot, context.key(1));
    const field = context.element(2);
    const found = hash.find(field);
    const stored = found === undefined ? '0' : found.value.buffer.latin1Slice(found.value.start, found.value.end);
    const left = parseFloatText(stored);
    if (left === undefined) throw replyError(ErrorText.hashNotFloat);
    const sum = Number.isFinite(left) ? addDecimal(stored, added) : undefined;
    if (sum === undefined) throw replyError(ErrorText.nanOrInfinity);
    hash.set(field, sum, found?.expire_ms ?? 0);
    hash.save();
    context.reply.text(sum);
  },
} as const satisfies CommandSpec;
