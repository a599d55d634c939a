/** Random positions, most of them near a few places so that searches find some, and searches around them. */
import fc from 'fast-check';
import { evenly } from '../geo/evenly.test-support.ts';
import type { Words } from './comparison.test-support.ts';
import { type Family, step } from './family.test-support.ts';

const key = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('{t}a', '{t}b') },
  { weight: 1, arbitrary: fc.constantFrom('{t}none', '{t}string') },
);
const names = [...Array.from({ length: 40 }, (_, number) => `m${number}`), '', 'a b', '\xff\0'];
const member = fc.constantFrom(...names);

const places: readonly (readonly [number, number])[] = [
  [13.361389, 38.115556],
  [0, 0],
  [179.9, -16.5],
  [-179.9, 66],
  [25, 84.9],
  [-70, -80.5],
];
/** At a place, or up to a thousandth of a degree, a tenth, ten degrees, or the world away from it. */
const coordinates = fc
  .tuple(fc.constantFrom(...places), fc.constantFrom(0.001, 0.1, 10, 170), evenly(-1, 1), evenly(-1, 1))
  .map(([[longitude, latitude], spread, east, north]): [number, number] => [
    Math.max(-179.9, Math.min(179.9, longitude + east * spread)),
    Math.max(-84.9, Math.min(84.9, latitude + north * spread)),
  ]);
const edges = fc.tuple(
  fc.constantFrom('180', '-180', '0', '1e1', '180.0000001', 'x', '', 'inf', '-inf', '1e300'),
  fc.constantFrom('85.05112878', '-85.05112878', '0', '85.05112879', '90', 'x', 'nan'),
);
const position = fc.oneof(
  {
    weight: 25,
    arbitrary: fc
      .tuple(coordinates, fc.integer({ min: 0, max: 15 }))
      .map(([[longitude, latitude], decimals]) => [longitude.toFixed(decimals), latitude.toFixed(decimals)]),
  },
  { weight: 1, arbitrary: edges.map((pair): string[] => pair) },
);

/**
 * A member with a position that no other member can have: Redis sorts members at the same distance by chance, here they keep
 * the order in which they were found.
 */
const placed: fc.Arbitrary<string[]> = fc.oneof(
  {
    weight: 25,
    arbitrary: fc
      .tuple(coordinates, fc.nat(names.length - 1))
      .map(([[longitude, latitude], number]) => [
        (longitude + number * 0.001_37).toFixed(6),
        (latitude + number * 0.000_71).toFixed(6),
        names[number] as string,
      ]),
  },
  { weight: 1, arbitrary: edges.map(([longitude, latitude]) => [longitude, latitude, `${longitude} ${latitude}`]) },
);

const size = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 2_000 }).map(String) },
  { weight: 5, arbitrary: evenly(0, 30_000).map((value) => value.toFixed(3)) },
  { weight: 1, arbitrary: fc.constantFrom('0', '-1', 'x', '', 'inf', '1e9', '0.0001', 'nan') },
);
const unit = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('m', 'km', 'KM', 'mi', 'ft', 'km') },
  { weight: 1, arbitrary: fc.constantFrom('cm', '') },
);

const flags = fc.constantFrom<string[]>(['WITHCOORD'], ['WITHDIST'], ['WITHHASH'], ['withdist']);
const order = fc.constantFrom<string[]>(['ASC'], ['DESC'], ['asc']);
const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }).map((number) => ['COUNT', String(number)]) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 12 }).map((number) => ['COUNT', String(number), 'ANY']) },
  { weight: 1, arbitrary: fc.constantFrom(['COUNT', '0'], ['COUNT', '-1'], ['COUNT', 'x'], ['COUNT'], ['ANY']) },
);
const wrong = fc.constantFrom<string[]>(['FOO'], ['BYRADIUS', '1', 'm'], ['FROMLONLAT', '1', '2'], ['ASC', 'DESC']);
const options = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: flags },
      { weight: 4, arbitrary: order },
      { weight: 4, arbitrary: count },
      { weight: 1, arbitrary: wrong },
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.flat());

