/** The leader's side of replication: committing, and what followers answer (thesis 3.5, 3.6.2, 10.2.1). */
import type { RaftCore } from './core.ts';
import { type Progress, ProgressState } from './progress.ts';
import { confirmReads, startWaitingReads } from './reads.ts';
import { broadcastHeartbeats, sendAppends, sendHeartbeat } from './sending.ts';
import { continueTransfer } from './transfer.ts';
import type { Message, ReplicaId } from './types.ts';

/** Commits what a quorum has, if it is of this term: older entries only with it (thesis 3.6.2, figure 3.7). */
export function maybeCommit(core: RaftCore): boolean {
  const { log } = core;
  const index = Math.min(core.tracker.committedIndex(), log.lastIndex);
  if (index <= log.committed || log.termAt(index) !== core.term) return false;
  // A leader that applies its own removal leads no longer: the others must have been told before that it is committed.
  const isConfChange = core.pendingConfIndex > log.committed && core.pendingConfIndex <= index;
  log.commitTo(index);
  startWaitingReads(core);
  if (core.config.lazyCommit !== true || isConfChange) core.broadcastDue = true;
  return true;
}

/** The leader's own acknowledgement: its log is durable up to `stable`. */
export function noteOwnStable(core: RaftCore): void {
  const self = core.tracker.get(core.id);
  if (self === undefined) return;
  if (self.maybeUpdate(core.log.stable)) maybeCommit(core);
}

export function handleAppendResponse(core: RaftCore, message: Message): void {
  const progress = core.tracker.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  if (message.reject) handleRejection(core, progress, message);
  else handleMatch(core, progress, message);
}

/** Thesis 3.5: the logs do not match there, look further back. */
function handleRejection(core: RaftCore, progress: Progress, message: Message): void {
  // The hint is where the follower's term is no later than ours was; from there back to where ours is no later than
  // the follower's, nothing can match either.
  const hint =
    message.logTerm > 0 ? core.log.findConflictByTerm(message.rejectHint, message.logTerm) : message.rejectHint;
  if (!progress.maybeDecrease(message.index, hint)) return;
  if (progress.state === ProgressState.replicate) progress.becomeProbe();
  sendAppends(core, progress, true);
}

function handleMatch(core: RaftCore, progress: Progress, message: Message): void {
  const { log } = core;
  if (message.index > log.lastIndex) {
    core.logger.error({ from: progress.id, index: message.index }, 'raft: acknowledgement past the end of the log');
    return;
  }
  const advanced = progress.maybeUpdate(message.index);
  if (!advanced && !(progress.state === ProgressState.probe && progress.match === message.index)) return;
  if (progress.state === ProgressState.probe) {
    progress.becomeReplicate();
  } else if (progress.state === ProgressState.snapshot) {
    // However it came by them, the follower has the entries that the log no longer holds.
    if (progress.match >= progress.pendingSnapshot || progress.match + 1 >= log.firstIndex) progress.becomeReplicate();
  } else {
    progress.inflights.freeTo(message.index);
    progress.paused = false;
  }
  maybeCommit(core);
  // Sent with the next Ready, when more answers may have moved the commit index that goes along.
  const lacksCommit = core.config.lazyCommit !== true && progress.sentCommit < log.committed;
  if (progress.next <= log.lastIndex || lacksCommit) core.broadcastDue = true;
  continueTransfer(core, progress);
}

export function handleHeartbeatResponse(core: RaftCore, message: Message): void {
  const progress = core.tracker.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  // An answer to this heartbeat may mean that the append before it was lost.
  progress.paused = false;
  if (progress.match < core.log.lastIndex || progress.state === ProgressState.probe) sendAppends(core, progress, true);
  if (message.context > progress.readRound) {
    progress.readRound = message.context;
    confirmReads(core);
  }
}

/** The transport has lost messages to `id`: pipelining on would only pile more behind the gap. */
export function reportUnreachable(core: RaftCore, id: ReplicaId): void {
  const progress = core.tracker.get(id);
  if (!core.isLeader || progress === undefined) return;
  if (progress.state === ProgressState.replicate) progress.becomeProbe();
}

/** What became of the snapshot for `id`. Either way the next answer of the follower starts replication again. */
export function reportSnapshot(core: RaftCore, id: ReplicaId, ok: boolean): void {
  const progress = core.tracker.get(id);
  if (!core.isLeader || progress === undefined || progress.state !== ProgressState.snapshot) return;
  if (!ok) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  progress.paused = true;
}

export function tickHeartbeats(core: RaftCore): void {
  core.heartbeatElapsed++;
  if (core.heartbeatElapsed >= core.config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    broadcastHeartbeats(core);
  } else if (core.config.support !== null) {
    for (const progress of core.tracker.others) tickStalled(core, progress);
  }
}

/**
 * Where heartbeats are rare, a follower that lacks entries and does not get on is sent one of its own: its answer
 * releases a paused probe, and shows a lost append by being rejected.
 */
function tickStalled(core: RaftCore, progress: Progress): void {
  if (progress.state === ProgressState.snapshot || progress.match === core.log.lastIndex) {
    progress.stalledTicks = 0;
    return;
  }
  progress.stalledTicks++;
  if (progress.stalledTicks < core.config.electionTicks) return;
  progress.stalledTicks = 0;
  sendHeartbeat(core, progress, 0);
}
