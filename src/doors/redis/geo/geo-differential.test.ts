import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Comparison, scriptCommands } from '../differential/comparison.test-support.ts';
import { hasRedis } from '../differential/redis-server.test-support.ts';

const SCRIPT = `
GEOADD {t}s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania|GEODIST {t}s Palermo Catania|GEODIST {t}s Palermo Catania km
GEODIST {t}s Palermo Catania mi|GEODIST {t}s Palermo Rome|GEODIST {t}none a b|GEODIST {t}s Palermo Palermo|GEODIST {t}s Palermo Catania cm
GEOHASH {t}s Palermo Catania Rome|GEOPOS {t}s Palermo Catania Rome|GEOPOS {t}none a|GEOHASH {t}none a|GEOPOS {t}s|GEOHASH {t}s
GEOADD {t}s NX 1 1 Palermo|GEOADD {t}s XX 1 1 Rome|GEOADD {t}s XX CH 13.4 38.2 Palermo|GEOADD {t}s CH 1 1 a 2 2 b|GEOADD {t}s NX XX 1 1 a
GEOADD {t}s 180.1 1 x|GEOADD {t}s 1 1 fine 1 86 x|GEOPOS {t}s fine|GEOADD {t}s 180 85.05112878 corner|GEOPOS {t}s corner|GEOHASH {t}s corner
GEOSEARCH {t}s FROMLONLAT 15 37 BYRADIUS 200 km ASC|GEOSEARCH {t}s FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH
GEOSEARCH {t}s FROMMEMBER Palermo BYRADIUS 200 km DESC WITHDIST|GEOSEARCH {t}s FROMMEMBER corner BYRADIUS 1 m|GEOSEARCH {t}s FROMLONLAT 0 0 BYRADIUS 30000 km ASC
GEOSEARCHSTORE {t}d {t}s FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST|TYPE {t}d|OBJECT ENCODING {t}d|EXPIRE {t}d 100
GEOSEARCHSTORE {t}d {t}s FROMLONLAT 15 37 BYBOX 400 400 km|TTL {t}d|GEOPOS {t}d Palermo|GEOSEARCHSTORE {t}d {t}s FROMLONLAT 100 37 BYBOX 4 4 km|EXISTS {t}d
GEORADIUS {t}s 15 37 200 km WITHDIST WITHCOORD|GEORADIUS {t}s 15 37 200 km STORE {t}e|GEORADIUS {t}s 15 37 200 km STOREDIST {t}f|GEORADIUS_RO {t}s 15 37 200 km STORE {t}e
GEORADIUSBYMEMBER {t}s Palermo 200 km STORE {t}s|GEOPOS {t}s a Palermo|GEORADIUSBYMEMBER_RO {t}s Palermo 200 km COUNT 1|GEORADIUSBYMEMBER {t}none Palermo x y STORE {t}s
EXISTS {t}s|SET {t}x 1|GEOADD {t}x 1 1 a|GEOSEARCH {t}x FROMMEMBER a BYRADIUS 1 m|GEOPOS {t}x a|GEODIST {t}x a b
GEORADIUS {t}s 1 1 1 m STORE|GEORADIUS {t}s 1 1 1 m STOREDIST|GEOSEARCH {t}s FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST
`;

describe.skipIf(!hasRedis())('geo commands against redis-server 7 (skipped where it is not installed)', () => {
  let comparison: Comparison;
  beforeAll(async () => {
    comparison = await Comparison.start();
  });
  afterAll(() => comparison.stop());

  test.each([2, 3] as const)('answer a script of edge cases with the same bytes in RESP%i', async (version) => {
    await comparison.call('HELLO', String(version));
    expect(await comparison.differences(scriptCommands(SCRIPT))).toBe('');
  });

  test('answer the same when the set is a large one', async () => {
    await comparison.call('CONFIG', 'SET', 'zset-max-listpack-entries', '2');
    const members = Array.from({ length: 3_000 }, (_, index) => {
      // A spiral over the whole map, so that every search has some on all sides.
      const longitude = ((index * 137.508) % 360) - 180;
      const latitude = (index / 3_000) * 170 - 85;
      return [longitude.toFixed(6), latitude.toFixed(6), `m${index}`];
    });
    const searches = Array.from({ length: 60 }, (_, index) => [
      'GEOSEARCH',
      '{t}a',
      'FROMLONLAT',
      String(-180 + index * 6),
      String(-80 + index * 2.7),
      ...(index % 2 === 0 ? ['BYRADIUS', String(50 + index * 40), 'km'] : ['BYBOX', String(index * 90), '700', 'mi']),
      ...(index % 3 === 0 ? ['ASC', 'WITHDIST'] : ['WITHCOORD']),
    ]);
    expect(await comparison.differences([['GEOADD', '{t}a', ...members.flat()], ...searches])).toBe('');
  });
});
