/** The command line of the simulator. */
import { parseArgs } from 'node:util';

export const HELP = `Runs whole clusters on simulated clocks, networks and disks (docs/internals/simulator.md).

  npm run sim                          the pinned seeds, then 100 fresh ones
  npm run sim -- --seed=N [--trace]    one seed; --trace prints its events and logs
  npm run sim -- --seed=N --shrink     the fewest faults with which it still fails
  npm run sim -- --seeds=N [--from=K]  N seeds from K on; without --from from a random one
  npm run sim -- --pinned              the pinned seeds only

  --twice     runs every seed twice and compares the hashes of their events
  --stats     events in a second
  --first     stops at the first seed that fails
  --jobs=N    processes to use (2)
`;

export interface Arguments {
  readonly help: boolean;
  readonly seed: number | null;
  readonly seeds: number;
  readonly from: number | null;
  readonly pinned: boolean;
  readonly twice: boolean;
  readonly trace: boolean;
  readonly shrink: boolean;
  readonly stats: boolean;
  readonly first: boolean;
  readonly jobs: number;
}

/** Throws with a text for the user. */
export function parseArguments(words: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...words],
    options: {
      help: { type: 'boolean', default: false },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      pinned: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      stats: { type: 'boolean', default: false },
      first: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '2' },
    },
  });
  const { help, pinned, twice, trace, shrink, stats, first } = values;
  const seed = values.seed === undefined ? null : integer('seed', values.seed);
  const from = values.from === undefined ? null : integer('from', values.from);
  const seeds = values.seeds === undefined ? (pinned ? 0 : 100) : integer('seeds', values.seeds);
  if ((trace || shrink) && seed === null) throw new Error('--trace and --shrink need --seed');
  return { help, seed, seeds, from, pinned, twice, trace, shrink, stats, first, jobs: integer('jobs', values.jobs) };
}

function integer(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return number;
}
