/** What a replica gives its host to do. The order in which to do it stands at the head of raft.ts. */
import type {
  Entry,
  HardState,
  LogIndex,
  Message,
  ReadState,
  ReplicaId,
  SnapshotMeta,
  SoftState,
  Term,
} from './types.ts';

export interface Ready {
  /** Who leads and what this replica is, when that has changed. Not to be stored. */
  readonly softState: SoftState | null;
  /** To be stored in one atomic write with `entries` and `snapshot`, when it has changed. */
  readonly hardState: HardState | null;
  /** To be appended to the durable log. An index that is already there means: drop it and everything after it first. */
  readonly entries: readonly Entry[];
  /** The new beginning of the durable log, which drops all of the old one. Its content is already installed. */
  readonly snapshot: SnapshotMeta | null;
  /** To be applied, in order; they may not be durable here yet, but they are on a quorum. */
  readonly committedEntries: readonly Entry[];
  /** To be sent at once, in order. */
  readonly messages: readonly Message[];
  /** To be sent when this Ready is durable. Never non-empty without `mustSync`. */
  readonly messagesAfterAppend: readonly Message[];
  readonly readStates: readonly ReadState[];
  /** False when there is nothing to store, or only a commit index, which waits for the next write. */
  readonly mustSync: boolean;
  /** To be given back by `appended` when this Ready is durable. */
  readonly ticket: AppendTicket;
}

/**
 * Stands for what one Ready asked the storage to write. It belongs to the replica; the host only keeps it and gives
 * it back. When the log is truncated meanwhile, the replica lowers `index` on the tickets that are still out, so that a
 * late answer never vouches for entries that have been replaced since, not even by equal ones (the append ABA race).
 */
export interface AppendTicket {
  /** Counts up by one per Ready. */
  readonly sequence: number;
  readonly term: Term;
  readonly vote: ReplicaId;
  /** The last entry written by this Ready that is still in the log, 0 for none. */
  index: LogIndex;
  /** The log begins after this index once the write is durable, 0 when the Ready had no snapshot. */
  readonly snapshotIndex: LogIndex;
}
