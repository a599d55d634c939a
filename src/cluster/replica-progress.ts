/** How far a leader's followers are, as placement and leadership decisions need it. */
import type { Raft } from '../raft/raft.ts';
import type { ReplicaId } from '../raft/types.ts';
import { nodeOf } from '../tablet/replica-id.ts';
import type { NodeId } from './view.ts';

/** Entries that a replica may miss and still count as caught up: less than one turn under load makes. */
const CAUGHT_UP_ENTRIES = 64;

/**
 * Whether `replica` has nearly everything that this leader has, and gets the rest by ordinary appends. One that has never
 * answered has nothing, however short the log is.
 */
export function isCaughtUp(raft: Raft, replica: ReplicaId): boolean {
  for (const progress of raft.status().progress) {
    if (progress.id === replica) {
      const { match, pendingSnapshot } = progress;
      return match > 0 && pendingSnapshot === 0 && match + CAUGHT_UP_ENTRIES >= raft.lastIndex;
    }
  }
  return false;
}

/**
 * Whether a group of `members` could commit at once: this leader, and others that are alive and caught up, are a majority of them.
 * Members are taken out only then. Otherwise a group that works with all it has would stand still, and for ever when the one that is
 * missing has lost its data.
 */
export function isMajorityAtHand(raft: Raft, members: readonly ReplicaId[], alive: (node: NodeId) => boolean): boolean {
  const ready = members.filter(
    (replica) => replica === raft.id || (alive(nodeOf(replica)) && isCaughtUp(raft, replica)),
  );
  return ready.length >= Math.floor(members.length / 2) + 1;
}

/** Entries that the slowest other replica misses, and how many replicas are not caught up. */
export function lagOf(raft: Raft): { lag: number; behind: number } {
  let lag = 0;
  let behind = 0;
  for (const progress of raft.status().progress) {
    if (progress.id === raft.id) continue;
    const missing = Math.max(0, raft.commitIndex - progress.match);
    if (missing > lag) lag = missing;
    if (missing > CAUGHT_UP_ENTRIES) behind += 1;
  }
  return { lag, behind };
}
