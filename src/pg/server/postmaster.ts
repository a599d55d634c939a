/** PostgreSQL's main process, a child of this one, in a session of its own so that a terminal's Ctrl-C reaches only the node. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { copyFile, open, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import type { Binaries } from './binaries.ts';
import type { ServerFolders } from './folders.ts';
import { asUser, type SystemUser } from './system-user.ts';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOG_LOOK_INTERVAL_MS = 60_000;
const LOG_TAIL_BYTES = 16 * 1024;

export class Postmaster {
  readonly pid: number;
  /** Resolves when the process has ended; its children may still be there. */
  readonly ended: Promise<void>;
  readonly #folders: ServerFolders;
  readonly #child: ChildProcess;
  readonly #logFrom: number;
  #hasEnded = false;

  static async start(
    binaries: Binaries,
    folders: ServerFolders,
    user: SystemUser | null,
    list: readonly string[],
    signal: AbortSignal,
  ): Promise<Postmaster> {
    const logFrom = await cutLog(folders.log);
    // Nothing may be started any more once somebody has said stop.
    signal.throwIfAborted();
    const log = openSync(folders.log, 'a', 0o640);
    try {
      if (user !== null) fchownSync(log, user.uid, user.gid);
      const child = spawn(join(binaries.folder, 'postgres'), list, {
        cwd: folders.data,
        detached: true,
        stdio: ['ignore', log, log],
        env: environment(),
        ...asUser(user),
      });
      return new Postmaster(child, folders, logFrom);
    } finally {
      closeSync(log);
    }
  }

  private constructor(child: ChildProcess, folders: ServerFolders, logFrom: number) {
    this.#child = child;
    this.#folders = folders;
    this.#logFrom = logFrom;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const looking = setInterval(() => void cutLog(folders.log).catch(() => undefined), LOG_LOOK_INTERVAL_MS);
      const end = (): void => {
        clearInterval(looking);
        this.#hasEnded = true;
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** SIGHUP reads the configuration again, SIGUSR1 looks for a request to promote, SIGINT is a fast stop. */
  signal(signal: 'SIGHUP' | 'SIGUSR1' | 'SIGINT'): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Whether it takes connections: it says so in the last line of its pid file. */
  async isReady(): Promise<boolean> {
    const lines = (await readFile(pidFileOf(this.#folders), 'utf8').catch(() => '')).split('\n');
    return lines[0] === String(this.pid) && lines[7]?.trim() === 'ready';
  }

  /** What it said since it was started that explains its end. */
  async lastWords(): Promise<string> {
    const text = await tailOf(this.#folders.log, this.#logFrom).catch(() => '');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const grave = lines.filter((line) => /\b(FATAL|PANIC):/.test(line));
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exit code ${exitCode}` : signalCode;
    const last = (grave.length > 0 ? grave : lines).at(-1) ?? '';
    return last === '' ? `PostgreSQL ended with ${how}` : `PostgreSQL ended with ${how}: ${last}`;
  }
}

export function pidFileOf(folders: ServerFolders): string {
  return join(folders.data, 'postmaster.pid');
}

/** Nothing of the node's environment changes what PostgreSQL does: PGDATA, PGPORT, LC_* and their like. */
export function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

/** Gives where the next line will be. A log that has become long is put aside; it is open for appending, so it is copied and cut. */
async function cutLog(path: string): Promise<number> {
  const size = await sizeOf(path);
  if (size <= LOG_BYTES_MAX) return size;
  await copyFile(path, `${path}.1`);
  await truncate(path);
  return 0;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function tailOf(path: string, from: number): Promise<string> {
  const size = await sizeOf(path);
  const at = Math.max(from <= size ? from : 0, size - LOG_TAIL_BYTES);
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(size - at);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
