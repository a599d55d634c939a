/**
 * Counting and finding bits in part of a buffer. Bits are numbered from the first byte's highest bit, as in SETBIT.
 *
 * The long middle of a range is read as 32-bit words, which is four times as fast as bytes; a value's payload does not
 * begin on a word, so the bytes before and after are taken one by one. Neither task cares for the words' byte order.
 */
import { assert } from '../../../base/assert.ts';

/** A part of a buffer in whole bytes: start <= end. */
export interface ByteRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Words {
  /** Where the words begin and end in the buffer. Equal: there are none. */
  readonly start: number;
  readonly end: number;
  readonly words: Uint32Array;
}

function alignedWords({ bytes, start, end }: ByteRange): Words {
  const wordsStart = Math.min(end, start + (-(bytes.byteOffset + start) & 3));
  const count = (end - wordsStart) >>> 2;
  if (count === 0) return { start: end, end, words: new Uint32Array(0) };
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + wordsStart, count);
  return { start: wordsStart, end: wordsStart + count * 4, words };
}

/** Number of ones in a 32-bit word, by adding neighbouring groups of bits in parallel. */
function countWord(word: number): number {
  let sum = word - ((word >>> 1) & 0x5555_5555);
  sum = (sum & 0x3333_3333) + ((sum >>> 2) & 0x3333_3333);
  sum = (sum + (sum >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(sum, 0x0101_0101) >>> 24;
}

/** Number of ones in whole bytes. */
export function countOnes(range: ByteRange): number {
  const middle = alignedWords(range);
  let count = 0;
  for (let at = range.start; at < middle.start; at += 1) count += countWord(range.bytes[at] as number);
  const { words } = middle;
  // Counted by index: `for of` takes three times as long here (Node 20).
  for (let index = 0; index < words.length; index += 1) count += countWord(words[index] as number);
  for (let at = middle.end; at < range.end; at += 1) count += countWord(range.bytes[at] as number);
  return count;
}

/** The mask of a byte's bits from bit `first` to bit `last` of the eight, both included. */
function byteMask(first: number, last: number): number {
  return (0xff >>> first) & (0xff << (7 - last)) & 0xff;
}

/** Number of ones in the bits first..last, both included, counted from the start of `range`, in which they lie. */
export function countOnesOfBits(range: ByteRange, first: number, last: number): number {
  assert(first >= 0 && first <= last && last < (range.end - range.start) * 8, 'the bits lie in the range');
  const { bytes } = range;
  const firstByte = range.start + Math.floor(first / 8);
  const lastByte = range.start + Math.floor(last / 8);
  if (firstByte === lastByte) return countWord((bytes[firstByte] as number) & byteMask(first % 8, last % 8));
  return (
    countWord((bytes[firstByte] as number) & byteMask(first % 8, 7)) +
    countOnes({ bytes, start: firstByte + 1, end: lastByte }) +
    countWord((bytes[lastByte] as number) & byteMask(0, last % 8))
  );
}

/** Position of the first bit of that kind (0 or 1) among the bits first..last of `range`, both included; -1: there is none. */
export function findBit(range: ByteRange, wanted: number, first: number, last: number): number {
  assert(first >= 0 && first <= last && last < (range.end - range.start) * 8, 'the bits lie in the range');
  const { bytes, start } = range;
  // What is looked for becomes a one.
  const flip = wanted === 1 ? 0 : 0xff;
  const firstByte = start + Math.floor(first / 8);
  const lastByte = start + Math.floor(last / 8);
  let at = firstByte;
  let candidates = ((bytes[at] as number) ^ flip) & byteMask(first % 8, 7);
  if (candidates === 0) {
    at = skipBytes({ bytes, start: firstByte + 1, end: lastByte + 1 }, flip);
    if (at > lastByte) return -1;
    candidates = (bytes[at] as number) ^ flip;
  }
  const position = (at - start) * 8 + Math.clz32(candidates) - 24;
  return position > last ? -1 : position;
}

/** Index of the first byte in the range that is not `skipped` (0 or 255); the range's end when there is none. */
function skipBytes(range: ByteRange, skipped: number): number {
  const { bytes, end } = range;
  const middle = alignedWords(range);
  let at = range.start;
  for (; at < middle.start; at += 1) if (bytes[at] !== skipped) return at;
  const skippedWord = skipped === 0 ? 0 : 0xffff_ffff;
  const { words } = middle;
  for (let index = 0; index < words.length && words[index] === skippedWord; index += 1) at += 4;
  for (; at < end; at += 1) if (bytes[at] !== skipped) return at;
  return end;
}
