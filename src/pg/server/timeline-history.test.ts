import { expect, test } from 'vitest';
import { historyFileName, parseHistory } from './timeline-history.ts';

test('the ancestors of a timeline come with the places where they were left', () => {
  const text = '# comment\n1\t0/3000000\tno recovery target specified\n\n2\t1/A0\tno recovery target specified\n';
  expect(parseHistory(text)).toEqual([
    { timeline: 1, end: 0x300_0000n },
    { timeline: 2, end: 0x1_0000_00a0n },
  ]);
});

test('a history with a line that is none is not believed', () => {
  expect(parseHistory('1\t0/3000000\tx\n2\n')).toBeNull();
  expect(parseHistory('x\t0/3000000\n')).toBeNull();
});

test('the file of a timeline has its number in hexadecimal', () => {
  expect(historyFileName(2)).toBe('00000002.history');
  expect(historyFileName(0x1a)).toBe('0000001A.history');
});
