/**
 * Positions of list elements: byte texts between any two of which there is another, so that an insertion moves no
 * element. A position is one or more digits of 48 bits, compared as texts; its last digit is never 0.
 *
 * Pushes count the first digit up or down from the middle: 10,000 a second at one end last for four hundred years. An
 * insertion between neighbours goes one digit deeper when there is no room, and leaves room on both sides there for
 * insertions that follow it in either direction, so that a position grows only when insertions at one place zigzag.
 */
const DIGIT_BYTES = 6;
const BASE = 2 ** 48;
const MIDDLE = BASE / 2;
const STEP = 2 ** 20;

export const FIRST_POSITION = digit(MIDDLE);

/** A list with a longer one than this has its positions there written anew (list.ts). */
export const POSITION_BYTES_MAX = 600;

export function positionBefore(position: string): string {
  return positionBetween('', position);
}

export function positionAfter(position: string): string {
  return positionBetween(position, undefined);
}

/** A position above `low` ('': none) and below `high` (undefined: none). */
export function positionBetween(low: string, high: string | undefined): string {
  let prefix = '';
  let bounded = high !== undefined;
  for (let at = 0; ; at += DIGIT_BYTES) {
    const hasLow = at < low.length;
    const a = hasLow ? readDigit(low, at) : 0;
    const b = bounded ? readDigit(high as string, at) : BASE;
    if (b - a > 1) return prefix + digit(chooseDigit(a, b, hasLow, bounded, at === 0));
    // No room on this level: below the lower bound's digit there is, and the upper bound holds no more once it is above.
    prefix += digit(a);
    if (b !== a) bounded = false;
  }
}

function chooseDigit(a: number, b: number, hasLow: boolean, bounded: boolean, isFirst: boolean): number {
  const step = isFirst ? 1 : STEP;
  if (hasLow && bounded) return a + Math.floor((b - a) / 2);
  if (hasLow) return a + Math.min(step, Math.floor((b - a) / 2));
  if (bounded) return b - Math.min(step, Math.floor((b - a) / 2));
  return MIDDLE;
}

/** `count` positions that begin with `prefix`, ascending and with room between them. */
export function spreadPositions(prefix: string, count: number): string[] {
  const step = Math.floor(BASE / (count + 1));
  return Array.from({ length: count }, (_, index) => prefix + digit(step * (index + 1)));
}

/** The part of a position whose subtree is written anew: all but the digits below the second. */
export function subtreeOf(position: string): string {
  return position.slice(0, DIGIT_BYTES * 2);
}

function digit(value: number): string {
  const high = Math.floor(value / 0x1_0000_0000);
  return String.fromCharCode(
    high >>> 8,
    high & 0xff,
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}

function readDigit(text: string, at: number): number {
  let value = 0;
  for (let index = at; index < at + DIGIT_BYTES; index += 1) value = value * 256 + text.charCodeAt(index);
  return value;
}
