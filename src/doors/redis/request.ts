/**
 * One command as it came in: a buffer and where in it each argument lies. Arguments are not cut out of the buffer
 * until a command asks for one, because a `subarray` costs more than the whole lookup of a GET.
 *
 * The buffer is a chunk of the socket (or one the parser assembled) and may hold other commands too: what outlives the
 * command has to be copied out of it.
 */
export class Request {
  readonly buffer: Buffer;
  /** start0, end0, start1, end1, ... */
  readonly offsets: readonly number[];

  constructor(buffer: Buffer, offsets: readonly number[]) {
    this.buffer = buffer;
    this.offsets = offsets;
  }

  /** A request of the door's own, or one that arrived from another node. */
  static of(...parts: readonly (string | Uint8Array)[]): Request {
    const buffers = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
    const offsets: number[] = [];
    let at = 0;
    for (const part of buffers) {
      offsets.push(at, at + part.length);
      at += part.length;
    }
    return new Request(Buffer.concat(buffers), offsets);
  }

  /** Number of arguments, the command's name included. */
  get count(): number {
    return this.offsets.length >>> 1;
  }

  start(index: number): number {
    return this.offsets[index * 2] as number;
  }

  end(index: number): number {
    return this.offsets[index * 2 + 1] as number;
  }

  length(index: number): number {
    return this.end(index) - this.start(index);
  }

  /** Bytes of all arguments: what the request weighs against limits. */
  weight(): number {
    const last = this.offsets.length - 1;
    return last < 0 ? 0 : (this.offsets[last] as number) - (this.offsets[0] as number);
  }

  /** A view on the argument; only as long-lived as the buffer. */
  bytes(index: number): Buffer {
    return this.buffer.subarray(this.start(index), this.end(index));
  }

  /** One char (0-255) a byte. */
  string(index: number): string {
    return this.buffer.latin1Slice(this.start(index), this.end(index));
  }

  /** As `string`, in upper case, for options and names of sub-commands. */
  word(index: number): string {
    return this.string(index).toUpperCase();
  }

  /** The arguments from `first` on, as views. */
  rest(first: number): Buffer[] {
    const list: Buffer[] = [];
    for (let index = first; index < this.count; index += 1) list.push(this.bytes(index));
    return list;
  }

  /** The argument as a signed 64-bit decimal without spaces, plus sign or leading zeros; undefined when it is not one. */
  integer(index: number): bigint | undefined {
    return parseInteger(this.buffer, this.start(index), this.end(index));
  }
}

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT64_MIN = -0x8000_0000_0000_0000n;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** Redis's `string2ll`: strict, so that the number prints back as the same bytes. */
export function parseInteger(bytes: Buffer, start: number, end: number): bigint | undefined {
  const small = parseSmallInteger(bytes, start, end);
  if (!Number.isNaN(small)) return BigInt(small);
  if (!isIntegerText(bytes, start, end)) return undefined;
  const value = BigInt(bytes.latin1Slice(start, end));
  return value > INT64_MAX || value < INT64_MIN ? undefined : value;
}

/** As `parseInteger` for numbers of at most 15 digits, exact as a double; NaN for all else. */
export function parseSmallInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === MINUS && end > start;
  if (negative) at += 1;
  const digits = end - at;
  if (digits < 1 || digits > 15) return Number.NaN;
  const first = bytes[at] as number;
  if (first === ZERO && (digits > 1 || negative)) return Number.NaN;
  let value = 0;
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) return Number.NaN;
    value = value * 10 + (byte - ZERO);
  }
  return negative ? -value : value;
}

function isIntegerText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  const negative = bytes[at] === MINUS;
  if (negative) at += 1;
  if (at >= end || end - at > 19) return false;
  if (bytes[at] === ZERO && (end - at > 1 || negative)) return false;
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) return false;
  }
  return true;
}

export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}
