/**
 * The node's write-ahead log, shared by all its Raft groups: the one place where "durable" is decided.
 *
 *   append*  copy a record into the open batch
 *   flush    asks for the open batch to be written; it is, as soon as the write before it is durable
 *   onDurable(n)  all batches up to n are durable
 *
 * One write is in flight; everything that arrives meanwhile is the next batch (group commit). A write that fails is the
 * end: what is on disk is unknown from then on, so `onError` is called, nothing more is ever reported durable, and the
 * host ends the process (fsync errors cannot be retried: the kernel forgets the pages).
 *
 * Formats: wal-format.ts. Reading it back: wal-recovery.ts. Files: wal-segments.ts.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.ts';
import type { Logger } from '../base/log.ts';
import type { Prng } from '../base/prng.ts';
import type { Entry, HardState, LogIndex, Term } from '../raft/types.ts';
import { WalWriteError } from './errors.ts';
import { WalBatch } from './wal-batch.ts';
import { CHECKPOINT_AT, padded, putSegmentHeader, putUint53, RecordKind, segmentName } from './wal-format.ts';
import { type GroupState, WalGroupTable } from './wal-group-table.ts';
import { recoverLog } from './wal-recovery.ts';
import { WalSegment, WalSegments } from './wal-segments.ts';
import type { WalOptions, WalRecovery } from './wal-types.ts';

export type { LogBase, RecoveredGroup, WalDamage, WalOptions, WalRecovery } from './wal-types.ts';

export const WAL_SEGMENT_BYTES = 64 * 1024 * 1024;
const WAL_SPARE_SEGMENTS_MAX = 2;
/** Room for the header, a small checkpoint and a batch. */
const WAL_SEGMENT_BYTES_MIN = 64 * 1024;

const noData = new Uint8Array(0);

const State = { running: 0, closing: 1, closed: 2, failed: 3 } as const;

export class Wal {
  /** Called with the number of the highest durable batch. */
  onDurable: (batch: number) => void = () => undefined;
  /** Called once. The host ends the process. */
  onError: (error: Error) => void = () => undefined;
  readonly #segments: WalSegments;
  readonly #logger: Logger;
  readonly #prng: Prng;
  readonly #groups: WalGroupTable;
  /** Oldest first; the last one is written. Empty only before the first write of a new log. */
  readonly #files: WalSegment[];
  #salt: number;
  #position: number;
  #previousCrc: number;

  #open = new WalBatch();
  #spare = new WalBatch();
  #openSequence: number;
  #flushRequested = false;
  /** The newest batch was written by `settle`: nothing is lost if it is. */
  #settled = true;
  /** The batch whose write is in flight, null when idle. */
  #writing: WalBatch | null = null;
  #writingSequence = 0;
  #durableBatch: number;
  #state: number = State.running;
  #onIdle: (() => void) | null = null;
  readonly #hardStateData = Buffer.alloc(8);
  readonly #onWritten = (error: Error | null): void => this.#written(error);

  static async open(options: WalOptions): Promise<{ wal: Wal; recovery: WalRecovery }> {
    const { disk, folder, logger } = options;
    const segmentBytes = options.segmentBytes ?? WAL_SEGMENT_BYTES;
    assert(
      segmentBytes >= WAL_SEGMENT_BYTES_MIN && segmentBytes % 4_096 === 0,
      'segments are whole pages, 64 KiB or more',
    );
    await disk.makeFolder(folder);
    const log = await recoverLog(disk, folder);

    let prepared = null;
    const last = log.segments[log.segments.length - 1];
    for (const file of log.prepared) {
      const number = (last?.number ?? file.number - 1) + 1;
      if (file.clean && file.number === number && file.file.size === segmentBytes) {
        prepared = file;
        continue;
      }
      await file.file.close();
      await disk.remove(`${folder}/${segmentName(file.number)}`);
    }
    const segments = new WalSegments({
      disk,
      folder,
      logger,
      segmentBytes,
      spareSegmentsMax: options.spareSegmentsMax ?? WAL_SPARE_SEGMENTS_MAX,
      spares: log.spares,
      lastNumber: prepared?.number ?? last?.number ?? 0,
      prepared,
    });
    const files = log.segments.map((segment) => {
      const file = new WalSegment(segment.number, segment.file, segment.header?.firstSequence ?? 0);
      file.lastIndexes = segment.lastIndexes;
      return file;
    });
    const groups = new WalGroupTable(log.replay.groups.values());
    groups.clampLastIndexes(files);
    for (const damage of log.damage) logger.error({ ...damage }, 'the write-ahead log is damaged');
    if (log.tornTail)
      logger.info({ folder }, 'the last write to the log was cut off; nobody was told that it was durable');

    const wal = new Wal(options, segments, groups, files, {
      salt: last?.header?.salt ?? 0,
      position: log.tailOffset,
      previousCrc: log.previousCrc,
      nextSequence: log.nextSequence,
    });
    segments.prepare();
    await segments.settled();
    const recovery = { groups: log.replay.groups, damage: log.damage, tornTail: log.tornTail };
    return { wal, recovery };
  }

