import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ARRIVAL_BYTES_MIN, ArrivalChecksums, arrivalChecksumOf } from './arrival-checksums.ts';

const ROOM = 1_000;
const LENGTH = ARRIVAL_BYTES_MIN + 300_000;
const memory = Buffer.from(Uint8Array.from({ length: ROOM + LENGTH + ROOM }, (_, at) => (at * at) >> 7));

function note(sizes: readonly number[]): void {
  const checksums = new ArrivalChecksums();
  for (const size of [...sizes, LENGTH]) {
    const from = ROOM + checksums.length;
    checksums.add(memory.subarray(from, Math.min(from + size, ROOM + LENGTH)));
  }
  checksums.note(memory, ROOM);
}

test('are those of any part, and of what lies before it, too', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: LENGTH / 4 }), { maxLength: 20 });
  const from = fc.integer({ min: 0, max: ROOM + LENGTH - ARRIVAL_BYTES_MIN });
  fc.assert(
    fc.property(sizes, from, fc.nat(), (pieces, begin, more) => {
      note(pieces);
      const rest = ROOM + LENGTH - begin - ARRIVAL_BYTES_MIN;
      const data = memory.subarray(begin, begin + ARRIVAL_BYTES_MIN + (more % (rest + 1)));
      expect(arrivalChecksumOf(data)).toBe(crc32(data));
    }),
  );
});

test('are not known of what ends elsewhere, is small, or came in another way', () => {
  note([65_536]);
  expect(arrivalChecksumOf(memory.subarray(ROOM, ROOM + LENGTH))).toBe(crc32(memory.subarray(ROOM, ROOM + LENGTH)));
  expect(arrivalChecksumOf(memory.subarray(ROOM, ROOM + LENGTH + 1))).toBeUndefined();
  expect(arrivalChecksumOf(memory.subarray(ROOM, ROOM + ARRIVAL_BYTES_MIN - 1))).toBeUndefined();
  expect(arrivalChecksumOf(Buffer.from(memory))).toBeUndefined();
});
