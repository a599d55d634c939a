/** Runs the seeds that its parent sends, one after the other. */
import { runSeed } from './run.ts';

process.on('message', (seed: number) => {
  void runSeed({ seed }).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
