/** HRANDFIELD. */
import type { RedisHash, Slice } from '../collections/hash.ts';
import { findHash } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { Constant, type ReplyWriter } from '../reply-writer.ts';
import { distinctRanks, randomCount } from './random-picks.ts';

interface Picked {
  readonly field: string;
  readonly value: Slice;
}

function write(reply: ReplyWriter, picked: Picked, withValues: boolean): void {
  if (withValues && reply.resp3) reply.array(2);
  reply.text(picked.field);
  if (withValues) reply.bulkSlice(picked.value.buffer, picked.value.start, picked.value.end);
}

/** As many different fields as there are, or as asked for, in random order. */
function pickDistinct(context: CommandContext, hash: RedisHash, count: number): Picked[] {
  const size = hash.count;
  const wanted = Math.min(count, size);
  if (hash.isLarge && wanted * 4 < size) {
    const picked = new Map<string, Picked>();
    while (picked.size < wanted) {
      const one = hash.pick((bound) => context.prng.below(bound)) as Picked;
      picked.set(one.field, one);
    }
    return [...picked.values()];
  }
  const all: Picked[] = [];
  hash.visit((field, value) => all.push({ field, value }) > 0);
  if (wanted === size) return all;
  return distinctRanks(context, size, wanted).map((rank) => all[rank] as Picked);
}

export const hrandfield = {
  name: 'HRANDFIELD',
  group: 'hash',
  since: '6.2.0',
  summary: 'Returns random fields of a hash.',
  complexity: 'O(N log M), N fields returned of M',
  arity: -2,
  flags: ['readonly'],
  categories: ['hash'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { request, reply } = context;
    if (request.count === 2) {
      const picked = findHash(context, context.slot, context.key(1))?.pick((bound) => context.prng.below(bound));
      if (picked === undefined) reply.null();
      else reply.text(picked.field);
      return;
    }
    const raw = randomCount(context, 2, false);
    if (request.count > 4 || (request.count === 4 && request.word(3) !== 'WITHVALUES')) context.syntaxError();
    const withValues = request.count === 4;
    const count = withValues ? randomCount(context, 2, true) : raw;
    const hash = findHash(context, context.slot, context.key(1));
    if (hash === undefined || count === 0) {
      reply.constant(Constant.emptyArray);
      return;
    }
    const picks = count > 0 ? pickDistinct(context, hash, count) : undefined;
    const small = picks === undefined && !hash.isLarge ? pickDistinct(context, hash, hash.count) : undefined;
    const length = picks?.length ?? -count;
    reply.array(withValues && !reply.resp3 ? length * 2 : length);
    for (let index = 0; index < length; index += 1) {
      const below = (bound: number): number => context.prng.below(bound);
      const repeated = small === undefined ? undefined : small[below(small.length)];
      const picked = picks?.[index] ?? repeated ?? (hash.pick(below) as Picked);
      write(reply, picked, withValues);
    }
  },
} as const satisfies CommandSpec;
