/** Snapshots between the replicas of this node and others: who gets a whole state, and how one is taken in. */
import type { Logger } from '../base/log.ts';
import { type HardState, type Message, MessageType, type ReplicaId, type SnapshotMeta } from '../raft/types.ts';
import type { OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import { encodeConfState, membersOf } from './conf-state-codec.ts';
import type { SnapshotSink } from './peer-link.ts';
import { readRaftFrame } from './raft-frame.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import { nodeOf } from './replica-id.ts';
import { SnapshotInstaller } from './snapshot-installer.ts';
import type { SnapshotSender } from './snapshot-sender.ts';
import type { StoreFlusher } from './store-flusher.ts';
import type { StoreQueue } from './store-queue.ts';
import type { Tablet } from './tablet.ts';
import type { HostCounters, TabletHostEvents } from './tablet-host-options.ts';
import { encodeTabletMeta, metaKey, metaOf, SOUND } from './tablet-meta.ts';
import type { TurnDriver } from './turn-driver.ts';

/** `context` of a refused append from a replica that needs a whole snapshot, whatever the leader's log still holds. */
export const SNAPSHOT_WANTED = 1;

export interface SnapshotTrafficOptions {
  readonly tablets: ReadonlyMap<number, Tablet>;
  readonly wal: Wal;
  readonly store: OrderedStore;
  readonly queue: StoreQueue;
  readonly turns: TurnDriver;
  readonly flusher: StoreFlusher;
  readonly factory: ReplicaFactory;
  readonly senders: SnapshotSender;
  readonly events: TabletHostEvents;
  readonly counters: HostCounters;
  readonly promise_ms: number;
  readonly logger: Logger;
}

export class SnapshotTraffic {
  readonly #options: SnapshotTrafficOptions;
  readonly #log: Logger;
  /** Installs under way, by tablet. */
  readonly #receivers = new Map<number, SnapshotInstaller>();
  readonly #rebuilding = new Set<number>();

  constructor(options: SnapshotTrafficOptions) {
    this.#options = options;
    this.#log = options.logger;
  }

  /** Another node offers the content of a snapshot. Null refuses it. */
  receive(from: number, header: Buffer): SnapshotSink | null {
    let sink: SnapshotSink | null = null;
    readRaftFrame(header, (group, message) => {
      const tablet = this.#options.tablets.get(group);
      if (tablet === undefined || message.type !== MessageType.snapshot || message.snapshot === null) return;
      if (message.to !== tablet.replica || nodeOf(message.from) !== from) return;
      if (message.term < tablet.raft.term) return;
      if (!tablet.installing && message.snapshot.index <= tablet.raft.commitIndex) {
        // It is here already, and the leader has not heard so: told again, or it would offer it for ever.
        tablet.raft.step(message);
        this.#options.turns.markDirty(tablet);
        return;
      }
      sink = this.#beginInstall(tablet, message.snapshot);
    });
    return sink;
  }

  /** The replica, which is about to be made, takes the place of one that was lost. */
  expectRebuild(tablet: number): void {
    this.#rebuilding.add(tablet);
  }

  /** The replica is removed. */
  abort(tablet: number): void {
    this.#receivers.get(tablet)?.abort();
  }

  #beginInstall(tablet: Tablet, snapshot: SnapshotMeta): SnapshotSink | null {
    const { store, queue } = this.#options;
    if (this.#receivers.has(tablet.id)) return null;
    // This node has just started, and its replica of the metadata is not whole: another attempt will come.
    if (tablet.ranges(store) === null) return null;
    this.#log.info(
      { tablet: tablet.id, from: tablet.raft.appliedIndex, index: snapshot.index },
      'installing a snapshot',
    );
    tablet.installing = true;
    tablet.abandon();
    const receiver = new SnapshotInstaller({
      store,
      queue,
      ranges: () => tablet.ranges(store),
      clearState: () => tablet.overlay.clear(snapshot.index),
      metaKey: metaKey(tablet.id),
      metaWhileInstalling: encodeTabletMeta(metaOf(tablet, true)),
      metaWhenInstalled: (consistentIndex) =>
        encodeTabletMeta({
          replica: tablet.replica,
          appliedIndex: snapshot.index,
          appliedTerm: snapshot.term,
          consistentIndex,
          confState: snapshot.confState,
          ...SOUND,
          logFollows: true,
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
    const { wal, tablets, turns, flusher, factory, counters, events, promise_ms } = this.#options;
    if (tablets.get(tablet.id) !== tablet) return;
    const old = tablet.raft;
    // Term and vote are kept: what was promised to candidates stays promised.
    const hardState: HardState = {
      term: Math.max(old.term, snapshot.term),
      vote: old.term >= snapshot.term ? old.status().vote : 0,
      commit: snapshot.index,
    };
    wal.appendSnapshotBase(tablet.id, snapshot.index, snapshot.term, encodeConfState(snapshot.confState));
    wal.appendHardState(tablet.id, hardState);
    wal.flush();
    tablet.raft = factory.raft(tablet.id, tablet.replica, {
      hardState,
      snapshot,
      entries: [],
      applied: snapshot.index,
    });
    tablet.restored(snapshot.index, snapshot.term, snapshot.confState);
    // The new Raft does not know by which leader the old one has promised to stand.
    const now_ms = turns.clock.monotonic_ms();
    tablet.withholdVotes(now_ms + promise_ms, now_ms);
    tablet.consistentIndex = consistentIndex;
    tablet.installing = false;
    flusher.replaced(tablet);
    counters.snapshotsInstalled += 1;
    if (this.#rebuilding.delete(tablet.id)) counters.replicasRebuilt += 1;
    this.#log.info({ tablet: tablet.id, index: snapshot.index }, 'snapshot installed');
    events.applied(tablet);
    turns.markDirty(tablet);
  }

  /**
   * A replica whose state is being replaced appends nothing. It still votes: its log is what it has acknowledged, until the
   * snapshot takes its place, and a leader that is gone can often not be replaced without it. After a crash in the middle no
   * stream is under way, and the leader is asked for one.
   */
  whileInstalling(tablet: Tablet, message: Message): void {
    if (this.#receivers.has(tablet.id)) return;
    if (message.type !== MessageType.append && message.type !== MessageType.heartbeat) return;
    // The hint says how far this replica's log went, which it may have acknowledged.
    const refusal: Message = {
      type: MessageType.appendResponse,
      to: message.from,
      from: tablet.replica,
      term: message.term,
      logTerm: 0,
      index: message.index,
      commit: 0,
      reject: true,
      rejectHint: tablet.raft.lastIndex,
      context: SNAPSHOT_WANTED,
      entries: [],
      snapshot: null,
    };
    this.#options.turns.send(tablet, refusal);
    this.#options.turns.schedule();
  }

  /**
   * For a replica that has lost its state: a snapshot of now, although the log might still reach back far enough. Not one that
   * lacks what the replica's log had: this leader may have counted on that. A leader need not serve for it, because it may
   * need just this replica to commit the first entry of its term.
   */
  sendWholeState(tablet: Tablet, to: ReplicaId, lastIndex: number): void {
    if (!tablet.raft.isLeader || tablet.damaged || !membersOf(tablet.confState).has(to)) return;
    if (!tablet.serving && tablet.raft.appliedIndex < lastIndex) return;
    const snapshot = { index: tablet.raft.appliedIndex, term: tablet.appliedTerm, confState: tablet.confState };
    this.#options.senders.start(tablet, {
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
}
