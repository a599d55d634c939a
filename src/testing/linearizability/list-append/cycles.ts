/**
 * Cycles in the dependency graph: no order of the transactions can explain the history. Each class of cycles is looked for
 * in the strongly connected components of the edges that it may consist of, and for each component the shortest cycle is
 * told.
 */
import type { Anomaly, AnomalyKind } from './anomaly.ts';
import { type DependencyGraph, type Edge, RT, RW, realTimeEdge, WR, WW } from './dependencies.ts';
import { stronglyConnected } from './strongly-connected.ts';

interface CycleClass {
  readonly kind: AnomalyKind;
  /** The cycle has an edge of this kind ... */
  readonly first: number;
  /** ... and goes on by edges of these kinds. */
  readonly rest: number;
  /** It is of another class, and told as such, when it can be closed by edges of these kinds. */
  readonly unless?: number;
}

/**
 * Those with real time are closed by one transaction having ended before another began. They are only told of components in
 * which no cycle was found before.
 */
const CLASSES: readonly CycleClass[] = [
  { kind: 'G0', first: WW, rest: WW },
  { kind: 'G1c', first: WR, rest: WW | WR },
  { kind: 'G-single', first: RW, rest: WW | WR },
  { kind: 'G2', first: RW, rest: WW | WR | RW, unless: WW | WR },
  { kind: 'G0-realtime', first: WW, rest: WW | RT },
  { kind: 'G1c-realtime', first: WR, rest: WW | WR | RT },
  { kind: 'G-single-realtime', first: RW, rest: WW | WR | RT },
  { kind: 'G2-realtime', first: RW, rest: WW | WR | RW | RT },
];

/** Searches in one component after which a shorter cycle is no longer worth it. The first cycle of a history is always found. */
const MAX_SEARCHES = 50;

export function findCycles(graph: DependencyGraph): Anomaly[] {
  const found: Anomaly[] = [];
  const told = new Set<number>();
  for (const cycleClass of CLASSES) {
    const kinds = cycleClass.first | cycleClass.rest;
    const components = stronglyConnected(graph.edges.length, (node) => targets(graph, node, kinds));
    for (const component of components) {
      if ((kinds & RT) !== 0 && component.some((node) => told.has(node))) continue;
      const maxSearches = found.length > 0 ? MAX_SEARCHES : Number.POSITIVE_INFINITY;
      const cycle = shortestCycle(graph, component, cycleClass, maxSearches);
      if (cycle === undefined) continue;
      found.push(tell(graph, cycleClass.kind, cycle));
      for (const { node } of cycle) told.add(node);
    }
  }
  return found;
}

function targets(graph: DependencyGraph, node: number, kinds: number): number[] {
  const nodes: number[] = [];
  for (const { to, kind } of graph.edges[node] ?? []) if ((kind & kinds) !== 0) nodes.push(to);
  return nodes;
}

/** A node, and the edge by which the cycle leaves it. */
interface Hop {
  readonly node: number;
  readonly edge: Edge;
}

function shortestCycle(
  graph: DependencyGraph,
  component: readonly number[],
  wanted: CycleClass,
  maxSearches: number,
): Hop[] | undefined {
  const members = new Set(component);
  let best: Hop[] | undefined;
  let searches = 0;
  for (const { node, edge } of firstEdges(graph, component, members, wanted.first)) {
    if (searches++ >= (best === undefined ? maxSearches : MAX_SEARCHES)) break;
    const path = shortestPath(graph, edge.to, node, wanted.rest, members);
    if (path === undefined || (best !== undefined && path.length + 1 >= best.length)) continue;
    const { unless } = wanted;
    if (unless !== undefined && shortestPath(graph, edge.to, node, unless, members) !== undefined) continue;
    best = [{ node, edge }, ...path];
    if (best.length === 2) break;
  }
  return best;
}

/** Those that lead furthest back in time come first: in a large component they are the ones that close cycles. */
function firstEdges(
  graph: DependencyGraph,
  component: readonly number[],
  members: ReadonlySet<number>,
  kind: number,
): Hop[] {
  const hops: Hop[] = [];
  for (const node of component) {
    for (const edge of graph.edges[node] ?? []) {
      if (edge.kind === kind && members.has(edge.to)) hops.push({ node, edge });
    }
  }
  const advance = ({ node, edge }: Hop): number => {
    const from = graph.transactions[node]?.operation.call ?? 0;
    return (graph.transactions[edge.to]?.operation.return ?? 0) - from;
  };
  // Infinity - Infinity cannot occur: calls are finite.
  return hops.sort((a, b) => (advance(a) < advance(b) ? -1 : 1));
}

/**
 * The way with the fewest edges from one node to another; undefined when there is none. Real time is transitive, so any
 * number of its edges in a row counts, and is told, as one.
 */
function shortestPath(
  graph: DependencyGraph,
  from: number,
  to: number,
  kinds: number,
  members: ReadonlySet<number>,
): Hop[] | undefined {
  const arrivals = new Map<number, Hop | undefined>([[from, undefined]]);
  const follow = (node: number, allowed: number, reached: number[]): void => {
    for (const edge of graph.edges[node] ?? []) {
      if ((edge.kind & allowed) === 0 || !members.has(edge.to) || arrivals.has(edge.to)) continue;
      arrivals.set(edge.to, { node, edge });
      reached.push(edge.to);
    }
  };
  let level = [from];
  while (level.length > 0 && !arrivals.has(to)) {
    const next: number[] = [];
    // The array grows while it is walked through.
    for (const node of level) follow(node, kinds & RT, level);
    if (arrivals.has(to)) break;
    for (const node of level) follow(node, kinds & ~RT, next);
    level = next;
  }
  return arrivals.has(to) ? pathTo(graph, arrivals, to) : undefined;
}

function pathTo(graph: DependencyGraph, arrivals: ReadonlyMap<number, Hop | undefined>, to: number): Hop[] {
  const path: Hop[] = [];
  for (let hop = arrivals.get(to); hop !== undefined; hop = arrivals.get(hop.node)) {
    const after = path.at(-1);
    if (hop.edge.kind !== RT || after?.edge.kind !== RT) path.push(hop);
    else path[path.length - 1] = { node: hop.node, edge: realTimeEdge(graph.transactions, hop.node, after.edge.to) };
  }
  return path.reverse();
}

function tell({ transactions }: DependencyGraph, kind: AnomalyKind, cycle: readonly Hop[]): Anomaly {
  const nameOf = (node: number): string => transactions[node]?.name ?? '';
  const reasons = cycle.map(({ node, edge }) => `${nameOf(node)} comes before ${nameOf(edge.to)}: ${edge.reason()}.`);
  return {
    kind,
    text: `${reasons.join(' ')} So ${nameOf(cycle[0]?.node ?? 0)} would come before itself.`,
    transactions: cycle.flatMap(({ node }) => transactions[node]?.operation ?? []),
  };
}
