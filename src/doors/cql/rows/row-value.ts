/**
 * Values of rows and of elements.
 *
 * A row:      01 | flags u8 | marker u16 | times u16 | expiry entry u48 if flag 2 | each time: stamp i64, end u48 | cells by column
 *   flags     1: it may have elements behind it | 2: the expiry index has an entry for the row, at the moment that follows
 *   marker    which of the times an INSERT made the row at; ffff: none did, and the row is there as long as it has cells
 *   cell      column u16 | time u16 | length i32 | value in wire format
 * An element: 02 | stamp i64 | end u48 | what it adds to the collection in wire format: [length, value], for a map also the key before it
 *
 * Cells that were written together share their time. `end` is the moment of expiry in milliseconds, 0 for none; its highest bit says
 * that the client gave the stamp (USING TIMESTAMP). Numbers are big-endian. Nothing in either is there any more once its end has come.
 *
 * Every row that has elements has a value, be it an empty one: it is the first of the row's keys and tells where the row begins.
 *
 * Version log: 01 and 02, first.
 */
import { assert } from '../../../base/assert.ts';
import type { Stamp } from './commands.ts';
import { copyBytes } from './copy-bytes.ts';

const ROW = 1;
const ELEMENT = 2;
const FLAG_ELEMENTS = 1;
const FLAG_ENTRY = 2;
const NO_MARKER = 0xffff;
const HEADER_BYTES = 6;
const TIME_BYTES = 14;
const CELL_BYTES = 8;
/** What is before an element's part of its collection. */
export const ELEMENT_HEADER_BYTES = 15;
const EXPLICIT_BIT = 2 ** 47;

export function isElementValue(bytes: Buffer): boolean {
  return bytes[0] === ELEMENT;
}

/** A row's value taken apart, without an object for each cell. One of these is used again and again. */
export class StoredRow {
  bytes: Buffer = EMPTY;
  mayHaveElements = false;
  /** Of the row's entry in the expiry index; 0: it has none. */
  entry_ms = 0;
  /** Index of the marker's time, -1 without a marker. */
  marker = -1;
  timeCount = 0;
  cellCount = 0;
  /** Of each time: */
  readonly stamps: Stamp[] = [];
  /** 0: it does not expire. */
  readonly ends_ms: number[] = [];
  readonly explicit: boolean[] = [];
  /** Of each cell: its column, its time, and where its length and value begin. */
  readonly columns: number[] = [];
  readonly times: number[] = [];
  readonly places: number[] = [];
  #next = 0;

  /** Nothing at all. */
  clear(): void {
    this.bytes = EMPTY;
    this.mayHaveElements = false;
    this.entry_ms = 0;
    this.marker = -1;
    this.timeCount = 0;
    this.cellCount = 0;
    this.#next = 0;
  }

  parse(bytes: Buffer): void {
    assert(bytes[0] === ROW, 'the value of a row is of a version that this node knows');
    this.bytes = bytes;
    const flags = bytes[1] as number;
    this.mayHaveElements = (flags & FLAG_ELEMENTS) !== 0;
    const marker = bytes.readUInt16BE(2);
    this.marker = marker === NO_MARKER ? -1 : marker;
    this.timeCount = bytes.readUInt16BE(4);
    let at = HEADER_BYTES;
    this.entry_ms = 0;
    if ((flags & FLAG_ENTRY) !== 0) {
      this.entry_ms = bytes.readUIntBE(at, 6);
      at += 6;
    }
    for (let i = 0; i < this.timeCount; i += 1) {
      this.stamps[i] = readStamp(bytes, at);
      const end = bytes.readUIntBE(at + 8, 6);
      this.explicit[i] = end >= EXPLICIT_BIT;
      this.ends_ms[i] = end >= EXPLICIT_BIT ? end - EXPLICIT_BIT : end;
      at += TIME_BYTES;
    }
    let count = 0;
    const { length } = bytes;
    while (at < length) {
      this.columns[count] = bytes.readUInt16BE(at);
      this.times[count] = bytes.readUInt16BE(at + 2);
      this.places[count] = at + 4;
      count += 1;
      at += CELL_BYTES + bytes.readInt32BE(at + 4);
    }
    assert(at === length, 'the value of a row ends with a cell');
    this.cellCount = count;
    this.#next = 0;
  }

