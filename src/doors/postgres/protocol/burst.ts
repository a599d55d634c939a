/**
 * What leaves on one stream in one go: pieces of the chunks that came in, and messages made here. What lies side by side is one piece,
 * so a chunk that is passed on whole is written as it is.
 */
import type { Writable } from 'node:stream';

/** Up to here, several pieces are copied into one buffer: that is cheaper than a vector of them. */
const COPY_MAX = 16 * 1_024;
const NOTHING = Buffer.alloc(0);

export class Burst {
  #chunk: Buffer = NOTHING;
  #from = 0;
  #to = 0;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#from === this.#to;
  }

  /** The chunk must not change until it is flushed. */
  add(chunk: Buffer, from: number, to: number): void {
    if (chunk === this.#chunk && from === this.#to) {
      this.#to = to;
      return;
    }
    this.#cut();
    this.#chunk = chunk;
    this.#from = from;
    this.#to = to;
  }

  addWhole(bytes: Buffer): void {
    this.add(bytes, 0, bytes.length);
  }

  /** Drops what was added. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#from = 0;
    this.#to = 0;
    this.#pieces.length = 0;
    this.#bytes = 0;
  }

  /** Writes it. False when the stream asks to be spared; the bytes are written in any case. */
  flush(stream: Writable): boolean {
    if (this.#bytes === 0) return this.#flushOne(stream);
    let isWritable = true;
    const pieces = this.#pieces;
    this.#cut();
    if (this.#bytes <= COPY_MAX) isWritable = stream.write(joined(pieces, this.#bytes));
    else {
      stream.cork();
      for (const piece of pieces) isWritable = stream.write(piece);
      stream.uncork();
    }
    pieces.length = 0;
    this.#bytes = 0;
    return isWritable;
  }

  /** Nearly always: a chunk as it came in, or one piece of it. */
  #flushOne(stream: Writable): boolean {
    const chunk = this.#chunk;
    const from = this.#from;
    const to = this.#to;
    if (from === to) return true;
    this.#chunk = NOTHING;
    this.#from = 0;
    this.#to = 0;
    return stream.write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  #cut(): void {
    const chunk = this.#chunk;
    const from = this.#from;
    const to = this.#to;
    if (from < to) {
      this.#pieces.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      this.#bytes += to - from;
    }
    this.#chunk = NOTHING;
    this.#from = 0;
    this.#to = 0;
  }
}

function joined(pieces: readonly Buffer[], length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}
