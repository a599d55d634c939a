/**
 * Builds the reply of one command, in RESP2 or RESP3. One writer serves a whole door, since commands run one after the
 * other; `takeInto` moves the finished reply out.
 *
 * A reply that is a single constant, integer or bulk string, which is nearly all of them, is not written out here but
 * kept as what it is, and becomes bytes only in the connection's output buffer. That saves a copy and an allocation.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { DECIMAL_DIGITS_MAX, putDecimal } from './decimal.ts';
import { oneLine } from './errors.ts';
import { formatDouble } from './number-format.ts';

export const ReplyForm = {
  none: 0,
  /** All of `replyBuffer`, RESP already. */
  bytes: 1,
  /** replyBuffer[replyStart, replyEnd) as a bulk string. */
  bulk: 2,
  /** `replyStart` is the number. */
  integer: 3,
} as const;
export type ReplyForm = (typeof ReplyForm)[keyof typeof ReplyForm];

/** What carries a finished reply until it is its turn on the connection. */
export interface ReplyHolder {
  replyForm: ReplyForm;
  replyBuffer: Buffer;
  replyStart: number;
  replyEnd: number;
}

export const Constant = {
  empty: Buffer.alloc(0),
  ok: Buffer.from('+OK\r\n'),
  pong: Buffer.from('+PONG\r\n'),
  queued: Buffer.from('+QUEUED\r\n'),
  nullBulk2: Buffer.from('$-1\r\n'),
  nullArray2: Buffer.from('*-1\r\n'),
  null3: Buffer.from('_\r\n'),
  zero: Buffer.from(':0\r\n'),
  one: Buffer.from(':1\r\n'),
  emptyArray: Buffer.from('*0\r\n'),
  emptyBulk: Buffer.from('$0\r\n\r\n'),
  true3: Buffer.from('#t\r\n'),
  false3: Buffer.from('#f\r\n'),
} as const;

const CR = 0x0d;
const LF = 0x0a;
const DOLLAR = 0x24;
/** A sign, a number and the end of the line. */
const COUNT_BYTES_MAX = DECIMAL_DIGITS_MAX + 3;
const SIZE_START = 16_384;
/** Above this the buffer is given back after a large reply. */
const SIZE_KEPT_MAX = 1_048_576;

export class ReplyWriter implements ReplyHolder {
  replyForm: ReplyForm = ReplyForm.none;
  replyBuffer: Buffer = Constant.empty;
  replyStart = 0;
  replyEnd = 0;
  /** True: RESP3. */
  resp3 = false;
  #buffer: Buffer = Buffer.allocUnsafeSlow(SIZE_START);
  #length = 0;
  /** True while what is written is part of a larger reply. */
  #composite = false;

  begin(resp3: boolean): void {
    this.resp3 = resp3;
    this.#length = 0;
    this.#composite = false;
    this.replyForm = ReplyForm.none;
    this.replyBuffer = Constant.empty;
  }

  /** True when nothing was written since `begin`. */
  get isEmpty(): boolean {
    return this.replyForm === ReplyForm.none && this.#length === 0;
  }

