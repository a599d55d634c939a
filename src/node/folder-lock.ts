/**
 * One process per data folder. Node.js offers no lock that the system drops with the process, so the lock is a file that
 * names its holder: the process id and, where /proc tells, when that process started. A holder that is gone, or whose id
 * now belongs to another process, does not count; so kill -9 leaves nothing to clean up.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errnoOf, FolkmootError, folderError } from '../base/errors.ts';

const LOCK_FILE = 'process.lock';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Clock ticks since boot; empty where the system does not tell. */
  readonly started: string;
}

export interface FolderLock {
  release(): Promise<void>;
}

/** Makes the folder when it is missing. Rejects with FOLDER_IN_USE, FOLDER_UNUSABLE, DISK_FULL or DISK_FAILED. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  try {
    await mkdir(folder, { recursive: true });
    const self: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await tryCreate(path, self)) return { release: () => rm(path, { force: true }) };
      const holder = await readHolder(path);
      if (holder !== undefined && (await isAlive(holder))) throw inUse(folder, holder);
      await rm(path, { force: true });
    }
  } catch (error) {
    throw folderError(error, folder);
  }
  throw new FolkmootError('FOLDER_IN_USE', `another process is just taking ${folder}`, 'Start one process per folder.');
}

async function tryCreate(path: string, self: Holder): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify(self));
    await file.close();
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** undefined when the file is gone or was torn by a crash. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Holder;
    return Number.isSafeInteger(holder.pid) && holder.pid > 0 ? holder : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  // On a shared disk another machine's process cannot be seen; it is taken to live.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
  }
  const started = await startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** Field 22 of /proc/PID/stat. The command's name before it may hold spaces and brackets. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function inUse(folder: string, holder: Holder): FolkmootError {
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return new FolkmootError(
    'FOLDER_IN_USE',
    `${folder} is in use by process ${holder.pid}${where}`,
    holder.host === hostname()
      ? 'Stop that process, or choose another folder with --data.'
      : `Stop it; if ${holder.host} is gone for good, remove ${join(folder, LOCK_FILE)}.`,
  );
}
