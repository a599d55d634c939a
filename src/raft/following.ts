/** What a follower does with the word of its leader: appends, heartbeats, snapshots (thesis 3.5, 5.3). */
import type { RaftCore } from './core.ts';
import { adoptConfState } from './membership.ts';
import { unknownTerm } from './raft-log.ts';
import { answerFortify, promiseTo } from './support.ts';
import { type LogIndex, type Message, MessageType, type SnapshotMeta } from './types.ts';

/** Every message that only the leader of this term can have sent comes by here first. */
export function hearLeader(core: RaftCore, message: Message): void {
  core.electionElapsed = 0;
  core.leader = message.from;
  promiseTo(core, message.from);
}

export function handleAppend(core: RaftCore, message: Message): void {
  const { log } = core;
  if (!isWellFormed(message)) {
    core.logger.error({ from: message.from }, 'raft: append with entries out of order dropped');
    return;
  }
  if (message.index < log.committed) {
    // What is committed here is the leader's too, so it may go on from there.
    acknowledge(core, message, log.committed);
    return;
  }
  if (log.termAt(message.index) !== message.logTerm) {
    reject(core, message);
    return;
  }
  log.merge(message.entries);
  const last = message.index + message.entries.length;
  // Entries after `last` may be left over from another leader: they are not covered by its commit index.
  log.commitTo(Math.min(message.commit, last));
  acknowledge(core, message, last);
}

function acknowledge(core: RaftCore, message: Message, index: LogIndex): void {
  const response = core.message(MessageType.appendResponse, message.from);
  response.index = index;
  core.sendAfterAppend(response);
}

/**
 * Says where the leader may look next: not above our end, and not where our term is later than the leader's. A rejection
 * promises nothing, so it need not wait for the storage.
 */
function reject(core: RaftCore, message: Message): void {
  const { log } = core;
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex), message.logTerm);
  const hintTerm = log.termAt(hint);
  const response = core.message(MessageType.appendResponse, message.from);
  response.reject = true;
  response.index = message.index;
  response.rejectHint = hint;
  response.logTerm = hintTerm === unknownTerm ? 0 : hintTerm;
  core.send(response);
}

function isWellFormed(message: Message): boolean {
  let index = message.index;
  let term = message.logTerm;
  for (const entry of message.entries) {
    index++;
    if (entry.index !== index || entry.term < term || entry.term > message.term) return false;
    term = entry.term;
  }
  return true;
}

export function handleHeartbeat(core: RaftCore, message: Message): void {
  core.log.commitTo(message.commit);
  const response = core.message(MessageType.heartbeatResponse, message.from);
  response.context = message.context;
  core.send(response);
}

export function handleFortify(core: RaftCore, message: Message): void {
  answerFortify(core, message.from);
}

/** The host would do well to install this snapshot: it brings something, and stepping its message would take it. */
export function wantsSnapshot(core: RaftCore, message: Message): boolean {
  const { snapshot } = message;
  if (snapshot === null || message.term < core.term || core.isLeader) return false;
  return snapshot.index > core.log.committed && isMember(core, snapshot);
}

export function handleSnapshot(core: RaftCore, message: Message): void {
  const { snapshot } = message;
  if (snapshot === null) return;
  if (snapshot.index > core.log.committed && isMember(core, snapshot)) install(core, snapshot);
  acknowledge(core, message, core.log.committed);
}

function isMember(core: RaftCore, snapshot: SnapshotMeta): boolean {
  const { voters, votersOutgoing, learners } = snapshot.confState;
  return voters.includes(core.id) || votersOutgoing.includes(core.id) || learners.includes(core.id);
}

/** The state machine already holds the content; the log follows it. */
function install(core: RaftCore, snapshot: SnapshotMeta): void {
  const { log } = core;
  if (log.termAt(snapshot.index) === snapshot.term) {
    // The log agrees up to there and may go on with entries that have been acknowledged: it must be kept.
    log.fastForward(snapshot.index);
  } else {
    log.restore(snapshot.index, snapshot.term);
    core.snapshot = snapshot;
  }
  core.confChangesInApply.length = 0;
  adoptConfState(core, snapshot.confState);
  core.logger.info({ index: snapshot.index, term: snapshot.term }, 'raft: snapshot taken');
}
