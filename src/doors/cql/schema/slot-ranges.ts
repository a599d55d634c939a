/** Sets of slots as ranges, in order and apart from each other: what is left to do in the tablets, whichever they are by then. */
import { SLOT_COUNT } from '../../../cluster/view.ts';
import type { SlotRange } from './model.ts';

export const ALL_SLOTS: readonly SlotRange[] = [[0, SLOT_COUNT - 1]];

export function withoutSlots(ranges: readonly SlotRange[], done: readonly SlotRange[]): SlotRange[] {
  let left: SlotRange[] = [...ranges];
  for (const [doneFirst, doneLast] of done) {
    left = left.flatMap(([first, last]): SlotRange[] => {
      if (doneLast < first || doneFirst > last) return [[first, last]];
      const parts: SlotRange[] = [];
      if (first < doneFirst) parts.push([first, doneFirst - 1]);
      if (doneLast < last) parts.push([doneLast + 1, last]);
      return parts;
    });
  }
  return left;
}

/** Whether any slot from `first` to `last` is among them. */
export function touchesSlots(ranges: readonly SlotRange[], first: number, last: number): boolean {
  return ranges.some(([from, to]) => from <= last && first <= to);
}
