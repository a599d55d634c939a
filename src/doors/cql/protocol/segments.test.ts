import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { FrameParser, writeFrame } from './frames.ts';
import { crc24, decodeSegment, encodeSegments, SEGMENT_PAYLOAD_MAX } from './segments.ts';

function message(stream: number, size: number): Buffer {
  const writer = new ByteWriter();
  writeFrame(writer, { version: 5, stream, opcode: 8, flags: 0, compression: null }, (body) =>
    body.raw(Buffer.alloc(size, stream)),
  );
  return writer.take();
}

/** As drivers read them: what is put together of several segments is exactly one message. */
function readLikeDrivers(segments: readonly Buffer[], compressed: boolean): Buffer[] {
  const messages: Buffer[] = [];
  let parts: Buffer[] = [];
  for (const bytes of segments) {
    const segment = decodeSegment(bytes, 0, compressed);
    if (segment === undefined) throw new Error('a segment is not whole');
    expect(segment.end).toBe(bytes.length);
    if (segment.selfContained) {
      expect(parts).toEqual([]);
      for (let at = 0; at < segment.payload.length; ) {
        const end = at + 9 + segment.payload.readInt32BE(at + 5);
        messages.push(segment.payload.subarray(at, end));
        at = end;
      }
    } else {
      parts.push(segment.payload);
      const whole = Buffer.concat(parts);
      if (whole.length < 9 + whole.readInt32BE(5)) continue;
      expect(whole.length).toBe(9 + whole.readInt32BE(5));
      messages.push(whole);
      parts = [];
    }
  }
  expect(parts).toEqual([]);
  return messages;
}

describe.each([false, true])('segments, compressed: %s', (compressed) => {
  it.each([
    [[0]],
    [[10, 20, 30]],
    [[SEGMENT_PAYLOAD_MAX - 9]],
    [[SEGMENT_PAYLOAD_MAX - 8]],
    [[100_000, 100_000, 5]],
    [[5, 400_000, 5, 131_000, 50, 2 * SEGMENT_PAYLOAD_MAX - 9]],
  ])('hold messages of %j bytes, none of which begins in the middle of a long one', (sizes) => {
    const messages = sizes.map((size, index) => message(index, size));
    const read = readLikeDrivers(encodeSegments(Buffer.concat(messages), compressed), compressed);
    // Buffers of this length are slow to compare element by element.
    expect(read.map((bytes, index) => bytes.equals(messages[index] ?? bytes.subarray(1)))).toEqual(
      sizes.map(() => true),
    );
  });

  it('are read again by the parser, however the bytes are cut', () => {
    const messages = [message(1, 5), message(2, 200_000), message(3, 7)].map((bytes) => {
      bytes[0] = 5;
      return bytes;
    });
    const bytes = Buffer.concat(encodeSegments(Buffer.concat(messages), compressed));
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 5 }), (cuts) => {
        const parser = new FrameParser();
        parser.segmented = true;
        parser.compression = compressed ? 'lz4' : null;
        const streams: number[] = [];
        let start = 0;
        for (const end of [...cuts.sort((a, b) => a - b), bytes.length]) {
          parser.push(bytes.subarray(start, end));
          start = end;
          for (let frame = parser.next(); frame !== undefined; frame = parser.next()) streams.push(frame.stream);
        }
        expect(streams).toEqual([1, 2, 3]);
        expect(parser.heldBytes).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it('whose bits were changed are refused', () => {
    const segment = Buffer.concat(encodeSegments(message(1, 40), compressed));
    for (let bit = 0; bit < segment.length * 8; bit += 1) {
      const changed = Buffer.from(segment);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeSegment(changed, 0, compressed)).toThrow('CRC');
    }
  });
});

it('the checksum of a header is what its polynomial says', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 5 }), (bytes) => {
      expect(crc24(Buffer.from(bytes), 0, bytes.length)).toBe(crc24Bitwise([...bytes]));
    }),
  );
});

/** The polynomial's definition, with numbers that are not cut to 32 bits. */
function crc24Bitwise(bytes: readonly number[]): number {
  let crc = 0x875060;
  for (const byte of bytes) {
    crc = (crc ^ (byte * 0x10000)) >>> 0;
    for (let bit = 0; bit < 8; bit += 1) {
      crc *= 2;
      if (crc >= 0x1000000) crc ^= 0x1974f0b;
    }
  }
  return crc;
}
