/**
 * The disk of a simulated machine. What a call does to the platter happens at one moment of simulated time, whatever has become of
 * the process by then; its answer goes to the process when that runs. A crash leaves each 512-byte sector of a write under way
 * as it was, as it should be, or (without power) garbled, and each other call done or not done.
 */
import type { Disk, DiskFile } from '../../src/base/disk.ts';
import type { Prng } from '../../src/base/prng.ts';
import { EventKind, type Lane, type Scheduler, type SimEvent } from './scheduler.ts';

const SECTOR_BYTES = 512;

export interface DiskShape {
  /** What a durable write takes: from, and up to so much more. */
  readonly sync_ms: number;
  readonly syncJitter_ms: number;
}

/** Told what has become durable, for oracles. */
export interface DiskObserver {
  written(path: string, position: number, data: Buffer): void;
  /** The process was cut off in a write; `contents` is what the whole file holds now. */
  torn(path: string, position: number, length: number, contents: Buffer): void;
}

interface SimFile {
  data: Buffer;
  writing: { readonly position: number; readonly data: Buffer; readonly event: SimEvent } | null;
}

interface PendingCall {
  readonly apply: () => unknown;
  readonly event: SimEvent;
}

export class SimDisk {
  readonly files = new Map<string, SimFile>();
  observer: DiskObserver | null = null;
  /** Called before each call that changes something: crash points. */
  onChange: (() => void) | null = null;
  capacity_bytes = Number.POSITIVE_INFINITY;
  /** Durable writes that are to fail with EIO. */
  failWrites = 0;
  /** A fault of this disk was met by a process; the process may end by it. */
  failed = false;
  stalledUntil_ms = 0;
  slowness = 1;
  readonly #folders = new Set<string>();
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #shape: DiskShape;
  #pending = new Set<PendingCall>();

  constructor(scheduler: Scheduler, prng: Prng, shape: DiskShape) {
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#shape = shape;
  }

  forProcess(lane: Lane): Disk {
    return {
      list: (folder) => this.#read(lane, () => this.#list(folder)),
      makeFolder: (folder) =>
        this.#change(lane, () => {
          this.#folders.add(folder);
        }),
      open: (path) => this.#read(lane, () => this.#handle(lane, path)),
      create: async (path, size) => {
        await this.#change(lane, () => this.#create(path, size));
        return this.#handle(lane, path);
      },
      readFile: (path) => this.#read(lane, () => Buffer.from(this.#file(path).data)),
      replaceFile: (path, contents) => {
        const copy = Buffer.from(contents);
        return this.#change(lane, () => {
          this.files.set(path, { data: copy, writing: null });
        });
      },
      rename: (from, to) =>
        this.#change(lane, () => {
          this.files.set(to, this.#file(from));
          this.files.delete(from);
        }),
      remove: (path) =>
        this.#change(lane, () => {
          this.files.delete(path);
        }),
    };
  }

  /** The process that uses the disk is gone; without `power` what it was writing may be garbled. */
  crash(power: boolean): void {
    const pending = this.#pending;
    this.#pending = new Set();
    for (const call of pending) {
      call.event.cancel();
      if (!this.#prng.chance(0.5)) continue;
      try {
        call.apply();
      } catch {
        // It would have failed: nothing was changed.
      }
    }
    for (const [path, file] of this.files) {
      const { writing } = file;
      if (writing === null) continue;
      file.writing = null;
      writing.event.cancel();
      this.#tear(path, file, writing.position, writing.data, power);
    }
  }

  /** `done` hears of it when the process runs. */
  write(
    lane: Lane,
    path: string,
    file: SimFile,
    position: number,
    data: Uint8Array,
    done: (error: Error | null) => void,
  ): void {
    if (file.writing !== null) throw new Error('two durable writes at once on one file');
    if (position + data.length > file.data.length) throw new Error('a durable write beyond the end of the file');
    this.onChange?.();
    const copy = Buffer.from(data);
    const event = this.#scheduler.plan(this.#latency_ms(), EventKind.disk, null, () => {
      file.writing = null;
      if (this.failWrites > 0) {
        this.failWrites -= 1;
        this.failed = true;
        this.#tear(path, file, position, copy, false);
        this.#scheduler.enter(EventKind.disk, lane, () => done(failure('EIO')));
        return;
      }
      copy.copy(file.data, position);
      this.#scheduler.hash.bytes(copy);
      this.observer?.written(path, position, copy);
      this.#scheduler.enter(EventKind.disk, lane, () => done(null));
    });
    file.writing = { position, data: copy, event };
  }

  #tear(path: string, file: SimFile, position: number, data: Buffer, power: boolean): void {
    const prng = this.#prng;
    // Whole, not at all, the beginning, or any sectors.
    const manner = prng.below(4);
    const cut = prng.below(data.length / SECTOR_BYTES + 1);
    for (let at = 0, sector = 0; at < data.length; at += SECTOR_BYTES, sector += 1) {
      const keep = manner === 0 || (manner === 2 && sector < cut) || (manner === 3 && prng.chance(0.5));
      const part = data.subarray(at, at + SECTOR_BYTES);
      if (keep) part.copy(file.data, position + at);
      else if (power && manner !== 1 && prng.chance(0.1)) {
        for (let i = 0; i < part.length; i += 1) file.data[position + at + i] = prng.below(256);
      }
    }
    this.observer?.torn(path, position, data.length, file.data);
  }

  #latency_ms(): number {
    const { sync_ms, syncJitter_ms } = this.#shape;
    const latency_ms = (sync_ms + this.#prng.fraction() * syncJitter_ms) * this.slowness;
    return Math.max(0, this.stalledUntil_ms - this.#scheduler.now_ms) + latency_ms;
  }

  #change<T>(lane: Lane, apply: () => T): Promise<T> {
    this.onChange?.();
    return new Promise<T>((resolve, reject) => {
      const event = this.#scheduler.plan(this.#latency_ms(), EventKind.disk, null, () => {
        this.#pending.delete(call);
        let result: T;
        try {
          result = apply();
        } catch (error) {
          this.#scheduler.enter(EventKind.disk, lane, () => reject(error));
          return;
        }
        this.#scheduler.enter(EventKind.disk, lane, () => resolve(result));
      });
      const call = { apply, event };
      this.#pending.add(call);
    });
  }

  #read<T>(lane: Lane, read: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const delay_ms = Math.max(0, this.stalledUntil_ms - this.#scheduler.now_ms) + 0.05;
      this.#scheduler.plan(delay_ms, EventKind.disk, lane, () => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #list(folder: string): string[] {
    if (!this.#folders.has(folder)) throw failure('ENOENT');
    const prefix = `${folder}/`;
    return [...this.files.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  #file(path: string): SimFile {
    const file = this.files.get(path);
    if (file === undefined) throw failure('ENOENT');
    return file;
  }

  #create(path: string, size: number): void {
    if (this.files.has(path)) throw failure('EEXIST');
    let used_bytes = 0;
    for (const file of this.files.values()) used_bytes += file.data.length;
    if (used_bytes + size > this.capacity_bytes) {
      this.failed = true;
      throw failure('ENOSPC');
    }
    this.files.set(path, { data: Buffer.alloc(size), writing: null });
  }

  #handle(lane: Lane, path: string): DiskFile {
    const file = this.#file(path);
    return {
      size: file.data.length,
      read: (position, length) => this.#read(lane, () => Buffer.from(file.data.subarray(position, position + length))),
      writeDurably: (position, pieces, done) => this.write(lane, path, file, position, Buffer.concat(pieces), done),
      close: () => Promise.resolve(),
    };
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
