/**
 * The consensus core as its host sees it: events in, a `Ready` out. Pure: no input or output, no clock, no promise, no
 * randomness of its own; the same calls give the same Readys. Not re-entrant.
 *
 * What the host does with each Ready, in this order:
 *
 * 1. Send `messages` at once, and note `softState` and `readStates`. A read runs when its index is applied.
 * 2. If `snapshot`, `entries` or `hardState` is there, hand them to the storage in ONE atomic write, in the order of the
 *    Readys: first the snapshot, which drops the old log; then the entries, which drop what is at and after the first of
 *    them; with them the hard state. With `mustSync` false (only a commit index) the write may wait for the next one,
 *    but never be overtaken by it.
 * 3. Apply `committedEntries` in order, without waiting for 2: an entry of type `confChange` by `applyConfChange` with
 *    `decodeConfChange(entry.data)`; then call `appliedTo`. An empty normal entry changes nothing. What the state machine
 *    makes durable on its own must not run ahead of `stableIndex`, or a restart would find a gap in the log.
 * 4. When the write of 2 is durable, send `messagesAfterAppend` and call `appended(ticket)`, in the order of the Readys.
 *    Skip both when `mustSync` is false.
 *
 * The durable log is cut at its beginning in the same order as it is written, and only below what is applied and durable.
 *
 * Any number of Readys may be waiting for 4 while more are taken; `ready` may be called as soon as 1 to 3 have been
 * arranged. `ready` takes what it returns: a Ready that is thrown away is lost.
 *
 * A snapshot's content travels outside. The receiving host keeps its message back, fetches the content, and then in one
 * turn: checks `wantsSnapshot(message)`, puts the content in place of its state machine (everything handed out has been
 * applied), and steps the message. If the log agreed with the snapshot it stays, and `appliedIndex` moves.
 */
import { assert } from '../base/assert.ts';
import { type RaftConfig, validateConfig } from './config.ts';
import { RaftCore } from './core.ts';
import { campaign, noteOwnVote, tickElection } from './election.ts';
import { wantsSnapshot } from './following.ts';
import { applyConfChange, maybeAutoLeave, proposeConfChange } from './membership.ts';
import { propose } from './proposals.ts';
import { flushReadRound, readIndex, tickReads } from './reads.ts';
import type { AppendTicket, Ready } from './ready.ts';
import { noteOwnStable, reportSnapshot, reportUnreachable, tickHeartbeats } from './replication.ts';
import { flushAppends, lowestSentCommit } from './sending.ts';
import { type RaftStatus, statusOf } from './status.ts';
import { stepMessage } from './step.ts';
import { hasLease, questionLeader, standsByLeader, tickFormerLeader, tickLeaderSupport } from './support.ts';
import { transferLeader } from './transfer.ts';
import {
  type ConfChange,
  type ConfState,
  EntryType,
  type LogIndex,
  type Message,
  type ReplicaId,
  Role,
  type Term,
} from './types.ts';

export class Raft {
  readonly #core: RaftCore;
  #sequence = 0;

  constructor(config: RaftConfig) {
    validateConfig(config);
    this.#core = new RaftCore(config);
    this.#core.invariants();
  }

  get id(): ReplicaId {
    return this.#core.id;
  }

  get role(): Role {
    return this.#core.role;
  }

  get term(): Term {
    return this.#core.term;
  }

  /** 0 while no leader is known. */
  get leader(): ReplicaId {
    return this.#core.leader;
  }

  get isLeader(): boolean {
    return this.#core.role === Role.leader;
  }

  get commitIndex(): LogIndex {
    return this.#core.log.committed;
  }

  get appliedIndex(): LogIndex {
    return this.#core.log.applied;
  }

  get firstIndex(): LogIndex {
    return this.#core.log.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#core.log.lastIndex;
  }

  /** The log is durable here up to this index. */
  get stableIndex(): LogIndex {
    return this.#core.log.stable;
  }

  /** Who leadership is being handed to, 0 for nobody; proposals are refused meanwhile. */
  get transferee(): ReplicaId {
    return this.#core.transferee;
  }

  /** True while a change of members is in the log and not applied here: another one would be refused. */
  get hasPendingConfChange(): boolean {
    return this.#core.pendingConfIndex > this.#core.log.applied;
  }

  get confState(): ConfState {
    return this.#core.tracker.confState;
  }

  /** How much this replica would rather not lead: it campaigns `priority * priorityTicks` later; 0 is preferred. */
  get priority(): number {
    return this.#core.priority;
  }

  set priority(value: number) {
    assert(Number.isSafeInteger(value) && value >= 0, 'raft: priority is not negative');
    this.#core.priority = value;
  }

