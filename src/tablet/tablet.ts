/**
 * One replica of a tablet: a Raft group that replicates write batches, the overlay that they build, and on the leader the
 * evaluation of operations.
 *
 * Life of a write on the leader (thesis 3.5, and "proposer-evaluated" in docs/ARCHITECTURE.md):
 *   submit   evaluate once over applied + in-flight state, into the open batch
 *   seal     end of the event-loop turn: the open batch becomes one log entry
 *   commit   a quorum has the entry on disk: the batch moves from in flight to applied, without being decoded
 *   complete the operations hear of it
 *
 * Invariants:
 *   1. Only a serving leader evaluates: it has applied an entry of its own term, so nothing that could still commit is
 *      missing from what it sees.
 *   2. Batches commit in the order in which they were evaluated, or a batch and everything evaluated after it is dropped
 *      (leadership was lost, or a proposal was refused).
 *   3. `done` is said after commit and apply; `notLeader` only when the effect is impossible; everything else is `unknown`.
 *
 * Called by TabletHost only, on one thread.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { decodeConfChange } from '../raft/conf-change.ts';
import type { Raft } from '../raft/raft.ts';
import type { Ready } from '../raft/ready.ts';
import { type ConfChange, type ConfState, type Entry, EntryType, type ReplicaId, Role } from '../raft/types.ts';
import { DamagedError } from '../storage/errors.ts';
import type { KeyFinder, KeyRange } from '../storage/ordered-store.ts';
import type { Overlay, PendingBatch } from '../storage/overlay.ts';
import { Outcome, type TabletOperation, type Transaction } from './operation.ts';
import { AppliedTransaction, LeaderTransaction } from './tablet-transaction.ts';

export interface TabletLimits {
  /** A batch this large is sealed before the turn ends, so that one entry stays a reasonable message. */
  readonly batchBytesMax: number;
  /** Bytes evaluated and not yet committed; past it operations are refused as overloaded. */
  readonly inFlightBytesMax: number;
  /** Memory for changes that the store does not have yet; past it operations are refused until the store has caught up. */
  readonly overlayBytesMax: number;
  /** After this long an operation whose fate is open is told `unknown`. */
  readonly requestTimeout_ms: number;
}

/** What a tablet asks of the host that drives it. */
export interface TabletHostLink {
  readonly clock: Clock;
  /** The tablet has output to be taken at the end of this turn. */
  markDirty(tablet: Tablet): void;
  /** `operation.complete(outcome)` at the end of this turn, after all state has settled. */
  completeLater(operation: TabletOperation, outcome: Outcome): void;
  /** The leader that this replica knows, or whether it serves itself, has changed. */
  leadershipChanged(tablet: Tablet): void;
  /** Entries were applied. */
  applied(tablet: Tablet): void;
  /** Reading the state found that it is not what was written: the replica has to be given up. */
  damaged(tablet: Tablet, error: DamagedError): void;
}

interface Proposal {
  readonly batch: PendingBatch;
  readonly operations: TabletOperation[];
  readonly sequence: number;
  readonly bytes: number;
  readonly proposedAt_ms: number;
  index: number;
  term: number;
}

interface ConfirmedRead {
  readonly operations: TabletOperation[];
  readonly context: number;
  readonly askedAt_ms: number;
}

export class Tablet {
  readonly id: number;
  readonly replica: ReplicaId;
  /** Replaced as a whole when a snapshot has been installed. */
  raft: Raft;
  readonly overlay: Overlay;
  /** The key ranges of this tablet that may hold something of `content`: spaces come and go. Null: not known yet. */
  readonly ranges: (content: KeyFinder) => readonly KeyRange[] | null;
  /** Term of the entry applied last. */
  appliedTerm: number;
  confState: ConfState;
  /** Set while a snapshot's content replaces the state: nothing may be read or appended. */
  installing = false;
  /** The state is not what was written: nothing of it is served any more. */
  damaged = false;
  /** Until this monotonic time a promise that Raft has forgotten may hold; see `Raft.votesWithheld`. */
  votesWithheldUntil_ms = 0;
  /** Where the log ended that was found when the node started. */
  earlierLog = { index: 0, term: 0 };
  /** Below this applied index the state is a mixture, see `TabletMeta`. */
  consistentIndex = 0;
  /** True while the host's dirty list holds this tablet. */
  dirty = false;
  /** The commit index that waits to be told to followers, 0 while none does (commit-news.ts). */
  untoldCommit = 0;

