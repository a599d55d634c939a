/**
 * HSCAN, SSCAN and ZSCAN. A small collection is returned whole. In a large one the cursor is the hash of the next element
 * (collections/element-keys.ts): an element that is there throughout is returned whatever else is written in between.
 */
import { HASH_RANGE } from '../collections/element-keys.ts';
import { findHash, findSet, findSortedSet } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { globMatches } from '../glob.ts';
import { formatDouble } from '../number-format.ts';

const COUNT_DEFAULT = 10;
const COUNT_MAX = 1_000_000;
const CURSOR_MAX = 0xffff_ffff_ffff_ffffn;

interface ScanOptions {
  readonly count: number;
  readonly pattern: string | undefined;
  readonly noValues: boolean;
}

const NO_OPTIONS: ScanOptions = { count: 0, pattern: undefined, noValues: false };

function parseCursor(context: CommandContext): number {
  const text = context.request.string(2);
  // As C's strtoul reads it: nothing at all is 0.
  const cursor = /^\d{0,30}$/.test(text) ? BigInt(text) : CURSOR_MAX + 1n;
  if (cursor > CURSOR_MAX) throw replyError(ErrorText.invalidCursor);
  // Past the last hash, and not one of ours: at the last nothing is left, as with Redis.
  return cursor < BigInt(HASH_RANGE) ? Number(cursor) : HASH_RANGE - 1;
}

function parseOptions(context: CommandContext, noValuesAllowed: boolean): ScanOptions {
  const { request } = context;
  let count = COUNT_DEFAULT;
  let pattern: string | undefined;
  let noValues = false;
  for (let index = 3; index < request.count; index += 2) {
    const word = request.word(index);
    if (word === 'NOVALUES' && noValuesAllowed) {
      noValues = true;
      index -= 1;
    } else if (word === 'COUNT' && index + 1 < request.count) {
      const value = context.integer(index + 1);
      if (value < 1n) context.syntaxError();
      count = Number(value > BigInt(COUNT_MAX) ? COUNT_MAX : value);
    } else if (word === 'MATCH' && index + 1 < request.count) pattern = request.string(index + 1);
    else context.syntaxError();
  }
  return {
    count,
    pattern: pattern === '*' ? undefined : pattern,
    noValues,
  };
}

/** Replies with the cursor and the elements. */
function answer(context: CommandContext, cursor: number, found: readonly string[]): void {
  const { reply } = context;
  reply.array(2);
  reply.text(String(cursor));
  reply.array(found.length);
  for (const text of found) reply.text(text);
}

const shared = {
  since: '2.8.0',
  complexity: 'O(1) for a call, O(N) for all, N elements',
  arity: -3,
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RO', 'access')],
} as const;

export const hscan = {
  ...shared,
  name: 'HSCAN',
  group: 'hash',
  categories: ['hash'],
  summary: 'Lists fields of a hash step by step. A field that is there throughout is returned.',
  run(context: CommandContext): void {
    const cursor = parseCursor(context);
    const hash = findHash(context, context.slot, context.key(1));
    // Options of a key that is not there are not looked at, as in Redis.
    const options = hash === undefined ? NO_OPTIONS : parseOptions(context, true);
    const found: string[] = [];
    let next = 0;
    if (hash !== undefined) {
      const take = (field: string, buffer: Buffer, start: number, end: number): void => {
        if (options.pattern !== undefined && !globMatches(options.pattern, field)) return;
        found.push(field);
        if (!options.noValues) found.push(buffer.latin1Slice(start, end));
      };
      if (hash.isLarge)
        next = hash.scanFrom(cursor, options.count, (field, { buffer, start, end }) => take(field, buffer, start, end));
      else {
        hash.visit((field, { buffer, start, end }) => {
          take(field, buffer, start, end);
          return true;
        });
      }
    }
    answer(context, next, found);
  },
} as const satisfies CommandSpec;

export const sscan = {
  ...shared,
  name: 'SSCAN',
  group: 'set',
  categories: ['set'],
  summary: 'Lists members of a set step by step. A member that is there throughout is returned.',
  run(context: CommandContext): void {
    const cursor = parseCursor(context);
    const set = findSet(context, context.slot, context.key(1));
    // Options of a key that is not there are not looked at, as in Redis.
    const options = set === undefined ? NO_OPTIONS : parseOptions(context, false);
    const found: string[] = [];
    let next = 0;
    if (set !== undefined) {
      const take = (member: string): boolean => {
        if (options.pattern === undefined || globMatches(options.pattern, member)) found.push(member);
        return true;
      };
      if (set.isLarge) next = set.scanFrom(cursor, options.count, take);
      else set.visit(take);
    }
    answer(context, next, found);
  },
} as const satisfies CommandSpec;

export const zscan = {
  ...shared,
  name: 'ZSCAN',
  group: 'sorted_set',
  categories: ['sortedset'],
  summary: 'Lists members of a sorted set step by step. A member that is there throughout is returned.',
  run(context: CommandContext): void {
    const cursor = parseCursor(context);
    const set = findSortedSet(context, context.slot, context.key(1));
    // Options of a key that is not there are not looked at, as in Redis.
    const options = set === undefined ? NO_OPTIONS : parseOptions(context, false);
    const found: string[] = [];
    let next = 0;
    if (set !== undefined) {
      const take = (member: string, score: number): boolean => {
        if (options.pattern === undefined || globMatches(options.pattern, member)) {
          found.push(member, formatDouble(score));
        }
        return true;
      };
      if (set.isLarge) next = set.scanFrom(cursor, options.count, take);
      else set.visit(take);
    }
    answer(context, next, found);
  },
} as const satisfies CommandSpec;
