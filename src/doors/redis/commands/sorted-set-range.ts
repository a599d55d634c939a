/** Ranges of sorted sets, by rank, score or member: from arguments to ranks. */
import type { RedisSortedSet } from '../collections/sorted-set.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { parseLooseFloat } from '../number-format.ts';

/** Ranks from <= rank < to. */
export interface RankRange {
  readonly from: number;
  readonly to: number;
}

/** A parsed range, which a set turns into ranks. */
export type RangeOf = (set: RedisSortedSet) => RankRange;

export type RangeKind = 'rank' | 'score' | 'member';

/** The range that two arguments mean. With `reverse` ranks count from the end. */
export function parseRange(
  context: CommandContext,
  kind: RangeKind,
  minIndex: number,
  maxIndex: number,
  reverse: boolean,
): RangeOf {
  if (kind === 'score') return scoreRange(context, minIndex, maxIndex);
  if (kind === 'member') return memberRange(context, minIndex, maxIndex);
  return rankRange(context, minIndex, maxIndex, reverse);
}

function rankRange(context: CommandContext, startIndex: number, endIndex: number, reverse: boolean): RangeOf {
  const start = context.number(startIndex);
  const end = context.number(endIndex);
  return (set) => {
    const { count } = set;
    const from = Math.max(0, start < 0 ? count + start : start);
    const to = Math.min(count, (end < 0 ? count + end : end) + 1);
    if (from >= to) return { from: 0, to: 0 };
    return reverse ? { from: count - to, to: count - from } : { from, to };
  };
}

interface Bound<T> {
  readonly value: T;
  readonly exclusive: boolean;
}

function scoreBound(text: string): Bound<number> {
  const exclusive = text.startsWith('(');
  const value = parseLooseFloat(exclusive ? text.slice(1) : text);
  if (value === undefined) throw replyError(ErrorText.scoreRange);
  return { value, exclusive };
}

function scoreRange(context: CommandContext, minIndex: number, maxIndex: number): RangeOf {
  const min = scoreBound(context.request.string(minIndex));
  const max = scoreBound(context.request.string(maxIndex));
  return (set) => {
    if (min.value > max.value) return { from: 0, to: 0 };
    const from =
      min.value === Number.NEGATIVE_INFINITY && !min.exclusive ? 0 : set.rankOfScore(min.value, min.exclusive);
    const to =
      max.value === Number.POSITIVE_INFINITY && !max.exclusive ? set.count : set.rankOfScore(max.value, !max.exclusive);
    return { from, to };
  };
}

/** -1: below all members; 1: above all. */
type MemberBound = Bound<string> | -1 | 1;

function memberBound(text: string): MemberBound {
  if (text === '-') return -1;
  if (text === '+') return 1;
  if (text.startsWith('(') || text.startsWith('[')) return { value: text.slice(1), exclusive: text.startsWith('(') };
  throw replyError(ErrorText.memberRange);
}

function memberRange(context: CommandContext, minIndex: number, maxIndex: number): RangeOf {
  const min = memberBound(context.element(minIndex));
  const max = memberBound(context.element(maxIndex));
  return (set) => {
    const end = (bound: MemberBound, isMin: boolean): number => {
      if (bound === -1) return 0;
      if (bound === 1) return set.count;
      return set.rankOfMember(bound.value, isMin === bound.exclusive);
    };
    return { from: end(min, true), to: end(max, false) };
  };
}

/** LIMIT offset count, in the direction of the walk; a negative count is no limit, a negative offset leaves nothing. */
export function limited(range: RankRange, reverse: boolean, offset: number, count: number): RankRange {
  const { from, to } = range;
  if (from >= to || offset < 0) return { from: 0, to: 0 };
  const wanted = count < 0 ? to - from : count;
  if (reverse) {
    const end = to - offset;
    return { from: Math.max(from, end - wanted), to: Math.max(from, end) };
  }
  const start = from + offset;
  return { from: Math.min(start, to), to: Math.min(to, start + wanted) };
}
