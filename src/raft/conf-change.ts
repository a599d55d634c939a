/**
 * Changes of membership (thesis chapter 4). A change is a pure function from one `ConfState` to the next: one voter at a
 * time, or any number through a joint configuration. Changes take effect when they are applied, one at a time; the
 * leader checks a change against its configuration before it proposes it, so that applying it cannot fail.
 */
import { assert } from '../base/assert.ts';
import { type ConfChange, ConfChangeType, type ConfState, type ReplicaId } from './types.ts';

export const emptyConfState: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export const leaveJoint: ConfChange = { transition: 'leaveJoint', changes: [] };

/** Why a change is refused. */
export type ConfChangeProblem =
  | 'already in a joint configuration'
  | 'not in a joint configuration'
  | 'no changes'
  | 'leaveJoint takes no changes'
  | 'not a replica id'
  | 'no voters would remain';

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** The configuration after `change`, or why there is none. Lists come out sorted. */
export function changeConf(current: ConfState, change: ConfChange): ConfState | ConfChangeProblem {
  if (change.transition === 'leaveJoint') {
    if (change.changes.length > 0) return 'leaveJoint takes no changes';
    return isJoint(current) ? leftJoint(current) : 'not in a joint configuration';
  }
  if (isJoint(current)) return 'already in a joint configuration';
  if (change.changes.length === 0) return 'no changes';
  for (const { replica } of change.changes) {
    if (!Number.isSafeInteger(replica) || replica <= 0) return 'not a replica id';
  }
  // One voter at a time keeps old and new majorities overlapping without a joint configuration (thesis 4.2).
  const simple = withChanges(current, [], change);
  const isSimple = change.transition === 'auto' && differences(current.voters, simple.voters) <= 1;
  const next = isSimple ? simple : withChanges(current, current.voters, change);
  if (next.voters.length === 0) return 'no voters would remain';
  return { ...next, autoLeave: !isSimple && change.transition !== 'jointExplicit' };
}

/** All that a conf state names, each once, sorted. */
export function membersOf(conf: ConfState): ReplicaId[] {
  return sorted(new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext]));
}

function leftJoint(current: ConfState): ConfState {
  return {
    voters: sorted(new Set(current.voters)),
    votersOutgoing: [],
    learners: sorted(new Set([...current.learners, ...current.learnersNext])),
    learnersNext: [],
    autoLeave: false,
  };
}

function withChanges(current: ConfState, outgoing: readonly ReplicaId[], change: ConfChange): ConfState {
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  const learnersNext = new Set(current.learnersNext);
  for (const { type, replica } of change.changes) {
    const wasLearner = learners.has(replica) || learnersNext.has(replica);
    if (type === ConfChangeType.addLearner && wasLearner) continue;
    voters.delete(replica);
    learners.delete(replica);
    learnersNext.delete(replica);
    if (type === ConfChangeType.addVoter) voters.add(replica);
    if (type === ConfChangeType.addLearner) {
      // A replica is never voter and learner at once, so a demoted voter waits until the old half is gone.
      if (outgoing.includes(replica)) learnersNext.add(replica);
      else learners.add(replica);
    }
  }
  return {
    voters: sorted(voters),
    votersOutgoing: sorted(new Set(outgoing)),
    learners: sorted(learners),
    learnersNext: sorted(learnersNext),
    autoLeave: false,
  };
}

/** How many members are in exactly one of the two lists. */
function differences(before: readonly ReplicaId[], after: readonly ReplicaId[]): number {
  let count = 0;
  for (const id of before) if (!after.includes(id)) count++;
  for (const id of after) if (!before.includes(id)) count++;
  return count;
}

function sorted(ids: Set<ReplicaId>): ReplicaId[] {
  return [...ids].sort((a, b) => a - b);
}

/**
 * Version 1, little-endian:
 *
 *     version u8 | transition u8 | count u16 | count * ( type u8 | replica low u32 | replica high u32 )
 */
const formatVersion = 1;
const headBytes = 4;
const changeBytes = 9;
const transitions = ['auto', 'jointImplicit', 'jointExplicit', 'leaveJoint'] as const;
const twoTo32 = 0x100000000;

export function encodeConfChange(change: ConfChange): Uint8Array {
  assert(change.changes.length < 0x10000, 'raft: a configuration change names fewer than 65536 replicas');
  const bytes = new Uint8Array(headBytes + change.changes.length * changeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, formatVersion);
  view.setUint8(1, transitions.indexOf(change.transition));
  view.setUint16(2, change.changes.length, true);
  let at = headBytes;
  for (const { type, replica } of change.changes) {
    view.setUint8(at, type);
    view.setUint32(at + 1, replica % twoTo32, true);
    view.setUint32(at + 5, Math.floor(replica / twoTo32), true);
    at += changeBytes;
  }
  return bytes;
}

/** Reads what a leader has put into the log. Anything else there is corruption, so it asserts. */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  assert(bytes.length >= headBytes, 'raft: a configuration change is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert(view.getUint8(0) === formatVersion, 'raft: a configuration change has an unknown version');
  const transition = transitions[view.getUint8(1)];
  assert(transition !== undefined, 'raft: a configuration change has an unknown transition');
  const count = view.getUint16(2, true);
  assert(bytes.length === headBytes + count * changeBytes, 'raft: a configuration change has a wrong length');
  const changes = [];
  for (let at = headBytes; at < bytes.length; at += changeBytes) {
    const type = view.getUint8(at);
    assert(
      type === ConfChangeType.addVoter || type === ConfChangeType.addLearner || type === ConfChangeType.remove,
      'raft: a configuration change has an unknown type',
    );
    changes.push({ type, replica: view.getUint32(at + 1, true) + view.getUint32(at + 5, true) * twoTo32 });
  }
  return { transition, changes };
}
