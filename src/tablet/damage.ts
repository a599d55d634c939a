/**
 * Which replicas of this node may go on after a restart, and which have lost something and must never vote or acknowledge
 * again under their id. Two witnesses are compared, the log and the store: each knows what the other must have.
 *
 * A replica is lost when
 *   - the log says so (a durable batch is damaged: nobody knows whose vote was in it), or the store does (`TabletMeta.damaged`:
 *     found out earlier, or a value that does not have its checksum);
 *   - the log does not know it: a replica is in the log before it is in the store;
 *   - the log ends before what the store has applied: the store never runs ahead of the log;
 *   - the store is behind what the log has let go of, or what follows the applied entry is missing;
 *   - the store does not know it although it has lived: voted, or held entries.
 * All are lost when the store has seen a later batch than the log holds (`logWitness`).
 */
import type { RecoveredGroup, WalRecovery } from '../storage/wal-types.ts';
import type { TabletMeta } from './tablet-meta.ts';

export interface LostReplica {
  /** 0 when nothing says which one it was. */
  readonly replica: number;
  /** What is damaged, in words for an operator. */
  readonly reason: string;
  /** What the store last said of it; null when that is not known. It is kept, for whoever has to save what can be saved. */
  readonly meta: TabletMeta | null;
}

export interface FoundReplicas {
  /** What the store says of each replica; null when that cannot be read. */
  readonly metas: ReadonlyMap<number, TabletMeta | null>;
  readonly recovery: WalRecovery;
  /** The newest batch that the store has seen durable, and the newest one of the log. */
  readonly logWitness: number;
  readonly lastBatch: number;
}

export function lostReplicas(found: FoundReplicas): Map<number, LostReplica> {
  const { metas, recovery, logWitness, lastBatch } = found;
  const lost = new Map<number, LostReplica>();
  for (const [id, meta] of metas) {
    const reason = whyLost(meta, recovery.groups.get(id), recovery, logWitness > lastBatch);
    if (reason !== null) lost.set(id, { replica: meta?.replica ?? 0, reason, meta });
  }
  for (const group of recovery.groups.values()) {
    if (metas.has(group.group) || !hasLived(group)) continue;
    lost.set(group.group, { replica: 0, reason: 'the store has lost it', meta: null });
  }
  return lost;
}

function whyLost(
  meta: TabletMeta | null,
  group: RecoveredGroup | undefined,
  recovery: WalRecovery,
  logIsShort: boolean,
): string | null {
  if (meta === null) return 'its record in the store is damaged';
  if (meta.damaged) return 'it was found damaged before';
  if (logIsShort) return 'the newest part of the log is gone';
  if (group === undefined) return recovery.damage.length > 0 ? damageText(recovery) : 'the log has lost it';
  if (group.damaged) return damageText(recovery);
  if (meta.installing) return null;
  const base = Math.max(group.base?.index ?? 0, group.releasedThrough);
  if (base > meta.appliedIndex) return 'the store has lost what the log has let go of';
  const first = group.entries[0]?.index;
  if (first !== undefined && first > meta.appliedIndex + 1) return 'entries between the store and the log are missing';
  const last = group.entries[group.entries.length - 1]?.index ?? base;
  if (last < meta.appliedIndex && !meta.logFollows) return 'the log ends before what the store has applied';
  return null;
}

function damageText(recovery: WalRecovery): string {
  const first = recovery.damage[0];
  return first === undefined ? 'the log is damaged' : `${first.path} at byte ${first.offset}: ${first.reason}`;
}

/** A replica that has done nothing yet has promised nothing: it was being made when the process ended. */
function hasLived(group: RecoveredGroup): boolean {
  const { term, vote } = group.hardState;
  return group.damaged || group.entries.length > 0 || vote !== 0 || term > 1 || (group.base?.index ?? 0) > 1;
}
