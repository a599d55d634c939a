/**
 * The safety rules of Raft and of durability, looked at after every event of every node (thesis figure 3.2, and section 3.6.1):
 *
 *   one leader a term; a leader is elected by votes that are durable on a quorum of voters; it has everything committed;
 *   what is committed is durable on a quorum of voters, never changes, and is what every replica has at that index;
 *   the state of a replica is what the committed log up to its applied index makes.
 *
 * Quorums are counted here, on what the simulated platters hold. From the nodes come only roles, terms, commit indexes and who
 * the members are.
 */
import { type ConfState, Role } from '../../src/raft/types.ts';
import type { ByteKey, KeyRange } from '../../src/storage/ordered-store.ts';
import { nodeOf } from '../../src/tablet/replica-id.ts';
import type { Tablet } from '../../src/tablet/tablet.ts';
import type { DurableEntry, DurableLog } from './durable-log.ts';
import { hashOf, TabletModel } from './tablet-model.ts';
import { Violation } from './violation.ts';

/** What was last seen of a replica. */
interface Seen {
  raft: Tablet['raft'];
  role: number;
  term: number;
  commit: number;
  confState: ConfState;
}

export class TabletRecord {
  readonly id: number;
  /** By index. Index 1 is the imaginary entry of the founders. */
  readonly committed: DurableEntry[] = [];
  readonly leaders = new Map<number, number>();
  readonly model: TabletModel;
  commit = 1;
  /** What was committed by the end of each term, as far as seen. */
  readonly #commits: { term: number; index: number }[] = [];

  /** What a leader of `term` must have: entries committed in later terms are none of its business (thesis 3.6.3). */
  committedBefore(term: number): number {
    let most = 1;
    for (const commit of this.#commits) if (commit.term < term && commit.index > most) most = commit.index;
    return most;
  }

  noteCommit(term: number, index: number): void {
    this.commit = index;
    const known = this.#commits.find((commit) => commit.term === term);
    if (known === undefined) this.#commits.push({ term, index });
    else known.index = Math.max(known.index, index);
  }

  constructor(id: number, onPut: (key: ByteKey, value: Buffer) => void) {
    this.id = id;
    this.model = new TabletModel(onPut);
  }
}

export class RaftOracle {
  readonly tablets = new Map<number, TabletRecord>();
  readonly #logOf: (node: number) => DurableLog | undefined;
  readonly #onPut: (tablet: number, key: ByteKey, value: Buffer) => void;
  readonly #seen = new WeakMap<Tablet, Seen>();
  /** Replicas by node and tablet that are up, to look at what they have committed. */
  stateChecks = 0;

  constructor(
    logOf: (node: number) => DurableLog | undefined,
    onPut: (tablet: number, key: ByteKey, value: Buffer) => void,
  ) {
    this.#logOf = logOf;
    this.#onPut = onPut;
  }

  record(id: number): TabletRecord {
    let record = this.tablets.get(id);
    if (record === undefined) {
      record = new TabletRecord(id, (key, value) => this.#onPut(id, key, value));
      this.tablets.set(id, record);
    }
    return record;
  }

  /** Looks at all replicas of a node after one of its events. */
  observe(node: number, tablets: Iterable<Tablet>): void {
    for (const tablet of tablets) {
      const { raft } = tablet;
      const seen = this.#seen.get(tablet);
      if (seen === undefined) {
        const first: Seen = { raft, role: Role.follower, term: 0, commit: 0, confState: raft.confState };
        this.#seen.set(tablet, first);
        this.#changed(node, tablet, first);
        continue;
      }
      if (
        seen.role !== raft.role ||
        seen.term !== raft.term ||
        seen.commit !== raft.commitIndex ||
        seen.raft !== raft
      ) {
        this.#changed(node, tablet, seen);
      } else {
        seen.confState = raft.confState;
      }
    }
  }

  /** Compares what a replica has applied in `ranges` with what the committed log makes of it. */
  checkState(node: number, tablet: Tablet, ranges: readonly KeyRange[]): void {
    const record = this.tablets.get(tablet.id);
    const index = tablet.raft.appliedIndex;
    if (record === undefined || index > record.commit) return;
    let hash = 0;
    let count = 0;
    const readable = tablet.readLocal((transaction) => {
      for (const { lo, hi } of ranges) {
        transaction.scan(lo, hi, false, (key, value) => {
          hash += hashOf(key, value);
          count += 1;
          return true;
        });
      }
    });
    if (!readable) return;
    this.stateChecks += 1;
    const expected = record.model.hashes[index];
    if (expected !== undefined && hash !== expected) {
      throw new Violation(
        'state-hash',
        `tablet ${tablet.id} on node ${node} at index ${index}: ${count} keys that are not what the log makes`,
      );
    }
  }

  /** At rest, with nothing under way to any disk: every log on a platter is what was committed, as far as it goes. */
  checkLog(node: number, tablet: Tablet): void {
    const record = this.tablets.get(tablet.id);
    if (record !== undefined) this.#agrees(node, tablet, record, 1);
  }

