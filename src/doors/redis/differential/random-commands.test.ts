/**
 * The door against a real Redis, with random commands of every family, over small limits and over the usual ones, in RESP2
 * and RESP3. Environment: DIFFERENTIAL_COMMANDS is the number of commands in all (200,000 in CI), and
 * DIFFERENTIAL_SEED repeats a run.
 */
import type { ChildProcess } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import { encode, type RawClient } from '../raw-client.test-support.ts';
import { comparable, isNear } from './equality.test-support.ts';
import { families } from './families.test-support.ts';
import { Compare, disturbed, type Family, type Step } from './family.test-support.ts';
import { hasRedis, startRedis } from './redis-server.test-support.ts';

const COMMANDS = Number(process.env['DIFFERENTIAL_COMMANDS'] ?? '20000');
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 1_000_000);
const STEPS_MAX = 120;
/** What fast-check draws of up to STEPS_MAX, on average. */
const STEPS_MEAN = STEPS_MAX / 2;

/** Both ways of storing, by the settings that decide between them. */
const storages = [
  { storage: 'collections stored as usual', settings: {} },
  { storage: 'collections that are large at once', settings: { 'packed-max-entries': '2', 'packed-max-bytes': '60' } },
] as const;

describe.skipIf(!hasRedis())('random commands against redis-server 7 (skipped where it is not installed)', () => {
  let server: ChildProcess;
  let theirs: RawClient;

  beforeAll(async () => {
    ({ server, client: theirs } = await startRedis());
  });

  afterAll(() => {
    theirs.close();
    server.kill('SIGKILL');
  });

  describe.each(storages)('$storage', ({ settings }) => {
    let doors: TestDoors;
    let ours: RawClient;

    beforeAll(async () => {
      doors = await startDoors(1, 1, { configuration: settings });
      ours = await doors.single();
    });
    afterAll(() => doors.stop());

    test.each(families)(
      'are answered alike: $name',
      async (family) => {
        const numRuns = Math.ceil(COMMANDS / families.length / storages.length / STEPS_MEAN);
        const drawn = family.mixed === false ? family.steps : disturbed(family.steps);
        const sequence = fc.array(drawn, { minLength: 1, maxLength: STEPS_MAX, size: 'max' });
        await fc.assert(
          fc.asyncProperty(fc.constantFrom('2', '3'), sequence, async (version, steps) => {
            const all: Step[] = [fixed('FLUSHALL'), fixed('HELLO', version), ...steps.flat()];
            const [expected, actual] = await Promise.all([replies(theirs, all), replies(ours, all)]);
            for (const [index, each] of all.entries()) {
              // The reference is no cluster: what it did with keys of several slots is not known from here on.
              if (actual[index]?.startsWith('-CROSSSLOT') === true) break;
              if (isSame(family, each, expected[index] as string, actual[index] as string)) continue;
              expect({ words: each.words.map(String), reply: actual[index] }).toEqual({
                words: each.words.map(String),
                reply: expected[index],
              });
            }
          }),
          { numRuns, seed: SEED, endOnFailure: false },
        );
      },
      120_000,
    );
  });
});

function fixed(...words: readonly string[]): Step {
  return { words, compare: Compare.nothing };
}

/** Sends all at once and takes the replies in order. */
async function replies(client: RawClient, steps: readonly Step[]): Promise<string[]> {
  client.write(Buffer.concat(steps.map((each) => encode(each.words))));
  const found: string[] = [];
  for (const _step of steps) found.push((await client.next()).latin1Slice());
  return found;
}

function isSame(family: Family, each: Step, expected: string, actual: string): boolean {
  if (expected === actual) return true;
  const [a, b] = [expected, actual].map((reply) => {
    const common = isEncoding(each) ? encodingClass(reply) : reply;
    return family.normalize?.(each, common) ?? common;
  }) as [string, string];
  if (each.compare === Compare.near) return isNear(a, b);
  return comparable(each.compare, a) === comparable(each.compare, b);
}

function isEncoding(each: Step): boolean {
  return String(each.words[1]).toUpperCase() === 'ENCODING';
}

/**
 * Redis 7.0 has other encodings than 7.2, which the door names, and its SORT makes a skiplist of a sorted set: here a
 * command that reads changes nothing.
 */
function encodingClass(reply: string): string {
  return reply.replace(/^\$\d+\r\n(quicklist|listpack|hashtable|skiplist)\r\n$/, 'a collection');
}
