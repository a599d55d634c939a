/**
 * Reads the log's segments when a node starts, and tells a torn tail from damage.
 *
 * Only one write is ever in flight, so batch n+1 was written after batch n was durable, and says so ("durable up to"). A
 * batch that is not whole and has nothing after it is the write that the end of the process cut off: nobody was told that
 * it was durable, and it is overwritten. One that is followed by a later batch, in this or a later segment, was durable
 * and is damaged now: nothing is cut, and every group is reported, because no one knows whose vote was in it.
 *
 * More that proves that something is gone: a file shorter than its header says; a prepared segment without the one before it
 * (it is prepared when that one's first batch is durable). What the store knows of the log is the host's to compare
 * (tablet/damage.ts).
 *
 * What cannot be told apart: damage to the very last batch of all looks like a torn write. `Wal.close`, and `Wal.settle` when
 * the log has been at rest for a moment, therefore write one more batch with nothing of value in it, so that only a crash
 * within that moment leaves a last batch that nothing vouches for. The host does not let a replica vote at once when the log
 * ended in a torn write (docs/internals/damage.md).
 */

import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from '../base/disk.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  CHECKPOINT_AT,
  eachRecord,
  getBatchHeader,
  getSegmentHeader,
  isSpareName,
  padded,
  RecordKind,
  SECTOR_BYTES,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from './wal-format.ts';
import { WalReplay } from './wal-groups.ts';
import type { WalDamage } from './wal-types.ts';

export interface RecoveredSegment {
  readonly number: number;
  readonly file: DiskFile;
  /** Null when both header copies are bad. */
  readonly header: SegmentHeader | null;
  /** Highest entry index by group. */
  readonly lastIndexes: Map<number, number>;
}

export interface RecoveredLog {
  readonly replay: WalReplay;
  readonly segments: RecoveredSegment[];
  /** Segment files that were never begun, ascending. */
  readonly prepared: { readonly number: number; readonly file: DiskFile; readonly clean: boolean }[];
  readonly spares: string[];
  readonly damage: WalDamage[];
  readonly tornTail: boolean;
  /** Where the next batch goes in the last segment. */
  readonly tailOffset: number;
  readonly nextSequence: number;
  readonly previousCrc: number;
}

/** Reads everything; changes nothing on disk. */
export async function recoverLog(disk: Disk, folder: string): Promise<RecoveredLog> {
  const names = await disk.list(folder);
  const numbers: number[] = [];
  const spares: string[] = [];
  for (const name of names) {
    const number = segmentNumber(name);
    if (number !== null) numbers.push(number);
    else if (isSpareName(name)) spares.push(name);
  }
  numbers.sort((a, b) => a - b);
  const reader = new LogReader(disk, folder);
  return await reader.read(numbers, spares);
}

interface OpenedSegment {
  readonly number: number;
  readonly file: DiskFile;
  readonly header: SegmentHeader | null;
  /** False when the disk reports an error: then nothing is known of the file, and it counts as begun. */
  readonly readable: boolean;
}

