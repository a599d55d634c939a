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

const C1H = 0x87c37b91 | 0;
const C1L = 0x114253d5;
const C2H = 0x4cf5ad43;
const C2L = 0x2745937f;
/** Of the final mixing. */
const F1H = 0xff51afd7 | 0;
const F1L = 0xed558ccd | 0;
const F2H = 0xc4ceb9fe | 0;
const F2L = 0x1a85ec53;

/**
 * `key`: the partition key as the partitioner sees it (`partitionKeyBytes`).
 *
 * One long function of local variables: calls that give back two halves would have to make objects or to go by way of variables of the
 * module, which costs three times as much. Names end with h and l for the halves of one number of 64 bits.
 */
export function tokenOf(key: Uint8Array): Token {
  const length = key.length;
  if (length === 0) return TOKEN_MIN;
  let h1h = 0;
  let h1l = 0;
  let h2h = 0;
  let h2l = 0;
  let kh = 0;
  let kl = 0;
  let h = 0;
  let l = 0;
  const tail = length & ~15;
  for (let at = 0; at < tail; at += 16) {
    // k1 = rotate(k1 * C1, 31) * C2; h1 = (rotate(h1 ^ k1, 27) + h2) * 5 + 0x52dce729
    kl = word(key, at);
    h = (mulHigh(kl, C1L) + Math.imul(word(key, at + 4), C1L) + Math.imul(kl, C1H)) | 0;
    l = Math.imul(kl, C1L);
    kh = (h << 31) | (l >>> 1);
    kl = (l << 31) | (h >>> 1);
    h1h ^= mulHigh(kl, C2L) + Math.imul(kh, C2L) + Math.imul(kl, C2H);
    h1l ^= Math.imul(kl, C2L);
    h = (h1h << 27) | (h1l >>> 5);
    l = (h1l << 27) | (h1h >>> 5);
    h1l = (l + h2l) | 0;
    h1h = (h + h2h + carry(h1l, l)) | 0;
    l = Math.imul(h1l, 5);
    h = mulHigh(h1l, 5) + Math.imul(h1h, 5);
    h1l = (l + 0x52dce729) | 0;
    h1h = (h + carry(h1l, l)) | 0;
    // k2 = rotate(k2 * C2, 33) * C1; h2 = (rotate(h2 ^ k2, 31) + h1) * 5 + 0x38495ab5
    kl = word(key, at + 8);
    h = (mulHigh(kl, C2L) + Math.imul(word(key, at + 12), C2L) + Math.imul(kl, C2H)) | 0;
    l = Math.imul(kl, C2L);
    kh = (l << 1) | (h >>> 31);
    kl = (h << 1) | (l >>> 31);
    h2h ^= mulHigh(kl, C1L) + Math.imul(kh, C1L) + Math.imul(kl, C1H);
    h2l ^= Math.imul(kl, C1L);
    h = (h2h << 31) | (h2l >>> 1);
    l = (h2l << 31) | (h2h >>> 1);
    h2l = (l + h1l) | 0;
    h2h = (h + h1h + carry(h2l, l)) | 0;
    l = Math.imul(h2l, 5);
    h = mulHigh(h2l, 5) + Math.imul(h2h, 5);
    h2l = (l + 0x38495ab5) | 0;
    h2h = (h + carry(h2l, l)) | 0;
  }
  if (length > tail + 8) {
    kh = tailHigh(key, tail + 8, length);
    kl = tailLow(key, tail + 8, length);
    h = (mulHigh(kl, C2L) + Math.imul(kh, C2L) + Math.imul(kl, C2H)) | 0;
    l = Math.imul(kl, C2L);
    kh = (l << 1) | (h >>> 31);
    kl = (h << 1) | (l >>> 31);
    h2h ^= mulHigh(kl, C1L) + Math.imul(kh, C1L) + Math.imul(kl, C1H);
    h2l ^= Math.imul(kl, C1L);
  }
  if (length > tail) {
    const end = Math.min(length, tail + 8);
    kh = tailHigh(key, tail, end);
    kl = tailLow(key, tail, end);
    h = (mulHigh(kl, C1L) + Math.imul(kh, C1L) + Math.imul(kl, C1H)) | 0;
    l = Math.imul(kl, C1L);
    kh = (h << 31) | (l >>> 1);
    kl = (l << 31) | (h >>> 1);
    h1h ^= mulHigh(kl, C2L) + Math.imul(kh, C2L) + Math.imul(kl, C2H);
    h1l ^= Math.imul(kl, C2L);
  }
  h1l ^= length;
  h2l ^= length;
  // h1 += h2; h2 += h1
  l = h1l;
  h1l = (l + h2l) | 0;
  h1h = (h1h + h2h + carry(h1l, l)) | 0;
  l = h2l;
  h2l = (l + h1l) | 0;
  h2h = (h2h + h1h + carry(h2l, l)) | 0;
  // Both are mixed: three times k ^= k >>> 33, which moves the upper half, less one bit, into the lower one.
  h1l ^= h1h >>> 1;
  h = (mulHigh(h1l, F1L) + Math.imul(h1h, F1L) + Math.imul(h1l, F1H)) | 0;
  l = Math.imul(h1l, F1L) ^ (h >>> 1);
  h1h = (mulHigh(l, F2L) + Math.imul(h, F2L) + Math.imul(l, F2H)) | 0;
  h1l = Math.imul(l, F2L) ^ (h1h >>> 1);
  h2l ^= h2h >>> 1;
  h = (mulHigh(h2l, F1L) + Math.imul(h2h, F1L) + Math.imul(h2l, F1H)) | 0;
  l = Math.imul(h2l, F1L) ^ (h >>> 1);
  h2h = (mulHigh(l, F2L) + Math.imul(h, F2L) + Math.imul(l, F2H)) | 0;
  h2l = Math.imul(l, F2L) ^ (h2h >>> 1);
  const low = (h1l + h2l) | 0;
  const high = (h1h + h2h + carry(low, h1l)) | 0;
  // The smallest token stands for "before all": what hashes to it gets the largest.
  if (high === SIGN && low === 0) return { high: 0x7fffffff, low: 0xffffffff };
  return { high: high >>> 0, low: low >>> 0 };
}

