/** CRC-64 with the polynomial of Jones, as RDB files and DUMP use it: reflected, starting from 0. */

/** The polynomial 0xad93d23594c935a9 with its bits turned round. */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

const high = new Uint32Array(256);
const low = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  high[byte] = Number(crc >> 32n);
  low[byte] = Number(crc & 0xffff_ffffn);
}

/** In two halves of 32 bits, since bigints would take ten times as long. */
export function crc64(bytes: Uint8Array): bigint {
  let h = 0;
  let l = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const index = (l ^ (bytes[at] as number)) & 0xff;
    l = ((l >>> 8) | (h << 24)) ^ (low[index] as number);
    h = (h >>> 8) ^ (high[index] as number);
  }
  return (BigInt(h >>> 0) << 32n) | BigInt(l >>> 0);
}
