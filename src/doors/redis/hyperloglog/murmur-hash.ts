/**
 * MurmurHash64A (Austin Appleby's MurmurHash2 for 64-bit machines), the hash that Redis's HyperLogLogs are made with. A
 * HyperLogLog is only of use to whoever hashes in the same way, so this one is part of the format.
 *
 * The 64-bit arithmetic is done on halves of 32 bits: bigints take thirty times as long.
 */

/** Halves of a 64-bit number, unsigned. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** The multiplier, 0xc6a4a7935bd1e995. */
const M_HIGH = 0xc6a4_a793;
const M_LOW = 0x5bd1_e995;
const M_LOW_HIGH16 = M_LOW >>> 16;
const M_LOW_LOW16 = M_LOW & 0xffff;

/** State of the hash under way; the functions below work on these, since a pair cannot be returned without an object. */
let high = 0;
let low = 0;

/** high:low *= M, modulo 2^64. */
function multiply(): void {
  const low16 = low & 0xffff;
  const high16 = low >>> 16;
  // low * M_LOW in full, by 16-bit parts, each product below 2^32.
  const bottom = low16 * M_LOW_LOW16;
  const middle = high16 * M_LOW_LOW16 + Math.floor(bottom / 0x1_0000);
  const carried = low16 * M_LOW_HIGH16 + (middle % 0x1_0000);
  const top = high16 * M_LOW_HIGH16 + Math.floor(middle / 0x1_0000) + Math.floor(carried / 0x1_0000);
  high = (Math.imul(high, M_LOW) + Math.imul(low, M_HIGH) + (top | 0)) >>> 0;
  low = Math.imul(low, M_LOW) >>> 0;
}

/** high:low ^= high:low >> 47 */
function foldHigh(): void {
  low = (low ^ (high >>> 15)) >>> 0;
}

/** The hash of bytes[start, end). `seed` has 32 bits. */
export function murmurHash64(bytes: Uint8Array, start: number, end: number, seed: number): Hash64 {
  const length = end - start;
  high = 0;
  low = length >>> 0;
  multiply();
  let hashHigh = high;
  let hashLow = (low ^ seed) >>> 0;

  const blocksEnd = start + (length & ~7);
  for (let at = start; at < blocksEnd; at += 8) {
    low = wordAt(bytes, at);
    high = wordAt(bytes, at + 4);
    multiply();
    foldHigh();
    multiply();
    high = (hashHigh ^ high) >>> 0;
    low = (hashLow ^ low) >>> 0;
    multiply();
    hashHigh = high;
    hashLow = low;
  }

  high = hashHigh;
  low = hashLow;
  if (blocksEnd < end) {
    for (let at = blocksEnd; at < end; at += 1) {
      const place = at - blocksEnd;
      const byte = bytes[at] as number;
      if (place < 4) low ^= byte << (place * 8);
      else high ^= byte << ((place - 4) * 8);
    }
    high >>>= 0;
    low >>>= 0;
    multiply();
  }
  foldHigh();
  multiply();
  foldHigh();
  return { high, low };
}

/** Four bytes, little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
