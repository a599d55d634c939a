/** CPU time, memory and disk of server processes, from /proc (Linux). A process's CPU time covers all of its threads. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../load/run.ts';

/** USER_HZ; 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

export function cpuOf_ms(pid: number): number {
  return cpuFields_ms(`/proc/${pid}/stat`);
}

export interface ThreadCpu {
  readonly tid: number;
  readonly name: string;
  readonly cpu_ms: number;
}

export function threadsOf(pid: number): ThreadCpu[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const folder = `/proc/${pid}/task/${tid}`;
    const name = readFileSync(`${folder}/comm`, 'utf8').trim();
    return { tid: Number(tid), name, cpu_ms: cpuFields_ms(`${folder}/stat`) };
  });
}

function cpuFields_ms(path: string): number {
  const text = readFileSync(path, 'latin1');
  // The name of the process, in parentheses, may contain spaces; the fields behind it do not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

export interface Memory {
  readonly rss_bytes: number;
  /** The part that no file backs: heaps. The rest can be dropped by the kernel: programs, and the store's mapped file. */
  readonly anonymous_bytes: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1_024;
  return { rss_bytes: field('VmRSS'), anonymous_bytes: field('RssAnon') };
}

/** What is allocated, which is less than the length of a sparse file. */
export function diskOf_bytes(path: string): number {
  const { blocks } = statSync(path);
  let total = blocks * 512;
  if (!statSync(path).isDirectory()) return total;
  for (const name of readdirSync(path)) {
    try {
      total += diskOf_bytes(join(path, name));
    } catch {
      // Removed by the server between the listing and the look at it.
    }
  }
  return total;
}

/** Waits until the processes together use less than `share` of a core over a second, at most `timeout_ms`. */
export async function settle(pids: readonly number[], timeout_ms: number, share = 0.25): Promise<boolean> {
  const end_ms = performance.now() + timeout_ms;
  const total = (): number => pids.reduce((sum, pid) => sum + cpuOf_ms(pid), 0);
  while (performance.now() < end_ms) {
    const before = total();
    await pause(1_000);
    if (total() - before < share * 1_000) return true;
  }
  return false;
}
