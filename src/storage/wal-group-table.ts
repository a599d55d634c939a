/** What the write-ahead log remembers of each group while it runs: enough to begin a segment and to end one. */
import type { LogIndex, Term } from '../raft/types.ts';
import { WalBatch } from './wal-batch.ts';
import { putUint53, RecordKind } from './wal-format.ts';
import type { WalSegment } from './wal-segments.ts';
import type { LogBase, RecoveredGroup } from './wal-types.ts';

export interface GroupState {
  hasHardState: boolean;
  term: Term;
  vote: number;
  commit: LogIndex;
  base: LogBase | null;
  /** 0: nothing yet. */
  lastIndex: LogIndex;
  /** Batch that holds the newest entry. */
  lastEntryBatch: number;
  /** Entries up to here are in the store. */
  released: LogIndex;
  /** The released index that the log itself has, at most `released`. */
  releaseLogged: LogIndex;
}

export class WalGroupTable {
  readonly #groups = new Map<number, GroupState>();
  /** Groups that lost something: while there is one, nothing is recycled, or the damage would be forgotten. */
  readonly #damaged = new Set<number>();
  /** The group that was last found to need the oldest segment: the question is asked per release, the answer is mostly the same. */
  #blocker = -1;

  constructor(recovered: Iterable<RecoveredGroup>) {
    for (const group of recovered) {
      if (group.damaged) this.#damaged.add(group.group);
      const last = group.entries[group.entries.length - 1];
      this.#groups.set(group.group, {
        hasHardState: true,
        ...group.hardState,
        base: group.base,
        lastIndex: last?.index ?? Math.max(group.base?.index ?? 0, group.releasedThrough),
        lastEntryBatch: 0,
        released: group.releasedThrough,
        releaseLogged: group.releasedThrough,
      });
    }
  }

  get(group: number): GroupState | undefined {
    return this.#groups.get(group);
  }

  obtain(group: number): GroupState {
    let state = this.#groups.get(group);
    if (state === undefined) {
      state = {
        hasHardState: false,
        term: 0,
        vote: 0,
        commit: 0,
        base: null,
        lastIndex: 0,
        lastEntryBatch: 0,
        released: 0,
        releaseLogged: 0,
      };
      this.#groups.set(group, state);
    }
    return state;
  }

  remove(group: number): void {
    this.#groups.delete(group);
    this.#damaged.delete(group);
    this.#blocker = -1;
  }

  /** Returns true when a segment may have become free. */
  release(group: number, index: LogIndex): boolean {
    const state = this.#groups.get(group);
    if (state === undefined || index <= state.released) return false;
    state.released = index;
    return this.#blocker === -1 || this.#blocker === group;
  }

  /** True while some group has entries in the segment that the store may not have. */
  isNeeded(segment: WalSegment): boolean {
    if (this.#damaged.size > 0) return true;
    if (this.#blocker !== -1 && this.#blocks(this.#blocker, segment)) return true;
    for (const group of segment.lastIndexes.keys()) {
      if (!this.#blocks(group, segment)) continue;
      this.#blocker = group;
      return true;
    }
    this.#blocker = -1;
    return false;
  }

  forgetBlocker(): void {
    this.#blocker = -1;
  }

  #blocks(group: number, segment: WalSegment): boolean {
    const last = segment.lastIndexes.get(group);
    const state = this.#groups.get(group);
    return last !== undefined && state !== undefined && state.released < last;
  }

  /** Last entry of every group that wrote one in batch `sequence` or later. */
  entriesSince(sequence: number): Map<number, LogIndex> {
    const result = new Map<number, LogIndex>();
    for (const [group, state] of this.#groups) {
      if (state.lastEntryBatch >= sequence && state.lastIndex > 0) result.set(group, state.lastIndex);
    }
    return result;
  }

  /** After recovery: entries that were overwritten or belong to removed groups hold no segment back. */
  clampLastIndexes(segments: readonly WalSegment[]): void {
    for (const segment of segments) {
      for (const [group, last] of segment.lastIndexes) {
        const state = this.#groups.get(group);
        if (state === undefined) segment.lastIndexes.delete(group);
        else segment.lastIndexes.set(group, Math.min(last, state.lastIndex));
      }
    }
  }

  /** The records that make older segments superfluous except for their entries. */
  checkpoint(): Buffer {
    const records = new WalBatch();
    const vote = Buffer.alloc(8);
    for (const [group, state] of this.#groups) {
      if (state.base !== null) {
        records.add(RecordKind.snapshotBase, 0, group, state.base.term, state.base.index, state.base.data);
      }
      if (state.hasHardState) {
        putUint53(vote, state.vote, 0);
        records.add(RecordKind.hardState, 0, group, state.term, state.commit, vote);
      }
      if (state.released > 0) {
        records.add(RecordKind.released, 0, group, 0, state.released, vote.subarray(0, 0));
      }
    }
    return records.payload;
  }
}
