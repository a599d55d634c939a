/** Sets: union, intersection and difference. */
import { assertFitsOneCommand } from '../collections/copy.ts';
import { findSet, newSet } from '../collections/open.ts';
import type { RedisSet } from '../collections/set.ts';
import { allKeys, type CommandSpec, countedKeys, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';

/** Works out members; stops at `limit` of them where that saves work. */
type Operation = (sets: readonly (RedisSet | undefined)[], limit: number) => Set<string>;

function findSets(context: CommandContext, first: number, end: number): (RedisSet | undefined)[] {
  const sets: (RedisSet | undefined)[] = [];
  for (let index = first; index < end; index += 1) sets.push(findSet(context, context.slot, context.key(index)));
  return sets;
}

export const intersect: Operation = (sets, limit) => {
  const found = new Set<string>();
  const all = sets.filter((set) => set !== undefined);
  if (all.length < sets.length) return found;
  // The smallest is walked through, the others are asked.
  const [smallest, ...others] = all.sort((a, b) => a.count - b.count);
  smallest?.visit((member) => {
    if (others.every((other) => other.has(member))) found.add(member);
    return found.size < limit;
  });
  return found;
};

export const unite: Operation = (sets) => {
  const found = new Set<string>();
  for (const set of sets) set?.visit((member) => found.add(member) !== undefined);
  return found;
};

export const subtract: Operation = ([first, ...others]) => {
  const found = new Set<string>();
  first?.visit((member) => {
    if (!others.some((other) => other?.has(member) === true)) found.add(member);
    return true;
  });
  return found;
};

function answer(context: CommandContext, operation: Operation): void {
  const members = operation(findSets(context, 1, context.request.count), Number.POSITIVE_INFINITY);
  context.reply.set(members.size);
  for (const member of members) context.reply.text(member);
}

function store(context: CommandContext, operation: Operation): void {
  const { keyspace, slot } = context;
  const target = context.key(1);
  const members = operation(findSets(context, 2, context.request.count), Number.POSITIVE_INFINITY);
  if (members.size === 0) keyspace.remove(slot, target);
  else {
    const set = newSet(context, slot, target);
    let bytes = 0;
    for (const member of members) bytes += member.length;
    assertFitsOneCommand(members.size, bytes);
    set.replace(members);
    set.save();
  }
  context.reply.integer(members.size);
}

const answering = {
  group: 'set',
  since: '1.0.0',
  arity: -2,
  flags: ['readonly'],
  categories: ['set'],
  tips: ['nondeterministic_output_order'],
  keys: [allKeys(1, 1, 'RO', 'access')],
} as const;

const storing = {
  group: 'set',
  since: '1.0.0',
  arity: -3,
  flags: ['write', 'denyoom'],
  categories: ['set'],
  keys: [oneKey(1, 'OW', 'update'), allKeys(2, 1, 'RO', 'access')],
} as const;

export const sinter = {
  ...answering,
  name: 'SINTER',
  summary: 'Returns the members that all sets have.',
  complexity: 'O(N K), N members of the smallest of K sets',
  run: (context: CommandContext): void => answer(context, intersect),
} as const satisfies CommandSpec;

export const sunion = {
  ...answering,
  name: 'SUNION',
  summary: 'Returns the members that any of the sets has.',
  complexity: 'O(N), N members of all sets',
  run: (context: CommandContext): void => answer(context, unite),
} as const satisfies CommandSpec;

export const sdiff = {
  ...answering,
  name: 'SDIFF',
  summary: 'Returns the members of the first set that no other has.',
  complexity: 'O(N K), N members of the first of K sets',
  run: (context: CommandContext): void => answer(context, subtract),
} as const satisfies CommandSpec;

export const sinterstore = {
  ...storing,
  name: 'SINTERSTORE',
  summary: 'Stores the members that all sets have.',
  complexity: 'O(N K), N members of the smallest of K sets',
  run: (context: CommandContext): void => store(context, intersect),
} as const satisfies CommandSpec;

export const sunionstore = {
  ...storing,
  name: 'SUNIONSTORE',
  summary: 'Stores the members that any of the sets has.',
  complexity: 'O(N log N), N members of all sets',
  run: (context: CommandContext): void => store(context, unite),
} as const satisfies CommandSpec;

export const sdiffstore = {
  ...storing,
  name: 'SDIFFSTORE',
  summary: 'Stores the members of the first set that no other has.',
  complexity: 'O(N K), N members of the first of K sets',
  run: (context: CommandContext): void => store(context, subtract),
} as const satisfies CommandSpec;

/** The index after the last key of `numkeys key [key ...]`, whose number stands at `index`. */
export function keysEnd(context: CommandContext, index: number): number {
  const { request } = context;
  const count = request.integer(index);
  if (count === undefined || count < 1n) throw replyError(ErrorText.numkeysPositive);
  if (count > BigInt(request.count - index - 1)) throw replyError(ErrorText.numkeysTooMany);
  return index + 1 + Number(count);
}

/** `[LIMIT n]` from `index` on; no limit is infinity. */
export function cardinalityLimit(context: CommandContext, index: number): number {
  const { request } = context;
  let limit = Number.POSITIVE_INFINITY;
  for (let at = index; at < request.count; at += 2) {
    if (request.word(at) !== 'LIMIT' || at + 1 >= request.count) context.syntaxError();
    const value = request.integer(at + 1);
    if (value === undefined || value < 0n) throw replyError(ErrorText.limitNegative);
    limit = value === 0n ? Number.POSITIVE_INFINITY : Number(value);
  }
  return limit;
}

export const sintercard = {
  name: 'SINTERCARD',
  group: 'set',
  since: '7.0.0',
  summary: 'Counts the members that all sets have.',
  complexity: 'O(N K), N members of the smallest of K sets',
  arity: -3,
  flags: ['readonly', 'movablekeys'],
  categories: ['set'],
  keys: [countedKeys(1, 1, 'RO', 'access')],
  run(context: CommandContext): void {
    const end = keysEnd(context, 1);
    const limit = cardinalityLimit(context, end);
    context.reply.integer(intersect(findSets(context, 2, end), limit).size);
  },
} as const satisfies CommandSpec;
