/**
 * Finds a short schedule with which a seed still fails in the same way: halves are left out first, then smaller and smaller parts,
 * then single faults (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 */
import type { Fault } from './faults/fault.ts';
import { type RunResult, runSeed } from './run.ts';

const RUNS_MAX = 400;

/** `result` failed. Returns the result of the shortest schedule found. */
export async function shrink(result: RunResult, progress: (faults: number) => void): Promise<RunResult> {
  let best = result;
  let runs = 0;
  const fails = async (schedule: readonly Fault[]): Promise<boolean> => {
    runs += 1;
    const next = await runSeed({ seed: result.seed, schedule });
    if (next.failure === null || next.failure.rule !== result.failure?.rule) return false;
    best = next;
    progress(schedule.length);
    return true;
  };
  for (let part = Math.ceil(best.schedule.length / 2); part >= 1 && runs < RUNS_MAX; ) {
    let shortened = false;
    for (let at = 0; at < best.schedule.length && runs < RUNS_MAX; ) {
      const { schedule } = best;
      if (await fails([...schedule.slice(0, at), ...schedule.slice(at + part)])) shortened = true;
      else at += part;
    }
    if (part === 1 && !shortened) break;
    if (part > 1) part = Math.ceil(part / 2);
  }
  return best;
}
