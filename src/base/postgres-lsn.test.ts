import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, parseLsn } from './postgres-lsn.ts';

test('every 64-bit place survives being written and read', () => {
  fc.assert(fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (lsn) => parseLsn(formatLsn(lsn)) === lsn));
});

test('places are written as PostgreSQL writes them', () => {
  expect(formatLsn(0x16_b374_d848n)).toBe('16/B374D848');
  expect(formatLsn(0n)).toBe('0/0');
});

test('what is no place is null', () => {
  for (const text of ['', '0', '0/', '/0', '0/0/0', '0/123456789', '-1/0', '0/G', ' 0/0']) {
    expect(parseLsn(text), text).toBeNull();
  }
});
