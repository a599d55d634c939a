/** What the numbers were measured on and with, for the report. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly folkmoot: string;
  readonly node: string;
  readonly redis: string;
  readonly kernel: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly filesystem: string;
  /** Cores in use by others before the run: a load average still tells of what has just ended. */
  readonly coresBusyBefore: number;
}

export function describeMachine(root: string, folder: string): Machine {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: unknown };
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(root),
    folkmoot: String(manifest.version),
    node: process.version,
    redis: output('redis-server', '--version').match(/v=(\S+)/)?.[1] ?? 'unknown',
    kernel: output('uname', '-sr'),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    filesystem: filesystemOf(folder),
    coresBusyBefore: coresInUse(),
  };
}

const LOOK_MS = 2_000;

/** How many cores are busy, on average over two seconds. */
function coresInUse(): number {
  const before = cpuTimes();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  const after = cpuTimes();
  return ((after.busy - before.busy) / (after.all - before.all)) * cpus().length;
}

function cpuTimes(): { readonly busy: number; readonly all: number } {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    for (const time of Object.values(times)) all += time;
    idle += times.idle;
  }
  return { busy: all - idle, all };
}

function commitOf(root: string): string {
  const commit = output('git', '-C', root, 'rev-parse', '--short', 'HEAD');
  if (commit === '') return 'unknown';
  const changed = output('git', '-C', root, 'status', '--porcelain', '--', 'src', 'bin') !== '';
  return changed ? `${commit} with local changes` : commit;
}

export function output(command: string, ...args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return result.status === 0 ? result.stdout.trim() : '';
}

/** Type of the file system that holds a path: the mount point that is the longest prefix of it. */
export function filesystemOf(path: string): string {
  if (!existsSync('/proc/mounts')) return 'unknown';
  let best = { point: '', type: 'unknown' };
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [, point = '', type = ''] = line.split(' ');
    const holds = path === point || path.startsWith(point === '/' ? '/' : `${point}/`);
    if (holds && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}

const IN_MEMORY = new Set(['tmpfs', 'ramfs', 'overlay']);

/** A new folder for data on a real disk: on a file system in memory an fsync costs nothing and promises nothing. */
export function makeWorkFolder(root: string, wanted: string | undefined): string {
  if (wanted !== undefined) {
    mkdirSync(wanted, { recursive: true });
    return mkdtempSync(join(resolve(wanted), 'folkmoot-bench-'));
  }
  const inRoot = join(root, 'node_modules', '.cache');
  const base = IN_MEMORY.has(filesystemOf(tmpdir())) ? inRoot : tmpdir();
  mkdirSync(base, { recursive: true });
  return mkdtempSync(join(base, 'folkmoot-bench-'));
}
