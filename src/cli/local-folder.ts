/**
 * The folder of a local cluster (`up`): which nodes it was made for, and the lock against a second `up`.
 *
 *   DIR/cluster.json   { "format": 1, "nodes": 3 }
 *   DIR/process.lock   who uses it now
 *   DIR/node-1 ...     one data folder a node
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { errnoOf, FolkmootError, folderError } from '../base/errors.ts';
import { type FolderLock, lockFolder } from '../node/folder-lock.ts';

const MARKER = 'cluster.json';
const FORMAT = 1;

export class LocalFolder {
  readonly path: string;
  readonly temporary: boolean;
  #lock: FolderLock | undefined;

  private constructor(path: string, temporary: boolean) {
    this.path = path;
    this.temporary = temporary;
  }

  /**
   * Takes the folder for `nodes` nodes. `beforeCreation` runs before anything is made that was not there, so that what it
   * finds wrong leaves nothing behind. Without a path the folder is a temporary one, removed by `release`.
   */
  static async open(
    path: string | undefined,
    nodes: number,
    beforeCreation: () => Promise<void>,
  ): Promise<LocalFolder> {
    if (path === undefined) {
      await beforeCreation();
      return LocalFolder.temporary();
    }
    const folder = new LocalFolder(resolve(path), false);
    try {
      const existed = await exists(folder.path);
      if (existed) folder.#lock = await lockFolder(folder.path);
      const formed = existed && (await folder.#checkMarker(nodes));
      await beforeCreation();
      folder.#lock ??= await lockFolder(folder.path);
      if (!formed) await writeFile(join(folder.path, MARKER), `${JSON.stringify({ format: FORMAT, nodes })}\n`);
      return folder;
    } catch (error) {
      await folder.release();
      throw folderError(error, folder.path);
    }
  }

  static async temporary(): Promise<LocalFolder> {
    const base = tmpdir();
    try {
      return new LocalFolder(await mkdtemp(join(base, 'folkmoot-')), true);
    } catch (error) {
      throw folderError(error, base);
    }
  }

  async release(): Promise<void> {
    if (this.temporary) await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    else await this.#lock?.release();
  }

  /** True when the folder holds a cluster of `nodes` nodes, false when it is empty; throws for anything else. */
  async #checkMarker(nodes: number): Promise<boolean> {
    const path = join(this.path, MARKER);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) {
      const others = (await readdir(this.path)).filter((name) => name !== 'process.lock');
      if (others.length === 0) return false;
      throw new FolkmootError(
        'FOLDER_UNUSABLE',
        `${this.path} holds other things ("${others[0]}") and no local cluster`,
        'Set --data to a new or empty folder.',
      );
    }
    const marker = parseMarker(text);
    if (marker === undefined) {
      throw new FolkmootError('DATA_DAMAGED', `${path} is damaged`, `Restore it: {"format":${FORMAT},"nodes":N}.`);
    }
    if (marker.format > FORMAT) {
      throw new FolkmootError('FOLDER_TOO_NEW', `${this.path} was written by a newer Folkmoot`, 'Use that version.');
    }
    if (marker.nodes !== nodes) {
      throw new FolkmootError(
        'FOLDER_NODE_COUNT',
        `${this.path} holds a cluster of ${marker.nodes} nodes, not ${nodes}`,
        `Use --nodes=${marker.nodes}, or another folder with --data.`,
      );
    }
    return true;
  }
}

function parseMarker(text: string): { format: number; nodes: number } | undefined {
  try {
    const { format, nodes } = JSON.parse(text) as { format?: unknown; nodes?: unknown };
    return Number.isSafeInteger(format) && Number.isSafeInteger(nodes)
      ? { format: Number(format), nodes: Number(nodes) }
      : undefined;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await readdir(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
