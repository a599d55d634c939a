/** What differs from redis-server 7.0, or cannot be seen from outside; bitmap-differential.test.ts has the rest. */
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

describe('bitmaps', () => {
  test('are counted from a byte to the end when no end is given', async () => {
    await client.line('SET a foobar');
    expect(await client.line('BITCOUNT a 1')).toBe(22);
    expect(await client.line('BITCOUNT a 0')).toBe(26);
    expect(await client.line('BITCOUNT a -1')).toBe(4);
  });

  test('check their arguments before they look at the key', async () => {
    expect(await client.line('BITCOUNT none x 1')).toBe('-ERR value is not an integer or out of range');
    expect(await client.line('BITPOS none 1 0 1 FOO')).toBe('-ERR syntax error');
  });

  test('that a bit does not change are not written', async () => {
    const { map } = doors.cluster;
    // The stamp in a value's header is another one after every write.
    const values = (): (string | undefined)[] => [...map.keys()].map((key) => map.get(key)?.toString('hex'));
    await client.line('SETBIT a 7 1');
    const before = values();
    expect(await client.line('SETBIT a 7 1')).toBe(1);
    expect(await client.line('SETBIT a 3 0')).toBe(0);
    expect(values()).toEqual(before);
    expect(await client.line('SETBIT a 3 1')).toBe(0);
    expect(values()).not.toEqual(before);
  });

  test('saturate at the least number, however far below it is', async () => {
    const set = 'BITFIELD a OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0';
    expect(await client.line(set)).toEqual([0, -128]);
  });

  test('obey proto-max-bulk-len', async () => {
    await client.line('CONFIG SET proto-max-bulk-len 1048576');
    expect(await client.line('SETBIT a 8388607 1')).toBe(0);
    expect(await client.line('SETBIT a 8388608 1')).toBe('-ERR bit offset is not an integer or out of range');
    expect(await client.line('BITFIELD a GET u8 #1048576')).toBe('-ERR bit offset is not an integer or out of range');
  });

  test('are not changed by a command that fails', async () => {
    await client.line('SETBIT a 7 1');
    expect(await client.line('BITFIELD a SET u8 0 255 SET u8 0 x')).toBe(
      '-ERR value is not an integer or out of range',
    );
    expect(await client.line('GET a')).toBe('\x01');
  });
});
