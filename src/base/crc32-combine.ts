/**
 * The CRC-32 of two pieces from the CRC-32 of each: what comes first is multiplied by x^(8 * length of what follows) in GF(2), modulo the
 * polynomial. The way of zlib's `crc32_combine`. Polynomials are reflected: the highest bit is the coefficient of x^0.
 */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
/** x^(2^n). */
const POWERS = powers();

/** As `crc32(second, first)` of node:zlib, without reading what `second` is of, which has `length` bytes. */
export function combineCrc32(first: number, second: number, length: number): number {
  let factor = ONE;
  // In bits: 8 * length = length * 2^3.
  for (let rest = length, n = 3; rest > 0; rest = Math.floor(rest / 2), n++) {
    if (rest % 2 === 1) factor = multiply(POWERS[n % POWERS.length] as number, factor);
  }
  return (multiply(factor, first) ^ second) >>> 0;
}

function powers(): readonly number[] {
  const list = [0x40000000];
  for (let n = 1; n < 32; n++) list.push(multiply(list[n - 1] as number, list[n - 1] as number));
  return list;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
