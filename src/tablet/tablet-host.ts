/**
 * All tablets of one node, driven together: what arrives in one turn of the event loop is evaluated as it comes, and at
 * the end of the turn becomes one entry per tablet, one WAL write with one fdatasync for the node, and one frame per peer.
 *
 * A turn, in this order (the order is what makes it safe, see raft/raft.ts):
 *   1. every dirty tablet seals its batch and proposes it;
 *   2. every dirty tablet gives its Ready: records go into the WAL's open batch, messages that may go at once into the
 *      peers' frames, committed entries into the overlay;
 *   3. the WAL batch is closed, frames are sent, operations hear their outcome;
 *   4. later, when the WAL batch is durable: messages that waited for it are sent and Raft is told.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Prng } from '../base/prng.ts';
import { raftDefaults } from '../raft/config.ts';
import { Raft } from '../raft/raft.ts';
import type { AppendTicket, Ready } from '../raft/ready.ts';
import {
  type ConfState,
  type Entry,
  type HardState,
  type Message,
  MessageType,
  type ReplicaId,
  Role,
  type SnapshotMeta,
  type SupportOracle,
} from '../raft/types.ts';
import type { ByteKey, KeyRange, OrderedStore } from '../storage/ordered-store.ts';
import { type FlushSet, Overlay } from '../storage/overlay.ts';
import type { Wal } from '../storage/wal.ts';
import type { RecoveredGroup } from '../storage/wal-types.ts';
import { decodeConfState, EMPTY_CONF_STATE, encodeConfState } from './conf-state-codec.ts';
import { LogRetention } from './log-retention.ts';
import type { Outcome, TabletOperation } from './operation.ts';
import type { PeerLink, SnapshotSink, SupportSource } from './peer-link.ts';
import { RaftFrameWriter, readRaftFrame } from './raft-frame.ts';
import { nodeOf } from './replica-id.ts';
import { SnapshotInstaller } from './snapshot-installer.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { StoreQueue } from './store-queue.ts';
import { Tablet, type TabletHostLink, type TabletLimits } from './tablet.ts';
import {
  decodeTabletMeta,
  encodeTabletMeta,
  META_HI,
  META_LO,
  metaKey,
  type TabletMeta,
  tabletOfMetaKey,
} from './tablet-meta.ts';

export interface TabletHostOptions {
  readonly node: number;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly wal: Wal;
  readonly recovered: ReadonlyMap<number, RecoveredGroup>;
  readonly store: OrderedStore;
  readonly peers: PeerLink;
  readonly support: SupportSource;
  /** The key ranges of a tablet, from the metadata; asked when a snapshot is made or installed. */
  readonly rangesOf: (tablet: number) => readonly KeyRange[];
  /** Before this monotonic time a promise of an earlier life of this node may still hold: no votes, no campaigns. */
  readonly silentUntil_ms: number;
  /** How long a promise of this node can hold after it was given, drift included. */
  readonly promise_ms: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** How long what is applied may wait in memory before it is written into the store. */
  readonly flushInterval_ms: number;
  /** A tablet is flushed earlier when this many changes wait; also the most that one round takes together. */
  readonly flushChangesMax: number;
  /** Memory for log entries that the store already holds, for the whole node. */
  readonly retainedLogBytes: number;
  /** Memory for values read from the store, for the whole node. */
  readonly readCacheBytes: number;
  readonly limits: TabletLimits;
  readonly events: TabletHostEvents;
}

export interface TabletHostEvents {
  /** What this replica knows of its tablet's leadership changed: `tablet.raft.leader`, `tablet.serving`. */
  leadershipChanged(tablet: Tablet): void;
  /** Entries were applied. */
  applied(tablet: Tablet): void;
  /** The disk failed: the node must end, because it can promise nothing any more. */
  failed(error: Error): void;
}

