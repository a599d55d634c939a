/** Elections (thesis 3.4, 3.6.1, 4.2.3, 9.6): campaigning, voting, and taking office. */
import { assert } from '../base/assert.ts';
import type { RaftCore } from './core.ts';
import { newMessage } from './messages.ts';
import { appendOwn, noData } from './proposals.ts';
import { VoteResult } from './quorum.ts';
import { noteOwnStable } from './replication.ts';
import { askForPromises, dropPromise, quorumSupports, standsByLeader, transferCampaign } from './support.ts';
import { EntryType, type Message, MessageType, Role, type Term } from './types.ts';

/** Follower or candidate, once a tick. */
export function tickElection(core: RaftCore): void {
  if (standsByLeader(core)) {
    core.electionElapsed = 0;
    return;
  }
  core.electionElapsed++;
  const patience = core.electionTimeout + core.priority * (core.config.priorityTicks ?? 0);
  // One that may not campaign keeps counting: it has lost its leader all the same, and gives its vote to another.
  if (core.electionElapsed >= patience) campaign(core);
}

/** Campaigns if this replica may: asks first with PreVote. False when it may not. */
export function campaign(core: RaftCore): boolean {
  if (core.votesWithheld || standsByLeader(core) || !mayCampaign(core)) return false;
  if (core.config.preVote) startPreVote(core);
  else startVote(core, 0);
  return true;
}

/** TimeoutNow: the leader wants this replica to take over at once, so neither PreVote nor its own support stop it. */
export function handleTimeoutNow(core: RaftCore): void {
  if (core.role !== Role.follower || !mayCampaign(core)) return;
  dropPromise(core);
  startVote(core, transferCampaign);
}

function mayCampaign(core: RaftCore): boolean {
  if (core.isLeader || !core.tracker.isVoter(core.id) || core.log.snapshotUnstable) return false;
  // A configuration that is committed and not applied decides who votes; this replica would count the wrong quorum.
  return !hasUnappliedConfChange(core);
}

function hasUnappliedConfChange(core: RaftCore): boolean {
  const { log } = core;
  for (let index = log.applied + 1; index <= log.committed; index++) {
    if (log.entryAt(index).type === EntryType.confChange) return true;
  }
  return false;
}

function startPreVote(core: RaftCore): void {
  core.becomePreCandidate();
  core.tracker.recordVote(core.id, true);
  if (core.tracker.voteResult() === VoteResult.won) {
    startVote(core, 0);
    return;
  }
  // Asking promises nothing, so it need not wait for the storage.
  for (const progress of core.tracker.others) {
    if (!progress.isLearner) core.send(voteRequest(core, MessageType.preVote, progress.id, core.term + 1, 0));
  }
}

/**
 * Its own vote counts once it is durable (`noteOwnVote`), and the requests leave only then. Otherwise a candidate that
 * loses its unsynced log in a crash could campaign again in the same term and win with votes given to the longer log.
 */
function startVote(core: RaftCore, context: number): void {
  core.becomeCandidate();
  core.logger.info({ term: core.term, transfer: context === transferCampaign }, 'raft: campaigning');
  for (const progress of core.tracker.others) {
    if (!progress.isLearner) {
      core.sendAfterAppend(voteRequest(core, MessageType.vote, progress.id, core.term, context));
    }
  }
}

function voteRequest(core: RaftCore, type: MessageType, to: number, term: Term, context: number): Message {
  const message = newMessage(type, core.id, to, term);
  message.index = core.log.lastIndex;
  message.logTerm = core.log.lastTerm;
  message.context = context;
  return message;
}

/** The candidate's vote for itself in `term` is durable. */
export function noteOwnVote(core: RaftCore, term: Term): void {
  if (core.role !== Role.candidate || core.term !== term) return;
  core.tracker.recordVote(core.id, true);
  concludeVote(core);
}

/**
 * Thesis 4.2.3: a request must not disturb a leader that is doing well. Checked before its term is looked at. A leader
 * that is handing over is disturbed on purpose.
 */
