import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { Configuration } from '../configuration.ts';
import { CommandContext } from '../context.ts';
import { Request } from '../request.ts';
import { coveringCells, coveringRanges } from './covering-cells.ts';
import { coordinateText, distance_m, distanceText } from './distance.ts';
import {
  areaOf,
  type Cell,
  cellOf,
  geohashText,
  LATITUDE_MAX,
  type Position,
  positionOf,
  scoreEnd,
  scoreOf,
  scoreStart,
} from './geohash.ts';
import { parseGeoSearch, type SearchForm } from './search-arguments.ts';
import { distanceWithin, type Shape } from './shape.ts';

// Known answers of Redis's documentation and of redis-server 7.
const PALERMO = { longitude: 13.361389, latitude: 38.115556 };
const CATANIA = { longitude: 15.087269, latitude: 37.502669 };

const position: fc.Arbitrary<Position> = fc.record({
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  latitude: fc.double({ min: -LATITUDE_MAX, max: LATITUDE_MAX, noNaN: true }),
});

describe('scores of positions', () => {
  test('are those of Redis', () => {
    expect(scoreOf(PALERMO)).toBe(3_479_099_956_230_698);
    expect(scoreOf(CATANIA)).toBe(3_479_447_370_796_909);
    expect(coordinateText(positionOf(scoreOf(PALERMO)).longitude)).toBe('13.36138933897018433');
    expect(coordinateText(positionOf(scoreOf(PALERMO)).latitude)).toBe('38.11555639549629859');
  });

  test('come back within half a metre, and give the same score again', () => {
    fc.assert(
      fc.property(position, (there) => {
        const back = positionOf(scoreOf(there));
        expect(Math.abs(back.longitude - there.longitude)).toBeLessThanOrEqual(360 / 2 ** 27 + 1e-9);
        expect(Math.abs(back.latitude - there.latitude)).toBeLessThanOrEqual(171 / 2 ** 27 + 1e-9);
        if (there.longitude < 180 && there.latitude < LATITUDE_MAX) expect(scoreOf(back)).toBe(scoreOf(there));
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

describe('the arguments of a search', () => {
  const context = new CommandContext(new Configuration(), new Prng(1), () => undefined);
  const forms: Readonly<Record<string, SearchForm>> = {
    GEOSEARCH: { kind: 'search', canStore: false },
    GEOSEARCHSTORE: { kind: 'searchStore', canStore: false },
    GEORADIUS: { kind: 'radius', canStore: true },
    GEORADIUS_RO: { kind: 'radius', canStore: false },
    GEORADIUSBYMEMBER: { kind: 'radiusByMember', canStore: true },
  };
  const parse = (line: string, exists = true): unknown => {
    const words = line.split(' ');
    context.request = Request.of(...words);
    const source = { exists, position: (index: number) => (words[index] === 'palermo' ? PALERMO : undefined) };
    try {
      return parseGeoSearch(context, forms[words[0] as string] as SearchForm, source);
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    [
      'GEOSEARCH k FROMMEMBER palermo BYRADIUS 2 km',
      { shape: { center: PALERMO, extent: { kind: 'circle', radius_m: 2_000 } }, unit_m: 1_000, order: 'none' },
    ],
    [
      'GEOSEARCH k BYBOX 1 2 m FROMLONLAT 1 2 DESC',
      {
        shape: { center: { longitude: 1, latitude: 2 }, extent: { kind: 'box', width_m: 1, height_m: 2 } },
        order: 'descending',
      },
    ],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 m COUNT 3', { count: 3, any: false, order: 'ascending' }],
    [
      'GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 m COUNT 3 ANY WITHDIST',
      { count: 3, any: true, order: 'none', withDistance: true, withHash: false },
    ],
    ['GEOSEARCHSTORE t k FROMLONLAT 1 2 BYRADIUS 1 m STOREDIST', { storeIndex: 1, storeDistance: true }],
    ['GEORADIUS k 1 2 3 mi STORE t', { storeIndex: 7, storeDistance: false, unit_m: 1_609.34 }],
    ['GEORADIUSBYMEMBER k palermo 3 ft WITHHASH WITHCOORD', { withHash: true, withCoordinates: true, storeIndex: 0 }],
  ])('are read: %s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });

  test.each([
    ['GEOSEARCH k FROMMEMBER rome BYRADIUS 2 km', 'ERR could not decode requested zset member'],
    ['GEOSEARCH k FROMLONLAT 181 2 BYRADIUS 2 km', 'ERR invalid longitude,latitude pair 181.000000,2.000000'],
    ['GEOSEARCH k FROMLONLAT 1 2 FROMMEMBER palermo BYRADIUS 2 km', 'ERR syntax error'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 2 km BYBOX 1 2 m', 'ERR syntax error'],
    ['GEOSEARCH k BYRADIUS 2 km ASC ASC', 'ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH'],
    ['GEOSEARCH k FROMLONLAT 1 2 ASC ASC', 'ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS x km', 'ERR need numeric radius'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS -1 km', 'ERR radius cannot be negative'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 inch', 'ERR unsupported unit provided. please use M, KM, FT, MI'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYBOX 1 -1 m', 'ERR height or width cannot be negative'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 m ANY', 'ERR the ANY argument requires COUNT argument'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 m COUNT 0', 'ERR COUNT must be > 0'],
    ['GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 m STORE t', 'ERR syntax error'],
    [
      'GEOSEARCHSTORE t k FROMLONLAT 1 2 BYRADIUS 1 m WITHDIST',
      'ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
    [
      'GEORADIUS k 1 2 1 m STORE t WITHHASH',
      'ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
    ['GEORADIUS_RO k 1 2 1 m STORE t', 'ERR syntax error'],
    ['GEORADIUS k 1 x 1 m', 'ERR value is not a valid float'],
  ])('are refused: %s', (line, error) => {
    expect(parse(line)).toBe(error);
  });

  test('name a member in vain when there is no key, which is no error', () => {
    expect(parse('GEOSEARCH k FROMMEMBER rome BYRADIUS 2 km', false)).toMatchObject({ count: 0 });
    expect(parse('GEORADIUSBYMEMBER k rome x y', false)).toMatchObject({ count: 0 });
  });
});
