/**
 * Handing leadership over (thesis 3.10). The leader stops taking proposals, brings the target up to date, and tells
 * it to campaign at once. If it has not worked after one election timeout the leader goes on as before.
 */
import type { RaftCore } from './core.ts';
import type { Progress } from './progress.ts';
import { sendAppends } from './sending.ts';
import { MessageType, type ReplicaId } from './types.ts';

/** False when nothing was started: not the leader, or the target is not another voter, or is the target already. */
export function transferLeader(core: RaftCore, to: ReplicaId): boolean {
  if (!core.isLeader) return false;
  const progress = core.tracker.get(to);
  if (progress === undefined || progress.isLearner) return false;
  if (core.transferee === to) return false;
  // The newer wish counts; back to oneself is how to take a wish back.
  core.transferee = 0;
  if (to === core.id) return false;
  core.electionElapsed = 0;
  core.transferee = to;
  core.logger.info({ term: core.term, to }, 'raft: leadership transfer starts');
  if (progress.match === core.log.lastIndex) {
    sendTimeoutNow(core, to);
  } else {
    progress.paused = false;
    sendAppends(core, progress, true);
  }
  return true;
}

/** The target may just have become up to date. */
export function continueTransfer(core: RaftCore, progress: Progress): void {
  if (progress.id === core.transferee && progress.match === core.log.lastIndex) sendTimeoutNow(core, progress.id);
}

/** From here on the target may win without the followers' leave, so the lease of this term is void for good. */
function sendTimeoutNow(core: RaftCore, to: ReplicaId): void {
  core.timeoutNowSent = true;
  core.send(core.message(MessageType.timeoutNow, to));
}
