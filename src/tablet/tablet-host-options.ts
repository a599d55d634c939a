/** What a TabletHost is made with, and what it tells. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Prng } from '../base/prng.ts';
import type { ReplicaId } from '../raft/types.ts';
import type { KeyFinder, KeyRange, OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import type { WalRecovery } from '../storage/wal-types.ts';
import type { PeerLink, SupportSource } from './peer-link.ts';
import type { Tablet, TabletLimits } from './tablet.ts';

export interface TabletHostOptions {
  readonly node: number;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly wal: Wal;
  readonly recovery: WalRecovery;
  readonly store: OrderedStore;
  readonly peers: PeerLink;
  readonly support: SupportSource;
  /**
   * The key ranges of a tablet that may hold something of `content`, from the metadata; asked when its data is sent or removed.
   * Null while the metadata does not know the tablet.
   */
  readonly rangesOf: (tablet: number, content: KeyFinder) => readonly KeyRange[] | null;
  /** Before this monotonic time a promise of an earlier life of this node may still hold: no votes, no campaigns. */
  readonly silentUntil_ms: number;
  /** How long a promise of this node can hold after it was given, drift included. */
  readonly promise_ms: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Followers of this tablet are waited for, so that they hear of a commit at once and not with the next entries. */
  readonly isWaitedFor: (tablet: number) => boolean;
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
  /**
   * Reading the replica's state found damage, while it leads: another node is to lead before it is given up. Called again at
   * every tick until it does not lead any more.
   */
  handOver(tablet: Tablet): void;
  /** A replica has been given up: `TabletHost.lost` has it now. */
  lost(tablet: number): void;
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

/** Counters for metrics. */
export interface HostCounters {
  turns: number;
  proposals: number;
  flushes: number;
  flushedChanges: number;
  snapshotsSent: number;
  snapshotsInstalled: number;
  /** Replicas given up because of damage, and new ones that took their place and are whole. */
  replicasLost: number;
  replicasRebuilt: number;
}
