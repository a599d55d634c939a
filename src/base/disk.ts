/**
 * The files that a node writes itself (LMDB has its own). The real disk is `node/real-disk.ts`; the simulated one loses,
 * tears and damages what was not synced. Errors are Node's `ErrnoException` (ENOSPC, EIO, ENOENT ...).
 */
export interface Disk {
  /** Names (not paths) in a folder, sorted. Rejects with ENOENT when it does not exist. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder and its parents. */
  makeFolder(folder: string): Promise<void>;
  /** Opens an existing file for reading and writing. What can be read of it is durable when this resolves. */
  open(path: string): Promise<DiskFile>;
  /** Creates a file (it must not exist) with `size` zero bytes that are allocated and durable when this resolves. */
  create(path: string, size: number): Promise<DiskFile>;
  /** Whole contents of a small file. */
  readFile(path: string): Promise<Buffer>;
  /** Replaces a small file atomically and durably (write aside, sync, rename, sync the folder). */
  replaceFile(path: string, contents: Uint8Array): Promise<void>;
  /** Renames durably. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole folder; a missing one is fine. */
  remove(path: string): Promise<void>;
}

export interface DiskFile {
  readonly size: number;
  /** Reads up to `length` bytes at `position`; shorter at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /**
   * Writes `pieces`, one after the other, at `position` and makes them durable (fdatasync). One call at a time per file. Callback
   * style because it runs once per commit: `done(null)` when durable. The pieces belong to the disk until then.
   */
  writeDurably(position: number, pieces: readonly Uint8Array[], done: (error: Error | null) => void): void;
  close(): Promise<void>;
}
