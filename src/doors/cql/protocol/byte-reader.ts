/** Reads the notations of the native protocol. What is not there is a `ProtocolError`, never a crash. */
import type { Cell } from '../types/composite.ts';
import { UNSET, type Value } from '../types/value.ts';

/** The peer does not speak the protocol: ERROR 000A. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#skip(1)] as number;
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.#skip(2));
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#skip(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#skip(8));
  }

  string(): string {
    const length = this.short();
    const at = this.#skip(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  longString(): string {
    const length = this.int();
    if (length < 0) throw new ProtocolError(`Invalid length of a string: ${length}`);
    const at = this.#skip(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  stringList(): string[] {
    return Array.from({ length: this.short() }, () => this.string());
  }

  stringMap(): Map<string, string> {
    const map = new Map<string, string>();
    for (let left = this.short(); left > 0; left -= 1) map.set(this.string(), this.string());
    return map;
  }

  bytes(): Cell {
    const length = this.int();
    return length < 0 ? null : this.#take(length);
  }

  shortBytes(): Buffer {
    return this.#take(this.short());
  }

  /** [value]: a length of -2 leaves a column as it is. */
  value(): Value {
    const length = this.int();
    if (length === -2) return UNSET;
    if (length < -2) throw new ProtocolError(`Invalid ByteBuf length ${length}`);
    return length < 0 ? null : this.#take(length);
  }

  bytesMap(): Map<string, Buffer> {
    const map = new Map<string, Buffer>();
    for (let left = this.short(); left > 0; left -= 1) map.set(this.string(), this.bytes() ?? Buffer.alloc(0));
    return map;
  }

  #take(length: number): Buffer {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new ProtocolError('Not enough bytes in the message');
    this.#at = at + length;
    return at;
  }
}
