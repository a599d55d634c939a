/** LEB128 numbers of at most 5 bytes, below 2^32, as write batches and snapshot chunks use them. */

/** A place in bytes that are decoded. */
export interface ByteCursor {
  at: number;
}

export function sizeOfVarint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Returns the position behind it. */
export function putVarint(out: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest >= 0x80) {
    out[at] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  out[at] = rest;
  return at + 1;
}

/** Moves the cursor behind it. -1 when it is cut off at `end`, longer than 5 bytes or not below 2^32. */
export function getVarint(bytes: Uint8Array, cursor: ByteCursor, end: number): number {
  let at = cursor.at;
  let result = 0;
  let scale = 1;
  for (let i = 0; i < 5 && at < end; i += 1) {
    const byte = bytes[at] as number;
    at += 1;
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      cursor.at = at;
      return result > 0xffffffff ? -1 : result;
    }
    scale *= 128;
  }
  return -1;
}
