/**
 * The state that the rules work on, and the changes of role that all of them share. One file of functions per rule
 * stands beside it (election.ts, replication.ts, following.ts, reads.ts, transfer.ts, support.ts, membership.ts); raft.ts
 * is the face that the host sees. Nothing outside this folder touches a `RaftCore`.
 *
 * Term, vote and log follow thesis figure 3.1. What is durable of them lags behind; see raft.ts for who waits for it.
 */
import { assert } from '../base/assert.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import type { RaftConfig } from './config.ts';
import { newMessage } from './messages.ts';
import { RaftLog } from './raft-log.ts';
import { Tracker } from './tracker.ts';
import {
  type HardState,
  type LogIndex,
  type Message,
  MessageType,
  type ReadState,
  type ReplicaId,
  Role,
  type SnapshotMeta,
  type SoftState,
  type Term,
} from './types.ts';

/** A read that waits at the leader (reads.ts). */
export interface PendingRead {
  readonly from: ReplicaId;
  readonly context: number;
  index: LogIndex;
  /** The round that confirms this read, 0 while the term has committed nothing. */
  round: number;
}

export class RaftCore {
  readonly config: RaftConfig;
  readonly id: ReplicaId;
  readonly logger: Logger;
  readonly log: RaftLog;
  readonly tracker: Tracker;

  term: Term;
  vote: ReplicaId;
  /** Who leads `term`, as far as known; 0 for nobody. */
  leader: ReplicaId = 0;
  role: Role = Role.follower;

  priority = 0;
  votesWithheld = false;

  /** Follower, candidate: ticks since a leader or a granted vote. Leader: since the last CheckQuorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** This term's random timeout in [T, 2T). */
  electionTimeout = 0;

  /** Terms of the configuration changes that the state machine has been given and has not applied, in order. */
  readonly confChangesInApply: Term[] = [];
  /** No configuration change may be proposed before this one is applied. */
  pendingConfIndex: LogIndex = 0;
  /** Leader: payload proposed and not yet handed to the state machine. */
  uncommittedBytes = 0;
  /** Leader: the empty entry that began its term. */
  termStartIndex: LogIndex = 0;
  /** Leader: some follower may lack entries or a commit index; `flush` sends them, once per Ready. */
  broadcastDue = false;

  /** Leader: who leadership goes to; 0 while none is under way. */
  transferee: ReplicaId = 0;
  /** Leader: TimeoutNow has left in this term. From then on another may win without the followers' leave. */
  timeoutNowSent = false;

  /** Reads that wait for a round of heartbeats, or for the first commit of the term. */
  readonly pendingReads: PendingRead[] = [];
  /** The last round sent. Never reset, so that an answer to a round of an earlier term means nothing. */
  readRound = 0;
  readRoundDue = false;
  ticksSinceReadRound = 0;

  /** Whom this replica has promised to stand by, since which term, and with which support generation (support.ts). */
  promiseLeader: ReplicaId = 0;
  promiseTerm: Term = 0;
  promiseGeneration = 0;
  /** The last term that this replica led and has told the others that it has left; 0 when all know a newer leader. */
  ledTerm: Term = 0;
  /** Leader: ticks since a quorum last supported it. */
  unsupportedTicks = 0;

  // What the next Ready carries.
  messages: Message[] = [];
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  snapshot: SnapshotMeta | null = null;
  lastSoftState: SoftState;
  lastHardState: HardState;

  constructor(config: RaftConfig) {
    this.config = config;
    this.id = config.id;
    this.logger = config.logger ?? silentLogger;
    const { hardState, snapshot, entries } = config;
    this.log = new RaftLog(snapshot.index, snapshot.term, entries, config.applied, hardState.commit);
    this.tracker = new Tracker(config.id, config.maxInflightMessages, config.maxInflightBytes);
    this.tracker.setConfState(snapshot.confState, this.log.lastIndex + 1);
    // Only a new group's first members lack a term of their own: they begin in the term of their snapshot.
    this.term = Math.max(hardState.term, snapshot.term);
    this.vote = this.term === hardState.term ? hardState.vote : 0;
    this.lastSoftState = { leader: 0, role: Role.follower };
    this.lastHardState = hardState;
    this.#drawElectionTimeout();
  }