class LogReader {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #replay = new WalReplay();
  readonly #damage: WalDamage[] = [];
  /** 0 before the first segment. */
  #expected = 0;
  #previousCrc = 0;
  #tornTail = false;
  #tailOffset = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  async read(numbers: readonly number[], spares: string[]): Promise<RecoveredLog> {
    const opened: OpenedSegment[] = [];
    for (const number of numbers) {
      const file = await this.#disk.open(this.#path(number));
      const head = await readOrNull(file, 0, CHECKPOINT_AT);
      const header = head === null ? null : getSegmentHeader(head);
      opened.push({ number, file, header: header?.number === number ? header : null, readable: head !== null });
    }
    const prepared: RecoveredLog['prepared'] = [];
    // Files after the last one that was begun are prepared ones; one in the middle without a header is damage.
    for (let last = opened.pop(); last !== undefined; last = opened.pop()) {
      if (!last.readable || (last.header !== null && (await hasBatch(last.file, last.header)))) {
        opened.push(last);
        break;
      }
      prepared.unshift({ number: last.number, file: last.file, clean: last.header === null });
    }
    // One file may be prepared, the one after the last that was begun. Others were begun, and have lost their beginning.
    const next = (opened[opened.length - 1]?.number ?? 0) + 1;
    if (prepared.length > 1 || (prepared[0] !== undefined && prepared[0].number !== next)) {
      for (const { number, file } of prepared.splice(0)) opened.push({ number, file, header: null, readable: true });
    }
    const segments: RecoveredSegment[] = [];
    for (const [at, segment] of opened.entries()) {
      const { number, file, header } = segment;
      const lastIndexes = new Map<number, number>();
      segments.push({ number, file, header, lastIndexes });
      const before = opened[at - 1];
      if (before !== undefined && before.number + 1 !== number) {
        this.#hole(before.number + 1, 0, 'a segment is missing');
      }
      await this.#readSegment(segment, opened[at + 1]?.header ?? null, at + 1 === opened.length, lastIndexes);
    }
    this.#finish(segments);
    return {
      replay: this.#replay,
      segments,
      prepared,
      spares,
      damage: this.#damage,
      tornTail: this.#tornTail,
      tailOffset: this.#tailOffset,
      nextSequence: Math.max(this.#expected, 1),
      previousCrc: this.#previousCrc,
    };
  }

  async #readSegment(
    segment: OpenedSegment,
    next: SegmentHeader | null,
    isLast: boolean,
    lastIndexes: Map<number, number>,
  ): Promise<void> {
    const { number, file, header } = segment;
    const bytes = header === null ? null : await readOrNull(file, 0, file.size);
    if (header === null || bytes === null) {
      const readable = segment.readable && header === null;
      this.#hole(number, 0, readable ? 'the header is damaged' : 'the file cannot be read');
      if (isLast) {
        // The next segment continues above every number that this one can have used.
        this.#tailOffset = file.size;
        this.#expected = (header?.firstSequence ?? this.#expected) + Math.ceil(file.size / SECTOR_BYTES);
      }
      return;
    }
    if (this.#expected === 0) this.#readCheckpoint(number, bytes, header);
    // They differ only after a hole, which has been reported by now.
    this.#expected = header.firstSequence;
    this.#previousCrc = header.previousCrc;

    let at = CHECKPOINT_AT + padded(header.checkpointLength);
    for (;;) {
      at = this.#readBatches(number, bytes, at, header.salt, lastIndexes);
      if (next !== null && next.firstSequence === this.#expected && next.previousCrc === this.#previousCrc) return;
      const later = this.#findLaterBatch(bytes, at, header.salt);
      if (later === null) break;
      this.#hole(number, at, 'a durable batch is damaged');
      at = later.at;
      this.#expected = later.header.sequence;
      this.#previousCrc = later.header.previousCrc;
    }
    if (next !== null) {
      this.#hole(number, at, 'a durable batch is damaged');
    } else if (isLast) {
      if (file.size < header.fileBytes) this.#hole(number, file.size, 'the file has been cut');
      this.#tailOffset = at;
      // Zeros are the untouched rest; old batches of a recycled file have another salt, but a magic number.
      this.#tornTail =
        at + BATCH_HEADER_BYTES <= bytes.length &&
        isTornBatch(bytes, at, this.#expected, this.#previousCrc, header.salt);
    }
  }

  /** Takes whole batches while they follow each other; returns where that ends. */
  #readBatches(number: number, bytes: Buffer, from: number, salt: number, lastIndexes: Map<number, number>): number {
    let at = from;
    for (;;) {
      const header = getBatchHeader(bytes, at, salt);
      if (header === null || header.sequence !== this.#expected || header.previousCrc !== this.#previousCrc) return at;
      const end = at + BATCH_HEADER_BYTES + header.payloadLength;
      const whole = eachRecord(bytes.subarray(at + BATCH_HEADER_BYTES, end), (record) => {
        this.#replay.apply(record);
        if (record.kind === RecordKind.entry) {
          lastIndexes.set(record.group, Math.max(record.index, lastIndexes.get(record.group) ?? 0));
        }
      });
      if (!whole) this.#hole(number, at, 'a record has an impossible length');
      this.#expected += 1;
      this.#previousCrc = header.crc;
      at = padded(end);
    }
  }

  /** A batch of this segment that says that the one expected at `from` was durable. */
  #findLaterBatch(bytes: Buffer, from: number, salt: number): { at: number; header: BatchHeader } | null {
    for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at += SECTOR_BYTES) {
      const header = getBatchHeader(bytes, at, salt);
      if (header !== null && header.sequence > this.#expected && header.durableUpTo >= this.#expected) {
        return { at, header };
      }
    }
    return null;
  }

  #readCheckpoint(number: number, bytes: Buffer, header: SegmentHeader): void {
    const checkpoint = bytes.subarray(CHECKPOINT_AT, CHECKPOINT_AT + header.checkpointLength);
    const right = checkpoint.length === header.checkpointLength && crc32(checkpoint) === header.checkpointCrc;
    if (!right || !eachRecord(checkpoint, (record) => this.#replay.apply(record))) {
      this.#hole(number, CHECKPOINT_AT, 'the checkpoint is damaged');
    }
  }

  #finish(segments: readonly RecoveredSegment[]): void {
    const first = segments[0];
    for (const group of this.#replay.finish()) {
      this.#damage.push({
        path: this.#path(first?.number ?? 0),
        offset: 0,
        sequence: first?.header?.firstSequence ?? 0,
        reason: `entries of group ${group} are missing`,
      });
    }
  }

  #hole(number: number, offset: number, reason: string): void {
    this.#replay.noteHole();
    this.#damage.push({ path: this.#path(number), offset, sequence: this.#expected, reason });
  }

  #path(number: number): string {
    return `${this.#folder}/${segmentName(number)}`;
  }
}