export interface NewReplica {
  readonly id: number;
  readonly replica: ReplicaId;
  /**
   * The members that found the group, this one among them. Null for a replica that is added later: it starts with nobody and
   * waits for the leader's snapshot.
   */
  readonly founders: readonly ReplicaId[] | null;
}

interface Waiting {
  readonly walBatch: number;
  readonly tablet: Tablet;
  readonly raft: Raft;
  readonly ticket: AppendTicket;
  readonly messages: readonly Message[];
}

interface Peer {
  readonly node: number;
  readonly frame: RaftFrameWriter;
}

export class TabletHost implements TabletHostLink {
  readonly clock: Clock;
  readonly #options: TabletHostOptions;
  readonly #log: Logger;
  readonly #tablets = new Map<number, Tablet>();
  readonly #retention = new Map<number, LogRetention>();
  readonly #peers = new Map<number, Peer>();
  readonly #storeQueue = new StoreQueue();
  readonly #senders: SnapshotSender;
  /** Installs under way, by tablet. */
  readonly #receivers = new Map<number, SnapshotInstaller>();
  #dirty: Tablet[] = [];
  /** Dirty tablets whose open batch waits for the disk; the end of the write in flight begins the turn that takes them. */
  #unsealed: Tablet[] = [];
  /** A write of the log has ended since the last turn. */
  #writeEnded = false;
  /** Something in the WAL's open batch has to be durable. A commit index alone waits for the next write. */
  #syncNeeded = false;
  #turnScheduled = false;
  #waiting: Waiting[] = [];
  #waitingHead = 0;
  #waiters: { batch: number; resolve: () => void }[] = [];
  #completions: TabletOperation[] = [];
  #outcomes: Outcome[] = [];
  #timers: Timer[] = [];
  #flushing = false;
  readonly #flushedAt_ms = new Map<number, number>();
  #stopped = false;
  readonly #turn = (): void => this.#runTurn();

  /** Counters for metrics. */
  readonly counters = {
    turns: 0,
    proposals: 0,
    flushes: 0,
    flushedChanges: 0,
    snapshotsSent: 0,
    snapshotsInstalled: 0,
  };

