/**
 * A batch of WAL records under construction, in one buffer that is used again for a later batch. The header's place is
 * kept free in front, so that closing a batch moves no byte.
 */
import { assert } from '../base/assert.ts';
import { BATCH_HEADER_BYTES, padded, putBatchHeader, putUint53, RECORD_HEADER_BYTES } from './wal-format.ts';

const INITIAL_BYTES = 256 * 1024;
/** A larger buffer is given back after its batch. */
const KEPT_BYTES = 4 * 1024 * 1024;

export class WalBatch {
  records = 0;
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #end = BATCH_HEADER_BYTES;

  get isEmpty(): boolean {
    return this.records === 0;
  }

  /** Bytes on disk, padding included. */
  get paddedBytes(): number {
    return padded(this.#end);
  }

  get payload(): Buffer {
    return this.#buffer.subarray(BATCH_HEADER_BYTES, this.#end);
  }

  add(kind: number, type: number, group: number, term: number, index: number, data: Uint8Array): void {
    assert(group >= 0 && group <= 0xffffffff, 'a WAL group is a u32');
    assert(Number.isSafeInteger(term) && Number.isSafeInteger(index), 'term and index are below 2^53');
    const at = this.#end;
    const dataAt = at + RECORD_HEADER_BYTES;
    const end = dataAt + data.length;
    if (padded(end) > this.#buffer.length) this.#grow(padded(end));
    const buffer = this.#buffer;
    buffer[at] = kind;
    buffer[at + 1] = type;
    buffer[at + 2] = 0;
    buffer[at + 3] = 0;
    buffer.writeUInt32LE(group, at + 4);
    putUint53(buffer, term, at + 8);
    putUint53(buffer, index, at + 16);
    buffer.writeUInt32LE(data.length, at + 24);
    buffer.set(data, dataAt);
    this.#end = end;
    this.records += 1;
  }

  /** Writes the header; `crc` is the batch's then. */
  close(salt: number, previousCrc: number, sequence: number, durableUpTo: number): number {
    return putBatchHeader(this.#buffer.subarray(0, this.#end), salt, previousCrc, sequence, durableUpTo, this.records);
  }

  /** The closed batch as it goes to disk. A view: valid until `reset`. */
  bytes(): Buffer {
    const end = padded(this.#end);
    this.#buffer.fill(0, this.#end, end);
    return this.#buffer.subarray(0, end);
  }

  reset(): void {
    this.records = 0;
    this.#end = BATCH_HEADER_BYTES;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
