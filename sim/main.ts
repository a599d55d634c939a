/** The simulator's command: which seeds to run, and what to say of them. See docs/internals/simulator.md. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Arguments, HELP, parseArguments } from './arguments.ts';
import { runSeeds } from './many-seeds.ts';
import { failureReport, summaryOf } from './report.ts';
import { type RunResult, runSeed } from './run.ts';
import { shrink } from './shrink.ts';

interface PinnedSeed {
  readonly seed: number;
  readonly why: string;
}

const SEED_BOUND = 2 ** 31;
/** A line of progress for each so many seeds. */
const PROGRESS_SEEDS = 500;

async function main(): Promise<number> {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.seed !== null) return await one(options, options.seed);
  const from = options.from ?? randomInt(SEED_BOUND);
  const fresh = Array.from({ length: options.seeds }, (_, i) => (from + i) % SEED_BOUND);
  // A range that was asked for by number is all that is run.
  const pinned = options.from === null ? pinnedSeeds().map(({ seed }) => seed) : [];
  return await many(options, [...pinned, ...fresh]);
}

async function one(options: Arguments, seed: number): Promise<number> {
  const started_ms = performance.now();
  const result = await runSeed({ seed, ...(options.trace ? { trace: (line: string) => console.log(line) } : {}) });
  const took_ms = performance.now() - started_ms;
  console.log(summaryOf(result));
  if (options.stats) console.log(`${Math.round((result.events / took_ms) * 1_000)} events a second`);
  if (options.twice && !(await isRepeated(result))) return 1;
  if (result.failure === null) return 0;
  console.log(failureReport(result));
  if (options.shrink) {
    const least = await shrink(result, (faults) => console.log(`fails with ${faults} faults`));
    console.log(failureReport(least));
  }
  return 1;
}

async function many(options: Arguments, seeds: readonly number[]): Promise<number> {
  const started_ms = performance.now();
  let events = 0;
  let acknowledged = 0;
  let failed = 0;
  let ended = 0;
  let isInterrupted = false;
  const results: RunResult[] = [];
  const isOver = (): boolean => isInterrupted || (options.first && failed > 0);
  // A long run may be ended at any time: it says where it was, and another one goes on from there.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isInterrupted = true));
  await runSeeds(seeds, options.jobs, isOver, (result) => {
    events += result.events;
    acknowledged += result.acknowledged;
    ended += 1;
    if (ended % PROGRESS_SEEDS === 0 && ended < seeds.length)
      console.log(`${ended} of ${seeds.length}, ${failed} failed`);
    if (options.twice) results.push(result);
    if (result.failure === null) return;
    failed += 1;
    console.log(failureReport(result));
  });
  const took_s = (performance.now() - started_ms) / 1_000;
  if (options.twice) {
    for (const result of results) if (!(await isRepeated(result))) failed += 1;
  }
  // They are given out in order, and those that had begun have ended.
  if (ended < seeds.length) console.log(`interrupted; the next seed is ${seeds[ended]}`);
  console.log(`${ended} seeds, ${failed} failed; ${acknowledged} operations acknowledged; ${took_s.toFixed(1)} s`);
  if (options.stats)
    console.log(`${events} events, ${Math.round(events / took_s)} a second in ${options.jobs} processes`);
  return failed === 0 ? 0 : 1;
}

async function isRepeated(result: RunResult): Promise<boolean> {
  const again = await runSeed({ seed: result.seed });
  if (again.hash === result.hash && again.events === result.events) return true;
  console.log(`Seed ${result.seed} does not repeat itself: ${result.hash} and ${again.hash}`);
  return false;
}

function pinnedSeeds(): PinnedSeed[] {
  // From sim/dist/sim/ and from sim/ alike: the file stays where the sources are.
  const here = import.meta.url.includes('/dist/') ? '../../pinned-seeds.json' : './pinned-seeds.json';
  return JSON.parse(readFileSync(new URL(here, import.meta.url), 'utf8')) as PinnedSeed[];
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  },
);
