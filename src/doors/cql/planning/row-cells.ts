/** Rows of a page, taken apart: [int length | bytes] for each item. */
import type { Cell } from '../types/composite.ts';

/** Calls `visit` for each row with its cells; the array is the same each time. */
export function eachRow(
  bytes: Buffer,
  rowCount: number,
  itemCount: number,
  visit: (cells: readonly Cell[]) => void,
): void {
  const cells: Cell[] = new Array<Cell>(itemCount).fill(null);
  let at = 0;
  for (let row = 0; row < rowCount; row += 1) {
    for (let item = 0; item < itemCount; item += 1) {
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < 0) cells[item] = null;
      else {
        cells[item] = bytes.subarray(at, at + length);
        at += length;
      }
    }
    visit(cells);
  }
}
