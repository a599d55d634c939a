/** How SRANDMEMBER, HRANDFIELD, ZRANDMEMBER and SPOP draw. */
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** Picks with repetitions that one reply may hold; Redis goes on until its memory is used up. */
const REPEATED_MAX = 10_000_000;

/** A count argument: negative ones allow repetitions. With `pairs` each pick is two elements of the reply. */
export function randomCount(context: CommandContext, index: number, pairs: boolean): number {
  const value = context.integer(index);
  if (value === -INT64_MAX - 1n) {
    throw replyError(`ERR value is out of range, value must between -${INT64_MAX} and ${INT64_MAX}`);
  }
  if (pairs && (value > INT64_MAX / 2n || value < -INT64_MAX / 2n)) throw replyError(ErrorText.outOfRange);
  if (value < -REPEATED_MAX) throw replyError(ErrorText.outOfRange);
  return context.number(index);
}

/** `count` different numbers from 0 to size - 1, in random order. */
export function distinctRanks(context: CommandContext, size: number, count: number): number[] {
  const { prng } = context;
  // Few of many: drawn again when drawn already. Many: a shuffle, cut off when there are enough.
  if (count * 4 < size) {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(prng.below(size));
    return [...drawn];
  }
  const all = Array.from({ length: size }, (_, index) => index);
  for (let index = 0; index < count; index += 1) {
    const other = index + prng.below(size - index);
    const moved = all[other] as number;
    all[other] = all[index] as number;
    all[index] = moved;
  }
  return all.slice(0, count);
}
