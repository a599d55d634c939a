/** What we read of global/pg_control, which is in the machine's own byte order. */
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';

/** The system identifier in decimal digits, as PostgreSQL shows it. Null when there is no such file, or a part of one. */
export async function readSystemIdentifier(dataFolder: string): Promise<string | null> {
  try {
    const file = await open(join(dataFolder, 'global', 'pg_control'), 'r');
    try {
      // The first field of every version.
      const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
      if (bytesRead < 8) return null;
      return String(endianness() === 'LE' ? buffer.readBigUInt64LE(0) : buffer.readBigUInt64BE(0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}
