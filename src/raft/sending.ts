/** What a leader sends: appends, heartbeats, and the word that a snapshot is needed. */
import { assert } from '../base/assert.ts';
import type { RaftCore } from './core.ts';
import { type Progress, ProgressState } from './progress.ts';
import { entriesBytes, unknownTerm } from './raft-log.ts';
import { MessageType } from './types.ts';

/**
 * Sends what everyone lacks. Runs once per Ready, so that what came in during one turn of the event loop travels in one
 * message, and a commit index travels with the next entries where there are any.
 */
export function flushAppends(core: RaftCore): void {
  if (!core.broadcastDue) return;
  core.broadcastDue = false;
  for (const progress of core.tracker.others) sendAppends(core, progress, progress.sentCommit < core.log.committed);
}

/** The lowest commit index that a follower was told, out of those that could be told one now. */
export function lowestSentCommit(core: RaftCore): number {
  let lowest = core.log.committed;
  for (const progress of core.tracker.others) {
    const listens = progress.state === ProgressState.replicate && !progress.isPaused;
    if (listens && progress.sentCommit < lowest) lowest = progress.sentCommit;
  }
  return lowest;
}

/** Sends all that the limits allow. With `evenIfEmpty` at least one message, for its commit index or as a probe. */
export function sendAppends(core: RaftCore, progress: Progress, evenIfEmpty: boolean): void {
  if (!sendAppend(core, progress, evenIfEmpty)) return;
  while (sendAppend(core, progress, false)) {
    // Each round sends one message, until nothing is left or the follower is paused.
  }
}

function sendAppend(core: RaftCore, progress: Progress, evenIfEmpty: boolean): boolean {
  if (progress.isPaused) return false;
  const { log, config } = core;
  const previous = progress.next - 1;
  const previousTerm = log.termAt(previous);
  if (previousTerm === unknownTerm) return sendSnapshot(core, progress);
  const full = progress.state === ProgressState.replicate && progress.inflights.full;
  const maxBytes = full ? 0 : config.maxMessageBytes;
  const entries = full ? [] : log.slice(progress.next, maxBytes);
  if (entries.length === 0 && !evenIfEmpty) return false;
  const message = core.message(MessageType.append, progress.id);
  message.index = previous;
  message.logTerm = previousTerm;
  message.commit = log.committed;
  message.entries = entries;
  core.send(message);
  progress.sentEntries(entries.length, entriesBytes(entries));
  progress.sentCommit = log.committed;
  return true;
}

/** The follower lacks entries that are gone here: it needs what the state machine has made of them (thesis chapter 5). */
function sendSnapshot(core: RaftCore, progress: Progress): boolean {
  // A snapshot is dear; one that has not been heard from would not take it.
  if (!progress.recentActive) return false;
  const { log } = core;
  const index = log.applied;
  const term = log.termAt(index);
  assert(term !== unknownTerm, 'raft: the log reaches back to what is applied');
  const message = core.message(MessageType.snapshot, progress.id);
  message.snapshot = { index, term, confState: core.tracker.confState };
  message.commit = log.committed;
  core.send(message);
  progress.becomeSnapshot(index);
  core.logger.info({ to: progress.id, index }, 'raft: follower needs a snapshot');
  return true;
}

/** `round` is the read round that an answer confirms, 0 for none. */
export function sendHeartbeat(core: RaftCore, progress: Progress, round: number): void {
  const message = core.message(MessageType.heartbeat, progress.id);
  // Not past what the follower is known to have: a heartbeat carries no entries that could be checked.
  message.commit = Math.min(progress.match, core.log.committed);
  message.context = round;
  core.send(message);
}

/** The latest read round still waiting rides on every heartbeat, in case its own were lost. */
export function broadcastHeartbeats(core: RaftCore): void {
  const round = core.pendingReads.length > 0 ? core.readRound : 0;
  for (const progress of core.tracker.others) sendHeartbeat(core, progress, round);
}
