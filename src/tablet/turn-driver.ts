/**
 * One turn of the event loop for all tablets of a node, in this order (the order is what makes it safe, see raft/raft.ts):
 *   1. every dirty tablet seals its batch and proposes it;
 *   2. every dirty tablet gives its Ready: records go into the WAL's open batch, messages that may go at once into the
 *      peers' frames, committed entries into the overlay;
 *   3. the WAL batch is closed, frames are sent, operations hear their outcome;
 *   4. later, when the WAL batch is durable: messages that waited for it are sent and Raft is told.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Raft } from '../raft/raft.ts';
import type { AppendTicket, Ready } from '../raft/ready.ts';
import { type Message, MessageType } from '../raft/types.ts';
import type { DamagedError } from '../storage/errors.ts';
import type { Wal } from '../storage/wal.ts';
import { CommitNews } from './commit-news.ts';
import type { Outcome, TabletOperation } from './operation.ts';
import type { PeerOutbox } from './peer-outbox.ts';
import type { SnapshotSender } from './snapshot-sender.ts';
import type { Tablet, TabletHostLink } from './tablet.ts';
import type { HostCounters, TabletHostEvents } from './tablet-host-options.ts';

interface Waiting {
  readonly walBatch: number;
  readonly tablet: Tablet;
  readonly raft: Raft;
  readonly ticket: AppendTicket;
  readonly messages: readonly Message[];
}

export interface TurnDriverOptions {
  readonly clock: Clock;
  readonly wal: Wal;
  /** The replicas of this node; a tablet that is not in it any more is passed over. */
  readonly tablets: ReadonlyMap<number, Tablet>;
  readonly outbox: PeerOutbox;
  readonly senders: SnapshotSender;
  readonly events: TabletHostEvents;
  readonly counters: HostCounters;
  /** Entries of so many bytes were appended to the tablet's log. */
  readonly appended: (tablet: number, bytes: number) => void;
  readonly damaged: (tablet: Tablet, error: DamagedError) => void;
}

export class TurnDriver implements TabletHostLink {
  readonly clock: Clock;
  readonly #wal: Wal;
  readonly #tablets: ReadonlyMap<number, Tablet>;
  readonly #outbox: PeerOutbox;
  readonly #senders: SnapshotSender;
  readonly #events: TabletHostEvents;
  readonly #counters: HostCounters;
  readonly #appended: (tablet: number, bytes: number) => void;
  readonly #commitNews: CommitNews;
  readonly #damaged: (tablet: Tablet, error: DamagedError) => void;
  #dirty: Tablet[] = [];
  /** Dirty tablets whose open batch waits for the disk; the end of the write in flight begins the turn that takes them. */
  #unsealed: Tablet[] = [];
  /** A write of the log has ended since the last turn. */
  #writeEnded = false;
  /** Something in the WAL's open batch has to be durable. A commit index alone waits for the next write. */
  #syncNeeded = false;
  #scheduled = false;
  #waiting: Waiting[] = [];
  #waitingHead = 0;
  #waiters: { batch: number; resolve: () => void }[] = [];
  #completions: TabletOperation[] = [];
  #outcomes: Outcome[] = [];
  #stopped = false;
  readonly #turn = (): void => this.#run();

  constructor(options: TurnDriverOptions) {
    this.clock = options.clock;
    this.#wal = options.wal;
    this.#tablets = options.tablets;
    this.#outbox = options.outbox;
    this.#senders = options.senders;
    this.#events = options.events;
    this.#counters = options.counters;
    this.#appended = options.appended;
    this.#commitNews = new CommitNews(options.clock, (tablet) => this.markDirty(tablet));
    this.#damaged = options.damaged;
    options.wal.onDurable = (batch) => this.#walDurable(batch);
  }

  /** No more turns. What is to be completed is completed by `runCompletions`. */
  stop(): void {
    this.#stopped = true;
  }

  markDirty(tablet: Tablet): void {
    if (!tablet.dirty) {
      tablet.dirty = true;
      this.#dirty.push(tablet);
    }
    this.schedule();
  }

  completeLater(operation: TabletOperation, outcome: Outcome): void {
    this.#completions.push(operation);
    this.#outcomes.push(outcome);
    this.schedule();
  }

  leadershipChanged(tablet: Tablet): void {
    this.#events.leadershipChanged(tablet);
  }

  applied(tablet: Tablet): void {
    this.#events.applied(tablet);
  }

