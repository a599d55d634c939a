/**
 * Where the files of one server are. All of it is in one folder of the node:
 *
 *   data/         the data folder, complete; PostgreSQL's own
 *   data.part/    one that is being made by initdb or a clone
 *   data.new/     one that is complete and takes the place of data/
 *   data.old/     what was replaced; is being deleted
 *   rewinding     exists while pg_rewind changes data/, which is not usable until it has ended well
 *   tablespaces/  of a clone whose source has some; a folder for each clone
 *   conf/         configuration files (configuration.ts)
 *   socket/       the unix socket, when its path is not too long
 *   postgres.log, postgres.log.1
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FolkmootError, folderError } from '../../base/errors.ts';
import { giveTo, type SystemUser } from './system-user.ts';

/** sun_path has 108 bytes on Linux and 104 on macOS and BSD, with a zero byte at the end. */
const SOCKET_PATH_BYTES_MAX = 103;
export const SOCKET_NAME = '.s.PGSQL.5432';

export interface ServerFolders {
  readonly root: string;
  readonly data: string;
  readonly part: string;
  readonly conf: string;
  readonly socket: string;
  readonly tablespaces: string;
  readonly log: string;
  readonly rewinding: string;
}

/** Makes what is missing, so that `user` can use it, and finishes or undoes a replacement that was cut off. */
export async function prepareFolders(folder: string, user: SystemUser | null): Promise<ServerFolders> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o711 });
    // Processes tell their working directory without symbolic links.
    const root = await realpath(folder);
    await makePassable(root, user);
    const folders = foldersIn(root);
    await mkdir(folders.conf, { recursive: true, mode: 0o711 });
    await makePrivate(folders.socket, user);
    await finishReplacement(folders);
    return folders;
  } catch (error) {
    throw folderError(error, folder);
  }
}

/** Puts the complete `part` in the place of `data`. */
export async function replaceData(folders: ServerFolders): Promise<void> {
  await rename(folders.part, newDataOf(folders));
  await finishReplacement(folders);
}

/** Nothing of the server is left but its configuration. */
export async function removeData(folders: ServerFolders): Promise<void> {
  await deleteData(folders);
  for (const path of [folders.part, folders.tablespaces, folders.rewinding, folders.socket]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** Out of its place at once, since one that is half deleted is not complete. */
export async function deleteData(folders: ServerFolders): Promise<void> {
  const oldData = oldDataOf(folders);
  await rm(oldData, { recursive: true, force: true });
  if (await isThere(folders.data)) await rename(folders.data, oldData);
  await syncFolder(folders.root);
  await rm(oldData, { recursive: true, force: true });
}

/** Deletes what is in a folder, but for `kept`. */
export async function removeOthers(folder: string, kept: string): Promise<void> {
  const names = (await isThere(folder)) ? await readdir(folder) : [];
  for (const name of names) {
    if (join(folder, name) !== kept) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whether `data` is there, complete. */
export async function isComplete(folders: ServerFolders): Promise<boolean> {
  return (await isThere(join(folders.data, 'global', 'pg_control'))) && !(await isThere(folders.rewinding));
}

export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Makes what was renamed or made in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a whole folder durable: with `sync -f`, which asks the file system once, or file by file where there is no such program. */
export async function syncTree(folder: string): Promise<void> {
  if (!(await isThere(folder))) return;
  const isSynced = await new Promise<boolean>((resolve) => {
    if (process.platform !== 'linux') return resolve(false);
    execFile('sync', ['-f', folder], (error) => resolve(error === null));
  });
  if (isSynced) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) await syncFolder(join(entry.parentPath, entry.name));
  }
  await syncFolder(dirname(folder));
}

/** A folder that only the user can enter. */
export async function makePrivate(path: string, user: SystemUser | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const uid = process.getuid?.() ?? found.uid;
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== user?.uid)) {
    throw new FolkmootError('FOLDER_UNUSABLE', `${path} belongs to somebody else`, 'Remove it and start again.');
  }
  await chmod(path, 0o700);
  await giveTo(user, path);
}

function foldersIn(root: string): ServerFolders {
  const inRoot = join(root, 'socket');
  const id = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const isShort = Buffer.byteLength(join(inRoot, SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX;
  return {
    root,
    data: join(root, 'data'),
    part: join(root, 'data.part'),
    conf: join(root, 'conf'),
    socket: isShort ? inRoot : join(tmpdir(), `folkmoot-pg-${id}`),
    tablespaces: join(root, 'tablespaces'),
    log: join(root, 'postgres.log'),
    rewinding: join(root, 'rewinding'),
  };
}

function newDataOf(folders: ServerFolders): string {
  return `${folders.data}.new`;
}

function oldDataOf(folders: ServerFolders): string {
  return `${folders.data}.old`;
}

/** Two renames, each durable before the next; after a crash between them it goes on here. */
async function finishReplacement(folders: ServerFolders): Promise<void> {
  const [newData, oldData] = [newDataOf(folders), oldDataOf(folders)];
  if (await isThere(newData)) {
    await syncFolder(folders.root);
    if (await isThere(folders.data)) {
      await rm(oldData, { recursive: true, force: true });
      await rename(folders.data, oldData);
      await syncFolder(folders.root);
    }
    await rename(newData, folders.data);
    await rm(folders.rewinding, { force: true });
    await syncFolder(folders.root);
  }
  await rm(oldData, { recursive: true, force: true });
  await rm(folders.part, { recursive: true, force: true });
}

/**
 * Every folder on the way must let the user pass. Those of the node, and temporary ones of ours, are opened for passing (not for reading);
 * others are the operator's to decide on.
 */
async function makePassable(root: string, user: SystemUser | null): Promise<void> {
  if (user === null) return;
  const temporary = await realpath(tmpdir());
  for (let path = root; path !== dirname(path); path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) !== 0) continue;
    const isOurs = path === root || path === dirname(root) || path.startsWith(`${temporary}/`);
    if (!isOurs || uid !== process.getuid?.()) {
      throw new FolkmootError(
        'FOLDER_UNUSABLE',
        `the user ${user.name}, as which PostgreSQL runs, cannot pass ${path}`,
        `Run "chmod o+x ${path}", or set --data to another folder, or start Folkmoot as another user than root.`,
      );
    }
    await chmod(path, (mode & 0o7777) | bit);
  }
}
