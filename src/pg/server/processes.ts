/**
 * The processes of one PostgreSQL server, whoever their parent is: a postmaster that was killed leaves children behind that go on for seconds
 * and can acknowledge a commit, so fencing means that none of them is left. They are told by their name and by their working
 * directory, which is the data folder. (macOS shows no working directories; there they are told by their title, which begins with
 * the cluster's name, and the postmaster by its command line.)
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Which server: its data folder without symbolic links in it, and its `cluster_name`. */
export interface ServerMark {
  readonly dataFolder: string;
  readonly clusterName: string;
}

const HAS_PROC = process.platform === 'linux';
/** Every process has died of SIGQUIT by then, unless it is stopped or deep in the kernel; 26 ms were measured for 12 sessions. */
const QUIT_PATIENCE_MS = 200;
const LOOK_INTERVAL_MS = 4;

export async function processesOf(mark: ServerMark): Promise<number[]> {
  return HAS_PROC ? listByFolder(mark.dataFolder) : listByTitle(mark);
}

/** The titles of the server's processes ("postgres: folkmoot-1a2b: walreceiver streaming 0/3000060"); none on macOS. */
export function titlesOf(mark: ServerMark): string[] {
  if (!HAS_PROC) return [];
  return listByFolder(mark.dataFolder).map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim());
}

/**
 * Ends all of them and resolves when none is left, which is the only way it resolves: SIGQUIT, on which PostgreSQL exits without writing
 * anything, and SIGKILL to what is left after 200 ms. Then they are listed again, since a postmaster that was not dead yet may have had
 * children; those are killed at once.
 */
export async function endProcesses(mark: ServerMark): Promise<void> {
  let patience_ms = QUIT_PATIENCE_MS;
  for (let pids = await processesOf(mark); pids.length > 0; pids = await processesOf(mark)) {
    await endListed(mark, pids, patience_ms);
    patience_ms = 0;
  }
}

async function endListed(mark: ServerMark, listed: readonly number[], patience_ms: number): Promise<void> {
  const began_ms = performance.now();
  if (patience_ms > 0) signalAll(listed, 'SIGQUIT');
  for (let left = listed; left.length > 0; left = await leftOf(mark, left)) {
    if (performance.now() - began_ms >= patience_ms) signalAll(left, 'SIGKILL');
    await pause(LOOK_INTERVAL_MS);
  }
}

/** Which of these processes are there still. Looks only at them: to list all processes of a large machine takes a while. */
async function leftOf(mark: ServerMark, pids: readonly number[]): Promise<readonly number[]> {
  if (HAS_PROC) return pids.filter((pid) => isOf(mark.dataFolder, String(pid)));
  const all = await processesOf(mark);
  return pids.filter((pid) => all.includes(pid));
}

function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms));
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended since it was listed; one that we may not signal stays in the list, and we stay in the loop.
    }
  }
}

/** A zombie has no working directory any more, so it is not listed: it does nothing. */
function listByFolder(dataFolder: string): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first < 0x31 || first > 0x39) continue;
    if (isOf(dataFolder, name)) pids.push(Number(name));
  }
  return pids;
}

function isOf(dataFolder: string, pid: string): boolean {
  if (textOf(`/proc/${pid}/comm`) !== 'postgres\n') return false;
  const folder = folderOf(pid);
  return folder === dataFolder || folder === `${dataFolder} (deleted)`;
}

function folderOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function listByTitle({ dataFolder, clusterName }: ServerMark): Promise<number[]> {
  return new Promise((resolve, reject) => {
    execFile('ps', ['-A', '-o', 'pid=,command='], { maxBuffer: 64 * 1024 * 1024 }, (error, text) => {
      if (error !== null) return reject(error);
      const lines = text.split('\n').filter((line) => {
        return line.includes(`postgres: ${clusterName}:`) || line.includes(`/postgres -D ${dataFolder} `);
      });
      resolve(lines.map((line) => Number.parseInt(line, 10)));
    });
  });
}
