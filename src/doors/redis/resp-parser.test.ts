import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { arrivalChecksumOf } from '../../base/arrival-checksums.ts';
import { claimRoom, ROOM_BYTES, ROOM_DATA_BYTES_MIN } from '../../base/room-before.ts';
import { encode } from './raw-client.test-support.ts';
import type { Request } from './request.ts';
import { INLINE_BYTES_MAX, ProtocolError, RespParser, splitInline } from './resp-parser.ts';

const limits = { bulkBytes_max: 1_000_000 };

/** The requests in `chunks`, each as a list of texts. */
function parse(chunks: readonly Buffer[]): string[][] {
  const parser = new RespParser(limits);
  const requests: string[][] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let request = parser.next(); request !== undefined; request = parser.next()) {
      requests.push(request.rest(0).map((bytes) => bytes.latin1Slice()));
    }
  }
  return requests;
}

const commands = [
  ['PING'],
  ['SET', 'key', 'v\r\n*1\r\n$1\r\nx'],
  ['MGET', '', 'a', ''],
  ['SET', 'k', 'x'.repeat(300)],
  ['ECHO', '\xff\x00\r\n'],
];
const stream = Buffer.concat([...commands.map(encode), Buffer.from('PING inline\r\n'), encode(['GET', 'z'])]);
const expected = [...commands, ['PING', 'inline'], ['GET', 'z']];

describe('the parser', () => {
  test('gives the same requests wherever the bytes are split', () => {
    for (let at = 0; at <= stream.length; at += 1) {
      expect(parse([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected);
    }
  });

  test('gives the same requests byte by byte', () => {
    expect(parse(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  test('gives back what was written, in chunks of any sizes', () => {
    const request = fc.array(fc.string({ unit: 'binary-ascii', maxLength: 40 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 })), (requests, sizes) => {
        const bytes = Buffer.concat(requests.map(encode));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        chunks.push(bytes.subarray(at));
        expect(parse(chunks.filter((chunk) => chunk.length > 0))).toEqual(requests);
      }),
    );
  });

  test('never fails otherwise than with ProtocolError, whatever it is fed', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .constantFrom('*1\r\n', '*-1\r\n', '*0\r\n', '$3\r\n', '$-1\r\n', '\r\n', '*', '$', 'PING', '"', "'")
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          parse(pieces.map((bytes) => Buffer.from(bytes)).filter((chunk) => chunk.length > 0));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['*abc\r\n', 'invalid multibulk length'],
    ['*1048577\r\n', 'invalid multibulk length'],
    ['*1\r\n:1\r\n', "expected '$', got ':'"],
    ['*1\r\n$abc\r\n', 'invalid bulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$1000001\r\n', 'invalid bulk length'],
    ['PING "abc\r\n', 'unbalanced quotes in request'],
  ])('refuses %j', (text, message) => {
    expect(() => parse([Buffer.from(text)])).toThrow(message);
  });

  test('refuses an inline command without an end', () => {
    expect(() => parse([Buffer.alloc(INLINE_BYTES_MAX + 2, 0x61)])).toThrow('too big inline request');
  });

  test('skips empty arrays and empty lines', () => {
    expect(parse([Buffer.from('*0\r\n\r\n*-1\r\n  \r\nPING\r\n')])).toEqual([['PING']]);
  });

  test('moves a large value that comes in small chunks a few times', () => {
    const value = Buffer.alloc(900_000, 0x62);
    const bytes = encode(['SET', 'k', value]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1_000) chunks.push(bytes.subarray(at, at + 1_000));
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    expect(parse(chunks)).toHaveLength(1);
    expect(allocate.mock.calls.length).toBeLessThanOrEqual(4);
    allocate.mockRestore();
  });

  test('does not reserve memory for what is only announced', () => {
    const parser = new RespParser({ bulkBytes_max: 536_870_912 });
    const before = process.memoryUsage().arrayBuffers;
    parser.push(Buffer.from('*2\r\n$3\r\nGET\r\n$536870000\r\nabc'));
    expect(parser.next()).toBeUndefined();
    parser.push(Buffer.from('def'));
    expect(parser.next()).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});

describe('a large argument', () => {
  const large = (length: number, seed: number): string =>
    Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * seed) % 251))
      .toString('latin1')
      .repeat(Math.ceil(length / 1000))
      .slice(0, length);
  const wide = { bulkBytes_max: 512 * 1024 * 1024 };

  function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
    const chunks: Buffer[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] as number;
      chunks.push(Buffer.from(bytes.subarray(at, at + size)));
      at += size;
    }
    return chunks;
  }

  function requestsOf(chunks: readonly Buffer[]): Request[] {
    const parser = new RespParser(wide);
    return chunks.flatMap((chunk) => {
      parser.push(chunk);
      const requests: Request[] = [];
      for (let request = parser.next(); request !== undefined; request = parser.next()) requests.push(request);
      return requests;
    });
  }

  test.each([[[65_536]], [[100_000, 1]], [[17, 65_536, 3]], [[700_000]]])(
    'is whole, and so is all around it, in chunks of %j',
    (sizes) => {
      const sent = [
        ['SET', 'a', large(ROOM_DATA_BYTES_MIN, 3)],
        ['GET', 'a'],
        ['MSET', 'b', large(ROOM_DATA_BYTES_MIN + 77_777, 5), 'c', 'small', 'd', large(3_000_000, 7)],
        ['SET', 'e', large(ROOM_DATA_BYTES_MIN - 1, 11)],
        ['PING'],
      ];
      const requests = requestsOf(cut(Buffer.concat(sent.map(encode)), sizes));
      expect(requests.map((request) => request.rest(0).map((bytes) => bytes.latin1Slice()))).toEqual(sent);
      const last = requests[2]?.bytes(6) as Buffer;
      expect(arrivalChecksumOf(last)).toBe(crc32(last));
      for (const argument of requests.flatMap((request) => request.rest(0))) {
        expect([undefined, crc32(argument)]).toContain(arrivalChecksumOf(argument));
      }
    },
  );

  test('has room before it that is claimed once, and hurts nothing', () => {
    const sent = ['SET', 'key', large(2_000_000, 3)];
    const [request] = requestsOf(cut(encode(sent), [65_536])) as [Request];
    const whole = claimRoom(request.bytes(2), ROOM_BYTES);
    expect(whole?.length).toBe(2_000_000 + ROOM_BYTES);
    whole?.fill(0xff, 0, ROOM_BYTES);
    expect(request.rest(0).map((bytes) => bytes.latin1Slice())).toEqual(sent);
    expect(whole?.latin1Slice(ROOM_BYTES)).toBe(sent[2]);
    expect(claimRoom(request.bytes(2), 1)).toBeNull();
  });

  test('that is announced and does not come reserves a multiple of what has come', () => {
    const parser = new RespParser(wide);
    const before = process.memoryUsage().arrayBuffers;
    parser.push(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$400000000\r\n'));
    expect(parser.next()).toBeUndefined();
    parser.push(Buffer.alloc(65_536));
    expect(parser.next()).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 65_536);
  });
});

test('inline words may be quoted', () => {
  expect(splitInline('SET "a b" \'c d\' "\\x41\\n\\""')).toEqual(['SET', 'a b', 'c d', 'A\n"']);
  expect(splitInline('a"b"c')).toBeUndefined();
});
