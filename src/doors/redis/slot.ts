/**
 * Which slot a key belongs to: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384, as the Redis Cluster
 * specification says. A hash tag is what stands between the first `{` and the first `}` after it, unless that is empty.
 */
import { SLOT_COUNT } from '../../cluster/view.ts';

const CRC16 = new Uint16Array(256);
for (let index = 0; index < 256; index += 1) {
  let crc = index << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  CRC16[index] = crc;
}

const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** The slot of the key in bytes[start, end). */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== BRACE_OPEN) continue;
    const close = bytes.indexOf(BRACE_CLOSE, at + 1);
    if (close > at + 1 && close < end) return crc16(bytes, at + 1, close) & (SLOT_COUNT - 1);
    break;
  }
  return crc16(bytes, start, end) & (SLOT_COUNT - 1);
}

function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at += 1) {
    crc = ((crc << 8) & 0xffff) ^ (CRC16[(crc >>> 8) ^ (bytes[at] as number)] as number);
  }
  return crc;
}

/** The slot of a key given as a latin1 string. */
export function slotOfString(key: string): number {
  const bytes = Buffer.from(key, 'latin1');
  return slotOf(bytes, 0, bytes.length);
}
