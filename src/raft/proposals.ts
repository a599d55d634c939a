/** How entries get into a leader's log. */
import { assert } from '../base/assert.ts';
import type { RaftCore } from './core.ts';
import { EntryType, type LogIndex } from './types.ts';

/** Why nothing was proposed. Negative, so that a proposal's result is one number: an index or one of these. */
export const ProposeError = {
  notLeader: -1,
  /** Leadership is being handed over; it is over, either way, after at most one election timeout. */
  transferring: -2,
  /** `maxUncommittedBytes` is reached: slow down. */
  tooMuchUncommitted: -3,
  /** Another configuration change has not been applied yet. */
  confChangePending: -4,
  /** The change does not fit the present configuration. */
  confChangeInvalid: -5,
} as const;
export type ProposeError = (typeof ProposeError)[keyof typeof ProposeError];

export const noData = new Uint8Array(0);

export function propose(core: RaftCore, type: EntryType, data: Uint8Array): number {
  if (!core.isLeader) return ProposeError.notLeader;
  if (core.transferee !== 0) return ProposeError.transferring;
  // One proposal always fits, however large, or it could never be made.
  if (core.uncommittedBytes > 0 && core.uncommittedBytes + data.length > core.config.maxUncommittedBytes) {
    return ProposeError.tooMuchUncommitted;
  }
  return appendOwn(core, type, data);
}

/** Appends without asking: for a leader's own entries. */
export function appendOwn(core: RaftCore, type: EntryType, data: Uint8Array): LogIndex {
  assert(core.isLeader, 'raft: only a leader makes entries');
  const index = core.log.lastIndex + 1;
  core.log.append({ term: core.term, index, type, data });
  core.uncommittedBytes += data.length;
  core.broadcastDue = true;
  if (type === EntryType.confChange) core.pendingConfIndex = index;
  return index;
}