/**
 * True when the first write of the segment has ended: it holds a later batch, or the whole of that write, the checkpoint included.
 * A write that was cut off may have left the batch and not the checkpoint.
 */
async function hasBatch(file: DiskFile, header: SegmentHeader): Promise<boolean> {
  const from = CHECKPOINT_AT + padded(header.checkpointLength);
  const bytes = await readOrNull(file, 0, file.size);
  // Unreadable: it has a header, so it was begun; reading it again reports the damage.
  if (bytes === null) return true;
  const checkpoint = bytes.subarray(CHECKPOINT_AT, CHECKPOINT_AT + header.checkpointLength);
  const isWhole = crc32(checkpoint) === header.checkpointCrc;
  for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at += SECTOR_BYTES) {
    const batch = getBatchHeader(bytes, at, header.salt);
    if (batch !== null && (batch.sequence > header.firstSequence || (isWhole && at === from))) return true;
  }
  return false;
}

/** Something was written at the tail, but not all of it. One field is enough: the others may be what is damaged. */
function isTornBatch(bytes: Buffer, at: number, expected: number, previousCrc: number, salt: number): boolean {
  const start = bytes.subarray(at, at + BATCH_HEADER_BYTES);
  if (start.every((byte) => byte === 0)) return false;
  return (
    start.readUInt32LE(16) === expected % 0x1_0000_0000 ||
    start.readUInt32LE(12) === previousCrc ||
    start.readUInt32LE(36) === salt
  );
}

/** Null when the disk cannot read it: that is damage to this part, not a reason not to start. */
async function readOrNull(file: DiskFile, position: number, length: number): Promise<Buffer | null> {
  try {
    return await file.read(position, length);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EIO') return null;
    throw error;
  }
}
