/**
 * Leader leases from support between nodes (after CockroachDB's store liveness and leader fortification). A node
 * supports another for as long as it has promised in the last heartbeats between the two; one unbroken stretch of it is a
 * generation. Every group whose leader runs there rests on that one promise:
 *
 * 1. A follower that hears its leader notes (leader, term, generation): its promise. While that generation lasts it
 *    neither campaigns nor votes for another, whatever else happens to its term.
 * 2. It tells the leader the generation (`fortify`, `fortifyResponse`). Only that answer counts for a lease.
 * 3. The leader has a lease while the generations of a quorum are the ones their nodes give to its node right now.
 *
 * So while a lease holds, every quorum contains a replica that votes for nobody else, and no other leader can commit
 * anything. A promise is over before its generation is only where there cannot be a lease any more:
 *
 * a. a leader of a later term is heard: it was elected, so by the above the lease had ended;
 * b. the promised leader itself campaigns, or says that it has stepped down; its host says it for a replica that is gone;
 * c. a candidate was sent TimeoutNow: a leader that has sent it has no lease for the rest of its term;
 * d. its removal from the voters has been applied here: it has no lease while that is committed and not applied there.
 *
 * A replica that restarts forgets its promises. Its host withholds its votes until they have run out.
 */
import type { RaftCore } from './core.ts';
import type { Progress } from './progress.ts';
import { type Message, MessageType, type ReplicaId, Role, type SupportOracle } from './types.ts';

/** This replica has promised to stand by a leader and the promise has not run out. */
export function standsByLeader(core: RaftCore): boolean {
  const { support } = core.config;
  if (support === null || core.promiseGeneration === 0) return false;
  return support.supportFor(core.promiseLeader) === core.promiseGeneration;
}

/** A follower hears the leader of its term: it now stands by that one (rules 1 and a). */
export function promiseTo(core: RaftCore, leader: ReplicaId): void {
  const { support } = core.config;
  if (support === null) return;
  core.promiseLeader = leader;
  core.promiseTerm = core.term;
  core.promiseGeneration = support.supportFor(leader);
  core.ledTerm = 0;
}

export function dropPromise(core: RaftCore): void {
  core.promiseLeader = 0;
  core.promiseTerm = 0;
  core.promiseGeneration = 0;
}

/** Rules b and c, for every message before anything else is done with it. */
export function notePromiseEnd(core: RaftCore, message: Message): void {
  if (core.promiseLeader === 0) return;
  if (endsPromise(core, message)) dropPromise(core);
}

function endsPromise(core: RaftCore, message: Message): boolean {
  if (message.from === core.promiseLeader) {
    // A leader may grant a pre-vote, whose answer is in the asker's term, and lead on.
    if (message.type === MessageType.preVoteResponse) return false;
    if (message.type === MessageType.fortify && message.reject) return message.term >= core.promiseTerm;
    return message.term > core.promiseTerm;
  }
  return message.type === MessageType.vote && message.context === transferCampaign && message.term > core.promiseTerm;
}

/** `Message.context` of a vote request that TimeoutNow has caused (thesis 4.2.3: it may disrupt a leader). */
export const transferCampaign = 1;

/** Leader: asks for the promise of everyone whose node supports this one and whose answer is not for that generation. */
export function askForPromises(core: RaftCore): void {
  const { support } = core.config;
  if (support === null) return;
  for (const progress of core.tracker.others) {
    const generation = support.supportFrom(progress.id);
    if (generation === 0 || generation === progress.fortified) continue;
    core.send(core.message(MessageType.fortify, progress.id));
  }
}

/** Follower: the caller has already noted the promise. */
export function answerFortify(core: RaftCore, from: ReplicaId): void {
  if (!standsByLeader(core)) return;
  const response = core.message(MessageType.fortifyResponse, from);
  response.context = core.promiseGeneration;
  core.send(response);
}

/**
 * Follower: there are signs that the promised leader leads no more, and whatever it said of it was lost. It is told of the
 * promise once more: if it leads, that is nothing new to it, else it says that it does not.
 */
export function questionLeader(core: RaftCore): void {
  if (!standsByLeader(core)) return;
  const question = core.message(MessageType.fortifyResponse, core.promiseLeader);
  question.context = core.promiseGeneration;
  core.send(question);
}

/** Leader: generations only rise, so that a late answer never replaces a newer one. */
export function handleFortifyResponse(core: RaftCore, message: Message): void {
  if (!core.isLeader) {
    // It stands by a leader that is none. This replica can lead again only in a later term, which ends the promise anyway.
    core.sendStepDown(message.from, core.term);
    return;
  }
  const progress = core.tracker.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  if (message.context > progress.fortified) progress.fortified = message.context;
}

/** Follower: `message` is a leader's word that it leads no more. */
export function handleStepDown(core: RaftCore, message: Message): void {
  if (core.role !== Role.follower || core.leader !== message.from) return;
  core.leader = 0;
  core.electionElapsed = 0;
}

/** Leader: the nodes of a quorum support this node now, whatever their replicas know of it. */
export function quorumSupports(core: RaftCore): boolean {
  const { support } = core.config;
  if (support === null) return false;
  for (const progress of core.tracker.all) {
    progress.counted = progress.id === core.id || support.supportFrom(progress.id) !== 0;
  }
  return core.tracker.countedIsQuorum();
}

/** Rule 3, and what else a lease needs: see `Raft.hasLease`. */
export function hasLease(core: RaftCore): boolean {
  const { support } = core.config;
  if (support === null || core.role !== Role.leader) return false;
  if (core.timeoutNowSent) return false;
  const { log, tracker } = core;
  if (log.applied < core.termStartIndex) return false;
  // Others may already have applied the change and vote without this replica (rule d).
  if (core.pendingConfIndex > log.applied && core.pendingConfIndex <= log.committed) return false;
  for (const progress of tracker.all) {
    progress.counted = progress.id === core.id || holdsPromise(support, progress);
  }
  return tracker.countedIsQuorum();
}

/** Leader: the promise that this member has given has not run out. */
export function holdsPromise(support: SupportOracle, progress: Progress): boolean {
  return progress.fortified !== 0 && progress.fortified === support.supportFrom(progress.id);
}

/** Leader, once a tick with an oracle: CheckQuorum by support (true: step down), and promises that are missing. */
export function tickLeaderSupport(core: RaftCore): boolean {
  if (quorumSupports(core)) core.unsupportedTicks = 0;
  else core.unsupportedTicks++;
  if (core.config.checkQuorum && core.unsupportedTicks >= core.config.electionTicks) return true;
  askForPromises(core);
  return false;
}

/** A former leader repeats that it leads no more until it knows the next one, since the first word may be lost. */
export function tickFormerLeader(core: RaftCore): void {
  if (core.ledTerm === 0 || core.electionElapsed % core.config.electionTicks !== 0) return;
  for (const progress of core.tracker.others) core.sendStepDown(progress.id, core.term);
}
