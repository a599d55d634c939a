/** Lists: elements by their place, and by what they are. */
import type { RedisList } from '../collections/list.ts';
import { findList } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';

const shared = { group: 'list', categories: ['list'] } as const;

function find(context: CommandContext): RedisList | undefined {
  return findList(context, context.slot, context.key(1));
}

/** An index argument, counted from the end when negative; undefined outside of the list. */
function placeAt(context: CommandContext, index: number, count: number): number | undefined {
  const given = context.number(index);
  const place = given < 0 ? count + given : given;
  return place < 0 || place >= count ? undefined : place;
}

/** Two arguments as from <= index < to; empty when they name nothing. */
function span(start: number, end: number, count: number): { from: number; to: number } {
  const from = Math.max(0, start < 0 ? count + start : start);
  const to = Math.min(count, (end < 0 ? count + end : end) + 1);
  return from < to ? { from, to } : { from: 0, to: 0 };
}

export const llen = {
  ...shared,
  name: 'LLEN',
  since: '1.0.0',
  summary: 'Counts the elements of a list.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: [oneKey(1, 'RO')],
  run: (context: CommandContext): void => context.reply.integer(find(context)?.count ?? 0),
} as const satisfies CommandSpec;

export const lindex = {
  ...shared,
  name: 'LINDEX',
  since: '1.0.0',
  summary: 'Returns the element at a place in a list.',
  complexity: 'O(log M), M elements',
  arity: 3,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const list = find(context);
    const place = list === undefined ? undefined : placeAt(context, 2, list.count);
    if (list === undefined || place === undefined) context.reply.null();
    else context.reply.bulk(list.at(place));
  },
} as const satisfies CommandSpec;

export const lrange = {
  ...shared,
  name: 'LRANGE',
  since: '1.0.0',
  summary: 'Returns the elements between two places in a list.',
  complexity: 'O(log M + N), N elements returned of M',
  arity: 4,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { reply } = context;
    const start = context.number(2);
    const end = context.number(3);
    const list = find(context);
    const { from, to } = span(start, end, list?.count ?? 0);
    reply.array(to - from);
    let rest = to - from;
    if (rest === 0) return;
    list?.visit(from, false, (buffer, first, last) => {
      reply.bulkSlice(buffer, first, last);
      rest -= 1;
      return rest > 0;
    });
  },
} as const satisfies CommandSpec;

export const lset = {
  ...shared,
  name: 'LSET',
  since: '1.0.0',
  summary: 'Replaces the element at a place in a list.',
  complexity: 'O(log M), M elements',
  arity: 4,
  flags: ['write', 'denyoom'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const list = find(context);
    if (list === undefined) throw replyError(ErrorText.noSuchKey);
    const place = placeAt(context, 2, list.count);
    if (place === undefined) throw replyError(ErrorText.indexRange);
    list.set(place, context.element(3));
    list.save();
    context.reply.ok();
  },
} as const satisfies CommandSpec;

export const linsert = {
  ...shared,
  name: 'LINSERT',
  since: '2.2.0',
  summary: 'Inserts an element before or after another.',
  complexity: 'O(N), N elements looked at',
  arity: 5,
  flags: ['write', 'denyoom'],
  keys: [oneKey(1, 'RW', 'insert')],
  run(context: CommandContext): void {
    const word = context.request.word(2);
    if (word !== 'BEFORE' && word !== 'AFTER') context.syntaxError();
    const list = find(context);
    if (list === undefined) {
      context.reply.constant(Constant.zero);
      return;
    }
    if (!list.insert(context.element(3), context.element(4), word === 'BEFORE')) {
      context.reply.integer(-1);
      return;
    }
    list.save();
    context.reply.integer(list.count);
  },
} as const satisfies CommandSpec;

export const lrem = {
  ...shared,
  name: 'LREM',
  since: '1.0.0',
  summary: 'Removes elements that are equal to another.',
  complexity: 'O(N + K log N), N elements, K removed',
  arity: 4,
  flags: ['write'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const count = context.number(2);
    const list = find(context);
    const sought = context.request.bytes(3);
    const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
    const gone: (string | number)[] = [];
    list?.visit(count < 0 ? list.count - 1 : 0, count < 0, (buffer, start, end, reference) => {
      if (sought.compare(buffer, start, end) === 0) gone.push(reference);
      return gone.length < limit;
    });
    if (gone.length > 0) {
      list?.removeAll(gone);
      list?.save();
    }
    context.reply.integer(gone.length);
  },
} as const satisfies CommandSpec;

export const ltrim = {
  ...shared,
  name: 'LTRIM',
  since: '1.0.0',
  summary: 'Keeps the elements between two places in a list and removes the others.',
  complexity: 'O(N log M), the lesser of N elements removed and kept of M',
  arity: 4,
  flags: ['write'],
  keys: [oneKey(1, 'RW', 'delete')],
  run(context: CommandContext): void {
    const start = context.number(2);
    const end = context.number(3);
    const list = find(context);
    if (list !== undefined) {
      const { from, to } = span(start, end, list.count);
      if (from === to) context.keyspace.remove(context.slot, list.key);
      else if (to - from < list.count) {
        list.trim(from, to);
        list.save();
      }
    }
    context.reply.ok();
  },
} as const satisfies CommandSpec;

interface PositionOptions {
  rank: number;
  count: number | undefined;
  lookedAt_max: number;
}

const INT64_MIN = -0x8000_0000_0000_0000n;

function parsePositionOptions(context: CommandContext): PositionOptions {
  const { request } = context;
  const options: PositionOptions = { rank: 1, count: undefined, lookedAt_max: 0 };
  for (let index = 3; index < request.count; index += 2) {
    const word = request.word(index);
    if (index + 1 >= request.count) context.syntaxError();
    if (word === 'RANK') {
      if (context.integer(index + 1) === INT64_MIN) {
        throw replyError('ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807');
      }
      options.rank = context.number(index + 1);
      if (options.rank === 0) {
        throw replyError(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
      }
    } else if (word === 'COUNT') options.count = notNegative(context, index + 1, 'COUNT');
    else if (word === 'MAXLEN') options.lookedAt_max = notNegative(context, index + 1, 'MAXLEN');
    else context.syntaxError();
  }
  return options;
}

function notNegative(context: CommandContext, index: number, name: string): number {
  const text = `ERR ${name} can't be negative`;
  if (context.integer(index, text) < 0n) throw replyError(text);
  return context.number(index);
}

export const lpos = {
  ...shared,
  name: 'LPOS',
  since: '6.0.6',
  summary: 'Returns the places of elements that are equal to another.',
  complexity: 'O(N), N elements looked at',
  arity: -3,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { reply } = context;
    const { rank, count, lookedAt_max } = parsePositionOptions(context);
    const list = find(context);
    const sought = context.request.bytes(2);
    const reverse = rank < 0;
    const wanted = count === undefined ? 1 : count === 0 ? Number.POSITIVE_INFINITY : count;
    const size = list?.count ?? 0;
    const places: number[] = [];
    let skipped = 1;
    let looked = 0;
    list?.visit(reverse ? size - 1 : 0, reverse, (buffer, start, end) => {
      if (sought.compare(buffer, start, end) === 0) {
        if (skipped < Math.abs(rank)) skipped += 1;
        else places.push(reverse ? size - 1 - looked : looked);
      }
      looked += 1;
      return places.length < wanted && looked !== lookedAt_max;
    });
    if (count !== undefined) {
      reply.array(places.length);
      for (const place of places) reply.integer(place);
    } else if (places.length === 0) reply.null();
    else reply.integer(places[0] as number);
  },
} as const satisfies CommandSpec;
