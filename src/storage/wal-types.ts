/** What the write-ahead log gives back when it is opened, and what it wants to be told. */
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/log.ts';
import type { Prng } from '../base/prng.ts';
import type { Entry, HardState, LogIndex, Term } from '../raft/types.ts';

export interface WalOptions {
  readonly disk: Disk;
  /** Holds nothing but this log. */
  readonly folder: string;
  readonly logger: Logger;
  /** For the segments' salts. */
  readonly prng: Prng;
  /** Size of a segment; a batch that does not fit gets a larger one of its own. */
  readonly segmentBytes?: number;
  /** Segments that are kept for use again; more are removed. */
  readonly spareSegmentsMax?: number;
}

export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
  /** The bytes given to `appendSnapshotBase`. */
  readonly data: Buffer;
}

export interface RecoveredGroup {
  readonly group: number;
  /** All zero when none was ever written. */
  hardState: HardState;
  /** Null while the log begins at index 1. */
  base: LogBase | null;
  /**
   * Consecutive. The first may be anything up to `releasedThrough` + 1 (or base + 1), also above an index that the store
   * holds already: the host drops what its store has applied.
   */
  entries: Entry[];
  /** Entries up to here were released: the store must hold them, else this replica has to be rebuilt. */
  releasedThrough: LogIndex;
  /**
   * Something durable of this group may be missing, a vote or acknowledged entries. It must not vote, acknowledge or
   * campaign any more under its replica id: remove the group here and rebuild it from peers as a new replica.
   */
  damaged: boolean;
}

export interface WalDamage {
  readonly path: string;
  readonly offset: number;
  /** The first batch that is missing. */
  readonly sequence: number;
  readonly reason: string;
}

export interface WalRecovery {
  readonly groups: Map<number, RecoveredGroup>;
  /** Empty in all ordinary cases, a torn tail included. Otherwise the groups concerned are marked. */
  readonly damage: readonly WalDamage[];
  /** True when the last write before the end of the process was cut off; nobody was told that it was durable. */
  readonly tornTail: boolean;
}