  private constructor(
    options: WalOptions,
    segments: WalSegments,
    groups: WalGroupTable,
    files: WalSegment[],
    tail: { salt: number; position: number; previousCrc: number; nextSequence: number },
  ) {
    this.#segments = segments;
    this.#logger = options.logger;
    this.#prng = options.prng;
    this.#groups = groups;
    this.#files = files;
    this.#salt = tail.salt;
    this.#position = tail.position;
    this.#previousCrc = tail.previousCrc;
    this.#openSequence = tail.nextSequence;
    this.#durableBatch = tail.nextSequence - 1;
  }

  /** Highest batch known to be durable. */
  get durableBatch(): number {
    return this.#durableBatch;
  }

  /** The batch that holds the newest record: everything appended so far is durable when it is. */
  get newestBatch(): number {
    return this.#open.isEmpty ? this.#openSequence - 1 : this.#openSequence;
  }

  /** True while a write is in flight; its end is told by `onDurable`. */
  get isWriting(): boolean {
    return this.#writing !== null;
  }

  /** Not null: no room for the next segment. Writes still work until this one is full; refuse what can be refused. */
  get spaceError(): Error | null {
    return this.#segments.spaceError;
  }

  /** Segment files in use, for metrics and tests. */
  get segmentCount(): number {
    return this.#files.length;
  }

  /** Bytes of records that wait for `flush` or for the write in flight: for back-pressure. */
  get openBytes(): number {
    return this.#open.isEmpty ? 0 : this.#open.paddedBytes;
  }

  // ---- appending: everything is copied before these return, but for large data, which nobody may change any more

  /** An entry at an index that exists replaces it and drops all that follow. */
  appendEntry(group: number, entry: Entry): void {
    const state = this.#groups.obtain(group);
    if (entry.index <= state.lastIndex) this.#truncated(group, entry.index);
    else assert(entry.index === state.lastIndex + 1 || state.lastIndex === 0, 'entries follow each other');
    state.lastIndex = entry.index;
    state.lastEntryBatch = this.#openSequence;
    this.#add(RecordKind.entry, entry.type, group, entry.term, entry.index, entry.data);
  }

