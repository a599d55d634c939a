/** Spreads seeds over processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunResult } from './run.ts';

/** Calls `ended` for each seed as it ends; begins no more once `isOver`. */
export async function runSeeds(
  seeds: readonly number[],
  jobs: number,
  isOver: () => boolean,
  ended: (result: RunResult) => void,
): Promise<void> {
  const file = fileURLToPath(new URL(`./seed-process${extname(import.meta.url)}`, import.meta.url));
  let next = 0;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child: ChildProcess = fork(file);
      const give = (): void => {
        const seed = isOver() ? undefined : seeds[next];
        next += 1;
        if (seed === undefined) {
          child.disconnect();
          resolve();
        } else child.send(seed);
      };
      child.on('message', (result: RunResult) => {
        ended(result);
        give();
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        if (code !== 0) reject(new Error(`a process that runs seeds ended with code ${code}`));
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, seeds.length)) }, work));
}
