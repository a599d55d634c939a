import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coveringCells, coveringRanges } from './covering-cells.ts';
import { areaOf, type Cell, LATITUDE_MAX, positionOf, scoreOf } from './geohash.ts';
import { distanceWithin, type Shape } from './shape.ts';

describe('the cells of a shape', () => {
  /** Away from the edges of the map, where a search does not go on at the other side. */
  const center = fc.record({
    longitude: fc.double({ min: -120, max: 120, noNaN: true }),
    latitude: fc.double({ min: -60, max: 60, noNaN: true }),
  });
  const size_m = fc.oneof(
    fc.double({ min: 0, max: 1_000, noNaN: true }),
    fc.double({ min: 0, max: 1_500_000, noNaN: true }),
  );
  const shape: fc.Arbitrary<Shape> = fc.oneof(
    fc.record({ center, extent: fc.record({ kind: fc.constant('circle' as const), radius_m: size_m }) }),
    fc.record({ center, extent: fc.record({ kind: fc.constant('box' as const), width_m: size_m, height_m: size_m }) }),
  );

  test('have every position that is inside the shape', () => {
    const offset = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(shape, offset, offset, (area, east, north) => {
        const reach =
          area.extent.kind === 'circle' ? area.extent.radius_m : Math.max(area.extent.width_m, area.extent.height_m);
        const degrees = reach / 111_000;
        const there = {
          longitude: area.center.longitude + (east * degrees) / Math.cos((area.center.latitude * Math.PI) / 180),
          latitude: Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, area.center.latitude + north * degrees)),
        };
        fc.pre(Math.abs(there.longitude) < 180 && distanceWithin(area, positionOf(scoreOf(there))) !== undefined);
        const score = scoreOf(there);
        expect(coveringRanges(area).some(({ start, end }) => score >= start && score < end)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are at most nine, and each is told once', () => {
    fc.assert(
      fc.property(shape, (area) => {
        const ranges = coveringRanges(area);
        expect(ranges.length).toBeLessThanOrEqual(9);
        expect(new Set(ranges.map(({ start }) => start)).size).toBe(ranges.length);
      }),
    );
  });

  test('begin with the one of the centre and go on north, south, east, west', () => {
    const center_ = { longitude: 0.001, latitude: 0.001 };
    const [middle, ...others] = coveringCells({ center: center_, extent: { kind: 'circle', radius_m: 1_000 } });
    const { column, row } = middle as Cell;
    expect(areaOf(middle as Cell).south).toBeLessThanOrEqual(center_.latitude);
    expect(others.map((cell) => [cell.column - column, cell.row - row])).toEqual([
      [0, -1],
      [-1, 0],
      [-1, -1],
    ]);
  });
});
