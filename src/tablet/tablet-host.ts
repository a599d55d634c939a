/**
 * All tablets of one node, driven together: what arrives in one turn of the event loop is evaluated as it comes, and at
 * the end of the turn becomes one entry per tablet, one WAL write with one fdatasync for the node, and one frame per peer.
 *
 *   turn-driver       a turn: seal, Ready, WAL write, frames, outcomes
 *   store-flusher     from the overlays into the store, tablet by tablet
 *   snapshot-traffic  whole states, in and out
 *   replica-factory, recovered-state   what a replica begins with
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { newMessage } from '../raft/messages.ts';
import { type Message, MessageType, type ReplicaId, Role } from '../raft/types.ts';
import type { DamagedError } from '../storage/errors.ts';
import type { ByteKey } from '../storage/ordered-store.ts';
import { encodeConfState, membersOf } from './conf-state-codec.ts';
import { type LostReplica, lostReplicas } from './damage.ts';
import { LostReplicas } from './lost-replicas.ts';
import type { Outcome, TabletOperation } from './operation.ts';
import type { SnapshotSink } from './peer-link.ts';
import { PeerOutbox } from './peer-outbox.ts';
import { readRaftFrame } from './raft-frame.ts';
import { lastIndexOf, newState, type RaftState, recoveredState } from './recovered-state.ts';
import { ReplicaFactory } from './replica-factory.ts';
import { nodeOf } from './replica-id.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { SNAPSHOT_WANTED, SnapshotTraffic } from './snapshot-traffic.ts';
import { StoreFlusher } from './store-flusher.ts';
import { StoreQueue } from './store-queue.ts';
import type { Tablet } from './tablet.ts';
import type { HostCounters, NewReplica, TabletHostOptions } from './tablet-host-options.ts';
import { encodeTabletMeta, logWitness, metaKey, readMetas, SOUND, type TabletMeta } from './tablet-meta.ts';
import { TurnDriver } from './turn-driver.ts';

export type { NewReplica, TabletHostEvents, TabletHostOptions } from './tablet-host-options.ts';

export class TabletHost {
  readonly clock: Clock;
  readonly counters: HostCounters = {
    turns: 0,
    proposals: 0,
    flushes: 0,
    flushedChanges: 0,
    snapshotsSent: 0,
    snapshotsInstalled: 0,
    replicasLost: 0,
    replicasRebuilt: 0,
  };
  readonly #options: TabletHostOptions;
  readonly #log: Logger;
  readonly #tablets = new Map<number, Tablet>();
  readonly #storeQueue = new StoreQueue();
  readonly #senders: SnapshotSender;
  readonly #turns: TurnDriver;
  readonly #flusher: StoreFlusher;
  readonly #factory: ReplicaFactory;
  readonly #snapshots: SnapshotTraffic;
  readonly #lost: LostReplicas;
  readonly #outbox: PeerOutbox;
  #timers: Timer[] = [];

  constructor(options: TabletHostOptions) {
    const { clock, wal, store, peers, logger, events } = options;
    const { counters } = this;
    const tablets = this.#tablets;
    const queue = this.#storeQueue;
    this.#options = options;
    this.clock = clock;
    this.#log = logger;
    const damaged = (tablet: Tablet, error: DamagedError): void => this.#lost.found(tablet, error);
    const reportSnapshot = (tablet: Tablet, replica: ReplicaId, complete: boolean): void => {
      if (complete) counters.snapshotsSent += 1;
      tablet.raft.reportSnapshot(replica, complete);
      this.markDirty(tablet);
    };
    this.#senders = new SnapshotSender(peers, logger, reportSnapshot, damaged);
    const senders = this.#senders;
    this.#outbox = new PeerOutbox(peers, (node) => this.peerDown(node));
    const outbox = this.#outbox;
    const appended = (tablet: number, bytes: number): void => this.#flusher.appended(tablet, bytes);
    this.#turns = new TurnDriver({ clock, wal, tablets, outbox, senders, events, counters, appended, damaged });
    const turns = this.#turns;
    this.#flusher = new StoreFlusher({
      ...options,
      queue,
      tablets,
      counters,
      whenDurable: (batch) => turns.whenDurable(batch),
      neededFrom: (tablet) => senders.lowestIndex(tablet),
      failed: (error) => events.failed(error),
    });
    const flusher = this.#flusher;
    this.#factory = new ReplicaFactory(options, turns);
    const factory = this.#factory;
    const { promise_ms } = options;
    this.#snapshots = new SnapshotTraffic({
      tablets,
      wal,
      store,
      queue,
      turns,
      flusher,
      factory,
      senders,
      events,
      counters,
      promise_ms,
      logger,
    });
    this.#lost = new LostReplicas({
      ...options,
      queue,
      tablets,
      counters,
      forget: (tablet) => this.#forget(tablet),
      markDirty: (tablet) => turns.markDirty(tablet),
    });
    wal.onError = (error) => events.failed(error);
    this.#recover();
  }

  start(): void {
    this.#timers.push(this.clock.every(this.#options.tick_ms, () => this.#tick()));
    this.#timers.push(this.#flusher.start());
    for (const tablet of this.#tablets.values()) this.markDirty(tablet);
  }

  /** Ends ticking, writes everything applied into the store, and tells what is still open that its outcome is unknown. */
  async stop(): Promise<void> {
    this.#turns.stop();
    for (const timer of this.#timers) timer.cancel();
    for (const tablet of this.#tablets.values()) tablet.abandon();
    this.#turns.runCompletions();
    this.#senders.abortAll();
    await this.#storeQueue.idle();
    await this.#storeQueue.run(() => this.#flusher.flush(this.#tablets.values()));
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
    const made: { id: number; replica: ReplicaId; state: RaftState; meta: TabletMeta }[] = [];
    for (const { id, replica, founders } of replicas) {
      assert(!this.#tablets.has(id) && !this.lost.has(id), 'a node has one replica of a tablet');
      const state = newState(founders);
      const { index, term, confState } = state.snapshot;
      const meta = {
        replica,
        appliedIndex: index,
        appliedTerm: term,
        consistentIndex: 0,
        confState,
        ...SOUND,
      };
      made.push({ id, replica, state, meta });
      // Whatever the log still says under this number is of another life.
      wal.removeGroup(id);
      if (founders !== null) wal.appendSnapshotBase(id, index, term, encodeConfState(confState));
      wal.appendHardState(id, state.hardState);
    }
    await this.#turns.whenDurable(wal.flush());
    const metas = made.map(({ id, meta }): [ByteKey, Uint8Array] => [metaKey(id), encodeTabletMeta(meta)]);
    await this.#storeQueue.run(() => store.write([], [], [...metas, logWitness(wal.durableBatch)]));
    for (const { id, replica, state, meta } of made) this.markDirty(this.#add(id, replica, state, meta));
  }

  /** Removes a replica with its data, lost or not. */
  async remove(id: number): Promise<void> {
    const tablet = this.#tablets.get(id);
    const isLost = this.lost.has(id);
    if (tablet === undefined && !isLost) return;
    const { wal, store, rangesOf } = this.#options;
    if (tablet !== undefined) this.#forget(tablet);
    // The log first: what a crash in between leaves is a replica that the log does not know, and that is removed again.
    wal.removeGroup(id);
    await this.#turns.whenDurable(wal.flush());
    await this.#storeQueue.run(() => {
      const ranges = rangesOf(id, store);
      assert(ranges !== null, 'a replica is removed because the metadata says so');
      return store.write(ranges, [], [[metaKey(id), null]]);
    });
    this.#lost.removed(id);
    if (isLost) this.#snapshots.expectRebuild(id);
  }

  /** Replicas that were given up because of damage, by tablet; each until it is removed. */
  get lost(): ReadonlyMap<number, LostReplica> {
    return this.#lost.byTablet;
  }

  /** It has become known which replica was lost. */
  nameLost(tablet: number, replica: number): void {
    this.#lost.name(tablet, replica);
  }

  /** Gives up what was found damaged at the start, durably. Before `start`, and before any message. */
  settleDamage(): Promise<void> {
    return this.#lost.settle();
  }

  /** Gives up all replicas. Before `settleDamage`. */
  loseAll(reason: string): void {
    this.#lost.loseAll(reason);
  }

  #forget(tablet: Tablet): void {
    this.#tablets.delete(tablet.id);
    this.#flusher.remove(tablet.id);
    this.#snapshots.abort(tablet.id);
    tablet.abandon();
    tablet.overlay.close();
  }

  /** A frame of Raft messages from another node. */
  receive(from: number, frame: Buffer): void {
    const valid = readRaftFrame(frame, (group, message) => {
      if (nodeOf(message.from) !== from) return;
      const tablet = this.#tablets.get(group);
      if (tablet === undefined || message.to !== tablet.replica) {
        this.#answerForTheGone(group, message);
        return;
      }
      if (tablet.installing && !isVoteRequest(message)) {
        this.#snapshots.whileInstalling(tablet, message);
        return;
      }
      if (message.type === MessageType.appendResponse && message.reject && message.context === SNAPSHOT_WANTED) {
        this.#snapshots.sendWholeState(tablet, message.from, message.rejectHint);
        return;
      }
      tablet.raft.step(message);
      this.markDirty(tablet);
    });
    if (!valid) this.#log.warn({ from }, 'a malformed frame of Raft messages was dropped');
  }

  /**
   * A replica stands by one that is not here any more, and did not hear that it has stepped down. It would wait for as long as this
   * node lives. Ids are used once, so what is gone never leads again.
   */
  #answerForTheGone(group: number, message: Message): void {
    if (message.type !== MessageType.fortifyResponse) return;
    const answer = newMessage(MessageType.fortify, message.to, message.from, message.term);
    answer.reject = true;
    this.#outbox.add(group, answer);
    this.#turns.schedule();
  }

  /** Node `from` has said which tablets it leads. Replicas that stand by a leader there that it did not name ask that one. */
  heardLed(from: number, led: ReadonlySet<number>): void {
    for (const tablet of this.#tablets.values()) {
      const leader = tablet.raft.promisedTo;
      if (leader === 0 || nodeOf(leader) !== from || led.has(tablet.id) || tablet.installing) continue;
      tablet.raft.questionLeader();
      this.markDirty(tablet);
    }
  }

  /** The connection to a node was lost: what was sent to it last may not have arrived. */
  peerDown(node: number): void {
    for (const tablet of this.#tablets.values()) {
      if (tablet.raft.role !== Role.leader) continue;
      for (const replica of membersOf(tablet.confState)) {
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
    return this.#snapshots.receive(from, header);
  }

  markDirty(tablet: Tablet): void {
    this.#turns.markDirty(tablet);
  }

  completeLater(operation: TabletOperation, outcome: Outcome): void {
    this.#turns.completeLater(operation, outcome);
  }

  #tick(): void {
    const now_ms = this.clock.monotonic_ms();
    for (const tablet of this.#tablets.values()) {
      tablet.expire(now_ms);
      if (tablet.raft.votesWithheld) tablet.raft.votesWithheld = now_ms < tablet.votesWithheldUntil_ms;
      if (tablet.installing) continue;
      tablet.raft.tick();
      if (tablet.raft.hasReady()) this.markDirty(tablet);
    }
    this.#lost.tick();
    this.#options.wal.settle();
  }

  #recover(): void {
    const { store, wal, recovery, silentUntil_ms } = this.#options;
    const stored = readMetas(store);
    const lost = lostReplicas({ ...stored, recovery, lastBatch: wal.durableBatch });
    for (const [id, replica] of lost) this.#lost.add(id, replica);
    for (const [id, meta] of stored.metas) {
      if (meta === null || lost.has(id)) continue;
      const group = recovery.groups.get(id);
      const state = recoveredState(meta, group);
      if (state.applied > lastIndexOf(group)) {
        // A crash came between the end of a snapshot in the store and the log's new beginning.
        const { index, term, confState } = state.snapshot;
        wal.appendSnapshotBase(id, index, term, encodeConfState(confState));
        wal.appendHardState(id, state.hardState);
      }
      const tablet = this.#add(id, meta.replica, state, meta);
      tablet.installing = meta.installing;
      tablet.consistentIndex = meta.consistentIndex;
      tablet.earlierLog = {
        index: tablet.raft.lastIndex,
        term: Math.max(state.snapshot.term, state.entries.at(-1)?.term ?? 0),
      };
      tablet.withholdVotes(silentUntil_ms, this.clock.monotonic_ms());
    }
  }

  #add(id: number, replica: ReplicaId, state: RaftState, meta: TabletMeta): Tablet {
    const tablet = this.#factory.tablet(id, replica, state);
    this.#tablets.set(id, tablet);
    this.#flusher.add(tablet, meta);
    return tablet;
  }
}

function isVoteRequest(message: Message): boolean {
  return message.type === MessageType.vote || message.type === MessageType.preVote;
}
