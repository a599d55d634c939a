import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  denseRegister,
  emptyDense,
  emptySparse,
  isHyperLogLog,
  isSparse,
  setDenseRegister,
  unpackDense,
} from './format.ts';
import { CORRUPT, countOf, HyperLogLogEditor, mergeInto } from './hyperloglog.ts';
import { murmurHash64 } from './murmur-hash.ts';
import { type Mark, markOf, REGISTER_COUNT, REGISTER_MAX } from './registers.ts';
import { SPARSE_VALUE_MAX } from './sparse.ts';

const SPARSE_BYTES_MAX = 3_000;

/** The hash as its definition has it, in 64-bit arithmetic. */
function plainHash(bytes: Uint8Array, seed: bigint): bigint {
  const m = 0xc6a4_a793_5bd1_e995n;
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
  let hash = seed ^ u64(BigInt(bytes.length) * m);
  const wordAt = (from: number, to: number): bigint => {
    let word = 0n;
    for (let at = to - 1; at >= from; at -= 1) word = (word << 8n) | BigInt(bytes[at] as number);
    return word;
  };
  const blocksEnd = bytes.length - (bytes.length % 8);
  for (let at = 0; at < blocksEnd; at += 8) {
    let word = u64(wordAt(at, at + 8) * m);
    word = u64((word ^ (word >> 47n)) * m);
    hash = u64((hash ^ word) * m);
  }
  if (blocksEnd < bytes.length) hash = u64((hash ^ wordAt(blocksEnd, bytes.length)) * m);
  hash = u64((hash ^ (hash >> 47n)) * m);
  return hash ^ (hash >> 47n);
}

test('the hash in halves of 32 bits is the 64-bit one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(7), fc.nat(0xffff_ffff), (bytes, before, seed) => {
      const placed = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(9, 9)]);
      const { high, low } = murmurHash64(placed, before, before + bytes.length, seed);
      expect((BigInt(high) << 32n) | BigInt(low)).toBe(plainHash(bytes, BigInt(seed)));
    }),
    { numRuns: 2_000 },
  );
});

test('a mark is the register and the length of the run of zeros that the hash asks for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const hash = plainHash(bytes, 0xadc8_3b19n);
      const run = /0*$/.exec(((hash >> 14n) | (1n << 50n)).toString(2)) as RegExpExecArray;
      expect(markOf(bytes, 0, bytes.length)).toEqual({ index: Number(hash & 16_383n), value: run[0].length + 1 });
    }),
    { numRuns: 1_000 },
  );
});

describe('dense registers', () => {
  test('come back as they were set, without a change to their neighbours', () => {
    const payload = emptyDense(emptySparse());
    const expected = new Uint8Array(REGISTER_COUNT);
    const mark = fc.record({ index: fc.nat(REGISTER_COUNT - 1), value: fc.nat(63) });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(mark, fc.record({ index: fc.constantFrom(0, 16_383), value: fc.nat(63) }))),
        (marks) => {
          for (const { index, value } of marks) {
            setDenseRegister(payload, index, value);
            expected[index] = value;
          }
          for (const { index } of marks) expect(denseRegister(payload, index)).toBe(expected[index]);
          expect(Buffer.compare(unpackDense(payload), expected)).toBe(0);
        },
      ),
    );
    expect(payload.length).toBe(12_304);
    expect(isHyperLogLog(payload)).toBe(true);
  });
});

describe('a HyperLogLog', () => {
  /** Few registers, so that runs meet, split and join. */
  const mark: fc.Arbitrary<Mark> = fc.record({
    index: fc.oneof(fc.nat(200), fc.constantFrom(16_383, 16_382, 16_320, 64, 65)),
    value: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: SPARSE_VALUE_MAX })),
  });

  test('keeps the same registers sparse and dense, in any order, and says whether one was raised', () => {
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 300, size: 'max' }), (marks) => {
        const sparse = new HyperLogLogEditor(emptySparse(), SPARSE_BYTES_MAX);
        const expected = new Uint8Array(REGISTER_COUNT);
        for (const each of marks) {
          const rises = each.value > (expected[each.index] as number);
          sparse.changed = false;
          expect(sparse.raise(each)).toBeUndefined();
          expect(sparse.changed).toBe(rises);
          if (rises) expected[each.index] = each.value;
        }
        expect(isSparse(sparse.payload)).toBe(true);
        const registers = new Uint8Array(REGISTER_COUNT);
        expect(mergeInto(registers, sparse.payload)).toBeUndefined();
        expect(Buffer.compare(registers, expected)).toBe(0);
        const count = countOf(sparse.payload);
        sparse.makeDense();
        expect(Buffer.compare(unpackDense(sparse.payload), expected)).toBe(0);
        expect(countOf(sparse.payload)).toBe(count);
      }),
      { numRuns: 200 },
    );
  });

  test.each([SPARSE_VALUE_MAX + 1, REGISTER_MAX])(
    'turns dense for a register of %i, which has no sparse form',
    (value) => {
      const editor = new HyperLogLogEditor(emptySparse(), SPARSE_BYTES_MAX);
      editor.raise({ index: 5, value: 3 });
      editor.raise({ index: 6, value });
      expect(isSparse(editor.payload)).toBe(false);
      expect([denseRegister(editor.payload, 5), denseRegister(editor.payload, 6)]).toEqual([3, value]);
    },
  );

  test('is near the truth from one element to a hundred thousand', () => {
    const editor = new HyperLogLogEditor(emptySparse(), SPARSE_BYTES_MAX);
    for (let element = 1; element <= 100_000; element += 1) {
      const bytes = Buffer.from(`element ${element}`);
      editor.raise(markOf(bytes, 0, bytes.length));
      // Four standard errors; the elements are always the same ones.
      if (element < 10 || element % 5_000 === 0) {
        expect(Math.abs((countOf(editor.payload) as number) - element)).toBeLessThan(0.5 + element * 0.033);
      }
    }
  });

  test('with runs that do not add up is corrupt to whoever looks at all of it', () => {
    const short = emptySparse().subarray(0, 17);
    const long = Buffer.concat([emptySparse(), Buffer.from([0x80])]);
    for (const payload of [short, long]) {
      expect(isHyperLogLog(payload)).toBe(true);
      expect(countOf(payload)).toBe(CORRUPT);
      expect(mergeInto(new Uint8Array(REGISTER_COUNT), payload)).toBe(CORRUPT);
      expect(new HyperLogLogEditor(payload, SPARSE_BYTES_MAX).makeDense()).toBe(CORRUPT);
    }
    expect(new HyperLogLogEditor(short, SPARSE_BYTES_MAX).raise({ index: 16_383, value: 1 })).toBe(CORRUPT);
  });

  test.each([
    ['nothing', ''],
    ['another beginning', `HYLX${'\0'.repeat(12)}`],
    ['half a header', 'HYLL\x01'],
    ['an unknown encoding', `HYLL\x02${'\0'.repeat(12)}`],
    ['a dense one of the wrong length', `HYLL\0${'\0'.repeat(12_000)}`],
  ])('is not what has %s', (_, text) => {
    expect(isHyperLogLog(Buffer.from(text, 'latin1'))).toBe(false);
  });
});
