/** Writing and reading the byte format of row commands: numbers big-endian, a length before everything that varies. */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Cell } from '../types/composite.ts';

const NULL = -1;
const UNSET = -2;

/** Bytes are no command or result of this version. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

export class CommandWriter {
  #bytes = Buffer.allocUnsafe(4 * 1024);
  #size = 0;

  begin(): void {
    this.#size = 0;
  }

  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#size));
    if (this.#bytes.length > 1024 * 1024) this.#bytes = Buffer.allocUnsafe(4 * 1024);
    return taken;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#size] = value;
    this.#size += 1;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u16(value: number): void {
    this.#room(2);
    this.#size = this.#bytes.writeUInt16BE(value, this.#size);
  }

  u32(value: number): void {
    this.#room(4);
    this.#size = this.#bytes.writeUInt32BE(value, this.#size);
  }

  i32(value: number): void {
    this.#room(4);
    this.#size = this.#bytes.writeInt32BE(value, this.#size);
  }

  u48(value: number): void {
    this.#room(6);
    this.#size = this.#bytes.writeUIntBE(value, this.#size, 6);
  }

  i64(value: bigint): void {
    this.#room(8);
    this.#size = this.#bytes.writeBigInt64BE(value, this.#size);
  }

  key(key: ByteKey): void {
    this.u32(key.length);
    this.#room(key.length);
    this.#size += this.#bytes.latin1Write(key, this.#size);
  }

  text(text: string): void {
    this.cell(Buffer.from(text, 'utf8'));
  }

  cell(cell: Cell | undefined): void {
    if (cell === undefined) this.i32(UNSET);
    else if (cell === null) this.i32(NULL);
    else {
      this.i32(cell.length);
      this.raw(cell);
    }
  }

  raw(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#size += bytes.copy(this.#bytes, this.#size);
  }

  #room(length: number): void {
    const end = this.#size + length;
    if (end <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}

/** Reads with bounds: what is cut off or goes on too long throws `CodecError`. Values are views of the bytes. */
export class CommandReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  since(at: number): Buffer {
    return this.#bytes.subarray(at, this.#at);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new CodecError('bytes after the end');
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  bool(): boolean {
    return this.u8() === 1;
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  u48(): number {
    return this.#bytes.readUIntBE(this.#take(6), 6);
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  key(): ByteKey {
    const length = this.u32();
    const at = this.#take(length);
    return this.#bytes.latin1Slice(at, at + length);
  }

  text(): string {
    return this.buffer().toString('utf8');
  }

  buffer(): Buffer {
    const cell = this.cell();
    if (cell === null || cell === undefined) throw new CodecError('a value is missing');
    return cell;
  }

  /** Not unset. */
  value(): Cell {
    const cell = this.cell();
    if (cell === undefined) throw new CodecError('a value is unset');
    return cell;
  }

  cell(): Cell | undefined {
    const length = this.i32();
    if (length === NULL) return null;
    if (length === UNSET) return undefined;
    return this.raw(length);
  }

  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A number of things to come, each of at least a byte. */
  count(): number {
    const count = this.u32();
    if (count > this.#bytes.length - this.#at) throw new CodecError('a count is too large');
    return count;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#bytes.length) throw new CodecError('bytes are missing');
    this.#at = at + length;
    return at;
  }
}
