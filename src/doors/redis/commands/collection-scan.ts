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

interface ScanOptions {
  readonly cursor: number;
  readonly count: number;
  readonly pattern: string | undefined;
  readonly noValues: boolean;
}

function parseOptions(context: CommandContext, noValuesAllowed: boolean): ScanOptions {
  const { request } = context;
  const text = request.string(2);
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > 0xffff_ffff_ffff_ffffn) throw replyError(ErrorText.invalidCursor);
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
  return { cursor: Number(text), count, pattern: pattern === '*' ? undefined : pattern, noValues };
}

/** Replies with the cursor and the elements; a pair of texts for each when `second` is given. */
function answer(context: CommandContext, cursor: number, found: readonly string[]): void {
  const { reply } = context;
  reply.array(2);
  reply.text(String(cursor));
  reply.array(found.length);
  for (const text of found) reply.text(text);
}

/** Past the last hash, or not one of ours: nothing is left, as with Redis. */
function isPast(options: ScanOptions): boolean {
  return options.cursor >= HASH_RANGE;
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
    const options = parseOptions(context, true);
    const hash = findHash(context, context.slot, context.key(1));
    const found: string[] = [];
    let next = 0;
    if (hash !== undefined && !isPast(options)) {
      const take = (field: string, buffer: Buffer, start: number, end: number): void => {
        if (options.pattern !== undefined && !globMatches(options.pattern, field)) return;
        found.push(field);
        if (!options.noValues) found.push(buffer.latin1Slice(start, end));
      };
      if (hash.isLarge)
        next = hash.scanFrom(options.cursor, options.count, (field, { buffer, start, end }) =>
          take(field, buffer, start, end),
        );
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
    const options = parseOptions(context, false);
    const set = findSet(context, context.slot, context.key(1));
    const found: string[] = [];
    let next = 0;
    if (set !== undefined && !isPast(options)) {
      const take = (member: string): boolean => {
        if (options.pattern === undefined || globMatches(options.pattern, member)) found.push(member);
        return true;
      };
      if (set.isLarge) next = set.scanFrom(options.cursor, options.count, take);
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
    const options = parseOptions(context, false);
    const set = findSortedSet(context, context.slot, context.key(1));
    const found: string[] = [];
    let next = 0;
    if (set !== undefined && !isPast(options)) {
      const take = (member: string, score: number): boolean => {
        if (options.pattern === undefined || globMatches(options.pattern, member)) {
          found.push(member, formatDouble(score));
        }
        return true;
      };
      if (set.isLarge) next = set.scanFrom(options.cursor, options.count, take);
      else set.visit(take);
    }
    answer(context, next, found);
  },
} as const satisfies CommandSpec;
