import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from './door.test-support.ts';
import type { RawClient } from './raw-client.test-support.ts';
import { formatCursor, parseCursor, WHOLE_SLOT_KEYS_MAX } from './scan.ts';

let doors: TestDoors;
let client: RawClient;

beforeEach(async () => {
  doors = await startDoors(3, 6);
  client = await doors.single();
});
afterEach(() => doors.stop());

/** A whole iteration; `between` runs after each call. */
async function scanAll(
  args: readonly string[] = [],
  between = async (): Promise<void> => undefined,
): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  let calls = 0;
  do {
    const [next, keys] = (await client.call('SCAN', cursor, ...args)) as [string, string[]];
    found.push(...keys);
    cursor = next;
    expect(Number.isSafeInteger(Number(cursor))).toBe(true);
    calls += 1;
    expect(calls).toBeLessThan(10_000);
    await between();
  } while (cursor !== '0');
  return found;
}

describe('SCAN', () => {
  test('returns every key once when nothing is written meanwhile', async () => {
    const keys = Array.from({ length: 700 }, (_, index) => `key:${index}`);
    await Promise.all(keys.map((key) => client.call('SET', key, '1')));
    expect((await scanAll()).sort()).toEqual([...keys].sort());
    expect((await scanAll(['COUNT', '1000'])).sort()).toEqual([...keys].sort());
    expect((await scanAll(['COUNT', '1'])).sort()).toEqual([...keys].sort());
    expect((await scanAll(['MATCH', 'key:1?'])).sort()).toEqual(keys.slice(10, 20).sort());
    expect(await scanAll(['TYPE', 'hash'])).toEqual([]);
    expect((await scanAll(['TYPE', 'STRING', 'COUNT', '100'])).length).toBe(700);
  });

  test('returns the keys of a large slot in parts', async () => {
    const keys = Array.from({ length: WHOLE_SLOT_KEYS_MAX * 2 }, (_, index) => `{tag}${index}`);
    await Promise.all(keys.map((key) => client.call('SET', key, '1')));
    const [cursor, first] = (await client.line('SCAN 0 COUNT 100')) as [string, string[]];
    expect(cursor).not.toBe('0');
    expect(first.length).toBeLessThan(150);
    expect((await scanAll(['COUNT', '100'])).sort()).toEqual([...keys].sort());
  });

  test('returns each key that is there throughout, whatever is written in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 700 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 50 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 1_000_000 })),
        async (count, oneSlot, step, numbers) => {
          await client.line('FLUSHALL');
          const name = (index: number): string => (oneSlot ? `{s}${index}` : `k${index}`);
          const staying = Array.from({ length: count }, (_, index) => name(index));
          await Promise.all(staying.map((key) => client.call('SET', key, '1')));
          const draw = (): number => numbers.next().value as number;
          const found = await scanAll(['COUNT', String(step * 5)], async () => {
            await Promise.all(
              Array.from({ length: 8 }, () => {
                const passing = name(1_000 + (draw() % 300));
                return client.call(...(draw() % 2 === 0 ? ['SET', passing, '1'] : ['DEL', passing]));
              }),
            );
          });
          const seen = new Set(found);
          expect(staying.filter((key) => !seen.has(key))).toEqual([]);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('cursors are decimal numbers that read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 16_383 }), fc.integer({ min: 0, max: 2 ** 38 - 1 }), (slot, position) => {
        expect(parseCursor(formatCursor({ slot, position }))).toEqual({ slot, position });
      }),
    );
    expect(parseCursor('abc')).toBeUndefined();
    expect(parseCursor('18446744073709551615')).toEqual({ slot: 16_384, position: 0 });
  });
});