  readonly #host: TabletHostLink;
  readonly #limits: TabletLimits;
  readonly #log: Logger;
  readonly #transaction: LeaderTransaction;
  readonly #appliedTransaction: AppliedTransaction;
  #openOperations: TabletOperation[] = [];
  #inFlight: Proposal[] = [];
  #inFlightHead = 0;
  #inFlightBytes = 0;
  /** Proposals of a leadership that is over, whose entries may still commit; by log index. */
  readonly #orphans = new Map<number, Proposal>();
  /** Reads that ran without a lease and wait for a quorum to confirm that this replica still led. */
  #unconfirmedReads: TabletOperation[] = [];
  #askedReads: ConfirmedRead[] = [];
  /** Reads that saw a write in flight while there was no lease; they run again when that may have changed. */
  #deferredReads: TabletOperation[] = [];
  #readContext = 0;
  #termStartIndex = 0;
  #leading = false;
  #serving = false;
  /** A proposal was refused after evaluation: evaluate nothing until what is in flight has drained. */
  #poisoned = false;

  constructor(options: {
    id: number;
    replica: ReplicaId;
    raft: Raft;
    overlay: Overlay;
    ranges: (content: KeyFinder) => readonly KeyRange[] | null;
    appliedTerm: number;
    confState: ConfState;
    host: TabletHostLink;
    limits: TabletLimits;
    logger: Logger;
  }) {
    this.id = options.id;
    this.replica = options.replica;
    this.raft = options.raft;
    this.overlay = options.overlay;
    this.ranges = options.ranges;
    this.appliedTerm = options.appliedTerm;
    this.confState = options.confState;
    this.#host = options.host;
    this.#limits = options.limits;
    this.#log = options.logger;
    this.#transaction = new LeaderTransaction(options.overlay, options.host.clock);
    this.#appliedTransaction = new AppliedTransaction(options.overlay);
  }

  /** Whether operations submitted now are evaluated here. */
  get serving(): boolean {
    return this.#serving && !this.#poisoned && !this.damaged && this.raft.transferee === 0;
  }

  /**
   * Whether everything is applied that an earlier life of this replica can have applied. After a restart the state may have gone
   * back, as far as the store lags behind; what was committed then is in the log that was found, or below the first entry of
   * a later term (leader completeness, thesis 3.6.3).
   */
  get isCurrent(): boolean {
    return this.raft.appliedIndex >= this.earlierLog.index || this.appliedTerm > this.earlierLog.term;
  }

