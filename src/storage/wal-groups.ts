/** Replays WAL records into what each group has to know after a restart. */
import type { Entry, EntryType } from '../raft/types.ts';
import { getUint53, RecordKind, type WalRecord } from './wal-format.ts';
import type { RecoveredGroup } from './wal-types.ts';

export class WalReplay {
  readonly groups = new Map<number, RecoveredGroup>();
  /** Groups whose entries do not follow each other although every checksum is right. */
  readonly gaps = new Set<number>();
  #hole = false;
  /** Removed after the hole: what comes later under the same number is new and whole. */
  readonly #clean = new Set<number>();

  /** Durable batches are missing from here on: every group may have lost something. */
  noteHole(): void {
    this.#hole = true;
    this.#clean.clear();
    for (const group of this.groups.values()) group.damaged = true;
  }

  apply(record: WalRecord): void {
    switch (record.kind) {
      case RecordKind.entry:
        this.#entry(record);
        break;
      case RecordKind.hardState:
        this.#group(record.group).hardState = {
          term: record.term,
          vote: record.data.length >= 8 ? getUint53(record.data, 0) : 0,
          commit: record.index,
        };
        break;
      case RecordKind.snapshotBase: {
        const group = this.#group(record.group);
        // The bytes are copied so that they do not keep a whole segment in memory.
        group.base = { index: record.index, term: record.term, data: Buffer.from(record.data) };
        group.entries = [];
        group.releasedThrough = Math.max(group.releasedThrough, record.index);
        this.gaps.delete(record.group);
        break;
      }
      case RecordKind.removeGroup:
        this.groups.delete(record.group);
        this.gaps.delete(record.group);
        if (this.#hole) this.#clean.add(record.group);
        break;
      case RecordKind.released: {
        const group = this.#group(record.group);
        group.releasedThrough = Math.max(group.releasedThrough, record.index);
        break;
      }
      default:
        // A kind of a later version; its group still counts as seen.
        this.#group(record.group);
    }
  }

  /** Marks groups with missing entries, and returns them. */
  finish(): number[] {
    const bad: number[] = [];
    for (const group of this.groups.values()) {
      const first = group.entries[0];
      const start = Math.max(group.base?.index ?? 0, group.releasedThrough);
      if (this.gaps.has(group.group) || (first !== undefined && first.index > start + 1)) {
        group.damaged = true;
        bad.push(group.group);
      }
    }
    return bad;
  }

  #group(group: number): RecoveredGroup {
    let found = this.groups.get(group);
    if (found === undefined) {
      found = {
        group,
        hardState: { term: 0, vote: 0, commit: 0 },
        base: null,
        entries: [],
        releasedThrough: 0,
        damaged: this.#hole && !this.#clean.has(group),
      };
      this.groups.set(group, found);
    }
    return found;
  }

  #entry(record: WalRecord): void {
    const group = this.#group(record.group);
    const entry: Entry = {
      term: record.term,
      index: record.index,
      type: record.type as EntryType,
      data: Buffer.from(record.data),
    };
    const entries = group.entries;
    const first = entries[0];
    if (first === undefined || record.index < first.index) {
      group.entries = [entry];
      return;
    }
    // Raft overwrites: an entry at an index that exists drops it and all that follow (thesis figure 3.1, step 3).
    const at = record.index - first.index;
    if (at > entries.length) {
      this.gaps.add(record.group);
      group.entries = [entry];
      return;
    }
    entries.length = at;
    entries.push(entry);
  }
}
