/**
 * A growing output buffer of frames, so that whoever encodes a message writes it where it will be sent from.
 *
 * Frame: payload length u32 | channel u8 | payload. Integers are little-endian.
 *
 * `begin` leaves room for the header, the caller writes the payload, `end` fills the header in; `cancel` takes it back.
 * Either with the typed methods, or by hand: `at = reserve(n)`, write up to n bytes into `bytes` from `at`, and set `length`
 * to where they end. `bytes` is another object after every call that can grow it.
 */
import { assert } from '../base/assert.ts';
import { type Insertion, piecesOf } from '../base/insertions.ts';

export const FRAME_HEADER_BYTES = 5;
const NO_INSERTIONS: readonly Insertion[] = [];

export class FrameBuffer {
  bytes: Buffer;
  length = 0;
  /** Where the open frame begins, -1 for none. */
  #start = -1;
  readonly #startSize: number;
  #insertions: Insertion[] = [];
  #insertedBytes = 0;

  constructor(startSize = 16_384) {
    this.#startSize = startSize;
    this.bytes = Buffer.allocUnsafeSlow(startSize);
  }

  /** Bytes to be sent. */
  get size(): number {
    return this.length + this.#insertedBytes;
  }

  /** What is to be sent, in order. */
  pieces(): Uint8Array[] {
    return piecesOf(this.bytes, 0, this.length, this.#insertions);
  }

  get isOpen(): boolean {
    return this.#start >= 0;
  }

  begin(channel: number): void {
    assert(this.#start < 0, 'one frame is written at a time');
    const at = this.reserve(FRAME_HEADER_BYTES);
    this.#start = at;
    this.bytes[at + 4] = channel;
    this.length = at + FRAME_HEADER_BYTES;
  }

  /** Closes the frame; returns the length of its payload. */
  end(): number {
    const start = this.#start;
    assert(start >= 0, 'no frame is open');
    const length = this.length - start - FRAME_HEADER_BYTES;
    assert(length >= 0, 'a frame cannot end before its payload begins');
    assert(this.length <= this.bytes.length, 'a frame was written past the reserved bytes');
    this.bytes.writeUInt32LE(length, start);
    this.#start = -1;
    return length;
  }

  /** Forgets the open frame. */
  cancel(): void {
    if (this.#start < 0) return;
    this.length = this.#start;
    this.#start = -1;
  }

  /** A whole frame from bytes that exist already. They are copied, what is inserted in them is not. */
  frame(channel: number, payload: Uint8Array, insertions: readonly Insertion[] = NO_INSERTIONS): void {
    assert(this.#start < 0, 'one frame is written at a time');
    const at = this.reserve(FRAME_HEADER_BYTES + payload.length);
    const bytes = this.bytes;
    const payloadAt = at + FRAME_HEADER_BYTES;
    let inserted = 0;
    for (const insertion of insertions) {
      this.#insertions.push({ at: payloadAt + insertion.at, data: insertion.data });
      inserted += insertion.data.length;
    }
    this.#insertedBytes += inserted;
    bytes.writeUInt32LE(payload.length + inserted, at);
    bytes[at + 4] = channel;
    bytes.set(payload, payloadAt);
    this.length = payloadAt + payload.length;
  }

  /** Makes room for `count` bytes more and returns where they begin. Does not change `length`. */
  reserve(count: number): number {
    const at = this.length;
    if (at + count > this.bytes.length) this.#grow(at + count);
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
    this.length = at + 1;
  }

  u16(value: number): void {
    const at = this.reserve(2);
    this.length = this.bytes.writeUInt16LE(value, at);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.length = this.bytes.writeUInt32LE(value, at);
  }

  f64(value: number): void {
    const at = this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, at);
  }

  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.bytes.set(value, at);
    this.length = at + value.length;
  }

  /** Empties the buffer; a large one is given back, so that one burst does not hold its memory for ever. */
  reset(keep_bytes_max: number): void {
    assert(this.#start < 0, 'a frame is still open');
    this.length = 0;
    if (this.#insertedBytes > 0) {
      this.#insertions = [];
      this.#insertedBytes = 0;
    }
    if (this.bytes.length > keep_bytes_max) this.bytes = Buffer.allocUnsafeSlow(this.#startSize);
  }

  #grow(needed: number): void {
    // Doubling wastes as much as it holds; beyond 64 MB a quarter more is enough to keep the copying linear.
    const size = this.bytes.length;
    const grown = size < 64 * 1024 * 1024 ? size * 2 : Math.ceil(size * 1.25);
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, grown));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }
}
