/**
 * The operating errors of the storage layer. None of them is a bug of ours: a disk filled up, failed or gave back other
 * bytes than were written. The host decides what follows (end the process, rebuild the node's replicas from peers).
 */

/** Bytes are not what was written: a checksum, a length or a number in them is impossible. */
export class DamagedError extends Error {
  override readonly name: string = 'DamagedError';
  readonly code = 'STORAGE_DAMAGED';
}

/** The node's store holds a damaged value. The host gives the replica up and has it rebuilt. */
export class StoreDamagedError extends DamagedError {
  override readonly name = 'StoreDamagedError';
  readonly path: string;
  /** The damage is at or after `lo` (hex) and before `hi` (hex, or '' when unknown). */
  readonly lo: string;
  readonly hi: string;

  constructor(path: string, lo: string, hi: string, detail: string, options?: ErrorOptions) {
    super(
      `the store ${path} is damaged (${detail}) between the keys ${lo === '' ? 'start' : lo} and ${hi === '' ? 'end' : hi}; ` +
        'the replica that holds them is rebuilt from its peers',
      options,
    );
    this.path = path;
    this.lo = lo;
    this.hi = hi;
  }
}

/** The node's store cannot be opened at all. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  readonly code = 'STORE_OPEN_FAILED';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(
      `cannot open the store ${path}: ${cause instanceof Error ? cause.message : String(cause)}; check that no other ` +
        'process uses it, that it may be read and written and that the disk is not full',
      { cause },
    );
    this.path = path;
  }
}

/** A file was written by a later version of this program. It is left alone. */
export class StorageVersionError extends Error {
  override readonly name = 'StorageVersionError';
  readonly code = 'STORAGE_VERSION';

  constructor(what: string, found: number, known: number) {
    super(`${what} has format version ${found}, this program knows ${known}: start it with the version that wrote it`);
  }
}

/** A flush did not become durable (the disk is full or fails). The overlay still holds everything, and so does the WAL. */
export class StoreWriteError extends Error {
  override readonly name = 'StoreWriteError';
  readonly code = 'STORE_WRITE_FAILED';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`writing the store ${path} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.path = path;
  }
}

/** No room for the next WAL segment. The node cannot promise anything any more and ends. */
export class WalFullError extends Error {
  override readonly name = 'WalFullError';
  readonly code = 'WAL_DISK_FULL';
  readonly path: string;

  constructor(path: string, bytes: number, cause: unknown) {
    super(
      `the disk is full: no room for the WAL segment ${path} of ${bytes} bytes; free some space, then start the node`,
      {
        cause,
      },
    );
    this.path = path;
  }
}

/** A write to the WAL failed. What is on disk is unknown from here on, so the process has to end and recover. */
export class WalWriteError extends Error {
  override readonly name = 'WalWriteError';
  readonly code = 'WAL_WRITE_FAILED';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`writing the WAL segment ${path} failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.path = path;
  }
}

export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
