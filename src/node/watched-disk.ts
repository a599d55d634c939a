/** A disk that tells liveness how long its durable writes take: a node whose disk hangs must not look alive. */
import type { Disk, DiskFile } from '../base/disk.ts';

export interface SyncWatcher {
  syncStarted(): void;
  syncFinished(): void;
}

export class WatchedDisk implements Disk {
  readonly #disk: Disk;
  readonly #watcher: SyncWatcher;

  constructor(disk: Disk, watcher: SyncWatcher) {
    this.#disk = disk;
    this.#watcher = watcher;
  }

  list(folder: string): Promise<string[]> {
    return this.#disk.list(folder);
  }

  makeFolder(folder: string): Promise<void> {
    return this.#disk.makeFolder(folder);
  }

  async open(path: string): Promise<DiskFile> {
    return new WatchedFile(await this.#disk.open(path), this.#watcher);
  }

  async create(path: string, size: number): Promise<DiskFile> {
    return new WatchedFile(await this.#disk.create(path, size), this.#watcher);
  }

  readFile(path: string): Promise<Buffer> {
    return this.#disk.readFile(path);
  }

  replaceFile(path: string, contents: Uint8Array): Promise<void> {
    return this.#disk.replaceFile(path, contents);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#disk.remove(path);
  }
}

class WatchedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #watcher: SyncWatcher;
  #done: (error: Error | null) => void = () => undefined;
  // One write at a time per file: one function serves them all.
  readonly #finished = (error: Error | null): void => {
    this.#watcher.syncFinished();
    this.#done(error);
  };

  constructor(file: DiskFile, watcher: SyncWatcher) {
    this.#file = file;
    this.#watcher = watcher;
  }

  get size(): number {
    return this.#file.size;
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#file.read(position, length);
  }

  writeDurably(position: number, pieces: readonly Uint8Array[], done: (error: Error | null) => void): void {
    this.#done = done;
    this.#watcher.syncStarted();
    this.#file.writeDurably(position, pieces, this.#finished);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
