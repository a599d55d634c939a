/** What a Cluster is made with. */
import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/log.ts';
import type { Network } from '../base/network.ts';
import type { Prng } from '../base/prng.ts';
import type { OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import type { WalRecovery } from '../storage/wal-types.ts';
import type { JoinRequest } from './cluster-messages.ts';
import type { Liveness } from './liveness.ts';

export interface ClusterOptions {
  readonly disk: Disk;
  readonly network: Network;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly liveness: Liveness;
  /** `canRebuild`: a store that is unusable may be put aside for an empty one, since other nodes are known. */
  readonly openStorage: (canRebuild: boolean) => Promise<OpenedStorage>;
  readonly folder: string;
  /** Monotonic time at which this process began: what an earlier life promised runs out a support duration later. */
  readonly bornAt_ms: number;
  /** Host and peer port of the initial members, this node included; empty for a cluster of one. */
  readonly join: readonly { host: string; port: number }[];
  readonly replicationFactor: number;
  /** 0 chooses. */
  readonly tablets: number;
  readonly supportDuration_ms: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly flushInterval_ms: number;
  readonly requestTimeout_ms: number;
  readonly inFlightBytesMax: number;
  readonly readCacheBytes: number;
  /** Memory for log entries that the store already holds; a follower that needs older ones gets a snapshot. */
  readonly retainedLogBytes?: number;
  /** The node must end: its disk or one of its invariants failed. */
  readonly failed: (error: Error) => void;
  /** The cluster has taken this node off its list: the node is to be stopped. May be called more than once. */
  readonly removed: (error: Error) => void;
}

export interface OpenedStorage {
  readonly wal: Wal;
  readonly recovery: WalRecovery;
  readonly store: OrderedStore;
  /** Removes a store that was put aside, if there is one: nothing of it is needed any more. */
  readonly discardDamaged: () => Promise<void>;
}

/** What a node tells others about itself. The peer port may be 0 until it is bound. */
export type Self = Omit<JoinRequest, 'type'>;
