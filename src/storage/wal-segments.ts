/**
 * The files of the write-ahead log: the one that is written, the older ones that are still needed, one that is prepared
 * ahead so that a rotation never waits for a file to be allocated, and spares to be used again.
 *
 * Everything that changes the folder runs one after the other in one queue (`#work`); the commit path never waits for it
 * except when it needs the next segment and that is not ready.
 */
import { assert } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import type { Logger } from '../base/log.ts';
import { isDiskFull, WalFullError, WalWriteError } from './errors.ts';
import { segmentName, spareName } from './wal-format.ts';

export class WalSegment {
  readonly number: number;
  readonly file: DiskFile;
  readonly firstSequence: number;
  /** Highest entry index by group; complete once a later segment is written to. */
  lastIndexes = new Map<number, number>();
  /** The file may not be used again before this batch is durable, because that is what made it superfluous. */
  heldUntilBatch = 0;
  releasesLogged = false;

  constructor(number: number, file: DiskFile, firstSequence: number) {
    this.number = number;
    this.file = file;
    this.firstSequence = firstSequence;
  }
}

interface PreparedSegment {
  readonly number: number;
  readonly file: DiskFile;
}

export interface WalSegmentsOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  readonly segmentBytes: number;
  readonly spareSegmentsMax: number;
  readonly spares: readonly string[];
  /** Highest number of any file that exists. */
  readonly lastNumber: number;
  readonly prepared: PreparedSegment | null;
}

export class WalSegments {
  /** Why the next segment could not be prepared; null while all is well. The log still works until this one is full. */
  spaceError: WalFullError | null = null;
  readonly #options: WalSegmentsOptions;
  readonly #spares: string[];
  #nextNumber: number;
  #spareCounter = 0;
  #prepared: PreparedSegment | null;
  /** False from when a segment is taken until its first batch is durable. */
  #begun = true;
  #work: Promise<void> = Promise.resolve();

  constructor(options: WalSegmentsOptions) {
    this.#options = options;
    this.#spares = [...options.spares];
    this.#nextNumber = options.lastNumber + 1;
    this.#prepared = options.prepared;
    for (const name of options.spares) {
      this.#spareCounter = Math.max(this.#spareCounter, Number(/\d+/.exec(name)?.[0] ?? 0));
    }
  }

  path(number: number): string {
    return `${this.#options.folder}/${segmentName(number)}`;
  }

  /** The prepared segment, when one is ready and large enough; the caller begins to write it. */
  take(bytesNeeded: number): PreparedSegment | null {
    const prepared = this.#prepared;
    if (prepared === null || prepared.file.size < bytesNeeded) return null;
    this.#prepared = null;
    this.#begun = false;
    return prepared;
  }

  /** The first batch of the segment that was taken last is durable: the one after it may be prepared. */
  begun(): void {
    this.#begun = true;
    this.prepare();
  }

  /** Waits for, or makes, a segment of at least `bytesNeeded`. Rejects with `WalFullError` or `WalWriteError`. */
  async obtain(bytesNeeded: number): Promise<PreparedSegment> {
    return await this.#enqueue(async () => {
      const ready = this.take(bytesNeeded);
      if (ready !== null) return ready;
      this.#begun = false;
      if (bytesNeeded <= this.#options.segmentBytes) return await this.#make(this.#options.segmentBytes);
      // Larger than a segment: its own file, under the number that the prepared one had.
      await this.#giveUpPrepared();
      return await this.#make(bytesNeeded);
    });
  }

  /** Prepares the next segment in the background. */
  prepare(): void {
    void this.#enqueue(async () => {
      if (this.#prepared !== null || !this.#begun) return;
      try {
        this.#prepared = await this.#make(this.#options.segmentBytes);
        this.spaceError = null;
      } catch (error) {
        if (error instanceof WalFullError) this.spaceError = error;
        this.#options.logger.warn({ error }, 'the next WAL segment could not be prepared');
      }
    });
  }

  /** The segment is not needed any more: keep its file for later, or remove it. */
  recycle(segment: WalSegment): void {
    void this.#enqueue(async () => {
      const { disk, folder, logger, segmentBytes, spareSegmentsMax } = this.#options;
      const path = this.path(segment.number);
      try {
        await segment.file.close();
        if (segment.file.size === segmentBytes && this.#spares.length < spareSegmentsMax) {
          await this.#keepAsSpare(path);
        } else {
          await disk.remove(path);
        }
      } catch (error) {
        // Harmless: recovery skips or releases it again. But it takes room, so it is said.
        logger.warn({ error, folder, path }, 'a WAL segment could not be recycled');
      }
    });
    // A full disk may have room again.
    if (this.#prepared === null && this.#begun) this.prepare();
  }

  /** Resolves when the folder is at rest. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async close(): Promise<void> {
    await this.#enqueue(async () => {
      await this.#prepared?.file.close();
      this.#prepared = null;
    });
  }

  async #make(size: number): Promise<PreparedSegment> {
    const { disk, segmentBytes } = this.#options;
    const number = this.#nextNumber;
    const path = this.path(number);
    try {
      let file = size === segmentBytes ? await this.#useSpare(path) : null;
      if (file === null) {
        // What a failed attempt left must not be in the way.
        await disk.remove(path);
        file = await disk.create(path, size);
      }
      assert(file.size >= size, 'a segment has the size that was asked for');
      this.#nextNumber += 1;
      return { number, file };
    } catch (error) {
      throw isDiskFull(error) ? new WalFullError(path, size, error) : new WalWriteError(path, error);
    }
  }

  /** Null when there is no spare of the size that is asked for now. */
  async #useSpare(path: string): Promise<DiskFile | null> {
    const { disk, folder, segmentBytes } = this.#options;
    const spare = this.#spares.pop();
    if (spare === undefined) return null;
    await disk.rename(`${folder}/${spare}`, path);
    const file = await disk.open(path);
    if (file.size === segmentBytes) return file;
    await file.close();
    return null;
  }

  async #giveUpPrepared(): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === null) return;
    this.#prepared = null;
    assert(prepared.number === this.#nextNumber - 1, 'the prepared segment has the highest number');
    this.#nextNumber = prepared.number;
    await prepared.file.close();
    await this.#keepAsSpare(this.path(prepared.number));
  }

  async #keepAsSpare(path: string): Promise<void> {
    this.#spareCounter += 1;
    const name = spareName(this.#spareCounter);
    await this.#options.disk.rename(path, `${this.#options.folder}/${name}`);
    this.#spares.push(name);
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#work.then(task);
    this.#work = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
