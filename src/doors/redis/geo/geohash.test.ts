import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coordinateText, distance_m, distanceText } from './distance.ts';
import { evenly } from './evenly.test-support.ts';
import {
  cellOf,
  geohashText,
  LATITUDE_MAX,
  type Position,
  positionOf,
  scoreEnd,
  scoreOf,
  scoreStart,
} from './geohash.ts';

// Known answers of Redis's documentation and of redis-server 7.
const PALERMO = { longitude: 13.361389, latitude: 38.115556 };
const CATANIA = { longitude: 15.087269, latitude: 37.502669 };

/** Short of the edge, where a score has one bit more than a double holds, in Redis as here. */
const position: fc.Arbitrary<Position> = fc.record({
  longitude: evenly(-180, 179.999_999),
  latitude: evenly(-LATITUDE_MAX, LATITUDE_MAX - 0.000_001),
});

describe('scores of positions', () => {
  test('are those of Redis', () => {
    expect(scoreOf(PALERMO)).toBe(3_479_099_956_230_698);
    expect(scoreOf(CATANIA)).toBe(3_479_447_370_796_909);
    expect(coordinateText(positionOf(scoreOf(PALERMO)).longitude)).toBe('13.36138933897018433');
    expect(coordinateText(positionOf(scoreOf(PALERMO)).latitude)).toBe('38.11555639549629859');
  });

  test('come back within half a cell, and give the same score again', () => {
    fc.assert(
      fc.property(position, (there) => {
        const back = positionOf(scoreOf(there));
        expect(Math.abs(back.longitude - there.longitude)).toBeLessThanOrEqual(360 / 2 ** 27 + 1e-9);
        expect(Math.abs(back.latitude - there.latitude)).toBeLessThanOrEqual(171 / 2 ** 27 + 1e-9);
        expect(scoreOf(back)).toBe(scoreOf(there));
      }),
    );
  });

  test('of a cell are one range, which has the positions in it and no others', () => {
    const step = fc.integer({ min: 1, max: 26 });
    fc.assert(
      fc.property(position, position, step, (one, other, halvings) => {
        const cell = cellOf(one, halvings);
        const of = cellOf(other, halvings);
        const score = scoreOf(other);
        const inside = score >= scoreStart(cell) && score < scoreEnd(cell);
        expect(inside).toBe(of.column === cell.column && of.row === cell.row);
      }),
    );
  });

  test('that are no scores have a position all the same', () => {
    const edge = { longitude: 180, latitude: LATITUDE_MAX };
    expect(positionOf(scoreOf(edge))).toEqual(edge);
    for (const score of [-1, 0.5, 2 ** 60, 1e300, -1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const { longitude, latitude } = positionOf(score);
      expect(Math.abs(longitude)).toBeLessThanOrEqual(180);
      expect(Math.abs(latitude)).toBeLessThanOrEqual(LATITUDE_MAX);
    }
  });
});

test.each([
  [PALERMO, 'sqc8b49rny0'],
  [CATANIA, 'sqdtr74hyu0'],
  [{ longitude: 0, latitude: 0 }, 's0000000000'],
])('the geohash of %o is %s', (there, text) => {
  expect(geohashText(positionOf(scoreOf(there)))).toBe(text);
});

describe('distances', () => {
  test('are those of Redis', () => {
    const [one, other] = [positionOf(scoreOf(PALERMO)), positionOf(scoreOf(CATANIA))];
    expect(distanceText(distance_m(one, other))).toBe('166274.1516');
    expect(distanceText(distance_m(one, one))).toBe('0.0000');
  });

  test('do not depend on the direction, and are no longer than half the way around', () => {
    fc.assert(
      fc.property(position, position, (one, other) => {
        const there = distance_m(one, other);
        expect(Math.abs(there - distance_m(other, one))).toBeLessThan(1e-6 * (1 + there));
        expect(there).toBeLessThanOrEqual(20_020_742);
      }),
    );
  });
});
