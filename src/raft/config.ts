/**
 * Everything a replica is told when it is made: its timing, its limits, and the state it had when it stopped.
 * `Raft` calls `validateConfig` once; a wrong config is the programmer's error and asserts.
 */
import { assert } from '../base/assert.ts';
import type { Logger } from '../base/log.ts';
import type { Entry, HardState, LogIndex, ReplicaId, SnapshotMeta, SupportOracle } from './types.ts';

export interface RaftConfig {
  readonly id: ReplicaId;
  /**
   * T, in ticks. A follower that hears nothing waits a random time in [T, 2T) before it campaigns (thesis 3.4); a leader
   * that has lost its quorum for T steps down (thesis 6.2); a leadership transfer is given up after T (thesis 3.10).
   */
  readonly electionTicks: number;
  /**
   * Ticks between heartbeats. Below `electionTicks` without `support`; with it heartbeats only carry a commit index that
   * was lost on the way, so that this may be large.
   */
  readonly heartbeatTicks: number;
  /** Thesis 6.2 and 4.2.3: the leader steps down without a quorum, and followers that hear a leader give no votes. */
  readonly checkQuorum: boolean;
  /** Thesis 9.6: ask before raising the term, so that a replica that comes back does not depose a good leader. */
  readonly preVote: boolean;
  /** Support between node pairs, from which leases come (see support.ts); null for heartbeats in the classic way. */
  readonly support: SupportOracle | null;
  /** A uniform integer in [0, bound). */
  readonly random: (bound: number) => number;
  /** How many ticks later a replica campaigns for each step of `Raft.priority`. 0 when left out: no preferences. */
  readonly priorityTicks?: number;
  /**
   * A commit index travels with the next entries, and without any only when `Raft.broadcastCommit` is called: half the
   * messages of a busy group. False when left out: it is sent in the next Ready.
   */
  readonly lazyCommit?: boolean;
  /** Most payload bytes in one append message; a single larger entry still travels, alone. */
  readonly maxMessageBytes: number;
  /** Most append messages on the way to one follower that has not answered them. */
  readonly maxInflightMessages: number;
  /** Most payload bytes on the way to one follower; the message that passes the limit is the last one. */
  readonly maxInflightBytes: number;
  /** Most payload bytes of committed entries in one Ready; a single larger entry is still given out, alone. */
  readonly maxCommittedBytesPerReady: number;
  /** Proposals are refused while a leader has this many payload bytes that are not committed yet. */
  readonly maxUncommittedBytes: number;

  /** As last made durable; all 0 for a new replica. */
  readonly hardState: HardState;
  /**
   * Where the log begins (index and term of the last entry that is not in `entries`), and the members **as of
   * `applied`**, which the state machine keeps beside its applied index. A new group starts with index 1, term 1 and
   * its first members: with index 0, a replica that is added later would be sent a log that does not tell who the first
   * members were. A replica that is added starts with index 0, term 0 and nobody.
   */
  readonly snapshot: SnapshotMeta;
  /** The durable log after `snapshot.index`, without gaps. */
  readonly entries: readonly Entry[];
  /** What the state machine has already applied, at least `snapshot.index`; it is not handed out again. */
  readonly applied: LogIndex;
  readonly logger?: Logger;
}

/** Limits that suit entries of a few kilobytes on a network inside one building. */
export const raftDefaults = {
  maxMessageBytes: 1024 * 1024,
  maxInflightMessages: 256,
  maxInflightBytes: 8 * 1024 * 1024,
  maxCommittedBytesPerReady: 4 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
} as const;

export function validateConfig(config: RaftConfig): void {
  assert(isId(config.id), 'raft config: id is a positive integer below 2^53');
  assert(isCount(config.electionTicks), 'raft config: electionTicks is a positive integer');
  assert(isCount(config.heartbeatTicks), 'raft config: heartbeatTicks is a positive integer');
  assert(
    config.support !== null || config.heartbeatTicks < config.electionTicks,
    'raft config: heartbeatTicks is below electionTicks, or followers would campaign between two heartbeats',
  );
  const priorityTicks = config.priorityTicks ?? 0;
  assert(Number.isSafeInteger(priorityTicks) && priorityTicks >= 0, 'raft config: priorityTicks is not negative');
  assert(config.maxMessageBytes > 0, 'raft config: maxMessageBytes is positive');
  assert(isCount(config.maxInflightMessages), 'raft config: maxInflightMessages is a positive integer');
  assert(
    config.maxInflightBytes >= config.maxMessageBytes,
    'raft config: maxInflightBytes holds at least one message, or replication would stop',
  );
  assert(config.maxCommittedBytesPerReady > 0, 'raft config: maxCommittedBytesPerReady is positive');
  assert(config.maxUncommittedBytes > 0, 'raft config: maxUncommittedBytes is positive');
  validateState(config);
}

function validateState(config: RaftConfig): void {
  const { hardState, snapshot, entries } = config;
  const lastIndex = snapshot.index + entries.length;
  assert(isCounter(hardState.term), 'raft config: term is an integer below 2^53');
  assert(isCounter(hardState.vote), 'raft config: vote is an integer below 2^53');
  assert(isCounter(hardState.commit), 'raft config: commit is an integer below 2^53');
  assert(isCounter(snapshot.index), 'raft config: snapshot index is an integer below 2^53');
  assert(isCounter(snapshot.term), 'raft config: snapshot term is an integer below 2^53');
  assert(hardState.commit <= lastIndex, 'raft config: commit lies inside the log');
  assert(config.applied >= snapshot.index, 'raft config: the log does not begin after what was applied');
  assert(config.applied <= lastIndex, 'raft config: what was applied lies inside the log');
  let index = snapshot.index;
  let term = snapshot.term;
  for (const entry of entries) {
    index++;
    assert(entry.index === index, 'raft config: entries follow each other without gaps');
    assert(entry.term >= term, 'raft config: terms never go back in a log');
    term = entry.term;
  }
  assert(entries.length === 0 || hardState.term >= term, 'raft config: no entry is durable before its term is');
}

function isId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