  appendHardState(group: number, hardState: HardState): void {
    const state = this.#groups.obtain(group);
    assert(hardState.term >= state.term, 'terms ascend');
    state.hasHardState = true;
    state.term = hardState.term;
    state.vote = hardState.vote;
    state.commit = hardState.commit;
    putUint53(this.#hardStateData, hardState.vote, 0);
    this.#add(RecordKind.hardState, 0, group, hardState.term, hardState.commit, this.#hardStateData);
  }

  /**
   * The log of the group is empty now and begins after `index`: the store holds a snapshot of it. `data` (the
   * configuration) is given back by recovery.
   */
  appendSnapshotBase(group: number, index: LogIndex, term: Term, data: Uint8Array): void {
    const state = this.#groups.obtain(group);
    state.base = { index, term, data: Buffer.from(data) };
    state.lastIndex = index;
    state.released = Math.max(state.released, index);
    this.#forgetEntries(group);
    this.#add(RecordKind.snapshotBase, 0, group, term, index, data);
  }

  /** The replica has left this node (or is rebuilt): nothing of the group is kept. The number may be used again. */
  removeGroup(group: number): void {
    this.#groups.remove(group);
    this.#forgetEntries(group);
    this.#add(RecordKind.removeGroup, 0, group, 0, 0, noData);
  }

  // ---- writing

  /** Asks for everything appended so far to become durable; returns the number of the batch that it is in. */
  flush(): number {
    if (this.#open.isEmpty) return this.#openSequence - 1;
    const number = this.#openSequence;
    // While it closes, what the host still adds is not written: else a busy host would keep it open for ever.
    if (this.#state !== State.running) return number;
    this.#flushRequested = true;
    if (this.#writing === null) this.#startWrite();
    return number;
  }

  /**
   * Called when the log is at rest: writes what waits for the next batch, or an empty one, so that the last batch that anybody
   * was told of is vouched for, and damage to it cannot be taken for a write that was cut off (wal-recovery.ts).
   */
  settle(): void {
    if (this.#settled || this.#state !== State.running || this.#writing !== null) return;
    this.#startWrite();
    this.#settled = true;
  }

  /** Entries of the group up to `index` are durable in the store. */
  releaseThrough(group: number, index: LogIndex): void {
    if (this.#groups.release(group, index)) this.#recycle();
  }

  /** Writes what was appended, ends the log with an empty batch (so that its tail is vouched for) and closes the files. */
  async close(): Promise<void> {
    if (this.#state === State.running) {
      if (!this.#open.isEmpty) this.flush();
      this.#state = State.closing;
      await this.#idle();
      if (this.#state === State.closing && this.#files.length > 0) {
        this.#flushRequested = true;
        this.#startWrite();
        await this.#idle();
      }
      if (this.#state === State.closing) this.#state = State.closed;
    }
    await this.#segments.close();
    for (const segment of this.#files.splice(0)) await segment.file.close();
  }

  #add(kind: RecordKind, type: number, group: number, term: number, index: number, data: Uint8Array): void {
    assert(this.#state !== State.closed, 'a closed log takes no records');
    this.#open.add(kind, type, group, term, index, data);
  }

  #startWrite(): void {
    if (this.#state === State.failed) return;
    const batch = this.#open;
    this.#flushRequested = false;
    this.#settled = false;
    this.#writing = batch;
    this.#writingSequence = this.#openSequence;
    this.#openSequence += 1;
    this.#open = this.#spare;

    const file = this.#files[this.#files.length - 1];
    if (file === undefined || this.#position + batch.paddedBytes > file.file.size) {
      this.#rotate(batch);
      return;
    }
    this.#previousCrc = batch.close(this.#salt, this.#previousCrc, this.#writingSequence, this.#writingSequence - 1);
    const position = this.#position;
    this.#position += batch.paddedBytes;
    file.file.writeDurably(position, batch.pieces(), this.#onWritten);
  }

  /** Writes the batch as the first of the next segment. */
  #rotate(batch: WalBatch): void {
    // Taken now, while every record before and in this batch, and none after it, is in the table.
    const checkpoint = this.#groups.checkpoint();
    const lastIndexes = this.#groups.entriesSince(this.#files[this.#files.length - 1]?.firstSequence ?? 0);
    const firstSequence = this.#writingSequence;
    const batchAt = CHECKPOINT_AT + padded(checkpoint.length);
    const bytesNeeded = Math.ceil((batchAt + batch.paddedBytes) / 4_096) * 4_096;

    const begin = (next: { number: number; file: WalSegment['file'] }): void => {
      const full = this.#files[this.#files.length - 1];
      if (full !== undefined) {
        // What recovery or an earlier segment's life put there stays: it is the higher bound.
        for (const [group, index] of lastIndexes) {
          full.lastIndexes.set(group, Math.max(index, full.lastIndexes.get(group) ?? 0));
        }
      }
      this.#files.push(new WalSegment(next.number, next.file, firstSequence));
      this.#salt = this.#prng.uint32();
      const previousCrc = this.#previousCrc;
      this.#previousCrc = batch.close(this.#salt, previousCrc, firstSequence, firstSequence - 1);
      const head = Buffer.alloc(batchAt);
      putSegmentHeader(head, {
        salt: this.#salt,
        number: next.number,
        firstSequence,
        previousCrc,
        checkpointLength: checkpoint.length,
        checkpointCrc: crc32(checkpoint),
        fileBytes: next.file.size,
      });
      checkpoint.copy(head, CHECKPOINT_AT);
      this.#position = batchAt + batch.paddedBytes;
      next.file.writeDurably(0, [head, ...batch.pieces()], this.#onWritten);
    };

    const ready = this.#segments.take(bytesNeeded);
    if (ready !== null) begin(ready);
    else this.#segments.obtain(bytesNeeded).then(begin, (error: Error) => this.#fail(error));
  }

  #written(error: Error | null): void {
    if (error !== null) {
      const file = this.#files[this.#files.length - 1];
      this.#fail(new WalWriteError(this.#segments.path(file?.number ?? 0), error));
      return;
    }
    const batch = this.#writing;
    assert(batch !== null, 'a write ends once');
    this.#durableBatch = this.#writingSequence;
    // Only now: that the next segment's file exists proves to recovery that this one was begun.
    if (this.#writingSequence === this.#files[this.#files.length - 1]?.firstSequence) this.#segments.begun();
    batch.reset();
    this.#spare = batch;
    this.#writing = null;
    // The disk works on the next batch while the host is told about this one.
    if (this.#flushRequested) this.#startWrite();
    this.onDurable(this.#durableBatch);
    this.#recycle();
    if (this.#writing === null) this.#becomeIdle();
  }

  #fail(error: Error): void {
    if (this.#state === State.failed) return;
    this.#state = State.failed;
    this.#logger.error({ error }, 'the write-ahead log has failed; this node has to end');
    this.#becomeIdle();
    this.onError(error);
  }

  #becomeIdle(): void {
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle?.();
  }

  #idle(): Promise<void> {
    if (this.#writing === null || this.#state === State.failed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  // ---- what older segments are still needed for

  /** Entries of the group from `index` on are replaced by what is in the open batch. */
  #truncated(group: number, index: LogIndex): void {
    for (const segment of this.#files) {
      const last = segment.lastIndexes.get(group);
      if (last === undefined || last < index) continue;
      segment.lastIndexes.set(group, index - 1);
      segment.heldUntilBatch = this.#openSequence;
    }
    this.#groups.forgetBlocker();
  }

  /** No segment is needed for the group any more, once the open batch is durable. */
  #forgetEntries(group: number): void {
    for (const segment of this.#files) {
      if (segment.lastIndexes.delete(group)) segment.heldUntilBatch = this.#openSequence;
    }
    this.#groups.forgetBlocker();
  }

  /** Gives back the oldest segments, in order: a gap in the numbers would be damage. */
  #recycle(): void {
    if (this.#state !== State.running) return;
    while (this.#files.length > 1) {
      const oldest = this.#files[0] as WalSegment;
      if (this.#groups.isNeeded(oldest)) return;
      if (!oldest.releasesLogged) {
        // Recovery checks that no entry is missing below the first one it finds, so it has to know what was released.
        oldest.releasesLogged = true;
        for (const group of oldest.lastIndexes.keys()) this.#logRelease(group, oldest);
      }
      if (
        this.#durableBatch < oldest.heldUntilBatch ||
        this.#durableBatch < (this.#files[1] as WalSegment).firstSequence
      ) {
        return;
      }
      this.#files.shift();
      this.#groups.forgetBlocker();
      this.#segments.recycle(oldest);
    }
  }

  #logRelease(group: number, segment: WalSegment): void {
    const state: GroupState | undefined = this.#groups.get(group);
    if (state === undefined || state.releaseLogged >= state.released) return;
    state.releaseLogged = state.released;
    segment.heldUntilBatch = this.#openSequence;
    this.#add(RecordKind.released, 0, group, 0, state.released, noData);
  }
}