  isTimeLive(time: number, now_ms: number): boolean {
    const end_ms = this.ends_ms[time] as number;
    return end_ms === 0 || now_ms < end_ms;
  }

  hasLiveMarker(now_ms: number): boolean {
    return this.marker >= 0 && this.isTimeLive(this.marker, now_ms);
  }

  hasLiveCell(now_ms: number): boolean {
    for (let i = 0; i < this.cellCount; i += 1) if (this.isTimeLive(this.times[i] as number, now_ms)) return true;
    return false;
  }

  /** Which cell is the column's, -1 for none. Columns that are asked for in their order are found at once. */
  find(column: number): number {
    let next = this.#next;
    if (next < this.cellCount && this.columns[next] === column) {
      this.#next = next + 1;
      return next;
    }
    let low = 0;
    let high = this.cellCount - 1;
    while (low <= high) {
      next = (low + high) >>> 1;
      const found = this.columns[next] as number;
      if (found === column) {
        this.#next = next + 1;
        return next;
      }
      if (found < column) low = next + 1;
      else high = next - 1;
    }
    return -1;
  }

  /** As `find`, and -1 also for a cell that has expired. */
  findLive(column: number, now_ms: number): number {
    const cell = this.find(column);
    return cell >= 0 && this.isTimeLive(this.times[cell] as number, now_ms) ? cell : -1;
  }

  /** A view. */
  value(cell: number): Buffer {
    const place = this.places[cell] as number;
    return this.bytes.subarray(place + 4, place + 4 + this.bytes.readInt32BE(place));
  }
}

const EMPTY = Buffer.alloc(0);

/** Puts a row's value together; cells are added in the order of columns. One of these is used again and again. */
export class RowEncoder {
  readonly #stamps: Stamp[] = [];
  readonly #ends: number[] = [];
  #times = 0;
  #cells = Buffer.allocUnsafe(16 * 1024);
  #size = 0;
  #soonest_ms = 0;
  marker = -1;

  begin(): void {
    this.#times = 0;
    this.#size = 0;
    this.#soonest_ms = 0;
    this.marker = -1;
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.marker < 0;
  }

  /** When the first of what was added expires; 0: never. */
  get soonest_ms(): number {
    return this.#soonest_ms;
  }

