/** Reads `.cpuprofile` files, as `node --cpu-prof` writes them at the end of a process, and adds up self time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTimes {
  /** Microseconds by function; `(idle)` is left out. */
  readonly functions: ReadonlyMap<string, number>;
  readonly busy_us: number;
  readonly total_us: number;
}

/** A span of the monotonic clock, which is the same for all processes of a machine. */
export interface Span {
  readonly from_us: number;
  readonly to_us: number;
}

export function monotonic_us(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Of the main thread; worker threads write files of their own, with another thread id in the name. */
export function readProfile(folder: string, span: Span): SelfTimes {
  // CPU.<date>.<time>.<pid>.<thread id>.<sequence>.cpuprofile
  const name = readdirSync(folder).find((file) => /^CPU\.\d+\.\d+\.\d+\.0\.\d+\.cpuprofile$/.test(file));
  if (name === undefined) throw new Error(`no CPU profile in ${folder}: did the node end in order?`);
  return selfTimes(JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile, span);
}

function selfTimes(profile: CpuProfile, span: Span): SelfTimes {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const functions = new Map<string, number>();
  let busy_us = 0;
  let total_us = 0;
  let now_us = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    now_us += profile.timeDeltas[index] ?? 0;
    if (now_us < span.from_us || now_us >= span.to_us) continue;
    // A sample stands for the time until the next one.
    const duration_us = profile.timeDeltas[index + 1] ?? 0;
    const name = names.get(id) ?? '?';
    total_us += duration_us;
    if (name === '(idle)') continue;
    busy_us += duration_us;
    functions.set(name, (functions.get(name) ?? 0) + duration_us);
  }
  return { functions, busy_us, total_us };
}

function frameName({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules)\//, '');
  return `${name} ${path}:${lineNumber + 1}`;
}

export function addUp(all: readonly SelfTimes[]): SelfTimes {
  const functions = new Map<string, number>();
  for (const times of all)
    for (const [name, time] of times.functions) functions.set(name, (functions.get(name) ?? 0) + time);
  return {
    functions,
    busy_us: all.reduce((total, times) => total + times.busy_us, 0),
    total_us: all.reduce((total, times) => total + times.total_us, 0),
  };
}
