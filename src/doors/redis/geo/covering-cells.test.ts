import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coveringCells, coveringRanges } from './covering-cells.ts';
import { evenly } from './evenly.test-support.ts';
import { areaOf, type Cell, LATITUDE_MAX, positionOf, scoreOf } from './geohash.ts';
import { boundsOf, distanceWithin, middleOf, reach_m, type Shape } from './shape.ts';

describe('the cells of a shape', () => {
  /** Away from the edges of the map, where a search does not go on at the other side. */
  const center = fc.record({
    longitude: evenly(-120, 120),
    latitude: evenly(-60, 60),
  });
  const size_m = fc.oneof(evenly(0, 1_000), evenly(0, 1_500_000));
  const shape: fc.Arbitrary<Shape> = fc.oneof(
    fc.record({ center, extent: fc.record({ kind: fc.constant('circle' as const), radius_m: size_m }) }),
    fc.record({ center, extent: fc.record({ kind: fc.constant('box' as const), width_m: size_m, height_m: size_m }) }),
  );

  test('have every position that is inside the shape', () => {
    const offset = evenly(-1, 1);
    fc.assert(
      fc.property(shape, offset, offset, (area, east, north) => {
        const reach = reach_m(area);
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

  const vertex = fc.record({
    longitude: evenly(-179, 179),
    latitude: evenly(-85, 85),
  });
  const polygon = fc
    .tuple(fc.array(vertex, { minLength: 3, maxLength: 8 }), center, fc.constantFrom(1, 0.1, 0.001))
    .map(([corners, near, scale]): Shape => {
      const vertices = corners.map(({ longitude, latitude }) => ({
        longitude: near.longitude + (longitude - near.longitude) * scale,
        latitude: near.latitude + (latitude - near.latitude) * scale,
      }));
      return { center: middleOf(vertices), extent: { kind: 'polygon', vertices } };
    });

  test('have every position that is inside a polygon', () => {
    const share = evenly(0, 1);
    fc.assert(
      fc.property(polygon, share, share, (area, east, north) => {
        const bounds = boundsOf(area);
        const there = {
          longitude: bounds.west + (bounds.east - bounds.west) * east,
          latitude: bounds.south + (bounds.north - bounds.south) * north,
        };
        fc.pre(distanceWithin(area, positionOf(scoreOf(there))) !== undefined);
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
