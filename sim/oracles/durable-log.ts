/**
 * What the platter of one machine holds of its write-ahead log, read off each write at the moment at which it becomes durable. The
 * formats are the shipped ones; everything else (which write was torn, what replaces what) is worked out here, so that the
 * oracles need not believe what a node says of itself.
 */
import { crc32 } from 'node:zlib';
import {
  BATCH_HEADER_BYTES,
  CHECKPOINT_AT,
  eachRecord,
  getBatchHeader,
  getSegmentHeader,
  padded,
  RecordKind,
  type WalRecord,
} from '../../src/storage/wal-format.ts';
import type { DiskObserver } from '../world/sim-disk.ts';
import { Violation } from './violation.ts';

export interface DurableEntry {
  readonly term: number;
  readonly type: number;
  readonly hash: number;
  readonly data: Buffer;
}

export class DurableGroup {
  /** The log begins after it: everything up to it is in a snapshot. */
  base = 0;
  last = 0;
  term = 0;
  readonly entries = new Map<number, DurableEntry>();
  /** Whom this replica has ever voted for, by term. */
  readonly votes = new Map<number, number>();

  /** The entry at `index`; null when it is there only as part of a snapshot, undefined when it is not there. */
  at(index: number): DurableEntry | null | undefined {
    if (index > this.last) return undefined;
    const entry = this.entries.get(index);
    if (entry !== undefined) return entry;
    return index <= this.base ? null : undefined;
  }
}

export class DurableLog implements DiskObserver {
  /** A vote has become durable, for the first time in this life of the replica. Nobody has heard of it yet. */
  onVote: (tablet: number, term: number, candidate: number) => void = () => undefined;
  readonly #groups = new Map<number, DurableGroup>();
  /** Salt of the segment in each file. */
  readonly #salts = new Map<string, number>();
  readonly #folder: string;
  #sequence = 0;

  constructor(folder: string) {
    this.#folder = `${folder}/wal-`;
  }

  group(tablet: number): DurableGroup | undefined {
    return this.#groups.get(tablet);
  }

  written(path: string, position: number, data: Buffer): void {
    if (path.startsWith(this.#folder)) this.#take(path, position, data);
  }

  torn(path: string, position: number, length: number, contents: Buffer): void {
    if (path.startsWith(this.#folder)) this.#take(path, position, contents.subarray(position, position + length));
  }

  #take(path: string, position: number, data: Buffer): void {
    let at = 0;
    let salt = this.#salts.get(path);
    if (position === 0) {
      const header = getSegmentHeader(data);
      if (header === null) return;
      salt = header.salt;
      at = CHECKPOINT_AT + padded(header.checkpointLength);
      // The first write of a segment counts as a whole.
      const checkpoint = data.subarray(CHECKPOINT_AT, CHECKPOINT_AT + header.checkpointLength);
      if (crc32(checkpoint) !== header.checkpointCrc) return;
    }
    if (salt === undefined) return;
    const header = getBatchHeader(data, at, salt);
    // A batch that is not whole does not exist; one that the log has had already was written again after a restart.
    if (header === null || header.sequence <= this.#sequence) return;
    this.#salts.set(path, salt);
    this.#sequence = header.sequence;
    const from = at + BATCH_HEADER_BYTES;
    eachRecord(data.subarray(from, from + header.payloadLength), (record) => this.#record(record));
  }

  #record(record: WalRecord): void {
    const { kind, group: id, term, index } = record;
    if (kind === RecordKind.removeGroup) {
      this.#groups.delete(id);
      return;
    }
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new DurableGroup();
      this.#groups.set(id, group);
    }
    if (kind === RecordKind.entry) {
      for (let i = index + 1; i <= group.last; i += 1) group.entries.delete(i);
      group.last = index;
      const { type, data } = record;
      group.entries.set(index, { term, type, hash: crc32(data, type), data });
    } else if (kind === RecordKind.hardState) {
      group.term = term;
      const vote = record.data.readUInt32LE(4) * 0x1_0000_0000 + record.data.readUInt32LE(0);
      const before = group.votes.get(term);
      if (vote === 0 || vote === before) return;
      if (before !== undefined) {
        throw new Violation('two-votes', `tablet ${id}, term ${term}: one replica votes for ${before} and for ${vote}`);
      }
      group.votes.set(term, vote);
      this.onVote(id, term, vote);
    } else if (kind === RecordKind.snapshotBase) {
      group.entries.clear();
      group.base = index;
      group.last = index;
    }
  }
}
