import { describe, expect, test } from 'vitest';
import { checkKey, type KeyResult } from './checker.ts';
import { busyHistory } from './histories.test-support.ts';
import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { MODELS } from './models/all.ts';
import { layOut } from './picture/layout.ts';
import { sceneOf } from './picture/scene.ts';
import { drawHistory } from './picture.ts';

/** A history with a stale read that was planted in it. */
function violation(model: string, operations: number, unknown: number): KeyResult {
  const history = busyHistory(model, 5, { operations, clients: 5, unknown, unique: true });
  const isRead = ({ input, outcome, output }: Operation): boolean =>
    outcome === 'ok' && Boolean(output) && ['get', 'read', 'members', 'all'].includes((input as string[])[0] ?? '');
  const old = history.find((operation, index) => index > operations / 3 && isRead(operation));
  const [what] = (old as Operation).input as unknown[];
  const target = history.find(
    (operation, index) => index > operations * 0.8 && isRead(operation) && (operation.input as unknown[])[0] === what,
  );
  const planted = history.map((operation) =>
    operation === target ? { ...operation, output: old?.output } : operation,
  );
  const result = checkKey(MODELS[model] as Model, planted);
  expect(result.verdict).toBe('violation');
  return result;
}

describe.each(Object.keys(MODELS))('the picture of a violation on a %s', (model) => {
  test('is a page of its own that marks the operation that fits nowhere', () => {
    const result = violation(model, 300, 0.03);
    const page = drawHistory(result);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<link|src=|https?:/);
    expect(page.match(/<g class="bar blocked">/g)).toHaveLength(1);
    expect(page).toContain('fits nowhere: no order');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('shows a window of a long history, and every moment within its operation, in order', () => {
    const result = violation(model, 600, 0.03);
    const scene = sceneOf(result, 20);
    expect(scene.points).toHaveLength(20);
    expect(scene.bars.length).toBeLessThan(80);
    expect(scene.hiddenPlaced).toBe(result.linearization.length - 20);
    const { points, bars } = layOut(scene);
    const bounds = new Map(bars.map(({ bar, left, right }) => [bar, [left, right] as const]));
    let last = Number.NEGATIVE_INFINITY;
    for (const { point, x } of points) {
      const [left, right] = bounds.get(point.bar) ?? [0, 0];
      expect(x).toBeGreaterThan(last);
      expect(x).toBeGreaterThanOrEqual(left);
      expect(x).toBeLessThanOrEqual(right);
      last = x;
    }
    const rows = new Map<number, { left: number; right: number }[]>();
    for (const { row, left, right } of bars) rows.set(row, [...(rows.get(row) ?? []), { left, right }]);
    for (const row of rows.values()) {
      row.sort((a, b) => a.left - b.left);
      expect(row.every(({ left }, index) => index === 0 || left >= (row[index - 1]?.right ?? 0))).toBe(true);
    }
  });
});

test('text from a history cannot become markup', () => {
  const evil = '</script><img src=x onerror="alert(1)">&';
  const operations: Operation[] = [
    { process: 0, key: evil, call: 0, return: 1, input: ['set', evil], output: undefined, outcome: 'ok' },
    { process: 0, key: evil, call: 2, return: 3, input: ['get'], output: null, outcome: 'ok' },
  ];
  const page = drawHistory(checkKey(MODELS['register'] as Model, operations));
  expect(page).not.toContain('<img');
  expect(page).toContain('&#60;img');
});

test('a history without a violation, and an empty one, can be drawn as well', () => {
  const history = busyHistory('register', 1, { operations: 50, clients: 3, unknown: 0.1, unique: true });
  const page = drawHistory(checkKey(MODELS['register'] as Model, history), { title: 'calm' });
  expect(page).toContain('calm: linearizable');
  expect(page).not.toMatch(/NaN|Infinity|undefined|class="story"/);
  expect(drawHistory(checkKey(MODELS['register'] as Model, []))).not.toMatch(/NaN|Infinity/);
});
