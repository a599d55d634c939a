/** A stamp as a value of its own. */
import type { Stamp } from './commands.ts';
import { readStamp, writeStamp } from './row-value.ts';

export function stampBytes(stamp: Stamp): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writeStamp(bytes, 0, stamp);
  return bytes;
}

export function readStampBytes(bytes: Buffer): Stamp {
  return readStamp(bytes, 0);
}
