import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { combineCrc32 } from './crc32-combine.ts';

test('the checksum of two pieces follows from those of each', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(second, crc32(first)));
    }),
  );
});

test('also of long ones, from any beginning', () => {
  const long = Buffer.alloc(5_000_001, 'checksum');
  for (const begin of [0, 1, 0xdeadbeef, 0xffffffff]) {
    expect(combineCrc32(begin, crc32(long), long.length)).toBe(crc32(long, begin));
  }
});
