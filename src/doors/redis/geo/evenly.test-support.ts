import fc from 'fast-check';

/** Numbers from every part of a range alike: `fc.double` gives mostly numbers next to nothing. */
export function evenly(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 1_000_000_000 }).map((share) => min + ((max - min) * share) / 1_000_000_000);
}
