/** LZF, by which Redis compresses longer strings in RDB and DUMP (liblzf's format). Only reading: we write them plain. */
import { RdbError } from './rdb-error.ts';

const LITERAL_MAX = 32;
const LONG_LENGTH = 7;

/**
 * Control byte below 32: so many literal bytes and one more follow. Otherwise a copy from before: three bits of length
 * (7: one more byte of it), five bits and a byte of distance.
 */
export function decompressLzf(source: Buffer, length: number): Buffer {
  const target = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  const next = (): number => {
    if (from >= source.length) throw new RdbError('a compressed string is cut off');
    from += 1;
    return source[from - 1] as number;
  };
  while (from < source.length) {
    const control = next();
    if (control < LITERAL_MAX) {
      const count = control + 1;
      if (from + count > source.length || to + count > length) throw new RdbError('a compressed string is too long');
      source.copy(target, to, from, from + count);
      from += count;
      to += count;
      continue;
    }
    let count = control >>> 5;
    if (count === LONG_LENGTH) count += next();
    count += 2;
    let copyFrom = to - ((control & 0x1f) << 8) - next() - 1;
    if (copyFrom < 0 || to + count > length) throw new RdbError('a compressed string points outside');
    // Byte by byte: the copy may run into what it writes.
    for (; count > 0; count -= 1, copyFrom += 1, to += 1) target[to] = target[copyFrom] as number;
  }
  if (to !== length) throw new RdbError('a compressed string is too short');
  return target;
}
