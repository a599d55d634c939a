/**
 * Copies a running server by BASE_BACKUP of the replication protocol: tar archives in a stream, and in them the write-ahead log from the
 * backup's start to its end, so that the copy is consistent on its own. A temporary slot of the same session keeps that log at the source
 * while the copy lasts. The source has checked the checksum of every page that it sends.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, statfs, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { assert } from '../../base/assert.ts';
import { FolkmootError } from '../../base/errors.ts';
import { syncTree } from './folders.ts';
import type { Row } from './local-server.ts';
import { giveTo, type SystemUser } from './system-user.ts';
import { type TarEntry, TarReader } from './tar-reader.ts';
import { WireClient } from './wire-client.ts';

export interface BackupOptions {
  /** To the source; a new connection. */
  readonly stream: Duplex;
  readonly label: string;
  /** An empty folder that belongs to the user. */
  readonly folder: string;
  /** Where the contents of the source's tablespaces go, a folder each. */
  readonly tablespaces: string;
  readonly user: SystemUser | null;
  /** Of our own programs: another one cannot use the copy. */
  readonly majorVersion: number;
  readonly signal: AbortSignal;
  /** Hears about how many bytes there will be, and how many the disk has free, before the first one is written. */
  readonly onSize: (bytes: number, free: number) => Promise<void>;
  readonly onProgress: (bytes: number, total: number) => void;
}

/** Resolves when the copy is complete and durable. */
export async function receiveBackup(options: BackupOptions): Promise<void> {
  const { stream, signal } = options;
  const abort = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', abort);
  try {
    const client = await WireClient.open(stream, {
      user: 'postgres',
      replication: 'true',
      application_name: options.label,
    });
    try {
      checkVersion(client.majorVersion, options.majorVersion);
      await receive(client, options);
    } finally {
      client.close();
    }
    await syncTree(options.folder);
    await syncTree(options.tablespaces);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function receive(client: WireClient, options: BackupOptions): Promise<void> {
  const label = options.label.replaceAll("'", "''");
  const slot = `folkmoot_${randomBytes(8).toString('hex')}`;
  await client.query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY PHYSICAL (RESERVE_WAL true)`);
  const unpacker = new Unpacker(options);
  try {
    await client.copyOut(
      `BASE_BACKUP (LABEL '${label}', PROGRESS true, CHECKPOINT 'fast', WAL true, WAIT true, MANIFEST 'no')`,
      (row) => unpacker.row(row),
      (piece) => unpacker.piece(piece),
    );
    unpacker.finish();
  } finally {
    await unpacker.close();
  }
}

function checkVersion(theirs: number, ours: number): void {
  if (theirs === ours) return;
  throw new FolkmootError(
    'WRONG_VERSION',
    `the primary runs PostgreSQL ${theirs}, this node has ${ours}`,
    'Give all nodes the same major version of PostgreSQL.',
  );
}

/** Pieces of the stream begin with a letter: n a new archive, d its data, p progress, m the manifest (which was not asked for). */
class Unpacker {
  readonly #options: BackupOptions;
  #archive: TarReader | null = null;
  #folder = '';
  #file: FileHandle | null = null;
  #total = 0;
  #received = 0;
  #hasBegun = false;

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  /** A row for each tablespace: oid, location, size in KiB; before it one of the backup's start: place, timeline. */
  row(row: Row): void {
    if (row.length === 3) this.#total += Number(row[2] ?? 0) * 1024;
  }

  async piece(piece: Buffer): Promise<void> {
    switch (String.fromCharCode(piece[0] ?? 0)) {
      case 'n':
        await this.#beginArchive(piece.toString('utf8', 1, piece.indexOf(0, 1)));
        return;
      case 'd':
        this.#received += piece.length - 1;
        await this.#archive?.write(piece.subarray(1));
        this.#options.onProgress(this.#received, Math.max(this.#total, this.#received));
        return;
    }
  }

  finish(): void {
    this.#archive?.close();
    if (!this.#hasBegun) throw new FolkmootError('DATA_DAMAGED', 'the backup was empty', 'Try again.');
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  /** `base.tar`, and `<oid>.tar` for each tablespace. */
  async #beginArchive(name: string): Promise<void> {
    const { folder, tablespaces, user, onSize } = this.#options;
    if (!this.#hasBegun) {
      const { bavail, bsize } = await statfs(folder);
      await onSize(this.#total, bavail * bsize);
    }
    this.#hasBegun = true;
    this.#archive?.close();
    this.#folder = folder;
    if (name !== 'base.tar') {
      await this.#makeFolder(dirname(tablespaces));
      await this.#makeFolder(tablespaces);
      this.#folder = join(tablespaces, basename(name, '.tar'));
      await this.#makeFolder(this.#folder);
    }
    await giveTo(user, this.#folder);
    this.#archive = new TarReader({
      begin: (entry) => this.#begin(entry),
      data: (bytes) => this.#data(bytes),
      end: () => this.close(),
    });
  }

  async #begin(entry: TarEntry): Promise<void> {
    const { user, tablespaces } = this.#options;
    const path = join(this.#folder, entry.path);
    switch (entry.kind) {
      case 'folder':
        await this.#makeFolder(path);
        return;
      case 'link':
        // The source's location may be in use on this machine, by the source itself for one.
        await symlink(join(tablespaces, basename(entry.path)), path);
        return;
      case 'file':
        this.#file = await open(path, 'w', 0o600);
        if (user !== null) await this.#file.chown(user.uid, user.gid);
    }
  }

  async #data(bytes: Buffer): Promise<void> {
    assert(this.#file !== null, 'data comes after the header of its file');
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await giveTo(this.#options.user, path);
  }
}
