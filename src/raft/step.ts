/** Takes one message: first its term (thesis figure 3.1, Rules for Servers), then what it says. */
import { assert, unreachable } from '../base/assert.ts';
import type { RaftCore } from './core.ts';
import { handleTimeoutNow, handleVoteRequest, handleVoteResponse, ignoresCampaign, refuse } from './election.ts';
import { handleAppend, handleFortify, handleHeartbeat, handleSnapshot, hearLeader } from './following.ts';
import { handleReadIndex, handleReadIndexResponse } from './reads.ts';
import { handleAppendResponse, handleHeartbeatResponse } from './replication.ts';
import { handleFortifyResponse, handleStepDown, notePromiseEnd } from './support.ts';
import { type Message, MessageType, Role } from './types.ts';

export function stepMessage(core: RaftCore, message: Message): void {
  if (message.to !== core.id || message.from === core.id || message.from <= 0) {
    core.logger.error({ to: message.to, from: message.from }, 'raft: message for somebody else dropped');
    return;
  }
  notePromiseEnd(core, message);
  if (message.term === 0) {
    // Only a follower's question has no term.
    if (message.type === MessageType.readIndex) handleReadIndex(core, message);
    return;
  }
  if (isCampaign(message) && message.term >= core.term && ignoresHere(core, message)) return;
  if (message.term < core.term) {
    answerStale(core, message);
    return;
  }
  if (message.term > core.term) raiseTerm(core, message);
  if (isFromLeader(message)) stepFromLeader(core, message);
  else stepFromPeer(core, message);
}

/**
 * Without the oracle only a later term is disturbing. With it the promise also counts within a term to which this
 * replica has come without voting.
 */
function ignoresHere(core: RaftCore, message: Message): boolean {
  if (message.term === core.term && core.config.support === null && !core.votesWithheld) return false;
  return ignoresCampaign(core, message);
}

function raiseTerm(core: RaftCore, message: Message): void {
  // A pre-vote is a question about a later term, and its grant an answer to ours: neither begins it (thesis 9.6).
  if (message.type === MessageType.preVoteResponse && !message.reject) return;
  if (message.type === MessageType.preVote) {
    // Whoever asks does not lead.
    if (core.leader === message.from) core.leader = 0;
    return;
  }
  core.becomeFollower(message.term, isFromLeader(message) ? message.from : 0);
}

/** From an earlier term. Mostly not worth an answer, but somebody may be stuck in that term. */
function answerStale(core: RaftCore, message: Message): void {
  if (message.type === MessageType.preVote) {
    // It may be behind because it was cut off, and must learn the term to get anywhere (thesis 9.6).
    const response = core.message(MessageType.preVoteResponse, message.from);
    refuse(core, response);
    core.send(response);
    return;
  }
  if (message.type === MessageType.fortifyResponse) {
    // It stands by this replica as the leader that it was then, and has not heard that it is none.
    if (!core.isLeader) core.sendStepDown(message.from, core.term);
    return;
  }
  // A leader of an earlier term cannot depose this replica and is told to step down: under PreVote and CheckQuorum
  // nothing else would ever raise its term.
  if (core.answersStale && isFromLeader(message)) {
    core.sendAfterAppend(core.message(MessageType.appendResponse, message.from));
  }
}

function isCampaign(message: Message): boolean {
  return message.type === MessageType.vote || message.type === MessageType.preVote;
}

/** Only the leader of the message's term sends these. */
function isFromLeader(message: Message): boolean {
  switch (message.type) {
    case MessageType.append:
    case MessageType.heartbeat:
    case MessageType.snapshot:
      return true;
    case MessageType.fortify:
      return !message.reject;
    default:
      return false;
  }
}

function stepFromLeader(core: RaftCore, message: Message): void {
  assert(core.role !== Role.leader, 'raft: there is at most one leader in a term');
  if (core.role !== Role.follower) core.becomeFollower(core.term, message.from);
  assert(core.leader === 0 || core.leader === message.from, 'raft: there is at most one leader in a term');
  hearLeader(core, message);
  if (message.type === MessageType.append) handleAppend(core, message);
  else if (message.type === MessageType.heartbeat) handleHeartbeat(core, message);
  else if (message.type === MessageType.snapshot) handleSnapshot(core, message);
  else handleFortify(core, message);
}

function stepFromPeer(core: RaftCore, message: Message): void {
  switch (message.type) {
    case MessageType.vote:
    case MessageType.preVote:
      handleVoteRequest(core, message);
      break;
    case MessageType.voteResponse:
    case MessageType.preVoteResponse:
      handleVoteResponse(core, message);
      break;
    case MessageType.appendResponse:
      if (core.isLeader) handleAppendResponse(core, message);
      break;
    case MessageType.heartbeatResponse:
      if (core.isLeader) handleHeartbeatResponse(core, message);
      break;
    case MessageType.fortifyResponse:
      handleFortifyResponse(core, message);
      break;
    case MessageType.fortify:
      handleStepDown(core, message);
      break;
    case MessageType.timeoutNow:
      handleTimeoutNow(core);
      break;
    case MessageType.readIndex:
      handleReadIndex(core, message);
      break;
    case MessageType.readIndexResponse:
      handleReadIndexResponse(core, message);
      break;
    default:
      unreachable('raft: the transport lets only known message types through');
  }
}
