import { expect, test } from 'vitest';
import { reportLines, type TortureReport } from './report.ts';

const report: TortureReport = {
  verdict: 'valid',
  seed: 7,
  nodes: 3,
  seconds: 60,
  total: { operations: 12_345, acknowledged: 6_789, unknown: 12, failed: 34 },
  rows: [],
  leftOut: ['ring (each node reaches its two neighbours only): it takes 4 nodes'],
  lost: 0,
  duplicated: 0,
  undead: 0,
  torn: 0,
  keys: 99,
  replicaReads: 297,
  gaps: { total_ms: 4_321.5, withMajority_ms: 765.4 },
  elections: 31,
  faults: new Map([
    ['kill', 2],
    ['pause', 1],
  ]),
  problems: [],
  reasons: new Map([
    ['rare', 1],
    ['frequent', 20],
  ]),
};

test('a report has every number, what was left out and the seed', () => {
  const text = reportLines(report).join('\n');
  for (const part of [
    '12,345',
    '6,789',
    '99 keys',
    '765 ms',
    '4,322 ms',
    'kill 2, pause 1',
    'ring',
    'valid   seed 7',
  ]) {
    expect(text).toContain(part);
  }
  expect(text.indexOf('frequent')).toBeLessThan(text.indexOf('rare'));
  expect(text).not.toContain('problem');
});

test('a report of a violation says why, and that no disruption took place where none did', () => {
  const lines = reportLines({
    ...report,
    verdict: 'violation',
    faults: new Map(),
    problems: ['lost: x', 'replicas differ'],
  });
  expect(lines.filter((line) => line.startsWith('problem'))).toHaveLength(2);
  expect(lines.join('\n')).toMatch(/disruptions +none/);
  expect(lines.at(-1)).toMatch(/^verdict +violation/);
});
