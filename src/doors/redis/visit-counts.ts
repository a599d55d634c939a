/** The slots that have keys, from the counts that each write keeps. */
import type { CommandContext } from './context.ts';
import { countKey, countRangeEnd, slotOfCountKey } from './key-layout.ts';
import { countOf } from './keyspace.ts';

/** Visits the slots first..last that have keys, in order. The visitor returns false to end. */
export function visitCounts(
  context: CommandContext,
  first: number,
  last: number,
  visit: (slot: number, count: number) => boolean,
): void {
  if (first > last) return;
  context.keyspace.transaction.scan(countKey(first), countRangeEnd(last), false, (key, value) =>
    visit(slotOfCountKey(key), countOf(value)),
  );
}

export function slotsWithKeys(context: CommandContext, first: number, last: number): number[] {
  const slots: number[] = [];
  visitCounts(context, first, last, (slot) => {
    slots.push(slot);
    return true;
  });
  return slots;
}
