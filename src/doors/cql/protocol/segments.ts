/**
 * The outer framing of version 5 (native_protocol_v5, section 2): segments with checksums, which hold whole messages, or a part of one that
 * is too long for a segment.
 *
 *   length u17 | self-contained bit | 6 bits of padding, 3 bytes little-endian | CRC24 of them | payload | CRC32 of the payload
 *
 * and with LZ4: length of the packed payload u17 | unpacked u17 (0: it is not packed) | bit, 5 bytes | CRC24 | payload | CRC32.
 */
import { crc32 } from 'node:zlib';
import { ProtocolError } from './byte-reader.ts';
import { packBlock, unpackBlock } from './compression.ts';

export const SEGMENT_PAYLOAD_MAX = 131_071;
const MESSAGE_HEADER_BYTES = 9;
const MESSAGE_LENGTH_AT = 5;
const CRC32_START = crc32(Buffer.from([0xfa, 0x2d, 0x55, 0xca]));

export function crc24(bytes: Buffer, start: number, length: number): number {
  let crc = 0x875060;
  for (let i = 0; i < length; i += 1) {
    crc ^= (bytes[start + i] as number) << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1974f0b;
    }
  }
  return crc & 0xffffff;
}

function payloadCrc(payload: Buffer): number {
  return crc32(payload, CRC32_START);
}

/**
 * Messages, one whole one behind the other, as segments. As many as go into a segment share one; a longer one has segments of its own, since
 * readers take what is put together of several segments as exactly one message.
 */
export function encodeSegments(messages: Buffer, compressed: boolean): Buffer[] {
  const segments: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < messages.length; ) {
    const end = at + MESSAGE_HEADER_BYTES + messages.readInt32BE(at + MESSAGE_LENGTH_AT);
    if (end - start > SEGMENT_PAYLOAD_MAX && start < at) {
      segments.push(encodeSegment(messages.subarray(start, at), true, compressed));
      start = at;
    }
    if (end - start > SEGMENT_PAYLOAD_MAX) {
      for (; start < end; start += SEGMENT_PAYLOAD_MAX) {
        const part = messages.subarray(start, Math.min(end, start + SEGMENT_PAYLOAD_MAX));
        segments.push(encodeSegment(part, false, compressed));
      }
      start = end;
    }
    at = end;
  }
  if (start < messages.length) segments.push(encodeSegment(messages.subarray(start), true, compressed));
  return segments;
}

export function encodeSegment(payload: Buffer, selfContained: boolean, compressed: boolean): Buffer {
  const packed = compressed ? packBlock(payload) : payload;
  const isPacked = compressed && packed.length < payload.length;
  const body = isPacked ? packed : payload;
  const head = compressed ? 5 : 3;
  const bytes = Buffer.allocUnsafe(head + 3 + body.length + 4);
  if (compressed) {
    // 17 + 17 + 1 bits: more than JavaScript's operators on 32 bits hold.
    const value = BigInt(body.length) | (BigInt(isPacked ? payload.length : 0) << 17n) | (BigInt(selfContained) << 34n);
    bytes.writeUIntLE(Number(value), 0, 5);
  } else bytes.writeUIntLE(body.length | (selfContained ? 0x20000 : 0), 0, 3);
  bytes.writeUIntLE(crc24(bytes, 0, head), head, 3);
  body.copy(bytes, head + 3);
  bytes.writeUInt32LE(payloadCrc(body), head + 3 + body.length);
  return bytes;
}

export interface Segment {
  readonly payload: Buffer;
  readonly selfContained: boolean;
  /** Where the next one begins. */
  readonly end: number;
}

/** The segment at `at`, or undefined when it is not whole yet. */
export function decodeSegment(bytes: Buffer, at: number, compressed: boolean): Segment | undefined {
  const head = compressed ? 5 : 3;
  if (bytes.length < at + head + 3) return undefined;
  if (bytes.readUIntLE(at + head, 3) !== crc24(bytes, at, head)) {
    throw new ProtocolError('invalid header CRC of a segment: the connection is damaged');
  }
  const bits = bytes.readUIntLE(at, head);
  const length = bits % 0x20000;
  const unpacked = compressed ? Math.floor(bits / 0x20000) % 0x20000 : 0;
  const flagAt = compressed ? 2 ** 34 : 0x20000;
  const selfContained = Math.floor(bits / flagAt) % 2 === 1;
  const start = at + head + 3;
  const end = start + length + 4;
  if (bytes.length < end) return undefined;
  const body = bytes.subarray(start, start + length);
  if (bytes.readUInt32LE(start + length) !== payloadCrc(body)) {
    throw new ProtocolError('invalid payload CRC of a segment: the connection is damaged');
  }
  return { payload: unpacked > 0 ? unpackBlock(body, unpacked) : body, selfContained, end };
}