  #changed(node: number, tablet: Tablet, seen: Seen): void {
    const { raft } = tablet;
    const record = this.record(tablet.id);
    if (raft.role === Role.leader && (seen.role !== Role.leader || seen.term !== raft.term || seen.raft !== raft)) {
      this.#elected(node, tablet, record, seen.confState);
    }
    if (raft.commitIndex > record.commit) this.#committed(node, tablet, record, seen.confState);
    if (raft.commitIndex > seen.commit) this.#agrees(node, tablet, record, seen.commit);
    if (seen.raft === raft && raft.commitIndex < seen.commit) {
      throw new Violation('commit-index', `tablet ${tablet.id} on node ${node} takes back its commit index`);
    }
    if (seen.raft === raft && raft.term < seen.term) {
      throw new Violation('term', `tablet ${tablet.id} on node ${node} takes back its term`);
    }
    seen.raft = raft;
    seen.role = raft.role;
    seen.term = raft.term;
    seen.commit = raft.commitIndex;
    seen.confState = raft.confState;
  }

  #elected(node: number, tablet: Tablet, record: TabletRecord, before: ConfState): void {
    const { raft } = tablet;
    const known = record.leaders.get(raft.term);
    if (known !== undefined && known !== tablet.replica) {
      throw new Violation('two-leaders', `tablet ${tablet.id}, term ${raft.term}: ${known} and ${tablet.replica}`);
    }
    record.leaders.set(raft.term, tablet.replica);
    const votes = (replica: number): boolean => {
      const group = this.#logOf(nodeOf(replica))?.group(tablet.id);
      if (group === undefined) return false;
      // One write may carry a vote and what came after it. A later term on the platter means that this one is over for the voter:
      // it votes for nobody else in it.
      return group.votes.get(raft.term) === tablet.replica || (!group.votes.has(raft.term) && group.term > raft.term);
    };
    if (!isQuorum(raft.confState, votes) && !isQuorum(before, votes)) {
      throw new Violation(
        'votes-durable',
        `tablet ${tablet.id}: ${tablet.replica} leads term ${raft.term} without a quorum of durable votes`,
      );
    }
    const needed = record.committedBefore(raft.term);
    if (raft.lastIndex < needed) {
      throw new Violation(
        'leader-completeness',
        `tablet ${tablet.id}: the leader of term ${raft.term} on node ${node} has ${raft.lastIndex} entries of ${needed}`,
      );
    }
    const log = this.#logOf(node)?.group(tablet.id);
    for (let i = Math.max(raft.firstIndex, needed - 64); i <= Math.min(raft.stableIndex, needed); i += 1) {
      const mine = log?.at(i);
      const committed = record.committed[i];
      if (mine == null || committed === undefined || isSame(mine, committed)) continue;
      throw new Violation('leader-completeness', `tablet ${tablet.id}: the new leader's entry ${i} is another one`);
    }
  }

  /** Nobody had committed these before: a quorum of voters must have them on its platters now. */
  #committed(node: number, tablet: Tablet, record: TabletRecord, before: ConfState): void {
    const { raft } = tablet;
    for (let index = record.commit + 1; index <= raft.commitIndex; index += 1) {
      const entry =
        this.#durableOnQuorum(tablet.id, raft.confState, index) ?? this.#durableOnQuorum(tablet.id, before, index);
      if (entry === null) {
        throw new Violation(
          'commit-durable',
          `tablet ${tablet.id}: node ${node} commits ${index} in term ${raft.term}, which no quorum of voters has on disk`,
        );
      }
      record.committed[index] = entry;
      record.noteCommit(raft.term, index);
      record.model.apply(index, entry);
    }
  }

  #durableOnQuorum(id: number, confState: ConfState, index: number): DurableEntry | null {
    const candidates: DurableEntry[] = [];
    for (const replica of [...confState.voters, ...confState.votersOutgoing]) {
      const entry = this.#logOf(nodeOf(replica))?.group(id)?.at(index);
      if (entry != null && !candidates.some((other) => isSame(other, entry))) candidates.push(entry);
    }
    for (const candidate of candidates) {
      const has = (replica: number): boolean => {
        const entry = this.#logOf(nodeOf(replica))?.group(id)?.at(index);
        return entry === null || (entry !== undefined && isSame(entry, candidate));
      };
      if (isQuorum(confState, has)) return candidate;
    }
    return null;
  }

  /** What this replica has committed now is what was committed. */
  #agrees(node: number, tablet: Tablet, record: TabletRecord, from: number): void {
    const { raft } = tablet;
    const log = this.#logOf(node)?.group(tablet.id);
    if (log === undefined) return;
    const first = Math.max(from + 1, raft.firstIndex);
    for (let index = first; index <= Math.min(raft.commitIndex, raft.stableIndex); index += 1) {
      const mine = log.at(index);
      const committed = record.committed[index];
      if (mine == null || committed === undefined || isSame(mine, committed)) continue;
      throw new Violation(
        'log-matching',
        `tablet ${tablet.id}: entry ${index} of node ${node} is not what was committed`,
      );
    }
  }
}

export function isQuorum(confState: ConfState, has: (replica: number) => boolean): boolean {
  return (
    isMajority(confState.voters, has) &&
    (confState.votersOutgoing.length === 0 || isMajority(confState.votersOutgoing, has))
  );
}

function isMajority(voters: readonly number[], has: (replica: number) => boolean): boolean {
  let count = 0;
  for (const voter of voters) if (has(voter)) count += 1;
  return voters.length > 0 && count * 2 > voters.length;
}

function isSame(a: DurableEntry, b: DurableEntry): boolean {
  return a.term === b.term && a.hash === b.hash && a.type === b.type;
}
