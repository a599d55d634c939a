/**
 * Takes messages off a stream of bytes: a type, four bytes of length, a body.
 *
 * Most messages are only passed on, so a message need not be whole to be given out: each type has a size up to which it is. Past that,
 * its beginning is given out with `rest` > 0, and the remainder as pieces of type `CONTINUATION`. So memory is bounded by these sizes,
 * however large a row or a parameter is.
 *
 * A caller pushes a chunk and then calls `next` until it is false; `chunk`, `start`, `end` tell where the message lies. `unread` gives the
 * last one back, to be read again. Chunks are not copied unless a message is cut by their border.
 */

export const CONTINUATION = 0;
const HEADER_BYTES = 5;

/** Of each type: the size up to which a message is given out whole, or -1 for types that nobody may send. */
export type FrameSizes = Int32Array;

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const NOTHING = Buffer.alloc(0);

export class FrameReader {
  chunk: Buffer = NOTHING;
  type = CONTINUATION;
  /** Of the message, its header included, within `chunk`. */
  start = 0;
  end = 0;
  /** Bytes of the message that are not in `chunk` up to `end`. */
  rest = 0;
  /** May be changed between two calls of `next`. */
  sizes: FrameSizes;
  readonly #length_max: number;
  /** Where the next message begins in `chunk`. */
  #position = 0;
  /** Pieces of a message that is not there yet, `#cutBytes` in all; asked for again at `#wanted`. */
  #cut: Buffer[] = [];
  #cutBytes = 0;
  #wanted = 0;
  /** `rest` before the last `next`, for `unread`. */
  #before = 0;

  constructor(sizes: FrameSizes, length_max = 0x3fff_ffff) {
    this.sizes = sizes;
    this.#length_max = length_max;
  }

  /** Only when `next` has become false. */
  push(chunk: Buffer): void {
    if (this.#cutBytes === 0) {
      this.chunk = chunk;
      this.#position = 0;
      return;
    }
    this.#cut.push(chunk);
    this.#cutBytes += chunk.length;
    this.chunk = NOTHING;
    this.#position = 0;
    if (this.#cutBytes < this.#wanted) return;
    this.chunk = Buffer.concat(this.#cut, this.#cutBytes);
    this.#cut = [];
    this.#cutBytes = 0;
  }

  /** Throws `FrameError` on bytes that begin no message. */
  next(): boolean {
    const { chunk } = this;
    const start = this.#position;
    const available = chunk.length - start;
    if (available === 0) return false;
    this.#before = this.rest;
    if (this.rest > 0) {
      const length = Math.min(this.rest, available);
      this.type = CONTINUATION;
      this.rest -= length;
      return this.#give(start, start + length);
    }
    const type = chunk[start] as number;
    const whole_max = this.sizes[type] as number;
    if (whole_max < 0) throw new FrameError(`invalid frontend message type ${type}`);
    if (available < HEADER_BYTES) return this.#keep(HEADER_BYTES);
    const length = chunk.readUInt32BE(start + 1);
    if (length < 4 || length > this.#length_max) throw new FrameError('invalid message length');
    const size = length + 1;
    this.type = type;
    if (size <= available) return this.#give(start, start + size);
    // What is given out in pieces has at least as much in its first one as would have been whole.
    if (size <= whole_max) return this.#keep(size);
    if (available < whole_max) return this.#keep(whole_max);
    this.rest = size - available;
    return this.#give(start, chunk.length);
  }

  /** The message that `next` has given out is given out again by the next call. */
  unread(): void {
    this.#position = this.start;
    this.rest = this.#before;
  }

  /** Whether there is something left to be read. */
  get hasMore(): boolean {
    return this.#position < this.chunk.length;
  }

  /** Bytes that wait for the end of their message. */
  get heldBytes(): number {
    return this.#cutBytes;
  }

  /** What was read must not be held by this any more. */
  release(): void {
    if (this.#position < this.chunk.length) return;
    this.chunk = NOTHING;
    this.#position = 0;
  }

  #give(start: number, end: number): true {
    this.start = start;
    this.end = end;
    this.#position = end;
    return true;
  }

  #keep(wanted: number): false {
    const piece = this.chunk.subarray(this.#position);
    this.#cut = [piece];
    this.#cutBytes = piece.length;
    this.#wanted = wanted;
    this.#position = this.chunk.length;
    return false;
  }
}

/** `types`: the sizes of what is not `others`. */
export function frameSizes(others: number, types: Readonly<Record<number, number>>): FrameSizes {
  const sizes = new Int32Array(256).fill(others);
  for (const [type, size] of Object.entries(types)) sizes[Number(type)] = size;
  return sizes;
}
