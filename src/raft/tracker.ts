/**
 * The members of the group with what the leader knows of each, and the questions that are asked of their quorums. Votes and
 * acknowledgements count only from voters of the active configuration, in both halves of a joint one (thesis 4.3).
 */
import { assert } from '../base/assert.ts';
import { emptyConfState, membersOf } from './conf-change.ts';
import { Progress } from './progress.ts';
import { anyIndex, jointVote, majorityIndex, majorityVote, VoteResult } from './quorum.ts';
import type { ConfState, LogIndex, ReplicaId } from './types.ts';

export class Tracker {
  readonly #self: ReplicaId;
  readonly #maxInflightMessages: number;
  readonly #maxInflightBytes: number;
  #confState: ConfState = emptyConfState;
  #byId = new Map<ReplicaId, Progress>();
  #incoming: Progress[] = [];
  #outgoing: Progress[] = [];
  #all: Progress[] = [];
  #others: Progress[] = [];
  readonly #votes = new Map<ReplicaId, boolean>();
  readonly #scratch: number[] = [];

  constructor(self: ReplicaId, maxInflightMessages: number, maxInflightBytes: number) {
    this.#self = self;
    this.#maxInflightMessages = maxInflightMessages;
    this.#maxInflightBytes = maxInflightBytes;
  }

  get confState(): ConfState {
    return this.#confState;
  }

  get isJoint(): boolean {
    return this.#outgoing.length > 0;
  }

  /** Every member, this replica included, by id. */
  get all(): readonly Progress[] {
    return this.#all;
  }

  /** Every member but this replica, by id. */
  get others(): readonly Progress[] {
    return this.#others;
  }

  get(id: ReplicaId): Progress | undefined {
    return this.#byId.get(id);
  }

  /** Counts in votes: a voter of either half. */
  isVoter(id: ReplicaId): boolean {
    const progress = this.#byId.get(id);
    return progress !== undefined && !progress.isLearner;
  }

  /** This replica decides alone. */
  get isSoleVoter(): boolean {
    return this.#outgoing.length === 0 && this.#incoming.length === 1 && this.#incoming[0]?.id === this.#self;
  }

  /** Takes up a configuration. Members that stay keep their progress; new ones are sent the log from `next`. */
  setConfState(confState: ConfState, next: LogIndex): void {
    this.#confState = confState;
    const before = this.#byId;
    this.#byId = new Map();
    this.#all = [];
    for (const id of membersOf(confState)) {
      let progress = before.get(id);
      if (progress === undefined) {
        progress = new Progress(id, next, this.#maxInflightMessages, this.#maxInflightBytes);
        // A new member is given one CheckQuorum round to be heard, or adding it could depose the leader.
        progress.recentActive = true;
      }
      // Those in `learnersNext` are still voters of the outgoing half.
      progress.isLearner = confState.learners.includes(id);
      this.#byId.set(id, progress);
      this.#all.push(progress);
    }
    this.#others = this.#all.filter((progress) => progress.id !== this.#self);
    this.#incoming = confState.voters.map((id) => this.#byId.get(id) as Progress);
    this.#outgoing = confState.votersOutgoing.map((id) => this.#byId.get(id) as Progress);
  }

  /** The highest index that is durable on a quorum. */
  committedIndex(): LogIndex {
    return Math.min(this.#majorityMatch(this.#incoming), this.#majorityMatch(this.#outgoing));
  }

  /** The highest read round that a quorum has answered; this replica agrees with itself. */
  confirmedReadRound(): number {
    return Math.min(this.#majorityRound(this.#incoming), this.#majorityRound(this.#outgoing));
  }

  /** The members with `counted` set are a quorum. */
  countedIsQuorum(): boolean {
    return (
      jointVote(countedVote(this.#incoming), countedVote(this.#outgoing)) === VoteResult.won &&
      this.#incoming.length > 0
    );
  }

  /** A quorum has been heard since this was last asked. */
  takeRecentlyActive(): boolean {
    for (const progress of this.#all) {
      progress.counted = progress.recentActive || progress.id === this.#self;
      progress.recentActive = false;
    }
    return this.countedIsQuorum();
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** Counts the first answer of each replica. */
  recordVote(id: ReplicaId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  voteResult(): VoteResult {
    return jointVote(this.#halfVote(this.#incoming), this.#halfVote(this.#outgoing));
  }

  invariants(): void {
    for (const progress of this.#all) progress.invariants();
    assert(
      this.#incoming.length > 0 || this.#outgoing.length === 0,
      'raft: a joint configuration has an incoming half',
    );
  }

  #majorityMatch(half: readonly Progress[]): LogIndex {
    const scratch = this.#scratch;
    scratch.length = 0;
    for (const progress of half) scratch.push(progress.match);
    return majorityIndex(scratch);
  }

  #majorityRound(half: readonly Progress[]): number {
    const scratch = this.#scratch;
    scratch.length = 0;
    for (const progress of half) scratch.push(progress.id === this.#self ? anyIndex : progress.readRound);
    return majorityIndex(scratch);
  }

  #halfVote(half: readonly Progress[]): VoteResult {
    let granted = 0;
    let rejected = 0;
    for (const progress of half) {
      const vote = this.#votes.get(progress.id);
      if (vote === true) granted++;
      if (vote === false) rejected++;
    }
    return majorityVote(granted, rejected, half.length);
  }
}

function countedVote(half: readonly Progress[]): VoteResult {
  let granted = 0;
  for (const progress of half) if (progress.counted) granted++;
  return majorityVote(granted, 0, half.length);
}
