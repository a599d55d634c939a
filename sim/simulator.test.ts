import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Prng } from '../src/base/prng.ts';
import { drawSchedule } from './faults/schedule.ts';
import { MUTATIONS } from './mutation-list.ts';
import { runSeed } from './run.ts';
import { shrink } from './shrink.ts';
import { drawSwarm } from './swarm.ts';

/** Small ones that differ in what they do. */
const SEEDS = [8, 10, 16, 23, 24, 34, 36, 41];

test('a seed run twice does the same, event for event', async () => {
  for (const seed of SEEDS) {
    const first = await runSeed({ seed });
    const second = await runSeed({ seed });
    expect(first.failure).toBeNull();
    expect(first.events).toBeGreaterThan(500);
    expect({ hash: second.hash, events: second.events }).toEqual({ hash: first.hash, events: first.events });
  }
});

test('different seeds do different things', async () => {
  const hashes = new Set<string>();
  for (const seed of SEEDS) hashes.add((await runSeed({ seed })).hash);
  expect(hashes.size).toBe(SEEDS.length);
});

test('leaving faults out changes the run and nothing of the swarm', async () => {
  const full = await runSeed({ seed: 8 });
  const none = await runSeed({ seed: 8, schedule: [] });
  expect(full.schedule.length).toBeGreaterThan(0);
  expect(none.swarm).toEqual(full.swarm);
  expect(none.hash).not.toBe(full.hash);
});

test('schedules are made before the run and lie in the time of the safety phase', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const prng = new Prng(seed);
    const swarm = drawSwarm(prng.fork());
    for (const fault of drawSchedule(prng.fork(), swarm)) {
      expect(fault.at_ms).toBeGreaterThanOrEqual(swarm.faultsFrom_ms);
      expect(fault.at_ms).toBeLessThan(swarm.faultsFrom_ms + swarm.safety_ms);
      expect(fault.machine).toBeLessThanOrEqual(swarm.nodes);
      expect(fault.other).toBeLessThanOrEqual(swarm.nodes);
    }
  }
});

test('shrinking keeps a schedule when nothing shorter fails', async () => {
  const result = await runSeed({ seed: 8 });
  const schedule = result.schedule;
  expect(schedule.length).toBeGreaterThan(0);
  // A failure that no run shows.
  const failed = { ...result, failure: { rule: 'made-up', text: 'made up' } };
  const least = await shrink(failed, () => undefined);
  expect(least.schedule).toEqual(schedule);
});

test('every mutation can be made: the text that it replaces is there once', () => {
  for (const { name, edits } of MUTATIONS) {
    for (const { file, find } of edits) {
      const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      expect(text.split(find).length - 1, `${name} in ${file}`).toBe(1);
    }
  }
});
