/**
 * Reads requests from the bytes of one connection: arrays of bulk strings, or inline commands (a line of words).
 *
 * Invariants:
 * 1. A request that lies within one chunk is not copied; its arguments are offsets into the chunk.
 * 2. A request that is spread over chunks is collected in one buffer that grows by doubling, or to what is announced, and parsing goes
 *    on where it stopped: neither a 512 MB value in 64 KB chunks nor a million small arguments cost quadratic time.
 * 3. After a `ProtocolError` the parser is dead: the connection answers the error and closes, as Redis does.
 *
 * 4. A large argument that is collected lies behind room for the headers of who stores it (base/room-before.ts), and
 *    its checksums are known (base/arrival-checksums.ts).
 *
 * Memory is reserved for what a client announces only up to a multiple of what has arrived.
 */
import { ArrivalChecksums } from '../../base/arrival-checksums.ts';
import { noteRoom, ROOM_BYTES, ROOM_DATA_BYTES_MIN } from '../../base/room-before.ts';
import { Request } from './request.ts';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface ParserLimits {
  /** Longest bulk string, bytes (`proto-max-bulk-len`). */
  bulkBytes_max: number;
}

/** Redis: 1,048,576 before a client has authenticated, INT_MAX after; the lower serves every real client. */
export const MULTIBULK_LENGTH_MAX = 1_048_576;
export const INLINE_BYTES_MAX = 65_536;

const CR = 0x0d;
const LF = 0x0a;
const DOLLAR = 0x24;
const STAR = 0x2a;
const MINUS = 0x2d;
const ZERO = 0x30;
const EMPTY = Buffer.alloc(0);
/** How many times what has arrived is reserved for what is announced: 10 MB are in place after two moves. */
const BELIEVED_FACTOR = 16;
/** What comes behind a large argument in its last chunk fits, too: it would be moved for nothing. */
const LAST_CHUNK_BYTES = 64 * 1024;
/** A line longer than this cannot be a length. */
const LENGTH_LINE_MAX = 32;

export class RespParser {
  readonly #limits: ParserLimits;
  #buffer: Buffer = EMPTY;
  /** True when `#buffer` is ours to grow, false when it is the socket's chunk. */
  #owned = false;
  #end = 0;
  /** Where the request under way begins. */
  #begin = 0;
  #at = 0;
  /** Arguments still to come; -1 between requests. */
  #missing = -1;
  /** Length of the bulk string whose header was read; -1 when a header is next. */
  #bulkLength = -1;
  /** Of the large bulk string under way, once it is collected: there is room before it then. */
  #checksums: ArrivalChecksums | null = null;
  #offsets: number[] = [];

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  /** Bytes held for a request that has not arrived in full. */
  get heldBytes(): number {
    return this.#end - this.#begin;
  }

  /** Takes over a chunk. Call `next` until it returns undefined before pushing another. */
  push(chunk: Buffer): void {
    const held = this.#end - this.#begin;
    if (held === 0) {
      this.#buffer = chunk;
      this.#owned = false;
      this.#begin = 0;
      this.#at = 0;
      this.#end = chunk.length;
      return;
    }
    this.#collect(held, chunk);
  }

