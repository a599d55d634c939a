/** The blobs in which Redis packs small collections: listpack, ziplist (before 7.0) and intset. All little-endian. */
import { RdbError } from './rdb-error.ts';

const END = 0xff;

/** Reads within one blob; past its end is an error. */
class Blob {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, from: number) {
    this.bytes = bytes;
    this.at = from;
  }

  #take(length: number): number {
    const from = this.at;
    if (from + length > this.bytes.length) throw new RdbError('a packed collection is cut off');
    this.at += length;
    return from;
  }

  byte(): number {
    return this.bytes[this.#take(1)] as number;
  }

  peek(): number {
    if (this.at >= this.bytes.length) throw new RdbError('a packed collection has no end');
    return this.bytes[this.at] as number;
  }

  signed(length: number): string {
    const from = this.#take(length);
    return length === 8 ? String(this.bytes.readBigInt64LE(from)) : String(this.bytes.readIntLE(from, length));
  }

  unsigned(length: number): number {
    return this.bytes.readUIntLE(this.#take(length), length);
  }

  unsignedBig(length: number): number {
    return this.bytes.readUIntBE(this.#take(length), length);
  }

  text(length: number): string {
    const from = this.#take(length);
    return this.bytes.latin1Slice(from, from + length);
  }

  skip(length: number): void {
    this.#take(length);
  }
}

function checkTotal(bytes: Buffer, headerBytes: number): void {
  if (bytes.length < headerBytes + 1 || bytes.readUInt32LE(0) !== bytes.length) {
    throw new RdbError('a packed collection has a wrong size');
  }
}

/** u32 size | u16 count | (encoding and data | length backwards)* | 0xff */
export function readListpack(bytes: Buffer): string[] {
  checkTotal(bytes, 6);
  const blob = new Blob(bytes, 6);
  const elements: string[] = [];
  while (blob.peek() !== END) {
    const from = blob.at;
    elements.push(listpackElement(blob));
    blob.skip(backwardsBytes(blob.at - from));
  }
  return elements;
}

function listpackElement(blob: Blob): string {
  const first = blob.byte();
  if (first < 0x80) return String(first);
  if (first < 0xc0) return blob.text(first & 0x3f);
  if (first < 0xe0) {
    const value = ((first & 0x1f) << 8) | blob.byte();
    return String(value >= 0x1000 ? value - 0x2000 : value);
  }
  if (first < 0xf0) return blob.text(((first & 0x0f) << 8) | blob.byte());
  if (first === 0xf0) return blob.text(blob.unsigned(4));
  if (first === 0xf1) return blob.signed(2);
  if (first === 0xf2) return blob.signed(3);
  if (first === 0xf3) return blob.signed(4);
  if (first === 0xf4) return blob.signed(8);
  throw new RdbError('a listpack has an unknown encoding');
}

function backwardsBytes(length: number): number {
  if (length <= 127) return 1;
  if (length < 16_384) return 2;
  if (length < 2_097_152) return 3;
  return length < 268_435_456 ? 4 : 5;
}

/** u32 size | u32 offset of the last | u16 count | (length of the one before | encoding and data)* | 0xff */
export function readZiplist(bytes: Buffer): string[] {
  checkTotal(bytes, 10);
  const blob = new Blob(bytes, 10);
  const elements: string[] = [];
  while (blob.peek() !== END) {
    if (blob.byte() === 0xfe) blob.skip(4);
    elements.push(ziplistElement(blob));
  }
  return elements;
}

function ziplistElement(blob: Blob): string {
  const first = blob.byte();
  if (first < 0x40) return blob.text(first);
  if (first < 0x80) return blob.text(((first & 0x3f) << 8) | blob.byte());
  if (first === 0x80) return blob.text(blob.unsignedBig(4));
  if (first === 0xc0) return blob.signed(2);
  if (first === 0xd0) return blob.signed(4);
  if (first === 0xe0) return blob.signed(8);
  if (first === 0xf0) return blob.signed(3);
  if (first === 0xfe) return blob.signed(1);
  if (first >= 0xf1 && first <= 0xfd) return String((first & 0x0f) - 1);
  throw new RdbError('a ziplist has an unknown encoding');
}

/** u32 bytes of a number | u32 count | numbers, ascending */
export function readIntset(bytes: Buffer): string[] {
  if (bytes.length < 8) throw new RdbError('an intset is cut off');
  const width = bytes.readUInt32LE(0);
  const count = bytes.readUInt32LE(4);
  if (![2, 4, 8].includes(width) || bytes.length !== 8 + width * count)
    throw new RdbError('an intset has a wrong size');
  const blob = new Blob(bytes, 8);
  return Array.from({ length: count }, () => blob.signed(width));
}
