/** How members and scores are laid out in replies. */
import type { RedisSortedSet, ScoredMember } from '../collections/sorted-set.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { RankRange } from './sorted-set-range.ts';

/** Begins a list of members: pairs are arrays of their own in RESP3, and one after the other in RESP2. */
export function beginMembers(reply: ReplyWriter, count: number, withScores: boolean): void {
  reply.array(withScores && !reply.resp3 ? count * 2 : count);
}

export function writeMember(reply: ReplyWriter, member: string, score: number, withScores: boolean): void {
  if (withScores && reply.resp3) reply.array(2);
  reply.text(member);
  if (withScores) reply.double(score);
}

export function writeRanks(
  reply: ReplyWriter,
  set: RedisSortedSet,
  range: RankRange,
  reverse: boolean,
  withScores: boolean,
): void {
  const { from, to } = range;
  beginMembers(reply, Math.max(0, to - from), withScores);
  set.visitRanks(from, to, reverse, (member, score) => {
    writeMember(reply, member, score, withScores);
    return true;
  });
}

export function writeMembers(reply: ReplyWriter, members: readonly ScoredMember[], withScores: boolean): void {
  beginMembers(reply, members.length, withScores);
  for (const { member, score } of members) writeMember(reply, member, score, withScores);
}
