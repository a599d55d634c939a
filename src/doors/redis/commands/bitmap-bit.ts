/** Single bits and ranges of them in strings: SETBIT, GETBIT, BITCOUNT, BITPOS. */
import { bitOffset, editable } from '../bitmap/bit-arguments.ts';
import { countOnes, countOnesOfBits, findBit } from '../bitmap/bit-range.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { payloadStart } from '../value.ts';

/** Bit `offset` of the string's payload; past its end all bits are zero. */
function bitAt(value: Buffer | undefined, offset: number): number {
  if (value === undefined) return 0;
  const byte = value[payloadStart(value) + Math.floor(offset / 8)] ?? 0;
  return (byte >>> (7 - (offset % 8))) & 1;
}

export const setbit = {
  name: 'SETBIT',
  group: 'bitmap',
  since: '2.2.0',
  summary: 'Sets or clears a bit of the string at a key and returns the bit it was.',
  complexity: 'O(N), N bytes of the string',
  arity: 4,
  flags: ['write', 'denyoom'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RW', 'access', 'update')],
  note: 'A change writes the whole string to the log: cut a large bitmap that changes often into several keys. One that changes nothing writes nothing, and leaves the encoding that OBJECT tells.',
  run(context: CommandContext): void {
    const { keyspace, slot } = context;
    const key = context.key(1);
    const offset = bitOffset(context, 2);
    const text = 'ERR bit is not an integer or out of range';
    const bit = context.number(3, text);
    if (bit !== 0 && bit !== 1) throw replyError(text);
    const value = keyspace.findString(slot, key);
    const bytes_min = Math.floor(offset / 8) + 1;
    const before = bitAt(value, offset);
    const isLongEnough = value !== undefined && value.length - payloadStart(value) >= bytes_min;
    if (before !== bit || !isLongEnough) {
      const changed = editable(context, value, bytes_min);
      if (before !== bit)
        changed.payload[bytes_min - 1] = (changed.payload[bytes_min - 1] as number) ^ (0x80 >>> (offset % 8));
      keyspace.put(slot, key, changed.value, changed.expire_ms);
    }
    context.reply.constant(before === 1 ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const getbit = {
  name: 'GETBIT',
  group: 'bitmap',
  since: '2.2.0',
  summary: 'Returns a bit of the string at a key.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly', 'fast'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const key = context.key(1);
    const offset = bitOffset(context, 2);
    const bit = bitAt(context.keyspace.findString(context.slot, key), offset);
    context.reply.constant(bit === 1 ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

/** True for BIT, false for BYTE. */
function isBitUnit(context: CommandContext, index: number): boolean {
  const unit = context.request.word(index);
  if (unit !== 'BIT' && unit !== 'BYTE') context.syntaxError();
  return unit === 'BIT';
}

/** Where a range argument points among `total` units; negative counts from the end. */
function fromEnd(position: number, total: number): number {
  return position < 0 ? Math.max(0, total + position) : position;
}

export const bitcount = {
  name: 'BITCOUNT',
  group: 'bitmap',
  since: '2.6.0',
  summary: 'Counts the ones in the string at a key, or in part of it.',
  complexity: 'O(N), N bytes looked at',
  arity: -2,
  flags: ['readonly'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'The end may be left out. Arguments are checked before the key, as in Redis since 7.2.',
  run(context: CommandContext): void {
    const { keyspace, reply, request, slot } = context;
    const key = context.key(1);
    if (request.count > 5) context.syntaxError();
    const start = request.count > 2 ? context.number(2) : 0;
    const end = request.count > 3 ? context.number(3) : -1;
    const inBits = request.count === 5 && isBitUnit(context, 4);
    const value = keyspace.findString(slot, key);
    if (value === undefined || (start < 0 && end < 0 && start > end)) {
      reply.constant(Constant.zero);
      return;
    }
    const payload = payloadStart(value);
    const total = (value.length - payload) * (inBits ? 8 : 1);
    const first = fromEnd(start, total);
    const last = Math.min(fromEnd(end, total), total - 1);
    if (first > last) reply.constant(Constant.zero);
    else if (inBits) {
      reply.integer(countOnesOfBits({ bytes: value, start: payload, end: value.length }, first, last));
    } else reply.integer(countOnes({ bytes: value, start: payload + first, end: payload + last + 1 }));
  },
} as const satisfies CommandSpec;

export const bitpos = {
  name: 'BITPOS',
  group: 'bitmap',
  since: '2.8.7',
  summary: 'Finds the first bit that is set, or clear, in the string at a key, or in part of it.',
  complexity: 'O(N), N bytes looked at',
  arity: -3,
  flags: ['readonly'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'Arguments are checked before the key, as in Redis since 7.2.',
  run(context: CommandContext): void {
    const { keyspace, reply, request, slot } = context;
    const key = context.key(1);
    const bit = context.number(2);
    if (bit !== 0 && bit !== 1) throw replyError('ERR The bit argument must be 1 or 0.');
    if (request.count > 6) context.syntaxError();
    const start = request.count > 3 ? context.number(3) : 0;
    const inBits = request.count === 6 && isBitUnit(context, 5);
    const endGiven = request.count > 4;
    const end = endGiven ? context.number(4) : -1;
    const value = keyspace.findString(slot, key);
    if (value === undefined) {
      reply.integer(bit === 1 ? -1 : 0);
      return;
    }
    const payload = payloadStart(value);
    const bits = (value.length - payload) * 8;
    const unit = inBits ? 1 : 8;
    const total = bits / unit;
    const first = fromEnd(start, total) * unit;
    const last = Math.min(fromEnd(end, total), total - 1) * unit + unit - 1;
    if (first > last) {
      reply.integer(-1);
      return;
    }
    const found = findBit({ bytes: value, start: payload, end: value.length }, bit, first, last);
    // A string goes on in zeros for ever, unless the caller said where to end.
    reply.integer(found < 0 && bit === 0 && !endGiven ? bits : found);
  },
} as const satisfies CommandSpec;
