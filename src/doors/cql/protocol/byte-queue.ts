/** Bytes as they come from a socket, put together only when enough are there: a long message is copied once, not once for each chunk. */
export class ByteQueue {
  #first: Buffer = Buffer.alloc(0);
  #others: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (this.#length === 0) this.#first = chunk;
    else this.#others.push(chunk);
    this.#length += chunk.length;
  }

  /** At least the first `count` bytes in one piece, or all there are: a view. */
  front(count: number): Buffer {
    if (this.#first.length < count && this.#others.length > 0) {
      this.#first = Buffer.concat([this.#first, ...this.#others]);
      this.#others = [];
    }
    return this.#first;
  }

  /** Forgets bytes that `front` has given. */
  drop(count: number): void {
    this.#first = this.#first.subarray(count);
    this.#length -= count;
    const next = this.#first.length === 0 ? this.#others.shift() : undefined;
    if (next !== undefined) this.#first = next;
  }
}
