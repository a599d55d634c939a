import { expect, test } from 'vitest';
import { Meter } from './meter.ts';

function meterOf(events: readonly (number | readonly [boolean, number])[]): Meter {
  const meter = new Meter();
  for (const event of events) {
    if (typeof event === 'number') meter.acknowledge(event);
    else meter.majority(...event);
  }
  return meter;
}

test('the longest gap is the longest time between two acknowledged writes', () => {
  expect(meterOf([]).gaps()).toEqual({ total_ms: 0, withMajority_ms: 0 });
  expect(meterOf([100, 110, 150, 155]).gaps()).toEqual({ total_ms: 40, withMajority_ms: 40 });
});

test('the time without a majority does not count against the cluster, what comes before and after it does', () => {
  expect(meterOf([0, [false, 30], [true, 100], 120]).gaps()).toEqual({ total_ms: 120, withMajority_ms: 30 });
  expect(meterOf([0, [false, 10], [true, 100], 150]).gaps()).toEqual({ total_ms: 150, withMajority_ms: 50 });
  expect(meterOf([0, [false, 10], [true, 20], [false, 45], [true, 50], 60]).gaps().withMajority_ms).toBe(25);
});

test('a majority that was away before the gap began counts from the beginning', () => {
  expect(meterOf([0, [false, 1], [true, 2], 5, 45]).gaps()).toEqual({ total_ms: 40, withMajority_ms: 40 });
  expect(meterOf([0, [false, 1], 5, [true, 20], 45]).gaps().withMajority_ms).toBe(25);
});

test('being told the same twice changes nothing', () => {
  expect(meterOf([0, [true, 5], [false, 10], [false, 11], [true, 20], 25]).gaps().withMajority_ms).toBe(10);
});
