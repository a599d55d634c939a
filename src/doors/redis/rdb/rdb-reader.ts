/** Lengths, strings and numbers of the RDB format. */
import { decompressLzf } from './lzf.ts';
import { RdbError } from './rdb-error.ts';

/** No collection has more elements: what says so is damaged, and is not waited for. */
const STRING_BYTES_MAX = 2 ** 29 - 32;

const Special = { int8: 0, int16: 1, int32: 2, compressed: 3 } as const;

export class RdbReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #end: number;

  constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#end) throw new RdbError('the value is cut off');
    this.#at += length;
    return from;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  /** A length; two bits say how it is written. */
  length(): number {
    const first = this.byte();
    if (first >>> 6 === 3) throw new RdbError('a length is expected');
    return this.#lengthAfter(first);
  }

  #lengthAfter(first: number): number {
    if (first >>> 6 === 0) return first & 0x3f;
    if (first >>> 6 === 1) return ((first & 0x3f) << 8) | this.byte();
    if (first === 0x80) return this.#bytes.readUInt32BE(this.#take(4));
    if (first !== 0x81) throw new RdbError('a length has an unknown form');
    const from = this.#take(8);
    return this.#bytes.readUInt32BE(from) * 0x1_0000_0000 + this.#bytes.readUInt32BE(from + 4);
  }

  /** A number of elements, each of which takes at least one byte: more than there are bytes cannot be. */
  count(): number {
    const count = this.length();
    if (count > this.#end - this.#at) throw new RdbError('there are fewer elements than it says');
    return count;
  }

  blob(): Buffer {
    const first = this.byte();
    if (first >>> 6 !== 3) return this.#slice(this.#lengthAfter(first));
    const special = first & 0x3f;
    if (special === Special.compressed) {
      const packed = this.length();
      const length = this.length();
      if (length > STRING_BYTES_MAX) throw new RdbError('a string is too long');
      return decompressLzf(this.#slice(packed), length);
    }
    return Buffer.from(String(this.#special(special)), 'latin1');
  }

  #special(special: number): number {
    if (special === Special.int8) return this.#bytes.readInt8(this.#take(1));
    if (special === Special.int16) return this.#bytes.readInt16LE(this.#take(2));
    if (special === Special.int32) return this.#bytes.readInt32LE(this.#take(4));
    throw new RdbError('a string has an unknown form');
  }

  #slice(length: number): Buffer {
    if (length > STRING_BYTES_MAX) throw new RdbError('a string is too long');
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  string(): string {
    return this.blob().latin1Slice();
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** A double as text, as sorted sets had it before version 8. */
  doubleText(): number {
    const length = this.byte();
    if (length === 253) return Number.NaN;
    if (length === 254) return Number.POSITIVE_INFINITY;
    if (length === 255) return Number.NEGATIVE_INFINITY;
    const value = Number(this.#slice(length).latin1Slice());
    return length === 0 ? Number.NaN : value;
  }

  moment(): number {
    return Number(this.#bytes.readBigInt64LE(this.#take(8)));
  }
}
