import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Burst } from './burst.ts';
import { CONTINUATION, FrameError, FrameReader, frameSizes } from './frame-reader.ts';
import { message } from './messages.ts';

const SMALL = 0x51;
const STREAMED = 0x64;
const CAPPED = 0x50;
const SIZES = frameSizes(-1, { [SMALL]: 1 << 20, [STREAMED]: 0, [CAPPED]: 16 });

interface Seen {
  readonly type: number;
  readonly bytes: Buffer;
  /** Bytes of its first piece. */
  readonly first: number;
}

/** Reads all chunks; messages put together again. `giveBack` is asked before each whether it is read twice. */
function readAll(chunks: readonly Buffer[], giveBack: () => boolean = () => false): Seen[] {
  const reader = new FrameReader(SIZES);
  const seen: { type: number; bytes: Buffer; first: number }[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      if (giveBack()) {
        const before = [reader.type, reader.start, reader.end, reader.rest];
        reader.unread();
        expect(reader.next()).toBe(true);
        expect([reader.type, reader.start, reader.end, reader.rest]).toEqual(before);
      }
      const piece = Buffer.from(reader.chunk.subarray(reader.start, reader.end));
      const last = seen.at(-1);
      if (reader.type === CONTINUATION && last !== undefined) last.bytes = Buffer.concat([last.bytes, piece]);
      else seen.push({ type: reader.type, bytes: piece, first: piece.length });
    }
    expect(reader.hasMore).toBe(false);
    reader.release();
  }
  expect(reader.rest).toBe(0);
  expect(reader.heldBytes).toBe(0);
  return seen;
}

const messages = fc.array(
  fc
    .tuple(fc.constantFrom(SMALL, STREAMED, CAPPED), fc.uint8Array({ maxLength: 60 }))
    .map(([type, body]) => message(type, Buffer.from(body))),
  { minLength: 1, maxLength: 8 },
);

describe('the framing of messages', () => {
  test('is the same wherever the bytes are split', () => {
    fc.assert(
      fc.property(messages, (all) => {
        const bytes = Buffer.concat(all);
        for (let at = 0; at <= bytes.length; at += 1) {
          const seen = readAll([bytes.subarray(0, at), bytes.subarray(at)].filter((chunk) => chunk.length > 0));
          expect(seen.map((each) => each.bytes)).toEqual(all);
          for (const { type, bytes: whole, first } of seen) {
            if (type === SMALL) expect(first).toBe(whole.length);
            if (type === CAPPED) expect(first).toBeGreaterThanOrEqual(Math.min(16, whole.length));
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  test('is the same byte by byte, and for what is given back', () => {
    fc.assert(
      fc.property(messages, fc.infiniteStream(fc.boolean()), (all, again) => {
        const bytes = Buffer.concat(all);
        const single = Array.from(bytes, (byte) => Buffer.from([byte]));
        const seen = readAll(single, () => again.next().value === true);
        expect(seen.map((each) => each.bytes)).toEqual(all);
      }),
      { numRuns: 60 },
    );
  });

  test('refuses types that nobody sends, and lengths that cannot be', () => {
    for (const bytes of [
      Buffer.from([0x00]),
      Buffer.from([SMALL, 0, 0, 0, 3]),
      Buffer.from([SMALL, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      const reader = new FrameReader(SIZES);
      reader.push(bytes);
      expect(() => reader.next()).toThrow(FrameError);
    }
  });

  test('a burst is what was added, in order, however it was cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat(30), fc.nat(30)), { maxLength: 20 }),
        (parts) => {
          const chunks = [0, 1, 2, 3].map((seed) =>
            Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * (seed + 3)) & 0xff)),
          );
          const burst = new Burst();
          const expected: Buffer[] = [];
          for (const [at, from, length] of parts) {
            const chunk = chunks[at] as Buffer;
            const to = from + (length > 28 ? 18_000 : length);
            burst.add(chunk, from, to);
            expected.push(chunk.subarray(from, to));
          }
          const written: Buffer[] = [];
          const sink = new PassThrough({ highWaterMark: 1 << 24 });
          burst.flush(sink);
          expect(burst.isEmpty).toBe(true);
          for (let chunk = sink.read(); chunk !== null; chunk = sink.read()) written.push(chunk as Buffer);
          expect(Buffer.concat(written).equals(Buffer.concat(expected))).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });
});
