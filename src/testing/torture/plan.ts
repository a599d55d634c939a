/**
 * What happens to the cluster, and when, as data: the same seed gives the same plan. Real time stays real, so two runs of one
 * plan differ.
 *
 * The plan keeps the promise of the data: a majority of the disks is whole at every moment. A disruption that damages a
 * disk (`disk: true`) is alone, and the next one begins when the cluster is whole again. Everything else may take the
 * majority away for a while: then the cluster must refuse, and come back.
 */
import { assert } from '../../base/assert.ts';
import { Prng } from '../../base/prng.ts';

export interface FaultSpec {
  /** One line for people. */
  readonly what: string;
  /** How long it lasts before it is undone. */
  readonly duration_ms: readonly [least: number, most: number];
  /** What it concerns: two disruptions of the same concern never overlap. */
  readonly concern: 'processes' | 'network' | 'members' | 'disk' | 'clients' | 'clocks';
  readonly nodes_min: number;
  /** Means that only some runs have. */
  readonly needs?: 'disks';
}

/** Times suit the default lease of 600 ms: long enough for an election, and so short that many fit into a minute. */
export const FAULTS = {
  kill: { what: 'kill -9 of one node', duration_ms: [300, 3_000], concern: 'processes', nodes_min: 1 },
  'kill-leader': {
    what: 'kill -9 of the leader of a key in use',
    duration_ms: [300, 3_000],
    concern: 'processes',
    nodes_min: 1,
  },
  'kill-all': {
    what: 'kill -9 of all nodes',
    duration_ms: [200, 1_000],
    concern: 'processes',
    nodes_min: 1,
  },
  pause: { what: 'SIGSTOP, longer than the lease', duration_ms: [900, 4_000], concern: 'processes', nodes_min: 1 },
  'pause-leader': {
    what: 'SIGSTOP of the leader of a key in use',
    duration_ms: [900, 4_000],
    concern: 'processes',
    nodes_min: 1,
  },
  restart: { what: 'SIGTERM and start', duration_ms: [0, 500], concern: 'processes', nodes_min: 1 },
  isolate: { what: 'one node cut off', duration_ms: [1_000, 5_000], concern: 'network', nodes_min: 2 },
  halves: {
    what: 'two halves that cannot reach each other',
    duration_ms: [1_000, 5_000],
    concern: 'network',
    nodes_min: 2,
  },
  bridge: {
    what: 'two halves and one node that reaches both',
    duration_ms: [1_000, 5_000],
    concern: 'network',
    nodes_min: 3,
  },
  ring: {
    what: 'each node reaches its two neighbours only',
    duration_ms: [1_000, 5_000],
    concern: 'network',
    nodes_min: 4,
  },
  'one-way': {
    what: 'one node is heard and hears nothing, or the reverse',
    duration_ms: [1_000, 5_000],
    concern: 'network',
    nodes_min: 2,
  },
  'disk-full': {
    what: 'no space left on the disk of one node',
    duration_ms: [1_000, 4_000],
    concern: 'disk',
    nodes_min: 3,
    needs: 'disks',
  },
  corrupt: {
    what: 'bytes of the log or the store of one node changed while it is down',
    duration_ms: [200, 1_000],
    concern: 'disk',
    nodes_min: 3,
  },
  move: {
    what: 'a node joins, replicas move to it and on',
    duration_ms: [0, 500],
    concern: 'members',
    nodes_min: 3,
  },
  remove: {
    what: 'a node taken out of the cluster, its replicas moved to others',
    duration_ms: [0, 500],
    concern: 'members',
    nodes_min: 3,
  },
  transfer: { what: 'leadership handed over', duration_ms: [0, 200], concern: 'members', nodes_min: 2 },
  clients: {
    what: 'clients cut off from some nodes, which reach each other',
    duration_ms: [1_000, 5_000],
    concern: 'clients',
    nodes_min: 1,
  },
  clock: {
    what: 'the wall clock of one node jumps, and jumps again',
    duration_ms: [200, 3_000],
    concern: 'clocks',
    nodes_min: 1,
  },
} as const satisfies Record<string, FaultSpec>;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export interface Disruption {
  readonly kind: FaultKind;
  /** From the start of the load. */
  readonly begin_ms: number;
  readonly duration_ms: number;
  /** All nodes by index, in the order in which it hits them: the first is the victim, or the first side, and so on. */
  readonly order: readonly number[];
  /** Chooses among what is only known when the time has come, such as keys in use. */
  readonly draw: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly duration_ms: number;
  readonly kinds: readonly FaultKind[];
}

/** Before the first and after the last disruption: a run shows an undisturbed cluster, too. */
const QUIET_MS_MAX = 1_000;
const PAUSE_MS = [300, 2_500] as const;
const OVERLAP_CHANCE = 0.25;

/** In order of `begin_ms`. Every kind that fits comes once before any comes twice. */
export function planDisruptions(options: PlanOptions): Disruption[] {
  const { nodes, duration_ms } = options;
  assert(nodes > 0, 'a plan is for at least one node');
  const prng = new Prng(options.seed);
  const kinds = options.kinds.filter((kind) => FAULTS[kind].nodes_min <= nodes);
  const plan: Disruption[] = [];
  const quiet_ms = Math.min(QUIET_MS_MAX, duration_ms / 4);
  const end_ms = Math.floor(duration_ms - quiet_ms);
  let at_ms = Math.floor(quiet_ms);
  let bag: FaultKind[] = [];
  for (;;) {
    if (bag.length === 0) bag = shuffled(kinds, prng);
    const next = bag.find((kind) => fits(kind, at_ms, end_ms)) ?? kinds.find((kind) => fits(kind, at_ms, end_ms));
    if (next === undefined) return plan;
    bag = bag.filter((kind) => kind !== next);
    const first = drawDisruption(next, at_ms, end_ms, nodes, prng);
    plan.push(first);
    at_ms += first.duration_ms;
    const second = bag[0];
    if (prng.chance(OVERLAP_CHANCE) && second !== undefined && mayOverlap(next, second)) {
      const begin_ms = first.begin_ms + Math.floor(first.duration_ms * prng.fraction());
      if (fits(second, begin_ms, end_ms)) {
        bag.shift();
        const further = drawDisruption(second, begin_ms, end_ms, nodes, prng);
        plan.push(further);
        at_ms = Math.max(at_ms, begin_ms + further.duration_ms);
      }
    }
    at_ms += between(PAUSE_MS, prng);
  }
}

function fits(kind: FaultKind, begin_ms: number, end_ms: number): boolean {
  return begin_ms + FAULTS[kind].duration_ms[0] <= end_ms;
}

/** True of what leaves a majority of disks whole together, and can be undone in any order. */
export function mayOverlap(a: FaultKind, b: FaultKind): boolean {
  const concerns: readonly FaultSpec['concern'][] = [FAULTS[a].concern, FAULTS[b].concern];
  return concerns[0] !== concerns[1] && !concerns.includes('disk') && !concerns.includes('members');
}

/** It is over at `end_ms` at the latest. */
function drawDisruption(kind: FaultKind, begin_ms: number, end_ms: number, nodes: number, prng: Prng): Disruption {
  const order = shuffled(
    Array.from({ length: nodes }, (_, index) => index),
    prng,
  );
  const duration_ms = Math.min(between(FAULTS[kind].duration_ms, prng), end_ms - begin_ms);
  return { kind, begin_ms, duration_ms, order, draw: prng.uint32() };
}

function between([least, most]: readonly [number, number], prng: Prng): number {
  return least + prng.below(most - least + 1);
}

function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = prng.below(last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