  /**
   * While true this replica neither campaigns nor votes, except where a leader has asked for the change. Its host sets
   * it after a restart, until every promise that this replica may have made before has run out.
   */
  get votesWithheld(): boolean {
    return this.#core.votesWithheld;
  }

  set votesWithheld(value: boolean) {
    this.#core.votesWithheld = value;
  }

  /** Time passes. After a stall call it once, not once for every interval that was missed. */
  tick(): void {
    const core = this.#core;
    if (core.isLeader) {
      tickLeader(core);
    } else {
      tickElection(core);
      tickFormerLeader(core);
    }
    core.invariants();
  }

  /** Takes a message from another replica. */
  step(message: Message): void {
    stepMessage(this.#core, message);
    this.#core.invariants();
  }

  /** Campaigns without waiting for the timeout. False when this replica may not. */
  campaign(): boolean {
    const started = campaign(this.#core);
    this.#core.invariants();
    return started;
  }

  /**
   * Appends `data` on the leader. Returns its index, or a negative `ProposeError`. The index alone is no promise: it is
   * committed when it comes back in `committedEntries` with the term it was proposed in. `data` belongs to the log now.
   */
  propose(data: Uint8Array): number {
    const result = propose(this.#core, EntryType.normal, data);
    this.#core.invariants();
    return result;
  }

  /** Like `propose`, for a change of members. */
  proposeConfChange(change: ConfChange): number {
    const result = proposeConfChange(this.#core, change);
    this.#core.invariants();
    return result;
  }

  /**
   * Asks for an index at which a read that starts now is linearizable; it comes in `readStates` with `context`. On a
   * follower the leader is asked, and the question may be lost; on a leader that steps down the waiting reads are
   * dropped. So the host asks again after a while. False when nobody can be asked now.
   */
  readIndex(context: number): boolean {
    const asked = readIndex(this.#core, context);
    this.#core.invariants();
    return asked;
  }

  /** Starts handing leadership to another voter. To itself: takes that back. False when nothing was started. */
  transferLeader(to: ReplicaId): boolean {
    const started = transferLeader(this.#core, to);
    if (!started) maybeAutoLeave(this.#core);
    this.#core.invariants();
    return started;
  }

  /**
   * A follower that knows its leader to be gone stops waiting for it, and votes at once. False when it may not: it leads
   * itself, knows no leader, or has promised to stand by it.
   */
  forgetLeader(): boolean {
    const core = this.#core;
    if (core.isLeader || core.leader === 0 || standsByLeader(core)) return false;
    core.leader = 0;
    core.invariants();
    return true;
  }

  /** The leader that this replica stands by: it neither campaigns nor votes against it. 0 for nobody. */
  get promisedTo(): ReplicaId {
    return standsByLeader(this.#core) ? this.#core.promiseLeader : 0;
  }

  /** The promised leader may lead no more: asks it. If it does not, the promise ends with its answer. */
  questionLeader(): void {
    questionLeader(this.#core);
    this.#core.invariants();
  }

  hasReady(): boolean {
    const core = this.#core;
    const { log } = core;
    return (
      core.messages.length > 0 ||
      core.broadcastDue ||
      core.readRoundDue ||
      log.written < log.lastIndex ||
      log.applying < log.committed ||
      core.readStates.length > 0 ||
      core.snapshot !== null ||
      softStateChanged(core) ||
      hardStateChanged(core) ||
      (core.messagesAfterAppend.length > 0 && !log.hasOutstandingWrites)
    );
  }

  /** Everything there is to do now. See the head of this file. */
  ready(): Ready {
    const core = this.#core;
    if (core.isLeader) {
      flushAppends(core);
      flushReadRound(core);
    }
    const ready = takeReady(core, ++this.#sequence);
    core.invariants();
    return ready;
  }

  /** The storage has made durable what the Ready of `ticket` gave it, and with that everything before. */
  appended(ticket: AppendTicket): void {
    const core = this.#core;
    if (!core.log.acknowledge(ticket)) return;
    if (core.isLeader) noteOwnStable(core);
    else if (ticket.vote === core.id) noteOwnVote(core, ticket.term);
    core.invariants();
  }

  /** The state machine has applied everything up to `index`. */
  appliedTo(index: LogIndex): void {
    const core = this.#core;
    core.log.appliedTo(index);
    maybeAutoLeave(core);
    core.invariants();
  }

  /** To be called once for each entry of type `confChange`, in order, before `appliedTo`. Returns the members from now on. */
  applyConfChange(change: ConfChange): ConfState {
    const confState = applyConfChange(this.#core, change);
    this.#core.invariants();
    return confState;
  }

  /** Drops entries up to `index` (applied ones) from memory; those that are not durable yet are kept. */
  compact(index: LogIndex): void {
    this.#core.log.compact(index);
    this.#core.invariants();
  }

  /** Messages to `id` have been lost. */
  reportUnreachable(id: ReplicaId): void {
    reportUnreachable(this.#core, id);
    this.#core.invariants();
  }

  /** A snapshot for `id` was delivered, or was not. Must be called for each one, or `id` gets no entries any more. */
  reportSnapshot(id: ReplicaId, ok: boolean): void {
    reportSnapshot(this.#core, id, ok);
    this.#core.invariants();
  }

  /** Whether to install the content that belongs to this snapshot message before stepping it. */
  wantsSnapshot(message: Message): boolean {
    return wantsSnapshot(this.#core, message);
  }

  /**
   * True while no other replica can have become leader, so that this one may read from its state machine, up to its
   * commit index, without asking (thesis 6.4.1). To be asked anew for each turn: it ends by itself. It needs the oracle, a
   * quorum that stands by this leader, an applied entry of this term, and no TimeoutNow sent in it.
   */
  hasLease(): boolean {
    return hasLease(this.#core);
  }

  /** With `lazyCommit`: what every follower that listens has been told of the commit index. */
  get sentCommit(): LogIndex {
    return this.#core.isLeader ? lowestSentCommit(this.#core) : this.commitIndex;
  }

  /** With `lazyCommit`: the next Ready tells the commit index to those who do not know it. */
  broadcastCommit(): void {
    const core = this.#core;
    if (core.isLeader && lowestSentCommit(core) < core.log.committed) core.broadcastDue = true;
  }

  status(): RaftStatus {
    return statusOf(this.#core);
  }

  /** Asserts what must always hold. Every call above ends with it. */
  invariants(): void {
    this.#core.invariants();
  }
}

function tickLeader(core: RaftCore): void {
  const { config } = core;
  core.electionElapsed++;
  if (core.electionElapsed >= config.electionTicks) {
    core.electionElapsed = 0;
    if (config.support === null && config.checkQuorum && !core.tracker.takeRecentlyActive()) {
      core.becomeFollower(core.term, 0);
      return;
    }
    if (core.transferee !== 0) {
      core.transferee = 0;
      maybeAutoLeave(core);
    }
  }
  if (config.support !== null && tickLeaderSupport(core)) {
    core.becomeFollower(core.term, 0);
    return;
  }
  tickReads(core);
  tickHeartbeats(core);
}

function softStateChanged(core: RaftCore): boolean {
  return core.leader !== core.lastSoftState.leader || core.role !== core.lastSoftState.role;
}

function voteChanged(core: RaftCore): boolean {
  return core.term !== core.lastHardState.term || core.vote !== core.lastHardState.vote;
}

function hardStateChanged(core: RaftCore): boolean {
  return core.log.committed !== core.lastHardState.commit || voteChanged(core);
}

function takeReady(core: RaftCore, sequence: number): Ready {
  const { log } = core;
  const entries = log.takeUnwritten();
  const { snapshot } = core;
  core.snapshot = null;
  const mustSync = entries.length > 0 || snapshot !== null || voteChanged(core);
  const ticket: AppendTicket = {
    sequence,
    term: core.term,
    vote: core.vote,
    index: entries.length > 0 ? log.written : 0,
    snapshotIndex: snapshot === null ? 0 : snapshot.index,
  };
  // What waits for durability waits for all writes before it; so it goes with the last of them, or with the next.
  const waits = mustSync || log.hasOutstandingWrites;
  const messages = waits ? core.messages : core.messages.concat(core.messagesAfterAppend);
  const messagesAfterAppend = mustSync ? core.messagesAfterAppend : [];
  if (messages.length > 0) core.messages = [];
  if (mustSync || !waits) core.messagesAfterAppend = [];
  if (mustSync) log.expect(ticket);
  const softState = softStateChanged(core) ? { leader: core.leader, role: core.role } : null;
  if (softState !== null) core.lastSoftState = softState;
  const hardState = hardStateChanged(core) ? { term: core.term, vote: core.vote, commit: log.committed } : null;
  if (hardState !== null) core.lastHardState = hardState;
  const committedEntries = log.takeCommitted(core.config.maxCommittedBytesPerReady);
  for (const entry of committedEntries) {
    core.uncommittedBytes = Math.max(0, core.uncommittedBytes - entry.data.length);
    if (entry.type === EntryType.confChange) core.confChangesInApply.push(entry.term);
  }
  const { readStates } = core;
  if (readStates.length > 0) core.readStates = [];
  return {
    softState,
    hardState,
    entries,
    snapshot,
    committedEntries,
    messages,
    messagesAfterAppend,
    readStates,
    mustSync,
    ticket,
  };
}
