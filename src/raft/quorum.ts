/**
 * Arithmetic of majorities, on plain numbers. A joint configuration decides when both of its halves do (thesis 4.3), and
 * a half without members agrees to everything, so that a simple configuration is a joint one with an empty half.
 */

export const VoteResult = { pending: 0, won: 1, lost: 2 } as const;
export type VoteResult = (typeof VoteResult)[keyof typeof VoteResult];

/** What an empty half says: any index will do. */
export const anyIndex = Number.MAX_SAFE_INTEGER;

/**
 * The highest index that a majority of `indexes` has reached, `anyIndex` when there are none. Sorts `indexes` in place:
 * the caller owns a scratch array. Insertion sort, because there are three to seven of them.
 */
export function majorityIndex(indexes: number[]): number {
  const count = indexes.length;
  if (count === 0) return anyIndex;
  for (let i = 1; i < count; i++) {
    const value = indexes[i] as number;
    let j = i - 1;
    while (j >= 0 && (indexes[j] as number) < value) {
      indexes[j + 1] = indexes[j] as number;
      j--;
    }
    indexes[j + 1] = value;
  }
  return indexes[count >>> 1] as number;
}

/** How a vote stands among `total` voters of whom some have answered. */
export function majorityVote(granted: number, rejected: number, total: number): VoteResult {
  if (total === 0) return VoteResult.won;
  const needed = (total >>> 1) + 1;
  if (granted >= needed) return VoteResult.won;
  if (total - rejected < needed) return VoteResult.lost;
  return VoteResult.pending;
}

/** Won by both halves, or lost by one of them, else still open. */
export function jointVote(incoming: VoteResult, outgoing: VoteResult): VoteResult {
  if (incoming === VoteResult.lost || outgoing === VoteResult.lost) return VoteResult.lost;
  if (incoming === VoteResult.won && outgoing === VoteResult.won) return VoteResult.won;
  return VoteResult.pending;
}