  damaged(tablet: Tablet, error: DamagedError): void {
    this.#damaged(tablet, error);
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.endOfTurn(this.#turn);
  }

  /** For work outside the hot path that has to come after a WAL batch. */
  whenDurable(batch: number): Promise<void> {
    if (this.#wal.durableBatch >= batch) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ batch, resolve }));
  }

  send(tablet: Tablet, message: Message): void {
    if (message.type === MessageType.snapshot) this.#senders.start(tablet, message);
    else this.#outbox.add(tablet.id, message);
  }

  runCompletions(): void {
    while (this.#completions.length > 0) {
      const completions = this.#completions;
      const outcomes = this.#outcomes;
      this.#completions = [];
      this.#outcomes = [];
      for (let i = 0; i < completions.length; i++) {
        (completions[i] as TabletOperation).complete(outcomes[i] as Outcome);
      }
    }
  }

  #run(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.#counters.turns += 1;
    const wal = this.#wal;
    // One seal for each write of the log: in the turn after its end, also when the next one has begun already.
    const diskIsBusy = wal.isWriting && !this.#writeEnded;
    this.#writeEnded = false;
    // Tablets that get dirty while others are handled join the end of the list and are handled in the same turn.
    for (let i = 0; i < this.#dirty.length; i++) {
      const tablet = this.#dirty[i] as Tablet;
      tablet.dirty = false;
      if (this.#tablets.get(tablet.id) !== tablet) continue;
      tablet.confirmReads();
      if (!diskIsBusy) {
        tablet.seal();
      } else if (tablet.hasOpenBatch) {
        // Sealed when the write in flight is done: what arrives until then is one entry, one write and one frame
        // instead of several, and would wait for the disk anyway.
        tablet.dirty = true;
        this.#unsealed.push(tablet);
      }
      const raft = tablet.raft;
      while (raft.hasReady()) this.#takeReady(tablet, raft);
      this.#commitNews.note(tablet);
    }
    this.#dirty = this.#unsealed;
    this.#unsealed = [];
    if (this.#syncNeeded) {
      this.#syncNeeded = false;
      wal.flush();
    }
    this.#releaseWaiting();
    this.#outbox.sendAll();
    this.runCompletions();
  }

  #takeReady(tablet: Tablet, raft: Raft): void {
    const wal = this.#wal;
    const ready: Ready = raft.ready();
    assert(ready.snapshot === null, 'snapshots are installed below Raft, not through it');
    if (ready.hardState !== null) wal.appendHardState(tablet.id, ready.hardState);
    if (ready.entries.length > 0) {
      let bytes = 0;
      for (const entry of ready.entries) {
        wal.appendEntry(tablet.id, entry);
        bytes += entry.data.length + 64;
      }
      this.#appended(tablet.id, bytes);
      this.#counters.proposals += ready.entries.length;
    }
    for (const message of ready.messages) this.send(tablet, message);
    if (ready.mustSync) {
      this.#syncNeeded = true;
      this.#waiting.push({
        walBatch: wal.newestBatch,
        tablet,
        raft,
        ticket: ready.ticket,
        messages: ready.messagesAfterAppend,
      });
    }
    tablet.take(ready);
  }

  #walDurable(batch: number): void {
    this.#writeEnded = true;
    this.#releaseWaiting();
    if (this.#waiters.length > 0) {
      const waiters = this.#waiters;
      this.#waiters = waiters.filter((waiter) => waiter.batch > batch);
      for (const waiter of waiters) if (waiter.batch <= batch) waiter.resolve();
    }
    this.schedule();
  }

  /** Tells Raft and the peers about everything that the WAL has made durable. */
  #releaseWaiting(): void {
    const durable = this.#wal.durableBatch;
    while (this.#waitingHead < this.#waiting.length) {
      const waiting = this.#waiting[this.#waitingHead] as Waiting;
      if (waiting.walBatch > durable) break;
      this.#waitingHead += 1;
      // A replica that was rebuilt meanwhile has a new Raft, which must not hear of the old one's writes.
      if (waiting.tablet.raft !== waiting.raft) continue;
      for (const message of waiting.messages) this.send(waiting.tablet, message);
      waiting.raft.appended(waiting.ticket);
      if (waiting.raft.hasReady()) this.markDirty(waiting.tablet);
    }
    if (this.#waitingHead === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#waitingHead = 0;
    } else if (this.#waitingHead >= 4096) {
      this.#waiting.splice(0, this.#waitingHead);
      this.#waitingHead = 0;
    }
  }
}
