/**
 * Frames of the native protocol: version u8 | flags u8 | stream i16 | opcode u8 | length u32 | body. Taken off the bytes of a connection as
 * they come, from segments once version 5 has begun to use them.
 */
import { ByteQueue } from './byte-queue.ts';
import { ByteReader, ProtocolError } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { type Compression, packBody, unpackBody } from './compression.ts';
import { decodeSegment } from './segments.ts';

export const HEADER_BYTES = 9;
/** Cassandra's default for native_transport_max_frame_size is 16 MiB; statements with large values need more here. */
export const FRAME_BYTES_MAX = 256 * 1024 * 1024;
export const VERSION_MIN = 3;
export const VERSION_MAX = 5;

export const FrameFlag = { compressed: 0x01, tracing: 0x02, customPayload: 0x04, warnings: 0x08, beta: 0x10 } as const;

export interface Frame {
  readonly version: number;
  readonly flags: number;
  readonly stream: number;
  readonly opcode: number;
  /** Unpacked, without a custom payload. Belongs to the receiver. */
  readonly body: Buffer;
}

/** A frame of a version that this server does not speak; it is answered on its stream. */
export class UnsupportedVersion extends ProtocolError {
  readonly stream: number;

  constructor(version: number, stream: number) {
    super(`Invalid or unsupported protocol version (${version}); supported versions are (3/v3, 4/v4, 5/v5)`);
    this.stream = stream;
  }
}

export class FrameParser {
  compression: Compression | null = null;
  /** Version 5 after STARTUP. */
  segmented = false;
  readonly #held = new ByteQueue();
  /** Out of segments. */
  readonly #inner = new ByteQueue();
  /** Of the frame whose beginning is there: no look is taken before it may be whole. */
  #awaited = HEADER_BYTES;

  get heldBytes(): number {
    return this.#held.length + this.#inner.length;
  }

  push(chunk: Buffer): void {
    this.#held.push(chunk);
  }

  /** The next frame, or undefined while it is not whole. Throws ProtocolError; the connection is of no use then. */
  next(): Frame | undefined {
    if (this.segmented) this.#takeSegments();
    const queue = this.segmented ? this.#inner : this.#held;
    if (queue.length < this.#awaited) return undefined;
    const source = queue.front(this.#awaited);
    const version = (source[0] as number) & 0x7f;
    const stream = source.readInt16BE(2);
    if (version < VERSION_MIN || version > VERSION_MAX) throw new UnsupportedVersion(version, stream);
    const length = source.readInt32BE(5);
    if (length < 0 || length > FRAME_BYTES_MAX)
      throw new ProtocolError(
        `Request is too big: length ${length} exceeds maximum allowed length ${FRAME_BYTES_MAX}.`,
      );
    const end = HEADER_BYTES + length;
    this.#awaited = end;
    if (queue.length < end) return undefined;
    const whole = queue.front(end);
    const flags = source[1] as number;
    const opcode = source[4] as number;
    const body = this.#body(whole.subarray(HEADER_BYTES, end), flags);
    queue.drop(end);
    this.#awaited = HEADER_BYTES;
    return { version, flags, stream, opcode, body };
  }

  #body(bytes: Buffer, flags: number): Buffer {
    let body = bytes;
    if ((flags & FrameFlag.compressed) !== 0 && !this.segmented) {
      if (this.compression === null)
        throw new ProtocolError('A compressed message on a connection without compression');
      body = bytes.length === 0 ? bytes : unpackBody(bytes, this.compression);
    }
    if ((flags & FrameFlag.customPayload) === 0) return body;
    const reader = new ByteReader(body);
    reader.bytesMap();
    return body.subarray(body.length - reader.left);
  }

  /** A long message is put together of several segments. */
  #takeSegments(): void {
    // A segment is at most 128 KB: what is held is little.
    const held = this.#held.front(this.#held.length);
    let at = 0;
    for (;;) {
      const segment = decodeSegment(held, at, this.compression === 'lz4');
      if (segment === undefined) break;
      this.#inner.push(segment.payload);
      at = segment.end;
    }
    this.#held.drop(at);
  }
}

/** Writes one response; `body` writes what follows the header. */
export function writeFrame(
  writer: ByteWriter,
  options: { version: number; stream: number; opcode: number; flags: number; compression: Compression | null },
  body: (writer: ByteWriter) => void,
): void {
  const { version, stream, opcode, flags, compression } = options;
  const start = writer.length;
  writer.byte(0x80 | version);
  writer.byte(flags);
  writer.short(stream & 0xffff);
  writer.byte(opcode);
  writer.int(0);
  body(writer);
  const length = writer.length - start - HEADER_BYTES;
  if (compression !== null && length >= COMPRESSED_FROM_BYTES) {
    const packed = packBody(Buffer.from(writer.written.subarray(start + HEADER_BYTES)), compression);
    writer.rewind(start);
    writer.byte(0x80 | version);
    writer.byte(flags | FrameFlag.compressed);
    writer.short(stream & 0xffff);
    writer.byte(opcode);
    writer.int(packed.length);
    writer.raw(packed);
  } else writer.intAt(start + 5, length);
}

/** Shorter ones gain nothing. */
const COMPRESSED_FROM_BYTES = 64;
