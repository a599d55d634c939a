/**
 * What a HyperLogLog counts with (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog", 2007): 16384 registers. An element's
 * hash chooses a register by its lowest 14 bits, and the register keeps the longest run of zeros, plus one, that the other
 * 50 bits of any of its elements have begun with.
 */
import { type Hash64, murmurHash64 } from './murmur-hash.ts';

export const REGISTER_COUNT = 16_384;
const INDEX_BITS = 14;
/** Bits of the hash that are looked at for a run of zeros. */
export const RUN_BITS = 64 - INDEX_BITS;
/** Largest value of a register: fifty zeros and one. */
export const REGISTER_MAX = RUN_BITS + 1;
const SEED = 0xadc8_3b19;

/** The register and the value that an element asks it to have at least. */
export interface Mark {
  readonly index: number;
  readonly value: number;
}

export function markOf(bytes: Uint8Array, start: number, end: number): Mark {
  return markOfHash(murmurHash64(bytes, start, end, SEED));
}

function markOfHash({ high, low }: Hash64): Mark {
  const index = low & (REGISTER_COUNT - 1);
  const rest = low >>> INDEX_BITS;
  if (rest !== 0) return { index, value: trailingZeros(rest) + 1 };
  const zeros = high === 0 ? RUN_BITS : 32 - INDEX_BITS + trailingZeros(high);
  return { index, value: zeros + 1 };
}

/** Of a number that is not 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
