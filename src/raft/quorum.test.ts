import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyIndex, jointVote, majorityIndex, majorityVote, VoteResult } from './quorum.ts';
import { Tracker } from './tracker.ts';

/** The highest index for which a majority has at least that much, found by trying all. */
function majorityIndexByTrying(indexes: readonly number[]): number {
  if (indexes.length === 0) return anyIndex;
  const reached = indexes.filter((index) => indexes.filter((other) => other >= index).length * 2 > indexes.length);
  return Math.max(...reached);
}

/** Won if every way to finish the vote wins, lost if none does. */
function voteByTrying(votes: readonly (boolean | null)[]): VoteResult {
  if (votes.length === 0) return VoteResult.won;
  const wins = (open: boolean): boolean => votes.filter((vote) => vote ?? open).length * 2 > votes.length;
  if (wins(false)) return VoteResult.won;
  return wins(true) ? VoteResult.pending : VoteResult.lost;
}

function countVote(votes: readonly (boolean | null)[]): VoteResult {
  const granted = votes.filter((vote) => vote === true).length;
  const rejected = votes.filter((vote) => vote === false).length;
  return majorityVote(granted, rejected, votes.length);
}

describe('majorities', () => {
  test('the committed index of known groups', () => {
    expect(majorityIndex([])).toBe(anyIndex);
    expect(majorityIndex([7])).toBe(7);
    expect(majorityIndex([3, 7])).toBe(3);
    expect(majorityIndex([5, 1, 9])).toBe(5);
    expect(majorityIndex([0, 0, 9, 9])).toBe(0);
    expect(majorityIndex([1, 2, 3, 4, 5])).toBe(3);
  });

  test('the committed index is what trying all finds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 9 }), (indexes) => {
        expect(majorityIndex(indexes.slice())).toBe(majorityIndexByTrying(indexes));
      }),
    );
  });

  test('a vote stands as trying all says', () => {
    const vote = fc.constantFrom(true, false, null);
    fc.assert(
      fc.property(fc.array(vote, { maxLength: 9 }), (votes) => {
        expect(countVote(votes)).toBe(voteByTrying(votes));
      }),
    );
  });
});

describe('joint majorities', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
  const outgoingIds = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
  const byId = fc.array(fc.nat(20), { minLength: 10, maxLength: 10 });

  function makeTracker(voters: number[], votersOutgoing: number[]): Tracker {
    const tracker = new Tracker(1, 4, 100);
    tracker.setConfState({ voters, votersOutgoing, learners: [], learnersNext: [], autoLeave: false }, 1);
    return tracker;
  }

  test('both halves must have an index for it to be committed', () => {
    fc.assert(
      fc.property(ids, outgoingIds, byId, (voters, outgoing, matches) => {
        const tracker = makeTracker(voters, outgoing);
        for (const progress of tracker.all) progress.match = matches[progress.id] ?? 0;
        const half = (members: number[]): number => majorityIndexByTrying(members.map((id) => matches[id] ?? 0));
        expect(tracker.committedIndex()).toBe(Math.min(half(voters), half(outgoing)));
      }),
    );
  });

  test('read rounds count this replica as having answered', () => {
    fc.assert(
      fc.property(ids, outgoingIds, byId, (voters, outgoing, rounds) => {
        const tracker = makeTracker(voters, outgoing);
        for (const progress of tracker.all) progress.readRound = rounds[progress.id] ?? 0;
        const round = (id: number): number => (id === 1 ? anyIndex : (rounds[id] ?? 0));
        const half = (members: number[]): number => majorityIndexByTrying(members.map(round));
        expect(tracker.confirmedReadRound()).toBe(Math.min(half(voters), half(outgoing)));
      }),
    );
  });

  test('both halves must win a vote, and one is enough to lose it', () => {
    const votesById = fc.array(fc.constantFrom(true, false, null), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(ids, outgoingIds, votesById, (voters, outgoing, votes) => {
        const tracker = makeTracker(voters, outgoing);
        for (let id = 1; id < 10; id++) {
          const vote = votes[id];
          if (vote !== null && vote !== undefined) tracker.recordVote(id, vote);
        }
        const half = (members: number[]): VoteResult => voteByTrying(members.map((id) => votes[id] ?? null));
        const [left, right] = [half(voters), half(outgoing)];
        expect(tracker.voteResult()).toBe(jointVote(left, right));
        const lost = left === VoteResult.lost || right === VoteResult.lost;
        const won = left === VoteResult.won && right === VoteResult.won;
        expect(tracker.voteResult() === VoteResult.lost).toBe(lost);
        expect(tracker.voteResult() === VoteResult.won).toBe(won && !lost);
      }),
    );
  });

  test('a quorum of those counted', () => {
    fc.assert(
      fc.property(
        ids,
        outgoingIds,
        fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
        (voters, outgoing, flags) => {
          const tracker = makeTracker(voters, outgoing);
          for (const progress of tracker.all) progress.counted = flags[progress.id] ?? false;
          const half = (members: number[]): boolean =>
            members.length === 0 || members.filter((id) => flags[id]).length * 2 > members.length;
          expect(tracker.countedIsQuorum()).toBe(half(voters) && half(outgoing));
        },
      ),
    );
  });

  test('only the first answer of a replica counts, and learners never', () => {
    const tracker = new Tracker(1, 4, 100);
    const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [4], learnersNext: [], autoLeave: false };
    tracker.setConfState(confState, 1);
    tracker.recordVote(1, true);
    tracker.recordVote(2, false);
    tracker.recordVote(2, true);
    tracker.recordVote(4, true);
    expect(tracker.voteResult()).toBe(VoteResult.pending);
    tracker.recordVote(3, false);
    expect(tracker.voteResult()).toBe(VoteResult.lost);
  });
});
