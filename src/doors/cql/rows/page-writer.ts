/** Collects the rows of a page as the protocol has them. One of these is used again and again; `take` gives away a copy. */
import type { Position, RowPage, Stamp } from './commands.ts';
import { copyBytes } from './copy-bytes.ts';
import { writeStamp } from './row-value.ts';

const BYTES_AT_FIRST = 64 * 1024;
/** A buffer that a large page has made larger than this is given up. */
const BYTES_KEPT = 4 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

export class PageWriter {
  rowCount = 0;
  size = 0;
  #bytes = Buffer.allocUnsafe(BYTES_AT_FIRST);

  begin(): void {
    this.rowCount = 0;
    this.size = 0;
  }

  take(last: Position | null, more: boolean): RowPage {
    const bytes = this.size === 0 ? NO_BYTES : Buffer.allocUnsafe(this.size);
    copyBytes(this.#bytes, 0, this.size, bytes, 0);
    if (this.#bytes.length > BYTES_KEPT) this.#bytes = Buffer.allocUnsafe(BYTES_AT_FIRST);
    return { rowCount: this.rowCount, bytes, last, more };
  }

  null(): void {
    this.int(-1);
  }

  cell(value: Buffer): void {
    this.int(value.length);
    this.#room(value.length);
    this.size = copyBytes(value, 0, value.length, this.#bytes, this.size);
  }

  /** Bytes that have their length before them already. */
  raw(bytes: Buffer, from: number, to: number): void {
    this.#room(to - from);
    this.size = copyBytes(bytes, from, to, this.#bytes, this.size);
  }

  int(value: number): void {
    this.#room(4);
    this.#bytes.writeInt32BE(value, this.size);
    this.size += 4;
  }

  stamp(stamp: Stamp): void {
    this.#room(8);
    writeStamp(this.#bytes, this.size, stamp);
    this.size += 8;
  }

  /** Leaves room for an int that is known later. Returns its place. */
  reserveInt(): number {
    this.#room(4);
    this.size += 4;
    return this.size - 4;
  }

  setInt(place: number, value: number): void {
    this.#bytes.writeInt32BE(value, place);
  }

  /** What was written from `place` on, without keeping it: a view that the next write may change. */
  since(place: number): Buffer {
    return this.#bytes.subarray(place, this.size);
  }

  #room(length: number): void {
    const end = this.size + length;
    if (end <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.size);
    this.#bytes = larger;
  }
}
