import { describe, expect, test } from 'vitest';
import { crc64 } from './crc64.ts';
import { decompressLzf } from './lzf.ts';
import { readIntset, readListpack, readZiplist } from './packed-formats.ts';
import { RdbError } from './rdb-error.ts';
import { isDump, type RdbValue, readDump, writeDump } from './value.ts';

describe('the RDB format', () => {
  test("the checksum is Redis's", () => {
    // The check value of this CRC, as its catalogue gives it.
    expect(crc64(Buffer.from('123456789'))).toBe(0xe9c6d914c4b8d9can);
  });

  test('LZF copies from before, also over what the copy writes', () => {
    // Two literals, then eleven bytes from two before: a run of the pair.
    expect(decompressLzf(Buffer.from([1, 0x61, 0x62, 0xe0, 2, 1]), 13).latin1Slice()).toBe(
      'abababababababa'.slice(0, 13),
    );
    for (const broken of [
      [5, 0x61],
      [0x20, 5],
      [0, 0x61, 0xe0],
    ]) {
      expect(() => decompressLzf(Buffer.from(broken), 10)).toThrow(RdbError);
    }
  });

  test('reads the packed forms of Redis', () => {
    const listpack = Buffer.from([
      0, 0, 0, 0, 0, 0, 0x05, 1, 0x82, 0x68, 0x69, 3, 0xdf, 0xff, 2, 0xf1, 0x18, 0xfc, 3, 0xff,
    ]);
    listpack.writeUInt32LE(listpack.length, 0);
    expect(readListpack(listpack)).toEqual(['5', 'hi', '-1', '-1000']);
    const ziplist = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0xf6, 2, 2, 0x68, 0x69, 4, 0xc0, 0x18, 0xfc, 0xff]);
    ziplist.writeUInt32LE(ziplist.length, 0);
    expect(readZiplist(ziplist)).toEqual(['5', 'hi', '-1000']);
    expect(readIntset(Buffer.from([2, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 7, 0]))).toEqual(['-1', '7']);
    expect(() => readListpack(listpack.subarray(0, 10))).toThrow(RdbError);
    expect(() => readIntset(Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]))).toThrow(RdbError);
  });

  test('gives back what it writes', () => {
    const values: RdbValue[] = [
      { type: 'string', value: Buffer.from('x'.repeat(20_000)) },
      { type: 'list', elements: ['', 'a', 'b'.repeat(70)] },
      { type: 'set', members: new Set(['1', '2', 'x']) },
      { type: 'hash', fields: new Map([['f', { value: 'v', expire_ms: 0 }]]) },
      {
        type: 'hash',
        fields: new Map([
          ['f', { value: 'v', expire_ms: 1_900_000_000_000 }],
          ['g', { value: 'w', expire_ms: 0 }],
        ]),
      },
      {
        type: 'sortedSet',
        entries: [
          { member: 'm', score: -0.5 },
          { member: 'n', score: Infinity },
        ],
      },
    ];
    for (const value of values) {
      const bytes = writeDump(value);
      expect(isDump(bytes)).toBe(true);
      expect(readDump(bytes)).toEqual(value);
      bytes[0] = (bytes[0] as number) ^ 1;
      expect(isDump(bytes)).toBe(false);
    }
  });
});
