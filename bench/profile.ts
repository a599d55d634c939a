/**
 * Where the time of the nodes goes at one point of load: `npm run bench:profile -- --point=set-50,get-50`. Every node runs
 * with `--cpu-prof`; only samples within the measured window count. Beside the profile of each main thread stand the CPU
 * times of all threads, since the profile shows nothing of the others (disk, store, garbage collector).
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addUp, monotonic_us, readProfile, type SelfTimes } from './measure/cpu-profile.ts';
import { makeWorkFolder } from './measure/machine.ts';
import { fill, fillWith, measurePoint, POINTS, type Point, type PointResult } from './measure/points.ts';
import { threadsOf } from './measure/processes.ts';
import { TYPE_FILLS, TYPE_POINTS } from './measure/type-points.ts';
import { Flags } from './options.ts';
import { endServersWithThisProcess } from './servers/child.ts';
import { FolkmootCluster } from './servers/folkmoot.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const ALL_POINTS = [...POINTS, ...TYPE_POINTS];

const flags = Flags.parse('Prints the functions in which Folkmoot nodes spend their time under load.', {
  point: { default: 'set-50', help: `one or more of ${ALL_POINTS.map(({ name }) => name).join(', ')}` },
  seconds: { default: '5', help: 'how long the point is measured' },
  'warmup-seconds': { default: '3', help: 'how long it runs before' },
  keys: { default: '100000', help: 'keys of 16 + 64 bytes to begin with' },
  top: { default: '25', help: 'functions to print' },
  each: { default: '', help: 'yes: the functions of every node by itself too' },
  keep: { default: '', help: 'a folder to copy the .cpuprofile files to, for a browser to show' },
  data: { default: '', help: 'where to put the data; a folder in the temporary folder, if that is on a disk' },
  root: { default: REPOSITORY, help: 'the built package to measure' },
});

const folder = makeWorkFolder(flags.text('root'), flags.text('data') || undefined);
const PARTS_MAX = 12;
const profiles = join(folder, 'profiles');

interface Profiled {
  readonly result: PointResult;
  readonly nodes: readonly SelfTimes[];
  /** By node, then by thread: share of a core in the window. */
  readonly threads: readonly (readonly { readonly name: string; readonly share: number }[])[];
}

async function profile(point: Point): Promise<Profiled> {
  rmSync(profiles, { recursive: true, force: true });
  mkdirSync(profiles, { recursive: true });
  const cluster = await FolkmootCluster.create({
    root: flags.text('root'),
    folder: join(folder, point.name),
    nodeCount: 3,
    runtimeFlags: (index) => ['--cpu-prof', `--cpu-prof-dir=${join(profiles, `node-${index + 1}`)}`],
  });
  const keyCount = flags.number('keys');
  const collections = TYPE_FILLS.filter(({ shape }) => shape.command[1] === point.shape.command[1]);
  for (const each of collections) await fillWith(cluster, each, keyCount);
  if (collections.length === 0) await fill(cluster, keyCount);
  const span = { from_us: 0, to_us: 0 };
  let before = cluster.pids.map(threadsOf);
  let after = before;
  const onWindow = (edge: 'begin' | 'end'): void => {
    if (edge === 'begin') {
      span.from_us = monotonic_us();
      before = cluster.pids.map(threadsOf);
    } else {
      span.to_us = monotonic_us();
      after = cluster.pids.map(threadsOf);
    }
  };
  const times = { warmup_ms: flags.number('warmup-seconds') * 1_000, window_ms: flags.number('seconds') * 1_000 };
  const result = await measurePoint(cluster, point, keyCount, { ...times, onWindow });
  await cluster.stop();
  const window_ms = (span.to_us - span.from_us) / 1_000;
  const threads = after.map((list, node) =>
    list.map(({ tid, name, cpu_ms }) => {
      const begin = before[node]?.find((thread) => thread.tid === tid)?.cpu_ms ?? 0;
      return { name, share: (cpu_ms - begin) / window_ms };
    }),
  );
  const nodes = cluster.nodes.map((_, index) => readProfile(join(profiles, `node-${index + 1}`), span));
  if (flags.text('keep') !== '') cpSync(profiles, join(flags.text('keep'), point.name), { recursive: true });
  return { result, nodes, threads };
}

function print(point: Point, { result, nodes, threads }: Profiled): void {
  console.log(
    `\n## ${point.name}: ${result.opsPerSecond.toFixed(0)}/s, p50 ${result.p50_us} us, p99 ${result.p99_us} us`,
  );
  const cpu = result.serverCpu_us.map((value) => value.toFixed(1)).join(' + ');
  console.log(`CPU per operation: nodes ${cpu} us, load ${result.clientCpu_us.toFixed(1)} us; errors ${result.errors}`);
  for (const [index, list] of threads.entries()) {
    const busy = list.filter(({ share }) => share >= 0.005).sort((a, b) => b.share - a.share);
    const text = busy.map(({ name, share }) => `${name} ${(share * 100).toFixed(1)} %`).join(', ');
    console.log(`threads of node ${index + 1} (shares of a core): ${text}`);
  }
  printTop('all nodes, main threads', addUp(nodes), result.operations);
  if (flags.text('each') === '') return;
  for (const [index, times] of nodes.entries()) printTop(`node ${index + 1}`, times, result.operations);
}

function printTop(title: string, times: SelfTimes, operations: number): void {
  const share = ((times.busy_us / times.total_us) * 100).toFixed(0);
  console.log(`\n${title}: busy ${share} %; self time: share of busy time, microseconds an operation`);
  const parts = [...partsOf(times)].sort(([, a], [, b]) => b - a).slice(0, PARTS_MAX);
  const partText = ([name, time_us]: readonly [string, number]): string =>
    `${name} ${(time_us / operations).toFixed(1)}`;
  console.log(`by part, microseconds an operation: ${parts.map(partText).join(', ')}`);
  const top = [...times.functions].sort(([, a], [, b]) => b - a).slice(0, flags.number('top'));
  for (const [name, time_us] of top) {
    const percent = ((time_us / times.busy_us) * 100).toFixed(1).padStart(5);
    console.log(`${percent} %  ${(time_us / operations).toFixed(2).padStart(7)}  ${name}`);
  }
}

/** By folder of src/, by package, or `runtime` for functions of Node.js and its native parts (sockets, files). */
function partsOf(times: SelfTimes): Map<string, number> {
  const parts = new Map<string, number>();
  for (const [name, time_us] of times.functions) {
    const path = /^\S+(?: \S+)* ([^ :]+):\d+$/.exec(name)?.[1] ?? '';
    const folders = path.split('/');
    const part = folders.length > 1 ? folders.slice(0, folders[0] === 'doors' ? 2 : 1).join('/') : 'runtime';
    parts.set(part, (parts.get(part) ?? 0) + time_us);
  }
  return parts;
}

async function main(): Promise<void> {
  endServersWithThisProcess(() => rmSync(folder, { recursive: true, force: true }));
  const names = flags.list('point');
  const unknown = names.find((name) => !ALL_POINTS.some((point) => point.name === name));
  if (unknown !== undefined) throw new Error(`no point "${unknown}": ${ALL_POINTS.map(({ name }) => name).join(', ')}`);
  for (const point of ALL_POINTS.filter(({ name }) => names.includes(name))) print(point, await profile(point));
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
