/**
 * What we read of global/pg_control, which is in the machine's own byte order. The fields that we know are at the same places in all
 * versions that we run (src/include/catalog/pg_control.h).
 */
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';

/** PostgreSQL writes no more than this, so that a crash leaves the old file or the new one. */
const CONTROL_BYTES = 512;
const STATE_AT = 16;
const CHECKPOINT_AT = 32;
/** DB_SHUTDOWNED: a primary has ended in order. */
const SHUT_DOWN = 1;
/** The checksum is the last field, whose place depends on the version. */
const CHECKSUM_FROM = 240;
/** CRC-32C, reflected. */
const POLYNOMIAL = 0x82f63b78;

/** The system identifier in decimal digits, as PostgreSQL shows it. Null when there is no such file, or a part of one. */
export async function readSystemIdentifier(dataFolder: string): Promise<string | null> {
  // The first field of every version.
  const bytes = await readControl(dataFolder, 8);
  return bytes === null ? null : String(readUInt64(bytes, 0));
}

/**
 * Of a primary that was shut down in order: where its last record begins, the checkpoint of that shutdown, after which it has written
 * nothing. Null while it runs, and when it has ended otherwise. Says so before the processes have gone that send the log to standbys.
 */
export async function readShutdown(dataFolder: string): Promise<bigint | null> {
  const bytes = await readControl(dataFolder, CONTROL_BYTES);
  if (bytes === null || readUInt32(bytes, STATE_AT) !== SHUT_DOWN) return null;
  // It may be being written: only with a checksum are the state and the place of one write.
  return hasChecksum(bytes) ? readUInt64(bytes, CHECKPOINT_AT) : null;
}

/** Null when there is no file of that length. */
async function readControl(dataFolder: string, length: number): Promise<Buffer | null> {
  try {
    const file = await open(join(dataFolder, 'global', 'pg_control'), 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
      return bytesRead < length ? null : buffer;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/** Whether somewhere in the end is the checksum of all that is before it. */
function hasChecksum(bytes: Buffer): boolean {
  let remainder = 0xffffffff;
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const checksum = (remainder ^ 0xffffffff) >>> 0;
    if (at >= CHECKSUM_FROM && at % 4 === 0 && readUInt32(bytes, at) === checksum) return true;
    remainder ^= bytes[at] ?? 0;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  }
  return false;
}

function readUInt32(bytes: Buffer, at: number): number {
  return endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function readUInt64(bytes: Buffer, at: number): bigint {
  return endianness() === 'LE' ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
}
