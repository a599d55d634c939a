import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noteRoom, ROOM_BYTES } from '../base/room-before.ts';
import { DamagedError } from './errors.ts';
import type { ByteKey, KeyRange } from './ordered-store.ts';
import { decodeWriteBatch, encodeWriteBatch, validateWriteBatch } from './write-batch.ts';

interface Decoded {
  ranges: KeyRange[];
  entries: [ByteKey, string | null][];
}

function decode(data: Uint8Array): Decoded {
  const result: Decoded = { ranges: [], entries: [] };
  decodeWriteBatch(data, {
    range: (lo, hi) => result.ranges.push({ lo, hi }),
    put: (key, bytes, from, to) => result.entries.push([key, bytes.latin1Slice(from, to)]),
    delete: (key) => result.entries.push([key, null]),
  });
  return result;
}

function encode(ranges: readonly KeyRange[], entries: readonly (readonly [ByteKey, string | null])[]): Buffer {
  return encodeWriteBatch(
    ranges,
    entries.map(([key]) => ({ key })),
    entries.map(([, value]) => (value === null ? null : Buffer.from(value, 'latin1'))),
  );
}

const keyArbitrary = fc.array(fc.nat(255), { maxLength: 40 }).map((list) => String.fromCharCode(...list));

describe('a write batch', () => {
  it('has a layout that does not change', () => {
    const data = encode(
      [{ lo: 'a', hi: 'b' }],
      [
        ['k', 'vv'],
        ['d', null],
        ['\xff\0', ''],
      ],
    );
    expect(data.toString('hex')).toBe('01' + '01' + '03' + '01610162' + '016b037676' + '016400' + '02ff0001');
  });

  it('gives back ranges and entries in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ lo: keyArbitrary, hi: keyArbitrary })),
        fc.array(fc.tuple(keyArbitrary, fc.option(keyArbitrary, { nil: null }))),
        (ranges, entries) => {
          expect(decode(encode(ranges, entries))).toEqual({ ranges, entries });
        },
      ),
    );
  });

  it('takes values around every length of a varint, and keys of the largest size', () => {
    for (const size of [126, 127, 128, 16_382, 16_383, 16_384, 2_097_150, 2_097_151, 2_097_152]) {
      const key = 'k'.repeat(Math.min(size, 1_900));
      const value = 'v'.repeat(size);
      expect(decode(encode([], [[key, value]])).entries).toEqual([[key, value]]);
    }
    expect(
      decode(
        encode(
          [],
          Array.from({ length: 300 }, (_, i) => [`k${i}`, null] as const),
        ),
      ).entries.length,
    ).toBe(300);
  });

  it('leaves a large value with room before it where it is, and puts all else in front', () => {
    const memory = Buffer.alloc(ROOM_BYTES + 1_000_000, 'v');
    noteRoom(memory, 0, ROOM_BYTES);
    const large = memory.subarray(ROOM_BYTES);
    const entries = [{ key: 'count' }, { key: 'gone' }, { key: 'large' }, { key: 'left' }, { key: 'z' }];
    const values = [Buffer.from('1'), null, large, undefined, Buffer.from('2')];
    const starts: number[] = [];
    const data = encodeWriteBatch([{ lo: 'a', hi: 'b' }], entries, values, starts);
    expect(data.buffer).toBe(memory.buffer);
    expect(decode(data)).toEqual({
      ranges: [{ lo: 'a', hi: 'b' }],
      entries: [
        ['count', '1'],
        ['gone', null],
        ['z', '2'],
        ['large', 'v'.repeat(1_000_000)],
      ],
    });
    for (const index of [0, 2, 4]) {
      const value = values[index] as Buffer;
      // Not by `toEqual`, which looks at a million numbers one by one.
      expect(data.subarray(starts[index], (starts[index] as number) + value.length).equals(value)).toBe(true);
    }
    // The room has been used: what is encoded later is a copy, and the first one stays what it was.
    const again = encodeWriteBatch([], entries, values);
    expect(again.buffer).not.toBe(memory.buffer);
    expect(decode(again).entries[2]).toEqual(['large', 'v'.repeat(1_000_000)]);
    expect(decode(data).ranges).toEqual([{ lo: 'a', hi: 'b' }]);
  });

  it('copies a large value when the room is too small for what comes before it', () => {
    const memory = Buffer.alloc(10 + 1_000_000, 'v');
    noteRoom(memory, 0, 10);
    const data = encodeWriteBatch([], [{ key: 'k'.repeat(20) }], [memory.subarray(10)]);
    expect(data.buffer).not.toBe(memory.buffer);
    expect(decode(data).entries).toEqual([['k'.repeat(20), 'v'.repeat(1_000_000)]]);
  });

  it('leaves out entries without a value', () => {
    const data = encodeWriteBatch([], [{ key: 'a' }, { key: 'b' }], [undefined, Buffer.from('1')]);
    expect(decode(data).entries).toEqual([['b', '1']]);
  });

  it('may lie anywhere in memory', () => {
    const data = encode([], [['key', 'value']]);
    const shifted = new Uint8Array(data.length + 7);
    shifted.set(data, 3);
    expect(decode(shifted.subarray(3, 3 + data.length)).entries).toEqual([['key', 'value']]);
  });

  it('is refused when it is cut off anywhere or too long', () => {
    const data = encode(
      [{ lo: 'aa', hi: 'bb' }],
      [
        ['key', 'value'],
        ['other', null],
        ['x', 'y'.repeat(200)],
      ],
    );
    validateWriteBatch(data);
    for (let length = 0; length < data.length; length += 1) {
      expect(() => validateWriteBatch(data.subarray(0, length))).toThrow(DamagedError);
    }
    expect(() => validateWriteBatch(Buffer.concat([data, Buffer.alloc(1)]))).toThrow('left over');
  });

  it.each([
    ['unknown version', '020000'],
    ['too short', '0100'],
    ['a count is too large', '01ffffffff0f00'],
    ['a count is too large', '010090ce00'],
    ['cut off or too large', '01ffffffffff0f00'],
    ['cut off or too large', '01ffffffff7f00'],
    ['a key is too long', `0100018020${'00'.repeat(5_000)}`],
    ['a key is too long', '01000105610000'],
    ['cut off in a value', '010001016109ff'],
  ])('is refused: %s (%s)', (text, hex) => {
    expect(() => validateWriteBatch(Buffer.from(hex, 'hex'))).toThrow(text);
  });

  it('never does anything but decode or refuse, whatever the bytes are', () => {
    const whole = encode(
      [{ lo: 'aa', hi: 'bb' }],
      [
        ['key', 'value'],
        ['other', null],
      ],
    );
    const outcome = (data: Uint8Array): void => {
      try {
        decode(data);
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), outcome), { numRuns: 3_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 3 }), (changes) => {
        const data = Buffer.from(whole);
        for (const [at, byte] of changes) data[at] = byte;
        outcome(data);
      }),
      { numRuns: 3_000 },
    );
  });
});
