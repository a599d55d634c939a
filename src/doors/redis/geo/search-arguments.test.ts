import { describe, expect, test } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { Configuration } from '../configuration.ts';
import { CommandContext } from '../context.ts';
import { Request } from '../request.ts';
import { parseGeoSearch, type SearchForm } from './search-arguments.ts';

const PALERMO = { longitude: 13.361389, latitude: 38.115556 };

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
    [
      'GEOSEARCH k ASC BYPOLYGON 3 -1 0 1 0 0 2 WITHDIST',
      {
        shape: { extent: { kind: 'polygon', vertices: { length: 3 } } },
        unit_m: 1,
        order: 'ascending',
        withDistance: true,
      },
    ],
  ])('are read: %s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });

  test.each([
    ['GEOSEARCH k BYPOLYGON 2 1 1 2 2', 'ERR GEOSEARCH BYPOLYGON must have at least 3 vertices'],
    ['GEOSEARCH k BYPOLYGON 3 1 1 2 2', 'ERR GEOSEARCH BYPOLYGON must have at least 3 vertices'],
    ['GEOSEARCH k BYPOLYGON x 1 1 2 2', 'ERR invalid number of vertices'],
    ['GEOSEARCH k BYPOLYGON 3 1 1 2 2 3 86', 'ERR invalid longitude,latitude pair 3.000000,86.000000'],
    ['GEOSEARCH k BYPOLYGON 3 1 1 2 2 3 1 BYBOX 1 1 m', 'ERR syntax error'],
    ['GEOSEARCH k BYRADIUS 1 m BYPOLYGON 3 1 1 2 2 3 1', 'ERR syntax error'],
    ['GEOSEARCH k FROMLONLAT 1 1 BYPOLYGON 3 1 1 2 2 3 1', 'ERR syntax error'],
    ['GEOSEARCH k BYPOLYGON 3 1 1 2 2 3 1 FROMMEMBER palermo', 'ERR syntax error'],
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