  #collect(held: number, chunk: Buffer): void {
    const needed = held + chunk.length;
    if (!this.#owned || this.#begin > 0 || needed > this.#buffer.length) this.#move(held, needed);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
    if (this.#checksums !== null) this.#sum(this.#checksums);
  }

  /** What has come of the bulk string under way since the last time. */
  #sum(checksums: ArrivalChecksums): void {
    const from = this.#at + checksums.length;
    const to = Math.min(this.#end, this.#at + this.#bulkLength);
    if (to > from) checksums.add(this.#buffer.subarray(from, to));
  }

  /** To a buffer with more space. One that was handed out with earlier requests stays theirs. */
  #move(held: number, needed: number): void {
    const { length } = this.#buffer;
    const arguments_bytes = this.#at - this.#begin;
    const isLarge = this.#bulkLength >= ROOM_DATA_BYTES_MIN;
    const room = isLarge && this.#checksums === null ? ROOM_BYTES : 0;
    // The bulk under way tells how much will come.
    let announced = this.#bulkLength < 0 ? 0 : arguments_bytes + room + this.#bulkLength + 2;
    if (isLarge) announced += LAST_CHUNK_BYTES;
    const doubled = this.#owned && this.#begin === 0 ? length * 2 : 0;
    const size = Math.max(
      needed + room,
      announced === 0 ? doubled : Math.min(announced, needed * BELIEVED_FACTOR),
      512,
    );
    const grown = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(grown, 0, this.#begin, this.#at);
    this.#buffer.copy(grown, arguments_bytes + room, this.#at, this.#end);
    const shift = this.#begin;
    for (let index = 0; index < this.#offsets.length; index += 1) {
      this.#offsets[index] = (this.#offsets[index] as number) - shift;
    }
    this.#buffer = grown;
    this.#owned = true;
    this.#begin = 0;
    this.#at = arguments_bytes + room;
    this.#end = held + room;
    if (!isLarge) return;
    this.#checksums ??= new ArrivalChecksums();
    noteRoom(grown, this.#at - ROOM_BYTES, this.#at);
  }

  /** The next whole request, or undefined when more bytes are needed. Empty requests are skipped. Throws `ProtocolError`. */
  next(): Request | undefined {
    for (;;) {
      if (this.#missing < 0) {
        if (this.#at >= this.#end) {
          this.#begin = this.#at;
          return undefined;
        }
        this.#begin = this.#at;
        if (this.#buffer[this.#at] !== STAR) {
          const inline = this.#nextInline();
          if (inline === null) continue;
          return inline;
        }
        if (!this.#readCount()) return undefined;
        if (this.#missing < 0) continue;
      }
      return this.#readArguments();
    }
  }

  /** Reads `*N\r\n`. False when it is not all here. An empty array leaves `#missing` at -1. */
  #readCount(): boolean {
    const lineEnd = this.#lineEnd(this.#at + 1);
    if (lineEnd < 0) {
      if (this.#end - this.#at > INLINE_BYTES_MAX) throw new ProtocolError('too big mbulk count string');
      return false;
    }
    const count = this.#length(this.#at + 1, lineEnd);
    if (Number.isNaN(count) || count > MULTIBULK_LENGTH_MAX) throw new ProtocolError('invalid multibulk length');
    this.#at = lineEnd + 2;
    if (count <= 0) return true;
    this.#missing = count;
    this.#bulkLength = -1;
    this.#offsets = [];
    return true;
  }

  #readArguments(): Request | undefined {
    const buffer = this.#buffer;
    const offsets = this.#offsets;
    while (this.#missing > 0) {
      if (this.#bulkLength < 0 && !this.#readBulkHeader()) return undefined;
      const start = this.#at;
      const end = start + this.#bulkLength;
      if (end + 2 > this.#end) return undefined;
      offsets.push(start, end);
      this.#at = end + 2;
      this.#bulkLength = -1;
      this.#missing -= 1;
      this.#checksums?.note(buffer, start);
      this.#checksums = null;
    }
    this.#missing = -1;
    this.#offsets = [];
    this.#begin = this.#at;
    return new Request(buffer, offsets);
  }

  /** Reads `$N\r\n`. */
  #readBulkHeader(): boolean {
    const buffer = this.#buffer;
    let at = this.#at;
    if (at >= this.#end) return false;
    const first = buffer[at] as number;
    if (first !== DOLLAR) throw new ProtocolError(`expected '$', got '${String.fromCharCode(first)}'`);
    // Most lengths have one to three digits: read them without looking for the line's end first.
    at += 1;
    let length = 0;
    let digits = 0;
    for (; at < this.#end; at += 1) {
      const digit = (buffer[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
      digits += 1;
      if (digits > 12) throw new ProtocolError('invalid bulk length');
    }
    if (at + 1 >= this.#end) {
      if (at < this.#end && buffer[at] !== CR) throw new ProtocolError('invalid bulk length');
      return false;
    }
    if (digits === 0 || buffer[at] !== CR || length > this.#limits.bulkBytes_max) {
      throw new ProtocolError('invalid bulk length');
    }
    this.#at = at + 2;
    this.#bulkLength = length;
    return true;
  }

  /** Position of the CR of the line that begins at `from`; -1 when CR and LF are not both here. */
  #lineEnd(from: number): number {
    const at = this.#buffer.indexOf(CR, from);
    return at < 0 || at + 1 >= this.#end ? -1 : at;
  }

  #length(start: number, end: number): number {
    let at = start;
    const negative = this.#buffer[at] === MINUS;
    if (negative) at += 1;
    if (at >= end || end - at > LENGTH_LINE_MAX) return Number.NaN;
    let value = 0;
    for (; at < end; at += 1) {
      const digit = (this.#buffer[at] as number) - ZERO;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  /** undefined: more bytes needed; null: an empty line. */
  #nextInline(): Request | undefined | null {
    const found = this.#buffer.indexOf(LF, this.#at);
    if (found < 0 || found >= this.#end) {
      if (this.#end - this.#at > INLINE_BYTES_MAX) throw new ProtocolError('too big inline request');
      return undefined;
    }
    const lineEnd = found > this.#at && this.#buffer[found - 1] === CR ? found - 1 : found;
    const words = splitInline(this.#buffer.latin1Slice(this.#at, lineEnd));
    if (words === undefined) throw new ProtocolError('unbalanced quotes in request');
    this.#at = found + 1;
    this.#begin = this.#at;
    return words.length === 0 ? null : Request.of(...words);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** Redis's `sdssplitargs`: words, "double quotes" with escapes, 'single quotes'. undefined: unbalanced quotes. */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at] as string)) at += 1;
    if (at >= line.length) return words;
    let word = '';
    while (at < line.length && !isSpace(line[at] as string)) {
      const char = line[at] as string;
      if (char === '"' || char === "'") {
        const quoted = char === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
        if (quoted === undefined) return undefined;
        word += quoted.text;
        at = quoted.next;
        if (at < line.length && !isSpace(line[at] as string)) return undefined;
        break;
      }
      word += char;
      at += 1;
    }
    words.push(word);
  }
}

function isSpace(char: string): boolean {
  return (
    char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\v' || char === '\f' || char === '\0'
  );
}

function readDoubleQuoted(line: string, from: number): { text: string; next: number } | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    const char = line[at] as string;
    if (char === '"') return { text, next: at + 1 };
    if (char !== '\\' || at + 1 >= line.length) {
      text += char;
      at += 1;
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4));
    if (hex !== null) {
      text += String.fromCharCode(Number.parseInt(hex[1] as string, 16));
      at += 4;
      continue;
    }
    const escaped = line[at + 1] as string;
    text += ESCAPES[escaped] ?? escaped;
    at += 2;
  }
  return undefined;
}

function readSingleQuoted(line: string, from: number): { text: string; next: number } | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    const char = line[at] as string;
    if (char === "'") return { text, next: at + 1 };
    if (char === '\\' && line[at + 1] === "'") {
      text += "'";
      at += 2;
      continue;
    }
    text += char;
    at += 1;
  }
  return undefined;
}