  constructor(options: TabletHostOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#log = options.logger;
    this.#senders = new SnapshotSender(options.peers, options.logger, (tablet, replica, complete) => {
      if (complete) this.counters.snapshotsSent += 1;
      tablet.raft.reportSnapshot(replica, complete);
      this.markDirty(tablet);
    });
    options.wal.onDurable = (batch) => this.#walDurable(batch);
    options.wal.onError = (error) => options.events.failed(error);
    this.#recover();
  }

  start(): void {
    const { clock, tick_ms, flushInterval_ms } = this.#options;
    this.#timers.push(clock.every(tick_ms, () => this.#tick()));
    this.#timers.push(clock.every(flushInterval_ms / FLUSH_ROUNDS, () => this.#flushInBackground()));
    for (const tablet of this.#tablets.values()) this.markDirty(tablet);
  }

  /** Ends ticking, writes everything applied into the store, and tells what is still open that its outcome is unknown. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    for (const tablet of this.#tablets.values()) tablet.abandon();
    this.#runCompletions();
    this.#senders.abortAll();
    await this.#storeQueue.idle();
    await this.#storeQueue.run(() => this.#flush(this.#tablets.values()));
  }

  get(tablet: number): Tablet | undefined {
    return this.#tablets.get(tablet);
  }

  all(): IterableIterator<Tablet> {
    return this.#tablets.values();
  }

  /** Makes replicas that this node does not have yet. */
  async create(replicas: readonly NewReplica[]): Promise<void> {
    const { wal, store } = this.#options;
    const made: { id: number; replica: ReplicaId; state: RaftState }[] = [];
    for (const { id, replica, founders } of replicas) {
      assert(!this.#tablets.has(id), 'a node has one replica of a tablet');
      const confState = { ...EMPTY_CONF_STATE, voters: founders ?? [] };
      // A founder's log starts after an imaginary first entry that named the members (raft/config.ts, `snapshot`).
      const base = founders === null ? 0 : 1;
      const state = {
        hardState: { term: base, vote: 0, commit: base },
        snapshot: { index: base, term: base, confState },
        entries: [],
        applied: base,
      };
      made.push({ id, replica, state });
      if (founders !== null) wal.appendSnapshotBase(id, base, base, encodeConfState(confState));
      wal.appendHardState(id, state.hardState);
    }
    await this.#whenDurable(wal.flush());
    const metas = made.map(({ id, replica, state }): [ByteKey, Uint8Array] => {
      const { index, term, confState } = state.snapshot;
      const meta = {
        replica,
        appliedIndex: index,
        appliedTerm: term,
        consistentIndex: 0,
        confState,
        installing: false,
      };
      return [metaKey(id), encodeTabletMeta(meta)];
    });
    await this.#storeQueue.run(() => store.write([], [], metas));
    for (const { id, replica, state } of made) {
      const tablet = this.#make(id, replica, state);
      this.#flushedMeta.set(id, this.#metaOf(tablet, false));
      this.markDirty(tablet);
    }
  }

  /** Removes a replica with its data. */
  async remove(id: number): Promise<void> {
    const tablet = this.#tablets.get(id);
    if (tablet === undefined) return;
    const ranges = tablet.ranges();
    this.#tablets.delete(id);
    this.#retention.delete(id);
    this.#flushedMeta.delete(id);
    this.#flushedAt_ms.delete(id);
    this.#receivers.get(id)?.abort();
    tablet.abandon();
    this.#options.wal.removeGroup(id);
    this.#options.wal.flush();
    await this.#storeQueue.run(() => this.#options.store.write(ranges, [], [[metaKey(id), null]]));
  }

  /** A frame of Raft messages from another node. */
  receive(from: number, frame: Buffer): void {
    const valid = readRaftFrame(frame, (group, message) => {
      const tablet = this.#tablets.get(group);
      if (tablet === undefined || message.to !== tablet.replica || nodeOf(message.from) !== from) return;
      if (tablet.installing) {
        this.#whileInstalling(tablet, message);
        return;
      }
      if (message.type === MessageType.appendResponse && message.reject && message.context === SNAPSHOT_WANTED) {
        this.#sendWholeState(tablet, message.from);
        return;
      }
      tablet.raft.step(message);
      this.markDirty(tablet);
    });
    if (!valid) this.#log.warn({ from }, 'a malformed frame of Raft messages was dropped');
  }

  /** The connection to a node was lost: what was sent to it last may not have arrived. */
  peerDown(node: number): void {
    for (const tablet of this.#tablets.values()) {
      if (tablet.raft.role !== Role.leader) continue;
      for (const replica of members(tablet.confState)) {
        if (nodeOf(replica) !== node) continue;
        tablet.raft.reportUnreachable(replica);
        this.markDirty(tablet);
      }
    }
  }

  /** Support between this node and `node` began or ended: groups decide at once instead of at their next tick. */
  supportChanged(): void {
    for (const tablet of this.#tablets.values()) {
      if (tablet.raft.hasReady()) this.markDirty(tablet);
    }
  }

  /** Another node offers the content of a snapshot. Null refuses it. */
  receiveSnapshot(from: number, header: Buffer): SnapshotSink | null {
    let sink: SnapshotSink | null = null;
    readRaftFrame(header, (group, message) => {
      const tablet = this.#tablets.get(group);
      if (tablet === undefined || message.type !== MessageType.snapshot || message.snapshot === null) return;
      if (message.to !== tablet.replica || nodeOf(message.from) !== from) return;
      if (message.term >= tablet.raft.term) sink = this.#beginInstall(tablet, message.snapshot);
    });
    return sink;
  }

  markDirty(tablet: Tablet): void {
    if (!tablet.dirty) {
      tablet.dirty = true;
      this.#dirty.push(tablet);
    }
    this.#scheduleTurn();
  }

  completeLater(operation: TabletOperation, outcome: Outcome): void {
    this.#completions.push(operation);
    this.#outcomes.push(outcome);
    this.#scheduleTurn();
  }

  leadershipChanged(tablet: Tablet): void {
    this.#options.events.leadershipChanged(tablet);
  }

  applied(tablet: Tablet): void {
    this.#options.events.applied(tablet);
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.clock.endOfTurn(this.#turn);
  }

  #runTurn(): void {
    this.#turnScheduled = false;
    if (this.#stopped) return;
    this.counters.turns += 1;
    const { wal } = this.#options;
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
    }
    this.#dirty = this.#unsealed;
    this.#unsealed = [];
    if (this.#syncNeeded) {
      this.#syncNeeded = false;
      wal.flush();
    }
    this.#releaseWaiting();
    this.#sendFrames();
    this.#runCompletions();
  }

  #takeReady(tablet: Tablet, raft: Raft): void {
    const { wal } = this.#options;
    const ready: Ready = raft.ready();
    assert(ready.snapshot === null, 'snapshots are installed below Raft, not through it');
    if (ready.hardState !== null) wal.appendHardState(tablet.id, ready.hardState);
    if (ready.entries.length > 0) {
      let bytes = 0;
      for (const entry of ready.entries) {
        wal.appendEntry(tablet.id, entry);
        bytes += entry.data.length + 64;
      }
      this.#retention.get(tablet.id)?.appended(bytes);
      this.counters.proposals += ready.entries.length;
    }
    for (const message of ready.messages) this.#send(tablet, message);
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
    this.#scheduleTurn();
  }

  /** For work outside the hot path that has to come after a WAL batch. */
  #whenDurable(batch: number): Promise<void> {
    if (this.#options.wal.durableBatch >= batch) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ batch, resolve }));
  }

  /** Tells Raft and the peers about everything that the WAL has made durable. */
  #releaseWaiting(): void {
    const durable = this.#options.wal.durableBatch;
    while (this.#waitingHead < this.#waiting.length) {
      const waiting = this.#waiting[this.#waitingHead] as Waiting;
      if (waiting.walBatch > durable) break;
      this.#waitingHead += 1;
      // A replica that was rebuilt meanwhile has a new Raft, which must not hear of the old one's writes.
      if (waiting.tablet.raft !== waiting.raft) continue;
      for (const message of waiting.messages) this.#send(waiting.tablet, message);
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

  #send(tablet: Tablet, message: Message): void {
    if (message.type === MessageType.snapshot) {
      this.#senders.start(tablet, message);
      return;
    }
    const node = nodeOf(message.to);
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = { node, frame: new RaftFrameWriter() };
      this.#peers.set(node, peer);
    }
    peer.frame.add(tablet.id, message);
    if (peer.frame.length >= FRAME_BYTES_MAX) this.#sendFrame(peer);
  }

  #sendFrames(): void {
    for (const peer of this.#peers.values()) {
      if (!peer.frame.isEmpty) this.#sendFrame(peer);
    }
  }

  #sendFrame(peer: Peer): void {
    const sent = this.#options.peers.sendRaft(peer.node, peer.frame.bytes());
    peer.frame.reset();
    if (!sent) this.peerDown(peer.node);
  }

  #runCompletions(): void {
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

  #tick(): void {
    const now_ms = this.clock.monotonic_ms();
    for (const tablet of this.#tablets.values()) {
      tablet.expire(now_ms);
      if (tablet.installing) continue;
      if (tablet.raft.votesWithheld) tablet.raft.votesWithheld = now_ms < tablet.votesWithheldUntil_ms;
      tablet.raft.tick();
      if (tablet.raft.hasReady()) this.markDirty(tablet);
    }
  }

  /**
   * Flushes the tablets whose turn it is: those that have waited for `flushInterval_ms` and those with many changes. One
   * tablet's keys are neighbours in the store, so a tablet that is flushed seldom and with many changes copies far fewer pages
   * for each than all tablets flushed together and often. What one round takes is bounded, because it is work of the main
   * thread between two turns.
   */
  #flushInBackground(): void {
    if (this.#flushing || this.#stopped) return;
    const now_ms = this.clock.monotonic_ms();
    const due: Tablet[] = [];
    let changes = 0;
    for (const tablet of this.#tablets.values()) {
      const count = tablet.overlay.cellCount;
      const since_ms = this.#flushedAt_ms.get(tablet.id) ?? 0;
      if (now_ms - since_ms < this.#options.flushInterval_ms && count < this.#options.flushChangesMax) continue;
      if (due.length > 0 && changes + count > this.#options.flushChangesMax) continue;
      changes += count;
      this.#flushedAt_ms.set(tablet.id, now_ms);
      if (tablet.raft.appliedIndex !== this.#flushedMeta.get(tablet.id)?.appliedIndex) due.push(tablet);
    }
    if (due.length === 0) return;
    this.#flushing = true;
    this.#storeQueue
      .run(() => this.#flush(due))
      .then(
        () => {
          this.#flushing = false;
        },
        (error: unknown) => this.#options.events.failed(asError(error)),
      );
  }

  /** Moves what is applied into the store, with each tablet's applied index in the same transaction. */
  async #flush(tablets: Iterable<Tablet>): Promise<void> {
    const { wal, store } = this.#options;
    const flushed: { tablet: Tablet; set: FlushSet | null; meta: TabletMeta }[] = [];
    const before: [ByteKey, Uint8Array][] = [];
    let changes = 0;
    const ranges: KeyRange[] = [];
    const trailer: [ByteKey, Uint8Array][] = [];
    const sets: FlushSet[] = [];
    for (const tablet of tablets) {
      if (tablet.installing || this.#tablets.get(tablet.id) !== tablet) continue;
      const index = tablet.raft.appliedIndex;
      if (index === this.#flushedMeta.get(tablet.id)?.appliedIndex) continue;
      const set = tablet.overlay.beginFlush();
      if (set !== null) {
        sets.push(set);
        ranges.push(...set.ranges);
        changes += set.entryCount;
        before.push([metaKey(tablet.id), this.#metaDuringFlush(tablet)]);
      }
      const meta = this.#metaOf(tablet, false);
      flushed.push({ tablet, set, meta });
      trailer.push([metaKey(tablet.id), encodeTabletMeta(meta)]);
    }
    if (flushed.length === 0) return;
    // The store must not run ahead of the log: an applied entry can be on a quorum and not yet on this disk.
    await this.#whenDurable(wal.flush());
    // A large flush is more than one transaction: a crash between two leaves a mixture, which has to be known as one.
    if (changes > STORE_TRANSACTION_CHANGES || ranges.length > 0) await store.write([], [], before);
    await store.write(ranges, chained(sets), trailer);
    this.counters.flushes += 1;
    for (const { tablet, set, meta } of flushed) {
      if (set !== null) {
        this.counters.flushedChanges += set.entryCount;
        tablet.overlay.endFlush(set);
      }
      if (this.#tablets.get(tablet.id) !== tablet) continue;
      this.#flushedMeta.set(tablet.id, meta);
      wal.releaseThrough(tablet.id, meta.appliedIndex);
      this.#compact(tablet, meta.appliedIndex);
    }
  }

  /** What the store holds of each replica. */
  readonly #flushedMeta = new Map<number, TabletMeta>();

  #compact(tablet: Tablet, flushedIndex: number): void {
    const through = this.#retention.get(tablet.id)?.flushed(flushedIndex) ?? 0;
    const floor = this.#senders.lowestIndex(tablet.id);
    const index = Math.min(through, floor);
    if (index >= tablet.raft.firstIndex) tablet.raft.compact(index);
  }

  /** What the store says until a flush that begins now has ended. */
  #metaDuringFlush(tablet: Tablet): Buffer {
    const flushed = this.#flushedMeta.get(tablet.id);
    assert(flushed !== undefined, 'a replica has been in the store since it was made');
    return encodeTabletMeta({ ...flushed, consistentIndex: tablet.raft.appliedIndex });
  }

  #metaOf(tablet: Tablet, installing: boolean): TabletMeta {
    return {
      replica: tablet.replica,
      appliedIndex: tablet.raft.appliedIndex,
      appliedTerm: tablet.appliedTerm,
      consistentIndex: tablet.consistentIndex,
      confState: tablet.confState,
      installing,
    };
  }

  // Snapshots, receiving side.

  #beginInstall(tablet: Tablet, snapshot: SnapshotMeta): SnapshotSink | null {
    if (this.#receivers.has(tablet.id)) return null;
    // Only a snapshot that is ahead of what this replica has: never back in time.
    if (!tablet.installing && snapshot.index <= tablet.raft.commitIndex) return null;
    this.#log.info({ tablet: tablet.id, index: snapshot.index }, 'installing a snapshot');
    tablet.installing = true;
    tablet.abandon();
    const receiver = new SnapshotInstaller({
      store: this.#options.store,
      queue: this.#storeQueue,
      ranges: tablet.ranges(),
      clearState: () => tablet.overlay.clear(snapshot.index),
      metaKey: metaKey(tablet.id),
      metaWhileInstalling: encodeTabletMeta({ ...this.#metaOf(tablet, true), appliedIndex: 0, appliedTerm: 0 }),
      metaWhenInstalled: (consistentIndex) =>
        encodeTabletMeta({
          replica: tablet.replica,
          appliedIndex: snapshot.index,
          appliedTerm: snapshot.term,
          consistentIndex,
          confState: snapshot.confState,
          installing: false,
        }),
      done: (complete, consistentIndex) => {
        this.#receivers.delete(tablet.id);
        if (complete) this.#finishInstall(tablet, snapshot, consistentIndex);
        else this.#log.warn({ tablet: tablet.id }, 'a snapshot did not arrive whole; waiting for another');
      },
      logger: this.#log,
    });
    this.#receivers.set(tablet.id, receiver);
    return receiver;
  }

  #finishInstall(tablet: Tablet, snapshot: SnapshotMeta, consistentIndex: number): void {
    if (this.#tablets.get(tablet.id) !== tablet) return;
    const old = tablet.raft;
    // Term and vote are kept: what was promised to candidates stays promised.
    const hardState: HardState = {
      term: Math.max(old.term, snapshot.term),
      vote: old.term >= snapshot.term ? old.status().vote : 0,
      commit: snapshot.index,
    };
    const { wal } = this.#options;
    wal.appendSnapshotBase(tablet.id, snapshot.index, snapshot.term, encodeConfState(snapshot.confState));
    wal.appendHardState(tablet.id, hardState);
    wal.flush();
    tablet.raft = this.#makeRaft(tablet.replica, { hardState, snapshot, entries: [], applied: snapshot.index });
    tablet.restored(snapshot.index, snapshot.term, snapshot.confState);
    // The new Raft does not know by which leader the old one has promised to stand.
    this.#withholdVotes(tablet, this.clock.monotonic_ms() + this.#options.promise_ms);
    tablet.consistentIndex = consistentIndex;
    tablet.installing = false;
    this.#retention.get(tablet.id)?.reset();
    this.#flushedMeta.set(tablet.id, this.#metaOf(tablet, false));
    this.counters.snapshotsInstalled += 1;
    this.#log.info({ tablet: tablet.id, index: snapshot.index }, 'snapshot installed');
    this.#options.events.applied(tablet);
    this.markDirty(tablet);
  }

  /**
   * A replica whose state is being replaced has forgotten what it once acknowledged: it neither votes nor appends. After a
   * crash in the middle no stream is under way, and the leader is asked for one.
   */
  #whileInstalling(tablet: Tablet, message: Message): void {
    if (this.#receivers.has(tablet.id)) return;
    if (message.type !== MessageType.append && message.type !== MessageType.heartbeat) return;
    // An append that claims to have lost everything makes the leader look for the start of its log and send a snapshot.
    const refusal: Message = {
      type: MessageType.appendResponse,
      to: message.from,
      from: tablet.replica,
      term: message.term,
      logTerm: 0,
      index: message.index,
      commit: 0,
      reject: true,
      rejectHint: 0,
      context: SNAPSHOT_WANTED,
      entries: [],
      snapshot: null,
    };
    this.#send(tablet, refusal);
    this.#scheduleTurn();
  }

  /** For a replica that has lost its state: a snapshot of now, although the log might still reach back far enough. */
  #sendWholeState(tablet: Tablet, to: ReplicaId): void {
    if (!tablet.serving || !members(tablet.confState).has(to)) return;
    const snapshot = { index: tablet.raft.appliedIndex, term: tablet.appliedTerm, confState: tablet.confState };
    this.#senders.start(tablet, {
      type: MessageType.snapshot,
      to,
      from: tablet.replica,
      term: tablet.raft.term,
      logTerm: 0,
      index: 0,
      commit: 0,
      reject: false,
      rejectHint: 0,
      context: 0,
      entries: [],
      snapshot,
    });
  }

  #withholdVotes(tablet: Tablet, until_ms: number): void {
    tablet.votesWithheldUntil_ms = until_ms;
    tablet.raft.votesWithheld = this.clock.monotonic_ms() < until_ms;
  }

  // Making replicas.

  #recover(): void {
    const found = new Map<number, ReturnType<typeof decodeTabletMeta>>();
    this.#options.store.scan(META_LO, META_HI, false, (key, value) => {
      found.set(tabletOfMetaKey(key), decodeTabletMeta(value));
      return true;
    });
    for (const [id, meta] of found) {
      assert(meta !== null, 'the store holds a replica that this version cannot read');
      const group = this.#options.recovered.get(id);
      const tablet = this.#make(id, meta.replica, recoveredState(meta, group));
      tablet.installing = meta.installing;
      tablet.consistentIndex = meta.consistentIndex;
      this.#withholdVotes(tablet, this.#options.silentUntil_ms);
      this.#flushedMeta.set(id, meta);
    }
  }

  #make(id: number, replica: ReplicaId, state: RaftState): Tablet {
    const overlay = new Overlay(this.#options.store, state.applied, this.#cacheBytesPerTablet());
    const tablet = new Tablet({
      id,
      replica,
      raft: this.#makeRaft(replica, state),
      overlay,
      ranges: () => this.#options.rangesOf(id),
      appliedTerm: state.snapshot.term,
      confState: state.snapshot.confState,
      host: this,
      limits: this.#options.limits,
      logger: this.#log,
    });
    this.#tablets.set(id, tablet);
    this.#retention.set(id, new LogRetention(this.#retainedBytesPerTablet()));
    // Spread over the interval, so that the tablets take their turns.
    const age_ms = ((id % FLUSH_ROUNDS) / FLUSH_ROUNDS) * this.#options.flushInterval_ms;
    this.#flushedAt_ms.set(id, this.clock.monotonic_ms() - age_ms);
    return tablet;
  }

  #retainedBytesPerTablet(): number {
    const tablets = Math.max(this.#tablets.size, 16);
    return Math.max(512 * 1024, Math.floor(this.#options.retainedLogBytes / tablets));
  }

  #cacheBytesPerTablet(): number {
    return Math.floor(this.#options.readCacheBytes / Math.max(this.#tablets.size, 16));
  }

  #makeRaft(replica: ReplicaId, state: RaftState): Raft {
    const { prng, support, electionTicks, heartbeatTicks } = this.#options;
    const oracle: SupportOracle = {
      supportFor: (other) => support.supportFor(nodeOf(other)),
      supportFrom: (other) => support.supportFrom(nodeOf(other)),
    };
    return new Raft({
      ...raftDefaults,
      maxInflightBytes: INFLIGHT_BYTES_MAX,
      id: replica,
      electionTicks,
      heartbeatTicks,
      checkQuorum: true,
      preVote: true,
      support: oracle,
      random: (bound) => prng.below(bound),
      priorityTicks: 1,
      maxUncommittedBytes: 2 * this.#options.limits.inFlightBytesMax,
      logger: this.#log,
      ...state,
    });
  }
}