  /** The index of a time, for cells and the marker. */
  time(stamp: Stamp, isExplicit: boolean, end_ms: number): number {
    const end = isExplicit ? end_ms + EXPLICIT_BIT : end_ms;
    if (end_ms > 0 && (this.#soonest_ms === 0 || end_ms < this.#soonest_ms)) this.#soonest_ms = end_ms;
    for (let i = 0; i < this.#times; i += 1) if (this.#stamps[i] === stamp && this.#ends[i] === end) return i;
    this.#stamps[this.#times] = stamp;
    this.#ends[this.#times] = end;
    this.#times += 1;
    return this.#times - 1;
  }

  cell(column: number, time: number, value: Buffer): void {
    const at = this.#head(column, time, 4 + value.length);
    this.#cells.writeInt32BE(value.length, at);
    copyBytes(value, 0, value.length, this.#cells, at + 4);
  }

  /** A cell as it is, but with a time of this row. */
  copy(row: StoredRow, cell: number, time: number): void {
    const place = row.places[cell] as number;
    const length = 4 + row.bytes.readInt32BE(place);
    const at = this.#head(row.columns[cell] as number, time, length);
    copyBytes(row.bytes, place, place + length, this.#cells, at);
  }

  finish(mayHaveElements: boolean, entry_ms: number): Buffer {
    const timesAt = HEADER_BYTES + (entry_ms > 0 ? 6 : 0);
    const cellsAt = timesAt + this.#times * TIME_BYTES;
    const bytes = Buffer.allocUnsafe(cellsAt + this.#size);
    bytes[0] = ROW;
    bytes[1] = (mayHaveElements ? FLAG_ELEMENTS : 0) | (entry_ms > 0 ? FLAG_ENTRY : 0);
    bytes.writeUInt16BE(this.marker < 0 ? NO_MARKER : this.marker, 2);
    bytes.writeUInt16BE(this.#times, 4);
    if (entry_ms > 0) bytes.writeUIntBE(entry_ms, HEADER_BYTES, 6);
    for (let i = 0, at = timesAt; i < this.#times; i += 1, at += TIME_BYTES) {
      writeStamp(bytes, at, this.#stamps[i] as Stamp);
      bytes.writeUIntBE(this.#ends[i] as number, at + 8, 6);
    }
    copyBytes(this.#cells, 0, this.#size, bytes, cellsAt);
    if (this.#cells.length > CELLS_BYTES_KEPT) this.#cells = Buffer.allocUnsafe(16 * 1024);
    return bytes;
  }

  #head(column: number, time: number, length: number): number {
    const at = this.#size;
    const end = at + 4 + length;
    if (end > this.#cells.length) this.#grow(end);
    this.#cells.writeUInt16BE(column, at);
    this.#cells.writeUInt16BE(time, at + 2);
    this.#size = end;
    return at + 4;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, 2 * this.#cells.length));
    this.#cells.copy(larger, 0, 0, this.#size);
    this.#cells = larger;
  }
}

const CELLS_BYTES_KEPT = 1024 * 1024;

/** An element's value; `fragment` goes into the collection as it is. */
export function encodeElement(
  stamp: Stamp,
  isExplicit: boolean,
  end_ms: number,
  parts: readonly (Buffer | null)[],
): Buffer {
  let size = ELEMENT_HEADER_BYTES;
  for (const part of parts) size += 4 + (part === null ? 0 : part.length);
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = ELEMENT;
  writeStamp(bytes, 1, stamp);
  bytes.writeUIntBE(isExplicit ? end_ms + EXPLICIT_BIT : end_ms, 9, 6);
  let at = ELEMENT_HEADER_BYTES;
  for (const part of parts) {
    at = bytes.writeInt32BE(part === null ? -1 : part.length, at);
    if (part !== null) at = copyBytes(part, 0, part.length, bytes, at);
  }
  return bytes;
}

export function elementStamp(bytes: Buffer): Stamp {
  return readStamp(bytes, 1);
}

/** 0: it does not expire. */
export function elementEnd_ms(bytes: Buffer): number {
  const end = bytes.readUIntBE(9, 6);
  return end >= EXPLICIT_BIT ? end - EXPLICIT_BIT : end;
}

export function isElementExplicit(bytes: Buffer): boolean {
  return (bytes[9] as number) >= 0x80;
}

export function isElementLive(bytes: Buffer, now_ms: number): boolean {
  const end_ms = elementEnd_ms(bytes);
  return end_ms === 0 || now_ms < end_ms;
}

/** The last part: a list's, set's or field's value, a map's value. A view. */
export function elementValue(bytes: Buffer, isMap: boolean): Buffer {
  let at = ELEMENT_HEADER_BYTES;
  if (isMap) at += 4 + bytes.readInt32BE(at);
  return bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
}

/** A map's key. A view. */
export function elementMapKey(bytes: Buffer): Buffer {
  const at = ELEMENT_HEADER_BYTES;
  return bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
}

/** Numbers are exact up to 2^53; only clients' own stamps are ever beyond. */
export function readStamp(bytes: Buffer, at: number): Stamp {
  const high = bytes.readInt32BE(at);
  if (high < 0x200000 && high >= -0x200000) return high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
  return bytes.readBigInt64BE(at);
}

export function writeStamp(bytes: Buffer, at: number, stamp: Stamp): void {
  if (typeof stamp === 'bigint') bytes.writeBigInt64BE(stamp, at);
  else {
    bytes.writeInt32BE(Math.floor(stamp / 0x1_0000_0000), at);
    bytes.writeUInt32BE(stamp >>> 0, at + 4);
  }
}

/** A stamp as small as it can be held exactly. */
export function stampOf(value: bigint): Stamp {
  return value <= 9_007_199_254_740_991n && value >= -9_007_199_254_740_991n ? Number(value) : value;
}