  /** Moves the reply to its holder. Exactly one reply must have been written. */
  takeInto(holder: ReplyHolder): void {
    if (this.replyForm === ReplyForm.none) {
      assert(this.#length > 0, 'a command writes a reply');
      holder.replyForm = ReplyForm.bytes;
      holder.replyBuffer = Buffer.allocUnsafe(this.#length);
      this.#buffer.copy(holder.replyBuffer, 0, 0, this.#length);
      if (this.#buffer.length > SIZE_KEPT_MAX) this.#buffer = Buffer.allocUnsafeSlow(SIZE_START);
      return;
    }
    holder.replyForm = this.replyForm;
    holder.replyBuffer = this.replyBuffer;
    holder.replyStart = this.replyStart;
    holder.replyEnd = this.replyEnd;
    this.replyBuffer = Constant.empty;
  }

  /** Reply bytes that are complete already. `bytes` must stay unchanged. */
  constant(bytes: Buffer): void {
    if (this.#composite) {
      this.#append(bytes);
      return;
    }
    this.#single(ReplyForm.bytes);
    this.replyBuffer = bytes;
  }

  ok(): void {
    this.constant(Constant.ok);
  }

  integer(value: number): void {
    if (this.#composite) {
      this.#text(`:${value}\r\n`);
      return;
    }
    this.#single(ReplyForm.integer);
    this.replyStart = value;
  }

  bigInteger(value: bigint): void {
    this.#raw(`:${value}\r\n`);
  }

  /** A bulk string that is part of `buffer`, which must stay unchanged from here on. */
  bulkSlice(buffer: Buffer, start: number, end: number): void {
    if (this.#composite) {
      this.#bulkBytes(buffer, start, end);
      return;
    }
    this.#single(ReplyForm.bulk);
    this.replyBuffer = buffer;
    this.replyStart = start;
    this.replyEnd = end;
  }

  bulk(bytes: Uint8Array): void {
    this.bulkSlice(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes), 0, bytes.length);
  }

  /** A bulk string given as latin1 text: one byte a char. */
  text(text: string): void {
    if (!this.#composite) {
      this.bulk(Buffer.from(text, 'latin1'));
      return;
    }
    // Straight into the buffer: large replies are made of these.
    const { length } = text;
    this.#reserve(COUNT_BYTES_MAX + length + 2);
    this.#count(DOLLAR, length);
    this.#buffer.latin1Write(text, this.#length);
    this.#length += length;
    this.#endLine();
  }

  /** A bulk string given as text that goes out as UTF-8. */
  utf8(text: string): void {
    this.bulk(Buffer.from(text, 'utf8'));
  }

  /** A status line such as `+OK`. */
  status(text: string): void {
    this.#raw(`+${oneLine(text)}\r\n`);
  }

  /** `text` begins with the error's prefix. */
  error(text: string): void {
    this.#raw(`-${oneLine(text)}\r\n`);
  }

  null(): void {
    this.constant(this.resp3 ? Constant.null3 : Constant.nullBulk2);
  }

  nullArray(): void {
    this.constant(this.resp3 ? Constant.null3 : Constant.nullArray2);
  }

  boolean(value: boolean): void {
    if (this.resp3) this.constant(value ? Constant.true3 : Constant.false3);
    else this.integer(value ? 1 : 0);
  }

  double(value: number): void {
    if (this.resp3) this.#raw(`,${formatDouble(value)}\r\n`);
    else this.text(formatDouble(value));
  }

  /** A number that is written already: a double in RESP3, a bulk string in RESP2. */
  decimal(text: string): void {
    if (this.resp3) this.#raw(`,${text}\r\n`);
    else this.text(text);
  }

  /** Text of several lines for people: a verbatim string in RESP3. */
  verbatim(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    if (!this.resp3) {
      this.bulk(bytes);
      return;
    }
    this.#composite = true;
    this.#text(`=${bytes.length + 4}\r\ntxt:`);
    this.#append(bytes);
    this.#text('\r\n');
  }

  /** Header of an array; its `count` elements follow. */
  array(count: number): void {
    this.#header('*', count);
  }

  /** Header of a map; `count` pairs of key and value follow. A flat array in RESP2. */
  map(count: number): void {
    if (this.resp3) this.#header('%', count);
    else this.#header('*', count * 2);
  }

  set(count: number): void {
    this.#header(this.resp3 ? '~' : '*', count);
  }

  /** Appends RESP that is complete. */
  append(bytes: Uint8Array): void {
    this.#composite = true;
    this.#append(bytes);
  }

  /** Appends the reply that a holder carries. */
  appendHolder(holder: ReplyHolder): void {
    this.#composite = true;
    if (holder.replyForm === ReplyForm.bytes) this.#append(holder.replyBuffer);
    else if (holder.replyForm === ReplyForm.bulk)
      this.#bulkBytes(holder.replyBuffer, holder.replyStart, holder.replyEnd);
    else this.#text(`:${holder.replyStart}\r\n`);
  }

  /** Forgets what was written since `mark`, for an error in the middle of a larger reply. */
  mark(): number {
    return this.#length;
  }

  /** Undoes everything written since `mark` returned `position`. */
  rewind(position: number): void {
    this.#length = position;
    this.replyForm = ReplyForm.none;
    this.#composite = position > 0;
  }

  /**
   * Begins a reply that will be an element of the reply under way, as a bulk string of its RESP bytes. Returns a mark for
   * `endNested`.
   */
  beginNested(): number {
    this.#composite = true;
    return this.#length;
  }

  rewindNested(mark: number): void {
    this.#length = mark;
  }

  endNested(mark: number): void {
    const length = this.#length - mark;
    const header = `$${length}\r\n`;
    this.#reserve(header.length + 2);
    this.#buffer.copyWithin(mark + header.length, mark, this.#length);
    this.#buffer.latin1Write(header, mark);
    this.#length += header.length;
    this.#text('\r\n');
  }

  #header(sign: string, count: number): void {
    this.#composite = true;
    this.#reserve(COUNT_BYTES_MAX);
    this.#count(sign.charCodeAt(0), count);
  }

  #raw(line: string): void {
    this.#composite = true;
    this.#text(line);
  }

  #single(form: ReplyForm): void {
    assert(this.replyForm === ReplyForm.none, 'a command writes one reply');
    this.replyForm = form;
  }

  #bulkBytes(buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#reserve(COUNT_BYTES_MAX + length + 2);
    this.#count(DOLLAR, length);
    copyBytes(buffer, start, end, this.#buffer, this.#length);
    this.#length += length;
    this.#endLine();
  }

  /** `$12\r\n` and its like. There must be room for it. */
  #count(sign: number, count: number): void {
    this.#buffer[this.#length] = sign;
    this.#length = putDecimal(this.#buffer, this.#length + 1, count);
    this.#endLine();
  }

  #endLine(): void {
    this.#buffer[this.#length] = CR;
    this.#buffer[this.#length + 1] = LF;
    this.#length += 2;
  }

  #text(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#buffer.latin1Write(text, this.#length);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    copyBytes(bytes, 0, bytes.length, this.#buffer, this.#length);
    this.#length += bytes.length;
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** The reply as RESP bytes of its own, to be sent to another node. */
export function replyBytes(holder: ReplyHolder): Buffer {
  if (holder.replyForm === ReplyForm.bytes) return holder.replyBuffer;
  if (holder.replyForm === ReplyForm.integer) return Buffer.from(`:${holder.replyStart}\r\n`, 'latin1');
  const length = holder.replyEnd - holder.replyStart;
  const header = `$${length}\r\n`;
  const bytes = Buffer.allocUnsafe(header.length + length + 2);
  bytes.latin1Write(header, 0);
  holder.replyBuffer.copy(bytes, header.length, holder.replyStart, holder.replyEnd);
  bytes.latin1Write('\r\n', header.length + length);
  return bytes;
}
