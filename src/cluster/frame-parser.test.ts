import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { arrivalChecksumOf } from '../base/arrival-checksums.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { FrameParser, FrameProblem } from './frame-parser.ts';

interface SeenFrame {
  channel: number;
  payload: Buffer;
}

function framesOf(frames: readonly { channel: number; payload: Uint8Array }[]): Buffer {
  const out = new FrameBuffer(16);
  for (const frame of frames) out.frame(frame.channel, frame.payload);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

/** `seen` has copies, `kept` what was handed on. */
function collector(frame_bytes_max = 1_000_000): { parser: FrameParser; seen: SeenFrame[]; kept: Buffer[] } {
  const seen: SeenFrame[] = [];
  const kept: Buffer[] = [];
  const parser = new FrameParser(frame_bytes_max, (channel, payload) => {
    seen.push({ channel, payload: Buffer.from(payload) });
    kept.push(payload);
    return true;
  });
  return { parser, seen, kept };
}

const sample = [
  { channel: 1, payload: Buffer.from('first') },
  { channel: 2, payload: Buffer.alloc(0) },
  { channel: 3, payload: Buffer.from('a longer payload than the header is') },
  { channel: 255, payload: Buffer.alloc(0) },
];

describe('FrameBuffer', () => {
  it('writes a frame in place as it writes one from bytes', () => {
    const out = new FrameBuffer(8);
    out.begin(7);
    out.u8(1);
    out.u16(0x0203);
    out.u32(0x04050607);
    out.f64(1.5);
    out.raw(Buffer.from('tail'));
    expect(out.end()).toBe(1 + 2 + 4 + 8 + 4);
    const payload = out.bytes.subarray(5, out.length);
    expect(framesOf([{ channel: 7, payload }])).toEqual(Buffer.from(out.bytes.subarray(0, out.length)));
  });

  it('forgets a cancelled frame and keeps what came before', () => {
    const out = new FrameBuffer(8);
    out.frame(1, Buffer.from('kept'));
    const before = out.length;
    out.begin(2);
    out.raw(Buffer.alloc(100));
    out.cancel();
    expect(out.length).toBe(before);
    out.cancel();
    expect(out.length).toBe(before);
  });

  it('refuses two open frames, and an end without a frame', () => {
    const out = new FrameBuffer();
    expect(() => out.end()).toThrow('no frame is open');
    out.begin(1);
    expect(() => out.begin(2)).toThrow('one frame');
    expect(() => out.frame(2, Buffer.alloc(1))).toThrow('one frame');
    expect(() => out.reset(0)).toThrow('still open');
  });

  it('sends what is inserted from where it is, in its place, and once', () => {
    const out = new FrameBuffer(8);
    const large = Buffer.alloc(70_000, 'L');
    out.frame(1, Buffer.from('before'));
    out.frame(
      2,
      Buffer.from('abcd'),
      [0, 2, 2, 4].map((at) => ({ at, data: large })),
    );
    out.frame(3, Buffer.from('after'));
    const pieces = out.pieces();
    expect(pieces.filter((piece) => piece === large).length).toBe(4);
    const { parser, seen } = collector();
    for (const piece of pieces) parser.push(Buffer.from(piece));
    const payload = Buffer.concat([large, Buffer.from('ab'), large, large, Buffer.from('cd'), large]);
    expect(seen.map(({ channel }) => channel)).toEqual([1, 2, 3]);
    expect(seen[1]?.payload.equals(payload)).toBe(true);
    expect(out.size).toBe(3 * 5 + 6 + payload.length + 5);
    out.reset(1_000);
    expect(out.size).toBe(0);
    out.frame(4, Buffer.from('x'));
    expect(Buffer.concat(out.pieces())).toEqual(framesOf([{ channel: 4, payload: Buffer.from('x') }]));
  });

  it('gives a large buffer back when it is emptied', () => {
    const out = new FrameBuffer(64);
    out.frame(1, Buffer.alloc(10_000));
    out.reset(20_000);
    expect(out.bytes.length).toBeGreaterThan(10_000);
    out.reset(5000);
    expect(out.bytes.length).toBe(64);
  });
});

describe('FrameParser', () => {
  it('reads frames that are split at every position', () => {
    const bytes = framesOf(sample);
    for (let at = 0; at <= bytes.length; at++) {
      const { parser, seen } = collector();
      parser.push(bytes.subarray(0, at));
      parser.push(bytes.subarray(at));
      expect(seen).toEqual(sample);
      expect(parser.isMidFrame).toBe(false);
    }
  });

  it('reads frames that are split at every two positions', () => {
    const bytes = framesOf(sample);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const { parser, seen } = collector();
        parser.push(bytes.subarray(0, first));
        parser.push(bytes.subarray(first, second));
        parser.push(bytes.subarray(second));
        expect(seen.length).toBe(sample.length);
        expect(seen[2]?.payload).toEqual(sample[2]?.payload);
      }
    }
  });

  it('reads frames byte by byte', () => {
    const { parser, seen } = collector();
    for (const byte of framesOf(sample)) parser.push(Buffer.from([byte]));
    expect(seen).toEqual(sample);
  });

  it('does not copy a frame that lies within a chunk', () => {
    const bytes = framesOf(sample);
    const parser = new FrameParser(1000, (_channel, payload) => {
      if (payload.length > 0) expect(payload.buffer).toBe(bytes.buffer);
      return true;
    });
    parser.push(bytes);
  });

  it('takes memory for a large frame only as its bytes arrive', () => {
    const { parser } = collector(1_000_000_000);
    const header = Buffer.from([0, 0, 0, 0x30, 1]);
    const before = process.memoryUsage().arrayBuffers;
    const parsers = [parser];
    for (let i = 0; i < 50; i++) parsers.push(collector(1_000_000_000).parser);
    for (const each of parsers) each.push(header);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    expect(parsers.every((each) => each.isMidFrame)).toBe(true);
  });

  it('gathers a large frame from many chunks with few moves, and knows its checksums', () => {
    const { parser, seen, kept } = collector(64 * 1024 * 1024);
    const payload = Buffer.alloc(32 * 1024 * 1024, 7);
    payload[12_345_678] = 9;
    const bytes = framesOf([{ channel: 1, payload }]);
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    for (let at = 0; at < bytes.length; at += 65_536) parser.push(bytes.subarray(at, at + 65_536));
    expect(allocate.mock.calls.length).toBeLessThanOrEqual(3);
    allocate.mockRestore();
    expect(seen[0]?.payload.equals(payload)).toBe(true);
    const entry = kept[0]?.subarray(100) as Buffer;
    expect(arrivalChecksumOf(entry)).toBe(crc32(entry));
  });

  it('reports a frame over the limit, in one piece or split', () => {
    const bytes = framesOf([{ channel: 1, payload: Buffer.alloc(101) }]);
    expect(collector(100).parser.push(bytes)).toBe(FrameProblem.tooLong);
    const { parser } = collector(100);
    expect(parser.push(bytes.subarray(0, 3))).toBe(FrameProblem.none);
    expect(parser.push(bytes.subarray(3))).toBe(FrameProblem.tooLong);
    expect(collector(101).parser.push(bytes)).toBe(FrameProblem.none);
  });

  it('stops when a frame is answered with false, and goes on later', () => {
    const bytes = framesOf(sample);
    for (let at = 0; at <= bytes.length; at++) {
      const seen: SeenFrame[] = [];
      const parser = new FrameParser(1000, (channel, payload) => {
        seen.push({ channel, payload: Buffer.from(payload) });
        return false;
      });
      parser.push(bytes.subarray(0, at));
      parser.push(bytes.subarray(at));
      expect(seen.length).toBe(1);
      while (seen.length < sample.length) {
        const before = seen.length;
        parser.resume();
        expect(seen.length).toBe(before + 1);
      }
      expect(seen).toEqual(sample);
    }
  });

  it('hands nothing on after it was closed from within a frame', () => {
    let count = 0;
    const parser: FrameParser = new FrameParser(1000, () => {
      count++;
      parser.close();
      return true;
    });
    parser.push(framesOf(sample));
    parser.push(framesOf(sample));
    expect(count).toBe(1);
  });

  it('reads any frames in any pieces', () => {
    const frame = fc.record({ channel: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 50 })), (frames, sizes) => {
        const bytes = framesOf(frames);
        const { parser, seen } = collector();
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] ?? 1);
          parser.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(seen.map((each) => [each.channel, [...each.payload]])).toEqual(
          frames.map((each) => [each.channel, [...each.payload]]),
        );
      }),
    );
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
        const { parser, seen } = collector(64);
        for (const chunk of chunks) if (parser.push(Buffer.from(chunk)) !== FrameProblem.none) break;
        for (const each of seen) expect(each.payload.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