  /** Operations whose fate is open, for metrics and draining. */
  get openOperationCount(): number {
    let count = this.#openOperations.length + this.#unconfirmedReads.length;
    for (let i = this.#inFlightHead; i < this.#inFlight.length; i++) count += this.#proposal(i).operations.length;
    return count;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Evaluates one operation. `complete` may be called before this returns (a read under the lease). */
  submit(operation: TabletOperation): void {
    if (!this.serving) {
      operation.complete(Outcome.notLeader);
      return;
    }
    const transaction = this.#transaction;
    const openBytes = transaction.batch === null ? 0 : transaction.batch.bytes;
    if (
      this.#inFlightBytes + openBytes > this.#limits.inFlightBytesMax ||
      this.overlay.bytes > this.#limits.overlayBytesMax
    ) {
      operation.complete(Outcome.overloaded);
      return;
    }
    transaction.begin();
    try {
      operation.execute(transaction);
    } catch (error) {
      transaction.end();
      this.#foundDamage(error);
      operation.complete(Outcome.notLeader);
      return;
    }
    transaction.end();
    if (transaction.wrote) {
      this.#openOperations.push(operation);
      this.#host.markDirty(this);
      if (transaction.batch !== null && transaction.batch.bytes >= this.#limits.batchBytesMax) this.seal();
      return;
    }
    const dependsOn = this.overlay.dependsOn;
    if (dependsOn !== 0) {
      this.#completeWithBatch(dependsOn, operation);
    } else if (this.raft.hasLease()) {
      operation.complete(Outcome.done);
    } else {
      // The state that was read is the newest if this replica still led afterwards: a quorum is asked.
      this.#unconfirmedReads.push(operation);
      this.#host.markDirty(this);
    }
  }

  /** Serves a read from what is applied here, however old; false when this replica's state is not fit to be read. */
  readApplied(operation: TabletOperation): boolean {
    if (!this.readLocal((transaction) => operation.execute(transaction))) return false;
    operation.complete(Outcome.done);
    return true;
  }

  /** Runs `read` on what is applied here; false when this replica's state is not fit to be read. */
  readLocal(read: (transaction: Transaction) => void): boolean {
    if (this.installing || this.damaged || this.raft.appliedIndex < this.consistentIndex) return false;
    this.#appliedTransaction.now_ms = Math.floor(this.#host.clock.wall_ms());
    try {
      read(this.#appliedTransaction);
    } catch (error) {
      this.#foundDamage(error);
      return false;
    }
    return true;
  }

  proposeConfChange(change: ConfChange): boolean {
    const index = this.raft.proposeConfChange(change);
    this.#host.markDirty(this);
    return index > 0;
  }

  /** False when it cannot be handed to that replica now. */
  transferLeadership(to: ReplicaId): boolean {
    const begun = this.raft.transferLeader(to);
    this.#host.markDirty(this);
    return begun;
  }

  /** Proposes what has been evaluated. Called by the host at the end of a turn in which the disk is free. */
  seal(): void {
    const batch = this.#transaction.batch;
    if (batch !== null) {
      const operations = this.#openOperations;
      this.#openOperations = [];
      this.#transaction.batch = null;
      const data = batch.seal();
      const index = this.raft.propose(data);
      if (index > 0) {
        this.#inFlight.push({
          batch,
          operations,
          sequence: this.#transaction.batchSequence,
          bytes: data.length,
          proposedAt_ms: this.#host.clock.monotonic_ms(),
          index,
          term: this.raft.term,
        });
        this.#inFlightBytes += data.length;
      } else {
        // Later batches may have been evaluated over this one, so nothing more is until the overlay is clean again.
        this.#log.warn({ tablet: this.id, reason: index }, 'a batch was refused after it was evaluated');
        for (const operation of operations) this.#host.completeLater(operation, Outcome.notLeader);
        this.#poisoned = true;
        this.#healIfDrained();
      }
    }
  }

  /** Whether this turn, or an earlier one, has evaluated writes that are not proposed yet. */
  get hasOpenBatch(): boolean {
    return this.#transaction.batch !== null;
  }

  /** Asks a quorum about the reads of this turn that ran without a lease. */
  confirmReads(): void {
    if (this.#unconfirmedReads.length > 0) this.#askToConfirmReads();
  }

  /** Deals with the parts of a Ready that concern the state machine. The host has taken care of storage and messages. */
  take(ready: Ready): void {
    if (ready.softState !== null) this.#roleChanged();
    // While a snapshot's content replaces the state, there is none that an entry could change: what is committed is in the
    // snapshot or will be sent again after it.
    if (!this.installing) this.#applyAll(ready.committedEntries);
    for (const state of ready.readStates) this.#readConfirmed(state.context);
    if (this.#leading && !this.#serving && this.raft.appliedIndex >= this.#termStartIndex) {
      this.#serving = true;
      this.#host.leadershipChanged(this);
    }
  }

  #applyAll(entries: readonly Entry[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    for (const entry of entries) this.#apply(entry);
    this.raft.appliedTo(last.index);
    this.#host.applied(this);
  }

  /** After a snapshot: the log begins anew, what was in flight will never be heard of. */
  restored(index: number, term: number, confState: ConfState): void {
    this.appliedTerm = term;
    this.confState = confState;
    for (const [orphanIndex, orphan] of this.#orphans) {
      if (orphanIndex > index) continue;
      this.#orphans.delete(orphanIndex);
      this.#finish(orphan, Outcome.unknown);
    }
  }

  /** Until `until_ms` this replica neither votes nor campaigns. */
  withholdVotes(until_ms: number, now_ms: number): void {
    this.votesWithheldUntil_ms = until_ms;
    this.raft.votesWithheld = now_ms < until_ms;
  }

  /** Gives up waiting for what is too old. Called at every tick. */
  expire(now_ms: number): void {
    const oldest_ms = now_ms - this.#limits.requestTimeout_ms;
    for (let i = this.#inFlightHead; i < this.#inFlight.length; i++) {
      const proposal = this.#proposal(i);
      if (proposal.proposedAt_ms > oldest_ms) break;
      this.#finish(proposal, Outcome.unknown);
    }
    for (const [index, orphan] of this.#orphans) {
      if (orphan.proposedAt_ms > oldest_ms) continue;
      this.#orphans.delete(index);
      this.#finish(orphan, Outcome.unknown);
    }
    this.#retryDeferredReads();
    while (this.#askedReads.length > 0) {
      const read = this.#askedReads[0] as ConfirmedRead;
      // A read has no effect: the router may ask again, here or elsewhere, until the operation's own deadline.
      if (read.askedAt_ms > now_ms - 1_000) break;
      this.#askedReads.shift();
      for (const operation of read.operations) this.#host.completeLater(operation, Outcome.notLeader);
    }
  }

  /**
   * Stops serving for good. What was evaluated and not proposed is dropped, the half transaction that met the damage included;
   * what is in the log may still be committed by whoever leads next.
   */
  becomeDamaged(): void {
    this.damaged = true;
    this.#stepDown();
  }

  /** The replica leaves this node, or the node stops: nobody will hear of what is open. */
  abandon(): void {
    this.#stepDown();
    for (const orphan of this.#orphans.values()) this.#finish(orphan, Outcome.unknown);
    this.#orphans.clear();
  }

  #apply(entry: Entry): void {
    const index = entry.index;
    if (entry.type === EntryType.confChange) {
      this.confState = this.raft.applyConfChange(decodeConfChange(entry.data));
      this.overlay.applyNothing(index);
    } else if (entry.data.length === 0) {
      this.overlay.applyNothing(index);
    } else {
      const proposal = this.#inFlightHead < this.#inFlight.length ? this.#proposal(this.#inFlightHead) : null;
      if (proposal !== null && proposal.index === index) {
        assert(proposal.term === entry.term, 'a leader committed an entry that it did not propose at that index');
        this.#popInFlight();
        this.overlay.commit(proposal.batch, index);
        this.#finish(proposal, Outcome.done);
        if (this.#poisoned) this.#healIfDrained();
      } else {
        this.overlay.applyEncoded(entry.data, index);
      }
    }
    if (this.#orphans.size > 0) {
      const orphan = this.#orphans.get(index);
      if (orphan !== undefined) {
        this.#orphans.delete(index);
        // Another entry took its place in the log: it can never commit (log matching, thesis 3.5).
        this.#finish(orphan, orphan.term === entry.term ? Outcome.done : Outcome.notLeader);
      }
    }
    this.appliedTerm = entry.term;
  }

  #roleChanged(): void {
    const leading = this.raft.role === Role.leader;
    if (leading && (!this.#leading || this.#transaction.term !== this.raft.term)) {
      if (this.#leading) this.#stepDown();
      this.#leading = true;
      this.#termStartIndex = this.raft.lastIndex;
      this.#transaction.beginTerm(this.raft.term);
    } else if (!leading && this.#leading) {
      this.#stepDown();
    }
    this.#host.leadershipChanged(this);
  }

  #stepDown(): void {
    this.#leading = false;
    this.#serving = false;
    this.#poisoned = false;
    const batch = this.#transaction.batch;
    if (batch !== null) {
      this.#transaction.batch = null;
      for (const operation of this.#openOperations) this.#host.completeLater(operation, Outcome.notLeader);
      this.#openOperations = [];
    }
    for (let i = this.#inFlightHead; i < this.#inFlight.length; i++) {
      const proposal = this.#proposal(i);
      this.#orphans.set(proposal.index, proposal);
    }
    this.#inFlight = [];
    this.#inFlightHead = 0;
    this.#inFlightBytes = 0;
    this.overlay.discardPending();
    for (const operation of this.#unconfirmedReads) this.#host.completeLater(operation, Outcome.notLeader);
    this.#unconfirmedReads = [];
    for (const read of this.#askedReads) {
      for (const operation of read.operations) this.#host.completeLater(operation, Outcome.notLeader);
    }
    this.#askedReads = [];
    this.#retryDeferredReads();
  }

  /** Rethrows what is not damage. */
  #foundDamage(error: unknown): void {
    if (!(error instanceof DamagedError)) throw error;
    this.#host.damaged(this, error);
  }

  #retryDeferredReads(): void {
    const reads = this.#deferredReads;
    if (reads.length === 0) return;
    this.#deferredReads = [];
    // `submit` tells them notLeader when this replica does not serve any more.
    for (const operation of reads) this.submit(operation);
  }

  /** A read that saw a write in flight is true only once that write has committed. */
  #completeWithBatch(sequence: number, operation: TabletOperation): void {
    if (sequence === this.#transaction.batchSequence && this.#transaction.batch !== null) {
      this.#openOperations.push(operation);
      return;
    }
    // Votes for the batch may already be under way while their givers elect someone else: its commit alone does not prove
    // that this replica led when the read ran. A lease does; so does a batch that is proposed after the read (above).
    if (!this.raft.hasLease()) {
      this.#deferredReads.push(operation);
      return;
    }
    const head = this.#proposal(this.#inFlightHead);
    const proposal = this.#proposal(this.#inFlightHead + sequence - head.sequence);
    assert(proposal.sequence === sequence, 'batches in flight are numbered without gaps');
    proposal.operations.push(operation);
  }

  #askToConfirmReads(): void {
    const context = ++this.#readContext;
    if (!this.raft.readIndex(context)) {
      for (const operation of this.#unconfirmedReads) this.#host.completeLater(operation, Outcome.notLeader);
      this.#unconfirmedReads = [];
      return;
    }
    this.#askedReads.push({
      operations: this.#unconfirmedReads,
      context,
      askedAt_ms: this.#host.clock.monotonic_ms(),
    });
    this.#unconfirmedReads = [];
  }

