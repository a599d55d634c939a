/**
 * CRC-32 of large data, taken piece by piece as it arrives and is in the processor's cache: whoever stores it needs not read it again, and the
 * event loop does not stand still for that. The checksums from the beginning to the end of each piece are kept, so that of any part follows
 * from two of them and what lies between the part's ends and the pieces'.
 */
import { crc32 } from 'node:zlib';
import { combineCrc32 } from './crc32-combine.ts';

/** For data below this, reading it again is cheaper than all this. */
export const ARRIVAL_BYTES_MIN = 512 * 1024;

const known = new WeakMap<ArrayBufferLike, ArrivalChecksums>();

export class ArrivalChecksums {
  /** ends[0] is 0, where the first piece begins. */
  readonly #ends: number[] = [0];
  /** crcs[i] is that of everything before ends[i]. */
  readonly #crcs: number[] = [0];
  #memory: Buffer | undefined;

  get length(): number {
    return this.#ends[this.#ends.length - 1] as number;
  }

  add(piece: Uint8Array): void {
    this.#crcs.push(crc32(piece, this.#crcs[this.#crcs.length - 1]));
    this.#ends.push(this.length + piece.length);
  }

  /** All that was added begins at memory[at], and nobody changes it any more. What was noted for the same memory before is forgotten. */
  note(memory: Buffer, at: number): void {
    this.#memory = memory.subarray(at, at + this.length);
    known.set(memory.buffer, this);
  }

  /** Of data that begins in what was added, or before it; undefined when it ends elsewhere. */
  of(data: Uint8Array): number | undefined {
    const memory = this.#memory as Buffer;
    const from = data.byteOffset - memory.byteOffset;
    const to = from + data.length;
    if (to > this.length || to < 0) return undefined;
    if (from >= 0) return combineCrc32(this.#before(from), this.#before(to), data.length);
    return combineCrc32(crc32(data.subarray(0, -from)), this.#before(to), to);
  }

  /** The checksum of everything before `at`. */
  #before(at: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#ends[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    const begin = this.#ends[low] as number;
    const crc = this.#crcs[low] as number;
    return begin === at ? crc : crc32((this.#memory as Buffer).subarray(begin, at), crc);
  }
}

/** The CRC-32 of large data whose checksums were taken when it arrived; else undefined. */
export function arrivalChecksumOf(data: Uint8Array): number | undefined {
  return data.length < ARRIVAL_BYTES_MIN ? undefined : known.get(data.buffer)?.of(data);
}
