/** The small pure parts: patterns, slots, numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globMatches } from './glob.ts';
import { addDecimal, formatDouble, parseFloatText } from './number-format.ts';
import { parseInteger, parseSmallInteger } from './request.ts';
import { slotOfString } from './slot.ts';

describe('patterns', () => {
  test.each([
    ['*', '', true],
    ['*', 'abc', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abbd', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['h[ae]llo', 'hello', true],
    ['h[^e]llo', 'hello', false],
    ['h[^e]llo', 'hallo', true],
    ['h[a-b]llo', 'hbllo', true],
    ['h[b-a]llo', 'hallo', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[\\]]', ']', true],
    ['a\\', 'a\\', true],
    ['[abc', 'a', true],
    ['', '', true],
    ['', 'a', false],
    ['a*b*c*', 'aXbYcZ', true],
  ])('%s against %s is %s', (pattern, text, matches) => {
    expect(globMatches(pattern, text)).toBe(matches);
  });

  test('do not try every way of sharing out the text: that would never end', () => {
    expect(globMatches(`${'a*'.repeat(30)}b`, 'a'.repeat(2_000))).toBe(false);
  });
});

test.each([
  ['123456789', 12_739],
  ['foo', 12_182],
  ['{user1000}.following', 3_443],
  ['user1000', 3_443],
  ['foo{}{bar}', 8_363],
  ['foo{{bar}}zap', 4_015],
  ['foo{bar}{zap}', 5_061],
])('the slot of %s is %i', (key, slot) => {
  expect(slotOfString(key)).toBe(slot);
});

describe('numbers', () => {
  test('are read only when they print back as the same text', () => {
    const read = (text: string): bigint | undefined => parseInteger(Buffer.from(text), 0, text.length);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(read(String(value))).toBe(value);
      }),
    );
    for (const text of [
      '',
      '-',
      '+1',
      '01',
      '-0',
      ' 1',
      '1 ',
      '1.0',
      '9223372036854775808',
      '-9223372036854775809',
      'x',
    ]) {
      expect(read(text)).toBeUndefined();
    }
    expect(parseSmallInteger(Buffer.from('123'), 0, 3)).toBe(123);
  });

  test.each([
    ['0.1', '0.2', '0.3'],
    ['10.50', '0.1', '10.6'],
    ['5.0e3', '2.0e2', '5200'],
    ['3', '-3', '0'],
    ['-0.5', '0.25', '-0.25'],
    ['1', '0.00000000000000001', '1.00000000000000001'],
    ['1', '0.000000000000000001', '1'],
    ['0x10', '1', '17'],
  ])('%s and %s are %s', (left, right, sum) => {
    expect(addDecimal(left, right)).toBe(sum);
  });

  test('floats are read as strtold reads them', () => {
    expect(parseFloatText('1e3')).toBe(1000);
    expect(parseFloatText('.5')).toBe(0.5);
    expect(parseFloatText('inf')).toBe(Number.POSITIVE_INFINITY);
    for (const text of ['', ' 1', '1 ', 'abc', 'nan', '1e', '1..2']) expect(parseFloatText(text)).toBeUndefined();
  });

  test('doubles print as in C', () => {
    expect([0.5, 1e21, 1e-7, Number.NEGATIVE_INFINITY, -0].map(formatDouble)).toEqual([
      '0.5',
      '1e+21',
      '1e-7',
      '-inf',
      '-0',
    ]);
  });
});