  #readConfirmed(context: number): void {
    // One confirmation covers every read asked before it (thesis 6.4).
    while (this.#askedReads.length > 0) {
      const read = this.#askedReads[0] as ConfirmedRead;
      if (read.context > context) return;
      this.#askedReads.shift();
      for (const operation of read.operations) this.#host.completeLater(operation, Outcome.done);
    }
  }

  #healIfDrained(): void {
    if (this.#inFlightHead < this.#inFlight.length || this.#transaction.batch !== null) return;
    this.overlay.discardPending();
    this.#poisoned = false;
    this.#host.leadershipChanged(this);
  }

  #finish(proposal: Proposal, outcome: Outcome): void {
    for (const operation of proposal.operations) this.#host.completeLater(operation, outcome);
    proposal.operations.length = 0;
  }

  #proposal(position: number): Proposal {
    const proposal = this.#inFlight[position];
    assert(proposal !== undefined, 'a proposal in flight is missing');
    return proposal;
  }

  #popInFlight(): void {
    this.#inFlightBytes -= this.#proposal(this.#inFlightHead).bytes;
    this.#inFlightHead += 1;
    if (this.#inFlightHead === this.#inFlight.length) {
      this.#inFlight.length = 0;
      this.#inFlightHead = 0;
    } else if (this.#inFlightHead >= 1024) {
      this.#inFlight.splice(0, this.#inFlightHead);
      this.#inFlightHead = 0;
    }
  }
}
