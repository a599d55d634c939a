/**
 * Steps that the door routes like commands but clients cannot send: what WATCH reads, what EXEC runs, and visits to a
 * tablet's range of slots. Arguments of visits begin with the first and the last slot.
 */

import type { CommandSpec } from '../command-spec.ts';
import type { CommandContext, RunnableCommand } from '../context.ts';
import { ErrorText, ReplyError, replyError } from '../errors.ts';
import { globMatches } from '../glob.ts';
import { slotRanges } from '../key-layout.ts';
import { Request } from '../request.ts';
import { parseCursor, scanRange } from '../scan.ts';
import { STAMP_ABSENT, stampOf } from '../value.ts';
import { slotsWithKeys, visitCounts } from '../visit-counts.ts';

const shared = { group: 'server', since: '7.2.0', internal: true } as const;

function stampAt(context: CommandContext, key: string): string {
  const value = context.keyspace.find(context.slot, key);
  return value === undefined ? STAMP_ABSENT : stampOf(value);
}

/** @WATCH key ...: the stamp of each. */
export const watchStep = {
  ...shared,
  name: '@WATCH',
  summary: 'Reads stamps.',
  arity: -2,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { request, reply } = context;
    reply.array(request.count - 1);
    for (let index = 1; index < request.count; index += 1) reply.text(stampAt(context, context.key(index)));
  },
} as const satisfies CommandSpec;

/** @EXEC watched (key stamp)* (argc argument*)*: each command's reply as a bulk string; null when a stamp differs. */
export const execStep = {
  ...shared,
  name: '@EXEC',
  summary: 'Runs a transaction.',
  arity: -2,
  flags: ['write'],
  run(context: CommandContext): void {
    const packed = context.request;
    const { reply } = context;
    const watched = Number(packed.string(1));
    let at = 2;
    for (let index = 0; index < watched; index += 1, at += 2) {
      if (stampAt(context, packed.string(at)) === packed.string(at + 1)) continue;
      reply.nullArray();
      return;
    }
    const requests: Request[] = [];
    while (at < packed.count) {
      const count = Number(packed.string(at));
      const from = at + 1;
      requests.push(new Request(packed.buffer, packed.offsets.slice(from * 2, (from + count) * 2)));
      at = from + count;
    }
    reply.array(requests.length);
    for (const request of requests) runOne(context, request);
  },
} as const satisfies CommandSpec;

function runOne(context: CommandContext, request: Request): void {
  const { reply } = context;
  const command = context.findRunnable(request);
  const mark = reply.beginNested();
  if (command === undefined) reply.error('ERR this node does not know the command yet');
  else {
    context.request = request;
    context.commandName = command.fullName;
    tryRun(context, command, mark);
  }
  reply.endNested(mark);
}

function tryRun(context: CommandContext, command: RunnableCommand, mark: number): void {
  try {
    command.run(context);
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
    context.reply.rewindNested(mark);
    context.reply.error(error.message);
  }
}

function slotArguments(context: CommandContext): { first: number; last: number } {
  return { first: Number(context.request.string(1)), last: Number(context.request.string(2)) };
}

/** @COUNT first last: number of keys. */
export const countStep = {
  ...shared,
  name: '@COUNT',
  summary: 'Counts keys.',
  arity: 3,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { first, last } = slotArguments(context);
    let sum = 0;
    visitCounts(context, first, last, (_slot, count) => {
      sum += count;
      return true;
    });
    context.reply.integer(sum);
  },
} as const satisfies CommandSpec;

/** @FLUSH first last: removes everything. */
export const flushStep = {
  ...shared,
  name: '@FLUSH',
  summary: 'Removes all keys.',
  arity: 3,
  flags: ['write'],
  run(context: CommandContext): void {
    const { first, last } = slotArguments(context);
    for (const range of slotRanges(first, last)) context.keyspace.transaction.deleteRange(range.lo, range.hi);
    context.reply.ok();
  },
} as const satisfies CommandSpec;

