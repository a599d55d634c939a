/** A picture of one replica for people and for placement; built when asked, never on the hot path. */
import type { RaftCore } from './core.ts';
import type { ProgressState } from './progress.ts';
import { hasLease, holdsPromise } from './support.ts';
import type { ConfState, LogIndex, ReplicaId, Role, Term } from './types.ts';

export interface RaftStatus {
  readonly id: ReplicaId;
  readonly role: Role;
  readonly term: Term;
  readonly vote: ReplicaId;
  readonly leader: ReplicaId;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly stableIndex: LogIndex;
  readonly confState: ConfState;
  /** Who leadership is going to, 0 for nobody. */
  readonly transferee: ReplicaId;
  readonly hasLease: boolean;
  /** One for each member, this replica included; only a leader knows them, so it is empty elsewhere. */
  readonly progress: readonly ProgressStatus[];
}

export interface ProgressStatus {
  readonly id: ReplicaId;
  readonly match: LogIndex;
  readonly next: LogIndex;
  readonly state: ProgressState;
  readonly isLearner: boolean;
  readonly paused: boolean;
  readonly pendingSnapshot: LogIndex;
  readonly recentActive: boolean;
  /** Its promise to stand by this leader holds now: it counts for the lease. */
  readonly supports: boolean;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

export function statusOf(core: RaftCore): RaftStatus {
  const { log } = core;
  return {
    id: core.id,
    role: core.role,
    term: core.term,
    vote: core.vote,
    leader: core.leader,
    commitIndex: log.committed,
    appliedIndex: log.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    stableIndex: log.stable,
    confState: core.tracker.confState,
    transferee: core.transferee,
    hasLease: hasLease(core),
    progress: core.isLeader ? progressOf(core) : [],
  };
}

function progressOf(core: RaftCore): ProgressStatus[] {
  return core.tracker.all.map((progress) => ({
    id: progress.id,
    match: progress.match,
    next: progress.next,
    state: progress.state,
    isLearner: progress.isLearner,
    paused: progress.isPaused,
    pendingSnapshot: progress.pendingSnapshot,
    recentActive: progress.recentActive,
    supports: core.config.support !== null && holdsPromise(core.config.support, progress),
    inflightMessages: progress.inflights.count,
    inflightBytes: progress.inflights.bytes,
  }));
}
