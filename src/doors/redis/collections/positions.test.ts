import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIRST_POSITION, positionAfter, positionBefore, positionBetween, spreadPositions } from './positions.ts';

describe('positions of list elements', () => {
  test('there is always one between two, before the first and after the last', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 300 }), (draws) => {
        const list = [FIRST_POSITION];
        for (const draw of draws) {
          const at = Math.min(list.length, Math.floor(draw * (list.length + 1)));
          list.splice(at, 0, positionBetween(list[at - 1] ?? '', list[at]));
        }
        expect(list).toEqual([...new Set(list)].sort());
      }),
    );
  });

  test('stay short under a million pushes and under insertions in a row at one place', () => {
    let left = FIRST_POSITION;
    let right = FIRST_POSITION;
    for (let count = 0; count < 100_000; count += 1) {
      left = positionBefore(left);
      right = positionAfter(right);
    }
    expect([left.length, right.length]).toEqual([6, 6]);
    let low = FIRST_POSITION;
    const high = positionAfter(low);
    for (let count = 0; count < 100_000; count += 1) low = positionBetween(low, high);
    expect(low.length).toBe(12);
    let after = positionAfter(FIRST_POSITION);
    for (let count = 0; count < 100_000; count += 1) after = positionBetween(FIRST_POSITION, after);
    expect(after.length).toBe(12);
  });

  test('spread positions ascend', () => {
    const list = spreadPositions(FIRST_POSITION, 5_000);
    expect(list).toEqual([...new Set(list)].sort());
  });
});
