/**
 * A batch of WAL records under construction, in one buffer that is used again for a later batch. The header's place is
 * kept free in front, so that closing a batch moves no byte. Large data is not copied; its checksum was taken while it arrived, or is taken
 * when it is added: else all that came while a write was in flight would be read in one go.
 */
import { crc32 } from 'node:zlib';
import { arrivalChecksumOf } from '../base/arrival-checksums.ts';
import { assert } from '../base/assert.ts';
import { INSERTION_BYTES_MIN, type Insertion, piecesOf } from '../base/insertions.ts';
import {
  BATCH_HEADER_BYTES,
  padded,
  putBatchHeader,
  putUint53,
  RECORD_HEADER_BYTES,
  SECTOR_BYTES,
} from './wal-format.ts';

const INITIAL_BYTES = 256 * 1024;
/** A larger buffer is given back after its batch. */
const KEPT_BYTES = 4 * 1024 * 1024;

export class WalBatch {
  records = 0;
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #end = BATCH_HEADER_BYTES;
  #insertions: Insertion[] = [];
  #insertedBytes = 0;
  readonly #crcs = new Map<Uint8Array, number>();

  get isEmpty(): boolean {
    return this.records === 0;
  }

  /** Bytes on disk, padding included. */
  get paddedBytes(): number {
    return padded(this.#end + this.#insertedBytes);
  }

  /** The records, when none of them is large. */
  get payload(): Buffer {
    assert(this.#insertedBytes === 0, 'large records are not in the buffer');
    return this.#buffer.subarray(BATCH_HEADER_BYTES, this.#end);
  }

  add(kind: number, type: number, group: number, term: number, index: number, data: Uint8Array): void {
    assert(group >= 0 && group <= 0xffffffff, 'a WAL group is a u32');
    assert(Number.isSafeInteger(term) && Number.isSafeInteger(index), 'term and index are below 2^53');
    const at = this.#end;
    const dataAt = at + RECORD_HEADER_BYTES;
    const isLarge = data.length >= INSERTION_BYTES_MIN;
    const end = isLarge ? dataAt : dataAt + data.length;
    if (end + SECTOR_BYTES > this.#buffer.length) this.#grow(end + SECTOR_BYTES);
    const buffer = this.#buffer;
    buffer[at] = kind;
    buffer[at + 1] = type;
    buffer[at + 2] = 0;
    buffer[at + 3] = 0;
    buffer.writeUInt32LE(group, at + 4);
    putUint53(buffer, term, at + 8);
    putUint53(buffer, index, at + 16);
    buffer.writeUInt32LE(data.length, at + 24);
    if (isLarge) {
      this.#insertions.push({ at: dataAt, data });
      this.#insertedBytes += data.length;
      this.#crcs.set(data, arrivalChecksumOf(data) ?? crc32(data));
    } else buffer.set(data, dataAt);
    this.#end = end;
    this.records += 1;
  }

  /** Writes the header; `crc` is the batch's then. */
  close(salt: number, previousCrc: number, sequence: number, durableUpTo: number): number {
    const pieces = piecesOf(this.#buffer, 0, this.#end, this.#insertions);
    return putBatchHeader(pieces, this.#crcs, salt, previousCrc, sequence, durableUpTo, this.records);
  }

  /** The closed batch as it goes to disk. Views: valid until `reset`. */
  pieces(): Uint8Array[] {
    const end = this.paddedBytes - this.#insertedBytes;
    this.#buffer.fill(0, this.#end, end);
    return piecesOf(this.#buffer, 0, end, this.#insertions);
  }

  reset(): void {
    this.records = 0;
    this.#end = BATCH_HEADER_BYTES;
    if (this.#insertedBytes > 0) {
      this.#insertions = [];
      this.#insertedBytes = 0;
      this.#crcs.clear();
    }
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