const SIGN = 0x80000000 | 0;

/** Of a sum and one of its terms. */
function carry(sum: number, term: number): number {
  return sum >>> 0 < term >>> 0 ? 1 : 0;
}

/** The upper half of the product of two numbers of 32 bits, both unsigned. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) >>> 0;
  const middle2 = (Math.imul(a0, b1) + (middle & 0xffff)) >>> 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (middle2 >>> 16)) | 0;
}

function word(key: Uint8Array, at: number): number {
  return (
    (key[at] as number) |
    ((key[at + 1] as number) << 8) |
    ((key[at + 2] as number) << 16) |
    ((key[at + 3] as number) << 24)
  );
}

/** Up to eight bytes as one number, little-endian: bytes are sign-extended before they are shifted into place and combined by exclusive or. */
function tailLow(key: Uint8Array, from: number, to: number): number {
  let low = 0;
  for (let at = from, shift = 0; at < to && shift < 32; at += 1, shift += 8) low ^= signed(key, at) << shift;
  return low;
}

function tailHigh(key: Uint8Array, from: number, to: number): number {
  let high = 0;
  for (let at = from, shift = 0; at < to; at += 1, shift += 8) {
    const byte = signed(key, at);
    if (shift >= 32) high ^= byte << (shift - 32);
    else high ^= shift === 0 ? byte >> 31 : byte >> (32 - shift);
  }
  return high;
}

function signed(key: Uint8Array, at: number): number {
  return ((key[at] as number) << 24) >> 24;
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
