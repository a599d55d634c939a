import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { storeChange } from './ordered-store.ts';
import { SortedChanges } from './sorted-changes.ts';

describe('sorted changes', () => {
  it.each([0, 1, 4_096, 4_097, 20_000])(
    'come in key order, each once, in parts of the wanted size: %i',
    async (count) => {
      // 7,919 is prime to every count here, so this visits each number once, in no order.
      const keys = Array.from({ length: count }, (_, i) => String((i * 7_919) % count).padStart(6, '0'));
      const changes = await SortedChanges.of(
        keys.map((key) => storeChange(key, null)),
        nextTurn,
      );
      const seen: string[] = [];
      while (changes.left > 0) {
        const part = changes.take(1_000, 1);
        expect(part).toHaveLength(Math.min(1_000, count - seen.length));
        seen.push(...part.map(({ key }) => key));
      }
      expect(seen).toEqual([...keys].sort());
      expect(changes.take(1, 1)).toEqual([]);
    },
  );

  it('end a part with the value that makes it as large as is wanted', async () => {
    const sizes = [10, 10, 10, 100, 1, 1];
    const changes = await SortedChanges.of(
      sizes.map((size, i) => storeChange(String(i), Buffer.alloc(size))),
      nextTurn,
    );
    const parts: string[][] = [];
    while (changes.left > 0) parts.push(changes.take(10, 20).map(({ key }) => key));
    expect(parts).toEqual([
      ['0', '1'],
      ['2', '3'],
      ['4', '5'],
    ]);
  });

  it('lets the event loop turn while a large flush is sorted', async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await SortedChanges.of(
      Array.from({ length: 20_000 }, (_, i) => storeChange(String(i), null)),
      nextTurn,
    );
    clearImmediate(immediate);
    expect(turns).toBeGreaterThanOrEqual(4);
  });
});
