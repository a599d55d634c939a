import { describe, expect, test } from 'vitest';
import type { Sabotage } from './model/broken-rules.test-support.ts';
import { GroupModel } from './model/group-model.test-support.ts';

const FAULTS_MS = 20_000;

describe('a group of simulated servers with faults', () => {
  test('loses nothing that was acknowledged or read, has one primary at a time, and serves in the end', () => {
    let acknowledged = 0;
    let epochs = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const result = new GroupModel(seed).run(FAULTS_MS);
      expect(result.violations, `seed ${seed}`).toEqual([]);
      acknowledged += result.acknowledged;
      epochs += result.epochs;
    }
    // Otherwise nothing was shown.
    expect(acknowledged).toBeGreaterThan(5_000);
    expect(epochs).toBeGreaterThan(75);
  });

  test.each([1, 2])('the same with %i of them', (servers) => {
    for (let seed = 1; seed <= 5; seed++) {
      expect(new GroupModel(seed, [], servers).run(FAULTS_MS).violations, `seed ${seed}`).toEqual([]);
    }
  });

  test('a seed makes one run', () => {
    expect(new GroupModel(7).run(FAULTS_MS)).toEqual(new GroupModel(7).run(FAULTS_MS));
  });
});

/** Rules broken on purpose, each with the first seed that shows it. Some rules are guarded by another one: then both are broken. */
const BROKEN: readonly [readonly Sabotage[], number, RegExp][] = [
  [['too-few-pledges'], 2, /opens without \d+ acknowledged/],
  [['no-wait-for-lease'], 97, /two primaries serve/],
  [['restart-in-place'], 27, /does not serve|entries that were read/],
  [['diverged-follows'], 10, /opens without \d+/],
  [['opens-alone'], 14, /entries that were read/],
  [['connects-before-verified', 'no-epoch-in-names'], 9, /opens without \d+ acknowledged/],
  [['takes-over-without-the-last-record'], 96, /opens without \d+ acknowledged/],
];
/** Every change of what is done when moves the seeds: others are tried before somebody has to look for one. */
const SEEDS_MAX = 300;

test.each(BROKEN)('without the rule against %j something goes wrong, and is noticed', (sabotage, first, violation) => {
  const isNoticed = (seed: number): boolean =>
    violation.test(new GroupModel(seed, sabotage).run(FAULTS_MS).violations.join('\n'));
  let seed = first;
  while (seed < first + SEEDS_MAX && !isNoticed(seed)) seed++;
  expect(seed).toBeLessThan(first + SEEDS_MAX);
});

test('a server that connects before it is verified counts for nothing, by its name', () => {
  for (let seed = 1; seed <= 25; seed++) {
    const { violations } = new GroupModel(seed, ['connects-before-verified']).run(FAULTS_MS);
    expect(violations, `seed ${seed}`).toEqual([]);
  }
});