/** @KEYS first last pattern limit: the keys that match. */
export const keysStep = {
  ...shared,
  name: '@KEYS',
  summary: 'Lists keys.',
  arity: 5,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { first, last } = slotArguments(context);
    const pattern = context.request.string(3);
    const limit = Number(context.request.string(4));
    const all = pattern === '*';
    const found: string[] = [];
    for (const slot of slotsWithKeys(context, first, last)) {
      context.keyspace.scanSlot(slot, (key) => {
        if (all || globMatches(pattern, key)) found.push(key);
        return found.length < limit;
      });
      if (found.length >= limit) break;
    }
    context.reply.array(found.length);
    for (const key of found) context.reply.text(key);
  },
} as const satisfies CommandSpec;

/** @RANDOM first last draw: number of keys, and the key at that part (0 to 2^32) of the range; null when there is none. */
export const randomStep = {
  ...shared,
  name: '@RANDOM',
  summary: 'Picks a key.',
  arity: 4,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { first, last } = slotArguments(context);
    const counts: { slot: number; count: number }[] = [];
    let total = 0;
    visitCounts(context, first, last, (slot, count) => {
      counts.push({ slot, count });
      total += count;
      return true;
    });
    const drawn = Math.floor((Number(context.request.string(3)) / 0x1_0000_0000) * total);
    context.reply.array(2);
    context.reply.integer(total);
    const key = keyAt(context, counts, drawn);
    if (key === undefined) context.reply.null();
    else context.reply.text(key);
  },
} as const satisfies CommandSpec;

/** The key at position `drawn`, or the next that has not expired, from the start again at the end. */
function keyAt(
  context: CommandContext,
  counts: readonly { slot: number; count: number }[],
  drawn: number,
): string | undefined {
  let skipped = 0;
  let found: string | undefined;
  let firstOfAll: string | undefined;
  for (const { slot, count } of counts) {
    if (skipped + count <= drawn && firstOfAll !== undefined) {
      skipped += count;
      continue;
    }
    let position = skipped;
    context.keyspace.scanSlot(slot, (key) => {
      firstOfAll ??= key;
      if (position >= drawn) found = key;
      position += 1;
      return found === undefined;
    });
    if (found !== undefined) return found;
    skipped += count;
  }
  return firstOfAll;
}

/** @SCAN last cursor count pattern type: the next cursor and keys. Empty pattern or type: all. The slot is the cursor's. */
export const scanStep = {
  ...shared,
  name: '@SCAN',
  summary: 'Lists some keys.',
  arity: 6,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { request, reply } = context;
    const place = parseCursor(request.string(2));
    if (place === undefined) throw replyError(ErrorText.invalidCursor);
    const pattern = request.string(4);
    const type = request.string(5);
    const { keys, next } = scanRange(context, place, Number(request.string(1)), Number(request.string(3)), {
      pattern: pattern === '' ? undefined : pattern,
      type: type === '' ? undefined : type,
    });
    reply.array(keys.length + 2);
    reply.integer(next.slot);
    reply.integer(next.position);
    for (const key of keys) reply.text(key);
  },
} as const satisfies CommandSpec;

/** @SLOTKEYS first last limit: keys of a slot. */
export const slotKeysStep = {
  ...shared,
  name: '@SLOTKEYS',
  summary: 'Lists keys of a slot.',
  arity: 4,
  flags: ['readonly'],
  run(context: CommandContext): void {
    const { first } = slotArguments(context);
    const limit = Number(context.request.string(3));
    const keys: string[] = [];
    if (limit > 0) {
      context.keyspace.scanSlot(first, (key) => {
        keys.push(key);
        return keys.length < limit;
      });
    }
    context.reply.array(keys.length);
    for (const key of keys) context.reply.text(key);
  },
} as const satisfies CommandSpec;
