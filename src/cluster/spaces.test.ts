import { expect, test } from 'vitest';
import { MemoryStore } from '../storage/memory-store.test-support.ts';
import { Overlay } from '../storage/overlay.ts';
import { encodeWriteBatch } from '../storage/write-batch.ts';
import { slotRanges, TABLE_SPACE_FIRST } from './spaces.ts';

function keyIn(space: number, slot: number, rest = 'rest'): string {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(space, 0);
  head.writeUInt16BE(slot, 4);
  return head.toString('latin1') + rest;
}

function overlayOf(applied: readonly string[], stored: readonly string[]): Overlay {
  const store = new MemoryStore();
  for (const key of stored) store.entries.set(key, Buffer.from('value'));
  const overlay = new Overlay(store);
  const entries = applied.map((key) => ({ key }));
  overlay.applyEncoded(
    encodeWriteBatch(
      [],
      entries,
      applied.map(() => Buffer.from('value')),
    ),
    1,
  );
  return overlay;
}

test('the ranges of a tablet cover every table that has rows, in the store and in memory, whatever the metadata knows', () => {
  const applied = [keyIn(TABLE_SPACE_FIRST + 3, 9), keyIn(70_000, 12)];
  const stored = [keyIn(TABLE_SPACE_FIRST, 9), keyIn(TABLE_SPACE_FIRST + 3, 8), keyIn(0xffffffef, 10)];
  const ranges = slotRanges(8, 12, overlayOf(applied, stored));
  for (const key of [...applied, ...stored]) {
    expect(ranges.filter(({ lo, hi }) => lo <= key && key < hi)).toHaveLength(1);
  }
});

test('what belongs to the slots of other tablets, or to the cluster, is left alone', () => {
  const others = [keyIn(300, 7), keyIn(300, 13), keyIn(0xfffffff0, 9), keyIn(0, 13)];
  const ranges = slotRanges(8, 12, overlayOf([keyIn(300, 9)], others));
  for (const key of others) expect(ranges.some(({ lo, hi }) => lo <= key && key < hi)).toBe(false);
});
