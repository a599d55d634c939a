/** What differs from redis-server 7.0, or cannot be seen from outside; geo-differential.test.ts has the rest. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import type { RawClient } from '../raw-client.test-support.ts';

let doors: TestDoors;
let client: RawClient;

beforeEach(async () => {
  doors = await startDoors();
  client = await doors.single();
});
afterEach(() => doors.stop());

describe('a search by position', () => {
  test('that stores at a key of another slot is refused, and stores nothing', async () => {
    await client.line('GEOADD {a}set 1 1 m');
    const crossSlot = "-CROSSSLOT Keys in request don't hash to the same slot";
    expect(await client.line('GEORADIUS {a}set 1 1 1 km STORE {b}set')).toBe(crossSlot);
    expect(await client.line('GEORADIUSBYMEMBER {a}set m 1 km STOREDIST {b}set')).toBe(crossSlot);
    expect(await client.line('GEOSEARCHSTORE {b}set {a}set FROMMEMBER m BYRADIUS 1 km')).toBe(crossSlot);
    expect(await client.line('EXISTS {b}set')).toBe(0);
    expect(await client.line('GEORADIUS {a}set 1 1 1 km STORE {a}other')).toBe(1);
  });

  test('keeps members at the same distance in the order in which they were found', async () => {
    await client.line('GEOADD set 1 1 d 1 1 b 1 1 a 1 1 c 1.1 1.1 far');
    for (const order of ['ASC', 'DESC']) {
      const members = await client.line(`GEOSEARCH set FROMLONLAT 1 1 BYRADIUS 100 km ${order}`);
      expect((members as string[]).filter((member) => member !== 'far')).toEqual(['a', 'b', 'c', 'd']);
    }
  });

  test('finds what is inside a polygon, nearest to its middle first', async () => {
    await client.line('GEOADD set 0 0 middle 0.9 0.9 corner 0.2 -0.5 lower 0 0.9 notch 2 0 outside');
    // A square with a notch cut into its upper side.
    const polygon = 'BYPOLYGON 6 -1 -1 1 -1 1 1 0.5 1 0 0.5 -1 1';
    expect(await client.line(`GEOSEARCH set ${polygon} ASC`)).toEqual(['middle', 'lower', 'corner']);
    expect(await client.line(`GEOSEARCHSTORE {set}found set ${polygon}`)).toBe(3);
    expect(await client.line('GEOSEARCH none BYPOLYGON 3 0 0 1 0 1 1')).toEqual([]);
  });

  test('finds what ZADD has stored, whatever its scores are', async () => {
    await client.line('GEOADD set 13.361389 38.115556 palermo');
    await client.line('ZADD set 3479447370796909 catania -5 below inf above');
    expect(await client.line('GEODIST set palermo catania km')).toBe('166.2742');
    expect(await client.line('GEOSEARCH set FROMMEMBER catania BYRADIUS 200 km ASC')).toEqual(['catania', 'palermo']);
    expect(await client.line('GEOPOS set below above')).toHaveLength(2);
  });
});