const center: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 8, arbitrary: position.map((pair) => ['FROMLONLAT', ...pair]) },
  { weight: 4, arbitrary: member.map((name) => ['FROMMEMBER', name]) },
  { weight: 1, arbitrary: fc.constantFrom<string[]>(['FROMLONLAT', '1'], []) },
);
const extent: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(size, unit).map((parts) => ['BYRADIUS', ...parts]) },
  { weight: 8, arbitrary: fc.tuple(size, size, unit).map((parts) => ['BYBOX', ...parts]) },
  { weight: 1, arbitrary: fc.constantFrom<string[]>(['BYBOX', '1', 'm'], []) },
);
const store = fc.constantFrom<string[]>([], [], ['STORE', '{t}b'], ['STOREDIST', '{t}c']);

const add = fc
  .tuple(
    key,
    fc.constantFrom<string[]>([], [], [], [], ['NX'], ['XX'], ['CH'], ['nx', 'ch'], ['NX', 'XX']),
    fc.array(placed, { minLength: 1, maxLength: 8 }),
  )
  .map(([name, words, entries]): Words => ['GEOADD', name, ...words, ...entries.flat()]);
const members = fc.array(member, { maxLength: 4 });

const command: fc.Arbitrary<Words> = fc.oneof(
  { weight: 14, arbitrary: add },
  { weight: 2, arbitrary: fc.tuple(key, members).map(([name, list]): Words => ['GEOPOS', name, ...list]) },
  { weight: 2, arbitrary: fc.tuple(key, members).map(([name, list]): Words => ['GEOHASH', name, ...list]) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('GEODIST'), key, member, member) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('GEODIST'), key, member, member, unit) },
  {
    weight: 14,
    arbitrary: fc
      .tuple(key, center, extent, options)
      .map(([name, from, by, rest]): Words => ['GEOSEARCH', name, ...from, ...by, ...rest]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom('{t}b', '{t}c'),
        key,
        center,
        extent,
        options,
        fc.constantFrom<string[]>([], ['STOREDIST']),
      )
      .map(
        ([target, name, from, by, rest, dist]): Words => [
          'GEOSEARCHSTORE',
          target,
          name,
          ...from,
          ...by,
          ...rest,
          ...dist,
        ],
      ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('GEORADIUS', 'GEORADIUS_RO'), key, position, size, unit, options, store)
      .map(([name, set, pair, radius, its, rest, to]): Words => [name, set, ...pair, radius, its, ...rest, ...to]),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('GEORADIUSBYMEMBER', 'GEORADIUSBYMEMBER_RO'), key, member, size, unit, options, store)
      .map(([name, set, of, radius, its, rest, to]): Words => [name, set, of, radius, its, ...rest, ...to]),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant('GEOPOS'), fc.constantFrom('{t}b', '{t}c'), member, member, member, member),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string[]>(
      ['DEL', '{t}b'],
      ['SET', '{t}string', 'x'],
      ['EXPIRE', '{t}a', '100'],
      ['TTL', '{t}a'],
      ['TYPE', '{t}c'],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string[]>(
      ['GEOADD', '{t}a', '1', '2'],
      ['GEOADD', '{t}a', '1', '2', 'm', '3'],
      ['GEOADD', '{t}a', 'NX', 'CH', 'CH'],
      ['GEODIST', '{t}a', 'm1'],
      ['GEODIST', '{t}a', 'm1', 'm2', 'm', 'x'],
      ['GEOSEARCH', '{t}a'],
      ['GEOSEARCHSTORE', '{t}b', '{t}a'],
      ['GEORADIUS', '{t}a', '1', '2', '3'],
      ['GEORADIUSBYMEMBER', '{t}a', 'm1', '3'],
    ),
  },
);

export const geoFamily: Family = {
  name: 'positions',
  steps: step(command.map((words) => [...words])),
  // ZADD would put several members at one position.
  mixed: false,
};
