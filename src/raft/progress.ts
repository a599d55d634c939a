/**
 * What a leader knows of one replica, itself included.
 *
 *     probe ----- answer matches -----> replicate
 *       ^  <-- rejected, unreachable ------ |
 *       |                                   | log no longer reaches back
 *       +--- reported, or answer ---- snapshot <--- (also from probe)
 *
 * In `probe` one append is on the way at a time; in `replicate` appends are pipelined and `next` runs ahead; in
 * `snapshot` nothing is sent. Always: match < next.
 */
import { assert } from '../base/assert.ts';
import { Inflights } from './inflights.ts';
import type { LogIndex, ReplicaId } from './types.ts';

export const ProgressState = { probe: 0, replicate: 1, snapshot: 2 } as const;
export type ProgressState = (typeof ProgressState)[keyof typeof ProgressState];

export class Progress {
  readonly id: ReplicaId;
  /** The last entry that this replica has said is durable and equal to the leader's. */
  match: LogIndex = 0;
  /** The next entry to send. */
  next: LogIndex;
  state: ProgressState = ProgressState.probe;
  /** Nothing more is sent until an answer comes: a probe is out, or the in-flight limit is reached. */
  paused = false;
  /** In `snapshot`: where the snapshot ends. */
  pendingSnapshot: LogIndex = 0;
  /** Heard from since the last CheckQuorum. */
  recentActive = false;
  isLearner = false;
  /** The highest commit index sent in an append, so that an idle follower is told of a commit once. */
  sentCommit: LogIndex = 0;
  /** The highest read round that this replica has answered. */
  readRound = 0;
  /** The support generation with which this replica stands by the leader of this term, 0 for none. */
  fortified = 0;
  /** Ticks for which this replica has lacked entries without getting on. */
  stalledTicks = 0;
  /** Scratch for the tracker's quorum questions. */
  counted = false;
  readonly inflights: Inflights;

  constructor(id: ReplicaId, next: LogIndex, maxInflightMessages: number, maxInflightBytes: number) {
    this.id = id;
    this.next = next;
    this.inflights = new Inflights(maxInflightMessages, maxInflightBytes);
  }

  /** A new leader knows nothing and looks from the end of its own log (thesis figure 3.1, nextIndex). */
  restart(lastIndex: LogIndex): void {
    this.#enter(ProgressState.probe);
    this.match = 0;
    this.next = lastIndex + 1;
    this.recentActive = false;
    this.sentCommit = 0;
    this.readRound = 0;
    this.fortified = 0;
    this.stalledTicks = 0;
  }

  becomeProbe(): void {
    // A snapshot that has arrived moves the probe behind it even before the follower says so itself.
    const from = this.state === ProgressState.snapshot ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#enter(ProgressState.probe);
    this.next = from + 1;
    this.sentCommit = Math.min(this.sentCommit, from);
  }

  becomeReplicate(): void {
    this.#enter(ProgressState.replicate);
    this.next = this.match + 1;
  }

  becomeSnapshot(index: LogIndex): void {
    assert(index > this.match, 'raft: a snapshot brings entries that the follower lacks');
    this.#enter(ProgressState.snapshot);
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** No append may be sent now. */
  get isPaused(): boolean {
    return this.paused || this.state === ProgressState.snapshot;
  }

  /** Notes an append with `count` entries from `next` on. */
  sentEntries(count: number, bytes: number): void {
    assert(this.state !== ProgressState.snapshot, 'raft: no append is sent while a snapshot is');
    if (this.state === ProgressState.probe) {
      this.paused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    // Past the limit one empty append still leaves, to carry the commit index, and then silence until an answer.
    this.paused = this.inflights.full;
  }

  /** The replica has answered that it has everything up to `index`. False when that was known. */
  maybeUpdate(index: LogIndex): boolean {
    if (index >= this.next) this.next = index + 1;
    if (index <= this.match) return false;
    this.match = index;
    this.paused = false;
    this.stalledTicks = 0;
    return true;
  }

  /** The replica has rejected an append after `rejected`; `hint` is where it may match. False when the answer is stale. */
  maybeDecrease(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.state === ProgressState.snapshot) return false;
    if (this.state === ProgressState.replicate) {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      // Probes are one at a time: an answer to another one is old.
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.paused = false;
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    return true;
  }

  invariants(): void {
    assert(this.match < this.next, 'raft: match is below next');
    assert(
      this.state === ProgressState.snapshot || this.pendingSnapshot === 0,
      'raft: only the snapshot state has a pending snapshot',
    );
    assert(
      this.state === ProgressState.replicate || this.inflights.count === 0,
      'raft: only the replicate state pipelines',
    );
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