  /** Thesis 6.2, 9.6: without either, a stale leader or candidate is simply not answered. */
  get answersStale(): boolean {
    return this.config.checkQuorum || this.config.preVote;
  }

  get isLeader(): boolean {
    return this.role === Role.leader;
  }

  /** A message in this term that need not wait for anything. */
  message(type: MessageType, to: ReplicaId): Message {
    return newMessage(type, this.id, to, this.term);
  }

  send(message: Message): void {
    assert(message.to !== this.id && message.to !== 0, 'raft: a message goes to another replica');
    this.messages.push(message);
  }

  /** For what says that something is durable here: it leaves when it is. */
  sendAfterAppend(message: Message): void {
    assert(message.to !== this.id && message.to !== 0, 'raft: a message goes to another replica');
    this.messagesAfterAppend.push(message);
  }

  becomeFollower(term: Term, leader: ReplicaId): void {
    if (this.isLeader) this.#leaveLeadership(term);
    this.reset(term);
    this.role = Role.follower;
    this.leader = leader;
  }

  becomePreCandidate(): void {
    assert(!this.isLeader, 'raft: a leader does not campaign');
    // Term and vote stay: a pre-candidate has promised nothing (thesis 9.6).
    this.tracker.resetVotes();
    this.electionElapsed = 0;
    this.#drawElectionTimeout();
    this.leader = 0;
    this.role = Role.preCandidate;
  }

  becomeCandidate(): void {
    assert(!this.isLeader, 'raft: a leader does not campaign');
    this.reset(this.term + 1);
    this.vote = this.id;
    this.role = Role.candidate;
  }

  /** Begins a term, or a new role within one. */
  reset(term: Term): void {
    assert(term >= this.term, 'raft: terms never go back');
    assert(term < Number.MAX_SAFE_INTEGER, 'raft: terms stay below 2^53');
    if (term !== this.term) {
      this.term = term;
      this.vote = 0;
    }
    this.leader = 0;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.#drawElectionTimeout();
    this.tracker.resetVotes();
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.termStartIndex = 0;
    this.broadcastDue = false;
    this.transferee = 0;
    this.timeoutNowSent = false;
    this.pendingReads.length = 0;
    this.readRoundDue = false;
    this.unsupportedTicks = 0;
  }

  invariants(): void {
    this.log.invariants();
    assert(this.isLeader === (this.leader === this.id), 'raft: who leads knows it, and nobody else thinks it');
    assert(this.role !== Role.candidate || this.vote === this.id, 'raft: a candidate votes for itself');
    assert(this.role !== Role.leader || this.vote === this.id, 'raft: a leader was elected with its own vote');
    assert(this.term >= this.log.lastTerm, 'raft: no entry is from a later term');
    assert(this.isLeader || this.transferee === 0, 'raft: only a leader hands leadership over');
    assert(this.isLeader || this.uncommittedBytes === 0, 'raft: only a leader counts its proposals');
    if (!this.isLeader) return;
    this.tracker.invariants();
    const self = this.tracker.get(this.id);
    assert(self === undefined || self.match <= this.log.stable, 'raft: a leader counts only what it has made durable');
    assert(this.termStartIndex > 0, 'raft: a leader begins its term with an entry');
  }

  /**
   * Followers that stand by this replica vote for nobody else until they know that it has stepped down, so they are
   * told (support.ts). Without the oracle there are no such promises.
   */
  #leaveLeadership(newTerm: Term): void {
    this.logger.info({ term: this.term, newTerm }, 'raft: stepping down');
    if (this.config.support === null) return;
    this.ledTerm = this.term;
    for (const progress of this.tracker.others) this.sendStepDown(progress.id, newTerm);
  }

  sendStepDown(to: ReplicaId, term: Term): void {
    const message = newMessage(MessageType.fortify, this.id, to, term);
    message.reject = true;
    this.send(message);
  }

  #drawElectionTimeout(): void {
    const ticks = this.config.electionTicks;
    this.electionTimeout = ticks + this.config.random(ticks);
  }
}
