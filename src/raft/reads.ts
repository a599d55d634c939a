/**
 * Linearizable reads without a write (thesis 6.4). The leader notes its commit index, makes sure with one round of
 * heartbeats that nobody else has become leader since, and lets the read run once that index is applied. All reads of
 * one Ready share a round, rounds are counted, and an answer to a round also answers every earlier one. A follower asks
 * its leader for the index. A leader with a lease needs no round (support.ts).
 */
import type { PendingRead, RaftCore } from './core.ts';
import { sendHeartbeat } from './sending.ts';
import { hasLease } from './support.ts';
import { type LogIndex, type Message, MessageType, type ReplicaId, Role } from './types.ts';

/** Past this many waiting reads new ones are refused: something is wrong with the quorum. */
const maxPendingReads = 65_536;

/** Rounds are lost with their messages; after this many ticks a new one is sent for the reads that wait. */
const retryTicks = 2;

/** The host asks. False when there is no leader to ask or too many reads wait. */
export function readIndex(core: RaftCore, context: number): boolean {
  if (core.role === Role.leader) return leaderRead(core, core.id, context);
  if (core.role !== Role.follower || core.leader === 0) return false;
  const message = core.message(MessageType.readIndex, core.leader);
  // Without a term: a leader of any term can give an index that is good enough.
  message.term = 0;
  message.context = context;
  core.send(message);
  return true;
}

/** A follower asks. */
export function handleReadIndex(core: RaftCore, message: Message): void {
  if (core.role === Role.leader) leaderRead(core, message.from, message.context);
}

export function handleReadIndexResponse(core: RaftCore, message: Message): void {
  if (core.role === Role.follower) core.readStates.push({ index: message.index, context: message.context });
}

function leaderRead(core: RaftCore, from: ReplicaId, context: number): boolean {
  const { log } = core;
  if (core.pendingReads.length >= maxPendingReads) return false;
  if (log.committed < core.termStartIndex) {
    // What earlier terms committed is not known before something of this term is (thesis 6.4, step 1).
    core.pendingReads.push({ from, context, index: 0, round: 0 });
    return true;
  }
  if (core.tracker.isSoleVoter || hasLease(core)) {
    respond(core, from, context, log.committed);
    return true;
  }
  core.pendingReads.push({ from, context, index: log.committed, round: core.readRound + 1 });
  core.readRoundDue = true;
  return true;
}

/** The term has committed its first entry: reads that waited for it join the next round. */
export function startWaitingReads(core: RaftCore): void {
  const { pendingReads, log } = core;
  if (pendingReads.length === 0 || (pendingReads[0] as PendingRead).round !== 0) return;
  const alone = core.tracker.isSoleVoter;
  for (const read of pendingReads) {
    read.index = log.committed;
    read.round = core.readRound + 1;
    if (alone) respond(core, read.from, read.context, read.index);
  }
  if (alone) pendingReads.length = 0;
  else core.readRoundDue = true;
}

/** Once per Ready: one round for all reads that have come in since the last. */
export function flushReadRound(core: RaftCore): void {
  if (!core.readRoundDue) return;
  core.readRoundDue = false;
  core.readRound++;
  sendRound(core);
}

export function tickReads(core: RaftCore): void {
  if (core.pendingReads.length === 0 || core.readRoundDue) return;
  core.ticksSinceReadRound++;
  if (core.ticksSinceReadRound >= retryTicks && (core.pendingReads[0] as PendingRead).round !== 0) sendRound(core);
}

function sendRound(core: RaftCore): void {
  core.ticksSinceReadRound = 0;
  for (const progress of core.tracker.others) {
    if (!progress.isLearner && progress.readRound < core.readRound) sendHeartbeat(core, progress, core.readRound);
  }
}

/** Lets go all reads whose round a quorum has answered. They are in the order of their rounds. */
export function confirmReads(core: RaftCore): void {
  const { pendingReads } = core;
  if (pendingReads.length === 0) return;
  const confirmed = Math.min(core.tracker.confirmedReadRound(), core.readRound);
  let done = 0;
  while (done < pendingReads.length) {
    const read = pendingReads[done] as PendingRead;
    if (read.round === 0 || read.round > confirmed) break;
    respond(core, read.from, read.context, read.index);
    done++;
  }
  if (done > 0) pendingReads.splice(0, done);
}

function respond(core: RaftCore, from: ReplicaId, context: number, index: LogIndex): void {
  if (from === core.id) {
    core.readStates.push({ index, context });
    return;
  }
  const message = core.message(MessageType.readIndexResponse, from);
  message.index = index;
  message.context = context;
  core.send(message);
}
