/** Runs the seeds that its parent sends, one after the other. */
import { runSeed } from './run.ts';

process.on('message', (seed: number) => {
  void runSeed({ seed }).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches all processes of the terminal: the parent gives out no more seeds, and those that have begun end.
process.on('SIGINT', () => undefined);