/** For one group and follower: those of all groups of a node share the transport's queue of 256 MB for a peer. */
const INFLIGHT_BYTES_MAX = 4 * 1024 * 1024;
/** A frame with this much in it is sent before the next message is added: one large entry, at most, is longer. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/** In so many parts of the flush interval is looked which tablets are due. */
const FLUSH_ROUNDS = 20;

/** The store writes at most so many changes in one transaction (docs/internals/storage.md). */
const STORE_TRANSACTION_CHANGES = 900;

/** `context` of a refused append from a replica that needs a whole snapshot, whatever the leader's log still holds. */
export const SNAPSHOT_WANTED = 1;

interface RaftState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  readonly entries: readonly Entry[];
  readonly applied: number;
}

/** Puts together what the store has applied and what the WAL holds beyond it. */
function recoveredState(
  meta: NonNullable<ReturnType<typeof decodeTabletMeta>>,
  group: RecoveredGroup | undefined,
): RaftState {
  let index = meta.appliedIndex;
  let term = meta.appliedTerm;
  let confState = meta.confState;
  if (group?.base && group.base.index > index) {
    // The content was durable in the store before the WAL said so; only a store that fell back can be behind it.
    const decoded = decodeConfState(group.base.data);
    assert(decoded !== null, 'the WAL holds a configuration that this version cannot read');
    assert(meta.installing, 'the store is behind the start of the log');
    index = group.base.index;
    term = group.base.term;
    confState = decoded;
  }
  let entries = group?.entries ?? [];
  const at = entries.findIndex((entry) => entry.index > index);
  const before = at > 0 ? entries[at - 1] : entries[entries.length - 1];
  if (at < 0) {
    entries = [];
  } else {
    // Entries that follow another history than the one the store has applied are not this log's.
    const first = entries[at];
    const fits = first !== undefined && first.index === index + 1;
    const sameHistory = at === 0 || before === undefined || before.index !== index || before.term === term;
    entries = fits && sameHistory ? entries.slice(at) : [];
  }
  const last = entries.length > 0 ? (entries[entries.length - 1] as Entry) : null;
  const stored = group?.hardState ?? { term: 0, vote: 0, commit: 0 };
  const lastTerm = Math.max(term, last?.term ?? 0);
  const hardState: HardState = {
    term: Math.max(stored.term, lastTerm),
    vote: stored.term >= lastTerm ? stored.vote : 0,
    commit: Math.min(Math.max(stored.commit, index), last?.index ?? index),
  };
  return { hardState, snapshot: { index, term, confState }, entries, applied: index };
}

function members(confState: ConfState): Set<ReplicaId> {
  return new Set([...confState.voters, ...confState.votersOutgoing, ...confState.learners, ...confState.learnersNext]);
}

function* chained(sets: readonly FlushSet[]): Iterable<readonly [ByteKey, Uint8Array | null]> {
  for (const set of sets) yield* set.entries();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
