/**
 * What the leader of each tablet does for its tablet: brings the group's members to what the metadata asks for (learner,
 * catch up, then a joint change that lets the new one in and the old one out; thesis 4.2-4.3), and gives leadership back to
 * the preferred leader when that node has caught up.
 */
import type { Logger } from '../base/log.ts';
import { type ConfChange, ConfChangeType, type ReplicaId } from '../raft/types.ts';
import { nodeOf } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import type { TabletRecord } from './metadata.ts';
import { isCaughtUp, isMajorityAtHand } from './replica-progress.ts';
import type { NodeId, TabletId } from './view.ts';

/**
 * A node must have been alive this long before leadership goes back to it, since one that flaps would take it back and forth; and before
 * it counts for a group that others leave, since one that has come back may still find that it has lost its replica.
 */
const STEADY_MS = 2_000;

export class Steward {
  readonly #log: Logger;
  readonly #aliveFor_ms: (node: NodeId) => number;
  /** Tablets whose members cannot leave yet. */
  readonly #waiting = new Set<TabletId>();

  constructor(options: { logger: Logger; aliveFor_ms: (node: NodeId) => number }) {
    this.#log = options.logger;
    this.#aliveFor_ms = options.aliveFor_ms;
  }

  /** One step towards the members that `record` asks for. Returns true when they are reached. */
  manageMembers(tablet: Tablet, record: TabletRecord): boolean {
    const raft = tablet.raft;
    if (raft.hasPendingConfChange || tablet.confState.votersOutgoing.length > 0) return false;
    const { voters, learners } = tablet.confState;
    const wanted = new Set(record.replicas);
    for (const replica of record.replicas) {
      if (voters.includes(replica) || learners.includes(replica)) continue;
      this.#propose(tablet, { transition: 'auto', changes: [{ type: ConfChangeType.addLearner, replica }] });
      return false;
    }
    const missing = record.replicas.filter((replica) => !voters.includes(replica));
    if (missing.some((replica) => !isCaughtUp(raft, replica))) return false;
    const superfluous = [...voters, ...learners].filter((replica) => !wanted.has(replica));
    if (missing.length === 0 && superfluous.length === 0) return true;
    if (superfluous.includes(tablet.replica)) {
      // A leader that is to go hands over first, so that its leaving is no outage.
      const heir = voters.find((replica) => wanted.has(replica) && isCaughtUp(raft, replica));
      if (heir !== undefined) {
        raft.transferLeader(heir);
        return false;
      }
    }
    const isSteady = (node: NodeId): boolean => this.#aliveFor_ms(node) >= STEADY_MS;
    if (superfluous.length > 0 && !isMajorityAtHand(raft, record.replicas, isSteady)) return this.#waits(tablet);
    this.#waiting.delete(tablet.id);
    this.#propose(tablet, {
      transition: 'auto',
      changes: [
        ...missing.map((replica) => ({ type: ConfChangeType.addVoter, replica })),
        ...superfluous.map((replica) => ({ type: ConfChangeType.remove, replica })),
      ],
    });
    return false;
  }

  /** Gives leadership to the preferred leader. True when a transfer was started. */
  returnLeadership(tablet: Tablet, record: TabletRecord): boolean {
    const preferred = record.replicas[0];
    if (preferred === undefined || preferred === tablet.replica || tablet.raft.transferee !== 0) return false;
    if (!tablet.confState.voters.includes(preferred)) return false;
    if (this.#aliveFor_ms(nodeOf(preferred)) < STEADY_MS || !isCaughtUp(tablet.raft, preferred)) return false;
    this.#log.info({ tablet: tablet.id, to: nodeOf(preferred) }, 'giving leadership back to the preferred leader');
    return tablet.raft.transferLeader(preferred);
  }

  /** Hands the tablet to the best other voter. False when there is none that is alive and caught up. */
  handOver(tablet: Tablet, preferred: readonly ReplicaId[]): boolean {
    if (tablet.raft.transferee !== 0) return true;
    const order = [...preferred, ...tablet.confState.voters];
    for (const replica of order) {
      if (replica === tablet.replica || !tablet.confState.voters.includes(replica)) continue;
      if (this.#aliveFor_ms(nodeOf(replica)) <= 0 || !isCaughtUp(tablet.raft, replica)) continue;
      if (tablet.raft.transferLeader(replica)) return true;
    }
    return false;
  }

  #waits(tablet: Tablet): false {
    if (!this.#waiting.has(tablet.id)) {
      this.#log.info({ tablet: tablet.id }, 'members stay until a majority of the others is alive and caught up');
      this.#waiting.add(tablet.id);
    }
    return false;
  }

  #propose(tablet: Tablet, change: ConfChange): void {
    this.#log.info({ tablet: tablet.id, changes: change.changes }, 'changing the members of a tablet');
    tablet.proposeConfChange(change);
  }
}
