/**
 * Tokens of the Murmur3 partitioner: the first half of MurmurHash3 x64 128 as Cassandra computes it, which takes the bytes of the tail as
 * signed. In halves of 32 bits: a token is computed for every statement, and BigInt would cost as much as all the rest.
 */

/** A token as two halves of 32 bits, both unsigned. */
export interface Token {
  readonly high: number;
  readonly low: number;
}

/** The token before all others, of the empty key; no other key has it. */
export const TOKEN_MIN: Token = { high: 0x80000000, low: 0 };

// The state of the hash: pairs of halves, in variables of the module so that no objects are made.
let h1h = 0;
let h1l = 0;
let h2h = 0;
let h2l = 0;
// The result of the last operation on 64 bits.
let rh = 0;
let rl = 0;

/** What is hashed: of one column its own bytes; of several each with its length before and 00 behind. */
export function partitionKeyBytes(values: readonly Buffer[]): Buffer {
  if (values.length === 1) return values[0] as Buffer;
  let size = 0;
  for (const value of values) size += 3 + value.length;
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (const value of values) {
    at = bytes.writeUInt16BE(value.length, at);
    value.copy(bytes, at);
    at += value.length + 1;
  }
  return bytes;
}

/** `key`: the partition key as the partitioner sees it (`partitionKeyBytes`). */
export function tokenOf(key: Uint8Array): Token {
  const length = key.length;
  if (length === 0) return TOKEN_MIN;
  h1h = 0;
  h1l = 0;
  h2h = 0;
  h2l = 0;
  const blocks = length >>> 4;
  for (let block = 0; block < blocks; block += 1) mixBlock(key, block << 4);
  mixTail(key, blocks << 4, length & 15);
  finish(length);
  // The smallest token stands for "before all": what hashes to it gets the largest.
  if (h1h >>> 0 === 0x80000000 && h1l === 0) return { high: 0x7fffffff, low: 0xffffffff };
  return { high: h1h >>> 0, low: h1l >>> 0 };
}

/** The slot of a token: the upper 14 bits of token + 2^63. */
export function slotOfToken(token: Token): number {
  return ((token.high ^ 0x80000000) >>> 0) >>> 18;
}

export function tokenToBigInt({ high, low }: Token): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

export function tokenFromBigInt(value: bigint): Token {
  const bits = BigInt.asUintN(64, value);
  return { high: Number(bits >> 32n), low: Number(bits & 0xffffffffn) };
}

const C1H = 0x87c37b91;
const C1L = 0x114253d5;
const C2H = 0x4cf5ad43;
const C2L = 0x2745937f;

function mixBlock(key: Uint8Array, at: number): void {
  multiply(word(key, at + 4), word(key, at), C1H, C1L);
  rotate(rh, rl, 31);
  multiply(rh, rl, C2H, C2L);
  h1h ^= rh;
  h1l ^= rl;
  rotate(h1h, h1l, 27);
  add(rh, rl, h2h, h2l);
  timesFivePlus(rh, rl, 0x52dce729);
  h1h = rh;
  h1l = rl;
  multiply(word(key, at + 12), word(key, at + 8), C2H, C2L);
  rotate(rh, rl, 33);
  multiply(rh, rl, C1H, C1L);
  h2h ^= rh;
  h2l ^= rl;
  rotate(h2h, h2l, 31);
  add(rh, rl, h1h, h1l);
  timesFivePlus(rh, rl, 0x38495ab5);
  h2h = rh;
  h2l = rl;
}

function mixTail(key: Uint8Array, at: number, count: number): void {
  if (count > 8) {
    tailWord(key, at + 8, count - 8);
    multiply(rh, rl, C2H, C2L);
    rotate(rh, rl, 33);
    multiply(rh, rl, C1H, C1L);
    h2h ^= rh;
    h2l ^= rl;
  }
  if (count > 0) {
    tailWord(key, at, Math.min(count, 8));
    multiply(rh, rl, C1H, C1L);
    rotate(rh, rl, 31);
    multiply(rh, rl, C2H, C2L);
    h1h ^= rh;
    h1l ^= rl;
  }
}

/** Bytes are sign-extended before they are shifted into place and combined by exclusive or. */
function tailWord(key: Uint8Array, at: number, count: number): void {
  let high = 0;
  let low = 0;
  for (let i = 0; i < count; i += 1) {
    const byte = ((key[at + i] as number) << 24) >> 24;
    const sign = byte < 0 ? -1 : 0;
    const shift = i * 8;
    if (shift === 0) {
      low ^= byte;
      high ^= sign;
    } else if (shift < 32) {
      low ^= byte << shift;
      high ^= (byte >> (32 - shift)) | (sign << shift);
    } else high ^= byte << (shift - 32);
  }
  rh = high;
  rl = low;
}

function finish(length: number): void {
  h1l ^= length;
  h2l ^= length;
  add(h1h, h1l, h2h, h2l);
  h1h = rh;
  h1l = rl;
  add(h2h, h2l, h1h, h1l);
  h2h = rh;
  h2l = rl;
  finalMix(h1h, h1l);
  h1h = rh;
  h1l = rl;
  finalMix(h2h, h2l);
  add(h1h, h1l, rh, rl);
  h1h = rh;
  h1l = rl;
}

function finalMix(high: number, low: number): void {
  // k ^= k >>> 33, which moves the upper half, less one bit, into the lower one.
  multiply(high, low ^ (high >>> 1), 0xff51afd7, 0xed558ccd);
  multiply(rh, rl ^ (rh >>> 1), 0xc4ceb9fe, 0x1a85ec53);
  rl ^= rh >>> 1;
}

function word(key: Uint8Array, at: number): number {
  return (
    (key[at] as number) |
    ((key[at + 1] as number) << 8) |
    ((key[at + 2] as number) << 16) |
    ((key[at + 3] as number) << 24)
  );
}

function multiply(ah: number, al: number, bh: number, bl: number): void {
  const a0 = al & 0xffff;
  const a1 = al >>> 16;
  const b0 = bl & 0xffff;
  const b1 = bl >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const middle2 = a0 * b1 + (middle & 0xffff);
  rl = (middle2 << 16) | (low & 0xffff);
  const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000);
  rh = (Math.imul(ah, bl) + Math.imul(al, bh) + carry) | 0;
}

function add(ah: number, al: number, bh: number, bl: number): void {
  const low = (al >>> 0) + (bl >>> 0);
  rl = low | 0;
  rh = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0;
}

function rotate(high: number, low: number, by: number): void {
  if (by === 32) {
    rh = low;
    rl = high;
  } else if (by < 32) {
    rh = (high << by) | (low >>> (32 - by));
    rl = (low << by) | (high >>> (32 - by));
  } else {
    const rest = by - 32;
    rh = (low << rest) | (high >>> (32 - rest));
    rl = (high << rest) | (low >>> (32 - rest));
  }
}

function timesFivePlus(high: number, low: number, plus: number): void {
  multiply(high, low, 0, 5);
  add(rh, rl, 0, plus);
}
