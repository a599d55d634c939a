import { expect, test } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { stronglyConnected } from './strongly-connected.ts';

/** Two nodes are in one component when each can be reached from the other. */
function byReachability(edges: readonly (readonly number[])[]): string[] {
  const reach = edges.map((_, start) => {
    const seen = new Set<number>();
    const open = [...(edges[start] ?? [])];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      open.push(...(edges[node] ?? []));
    }
    return seen;
  });
  const components = edges.map((_, node) =>
    edges.flatMap((__, other) =>
      other === node || (reach[node]?.has(other) && reach[other]?.has(node)) ? [other] : [],
    ),
  );
  return [...new Set(components.filter(({ length }) => length > 1).map(String))].sort();
}

test('components are the sets of nodes that reach each other', () => {
  let found = 0;
  for (let seed = 0; seed < 2_000; seed++) {
    const random = new Prng(seed);
    const size = 1 + random.below(9);
    const edges = Array.from({ length: size }, () => Array.from({ length: random.below(3) }, () => random.below(size)));
    const components = stronglyConnected(size, (node) => edges[node] ?? []);
    const sorted = components.map((component) => String(component.sort((a, b) => a - b))).sort();
    expect(sorted, JSON.stringify(edges)).toEqual(byReachability(edges));
    found += components.length;
  }
  expect(found).toBeGreaterThan(500);
});

test('a path of 200,000 nodes does not exhaust the stack', () => {
  const size = 200_000;
  const components = stronglyConnected(size, (node) => [(node + 1) % size]);
  expect(components.map(({ length }) => length)).toEqual([size]);
});
