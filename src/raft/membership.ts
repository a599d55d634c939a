/** Proposing, applying and leaving configurations (thesis chapter 4). The pure part is conf-change.ts. */
import { assert } from '../base/assert.ts';
import { changeConf, encodeConfChange, leaveJoint } from './conf-change.ts';
import type { RaftCore } from './core.ts';
import { appendOwn, ProposeError, propose } from './proposals.ts';
import { maybeCommit } from './replication.ts';
import { dropPromise } from './support.ts';
import { type ConfChange, type ConfState, EntryType } from './types.ts';

/**
 * One change at a time: the next may be proposed when the last is applied here, so that the configuration in which it
 * was checked is the one in which it will be applied.
 */
export function proposeConfChange(core: RaftCore, change: ConfChange): number {
  if (!core.isLeader) return ProposeError.notLeader;
  if (core.pendingConfIndex > core.log.applied) return ProposeError.confChangePending;
  if (typeof changeConf(core.tracker.confState, change) === 'string') return ProposeError.confChangeInvalid;
  return propose(core, EntryType.confChange, encodeConfChange(change));
}

/** The host has come to this change in the log. */
export function applyConfChange(core: RaftCore, change: ConfChange): ConfState {
  const term = core.confChangesInApply.shift();
  assert(term !== undefined, 'raft: each configuration change that was handed out is applied once');
  const next = changeConf(core.tracker.confState, change);
  assert(typeof next !== 'string', 'raft: a committed configuration change fits the configuration it was proposed in');
  const wasVoter = core.tracker.isVoter(core.promiseLeader);
  adoptConfState(core, next);
  // The term tells a removal of the promised leader from an old one that is only being replayed (support.ts, d).
  if (wasVoter && !core.tracker.isVoter(core.promiseLeader) && term >= core.promiseTerm) dropPromise(core);
  return next;
}

/** Also for the configuration that comes with a snapshot. */
export function adoptConfState(core: RaftCore, confState: ConfState): void {
  const { tracker, log } = core;
  tracker.setConfState(confState, log.lastIndex + 1);
  if (!core.isLeader) return;
  if (!tracker.isVoter(core.id)) {
    // Thesis 4.2.2: a leader that is not a member steps down when the change has been committed.
    core.becomeFollower(core.term, 0);
    return;
  }
  if (core.transferee !== 0 && !tracker.isVoter(core.transferee)) core.transferee = 0;
  // Fewer acknowledgements may be enough now, and new members want to be sent something.
  maybeCommit(core);
  core.broadcastDue = true;
}

/** Leaves a joint configuration without being asked, when it has asked to be left so. */
export function maybeAutoLeave(core: RaftCore): void {
  if (!core.isLeader || core.transferee !== 0) return;
  if (!core.tracker.confState.autoLeave || core.pendingConfIndex > core.log.applied) return;
  appendOwn(core, EntryType.confChange, encodeConfChange(leaveJoint));
}