export function ignoresCampaign(core: RaftCore, message: Message): boolean {
  if (message.context === transferCampaign) return false;
  if (core.votesWithheld) return true;
  if (core.config.support !== null) {
    // A leader's own vote stands by it as long as others' may; after that it is as free as theirs.
    return core.isLeader ? quorumSupports(core) : standsByLeader(core);
  }
  return core.config.checkQuorum && core.leader !== 0 && core.electionElapsed < core.config.electionTicks;
}

/** Thesis figure 3.1, RequestVote. The term of the message is not below ours, and equals it unless it is a pre-vote. */
export function handleVoteRequest(core: RaftCore, message: Message): void {
  const preVote = message.type === MessageType.preVote;
  const free =
    core.vote === message.from || (core.vote === 0 && core.leader === 0) || (preVote && message.term > core.term);
  // Also a replica that takes itself for a learner votes when asked: it may have missed its own promotion, and the
  // candidate could not win without it.
  const granted = free && core.log.isUpToDate(message.index, message.logTerm);
  const responseType = preVote ? MessageType.preVoteResponse : MessageType.voteResponse;
  // A granted pre-vote is answered in the term that was asked for, or the pre-candidate would take it for an old one.
  const response = newMessage(responseType, core.id, message.from, granted ? message.term : core.term);
  if (!granted) refuse(core, response);
  if (preVote) {
    core.send(response);
    return;
  }
  if (granted) {
    core.electionElapsed = 0;
    core.vote = message.from;
  }
  core.sendAfterAppend(response);
}

/**
 * A refusal tells what is committed. Otherwise a leader that was removed with a longer log than its successors, and
 * stepped down before they heard that the removal is committed, would refuse them for ever while they need its vote in
 * the configuration they still know.
 */
export function refuse(core: RaftCore, response: Message): void {
  response.reject = true;
  response.commit = core.log.committed;
  response.logTerm = core.log.termAt(core.log.committed);
}

/** Equal terms at an index mean equal logs up to there (thesis 3.5), so what is committed there is committed here. */
function learnCommit(core: RaftCore, message: Message): void {
  const { log } = core;
  if (!message.reject || message.commit <= log.committed) return;
  if (log.termAt(message.commit) !== message.logTerm) return;
  log.commitTo(message.commit);
  // The votes are being counted in a configuration that has had its day.
  if (core.role !== Role.follower && hasUnappliedConfChange(core)) core.becomeFollower(core.term, 0);
}

export function handleVoteResponse(core: RaftCore, message: Message): void {
  if (!core.isLeader) learnCommit(core, message);
  const expected = core.role === Role.preCandidate ? MessageType.preVoteResponse : MessageType.voteResponse;
  if (core.role !== Role.preCandidate && core.role !== Role.candidate) return;
  if (message.type !== expected) return;
  core.tracker.recordVote(message.from, !message.reject);
  concludeVote(core);
}

function concludeVote(core: RaftCore): void {
  const result = core.tracker.voteResult();
  if (result === VoteResult.pending) return;
  if (result === VoteResult.lost) {
    core.becomeFollower(core.term, 0);
    return;
  }
  if (core.role === Role.preCandidate) startVote(core, 0);
  else becomeLeader(core);
}

function becomeLeader(core: RaftCore): void {
  assert(core.role === Role.candidate, 'raft: only a candidate becomes leader');
  core.reset(core.term);
  core.role = Role.leader;
  core.leader = core.id;
  core.ledTerm = 0;
  dropPromise(core);
  const { log, tracker } = core;
  for (const progress of tracker.all) progress.restart(log.lastIndex);
  const self = tracker.get(core.id);
  assert(self !== undefined, 'raft: a leader is a member');
  self.becomeReplicate();
  self.recentActive = true;
  // What is in the log may hold a configuration change; scanning for it would save only a short wait.
  core.pendingConfIndex = log.lastIndex;
  // Thesis 6.4: commits everything before it, and with that the leader knows what is committed.
  core.termStartIndex = appendOwn(core, EntryType.normal, noData);
  noteOwnStable(core);
  askForPromises(core);
  core.logger.info({ term: core.term, index: core.termStartIndex }, 'raft: elected');
}
