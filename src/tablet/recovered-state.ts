/** What a replica starts with: after a restart put together from what the store has applied and what the WAL holds beyond it. */
import { assert } from '../base/assert.ts';
import type { Entry, HardState, ReplicaId, SnapshotMeta } from '../raft/types.ts';
import type { RecoveredGroup } from '../storage/wal-types.ts';
import { decodeConfState, EMPTY_CONF_STATE } from './conf-state-codec.ts';
import type { TabletMeta } from './tablet-meta.ts';

export interface RaftState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  readonly entries: readonly Entry[];
  readonly applied: number;
}

/** Of a replica that has never been: one of the founders, or one that waits for a snapshot. */
export function newState(founders: readonly ReplicaId[] | null): RaftState {
  const confState = { ...EMPTY_CONF_STATE, voters: founders ?? [] };
  // A founder's log starts after an imaginary first entry that named the members (raft/config.ts, `snapshot`).
  const base = founders === null ? 0 : 1;
  return {
    hardState: { term: base, vote: 0, commit: base },
    snapshot: { index: base, term: base, confState },
    entries: [],
    applied: base,
  };
}

export function recoveredState(meta: TabletMeta, group: RecoveredGroup | undefined): RaftState {
  let index = meta.appliedIndex;
  let term = meta.appliedTerm;
  let confState = meta.confState;
  if (group?.base && group.base.index > index) {
    // The content was durable in the store before the WAL said so: any other replica that is behind is lost (damage.ts).
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

/** The last entry that the log has had, 0 for none. */
export function lastIndexOf(group: RecoveredGroup | undefined): number {
  const last = group?.entries[group.entries.length - 1];
  return last?.index ?? Math.max(group?.base?.index ?? 0, group?.releasedThrough ?? 0);
}
