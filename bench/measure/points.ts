/** The points of load, and one measurement of one of them. */

import type { LoadPlan } from '../load/plan.ts';
import type { Operation } from '../load/requests.ts';
import { fillKeys, type LoadResult, runLoad } from '../load/run.ts';
import { slotOfKey } from '../load/slots.ts';
import type { Deployment } from '../servers/deployment.ts';
import { cpuOf_ms } from './processes.ts';

export interface Point {
  readonly name: string;
  readonly operation: Exclude<Operation, 'fill'>;
  readonly clients: number;
  readonly pipeline: number;
  /** The ratio (Folkmoot / Redis) to reach, or the operations a second. */
  readonly goal: { readonly ratio: number } | { readonly opsPerSecond: number };
}

const set = (clients: number, pipeline = 1): Point => ({
  name: `set-${clients}${pipeline > 1 ? `-p${pipeline}` : ''}`,
  operation: 'set',
  clients,
  pipeline,
  goal: { ratio: 1 },
});

export const POINTS: readonly Point[] = [
  set(1),
  set(16),
  set(50),
  set(200),
  set(50, 16),
  { name: 'get-50', operation: 'get', clients: 50, pipeline: 1, goal: { ratio: 0.8 } },
  { name: 'get-50-p16', operation: 'get', clients: 50, pipeline: 16, goal: { ratio: 0.5 } },
  { name: 'incr-50', operation: 'incr', clients: 50, pipeline: 1, goal: { opsPerSecond: 20_000 } },
];

export const VALUE_BYTES = 64;
export const HOT_KEY = 'counter';
const FILL_TIMEOUT_MS = 600_000;

export interface PointResult extends LoadResult {
  /** CPU time of each server process per operation, in the order of `Deployment.pids`. */
  readonly serverCpu_us: readonly number[];
}

export interface PointTimes {
  readonly warmup_ms: number;
  readonly window_ms: number;
  readonly onWindow?: (edge: 'begin' | 'end') => void;
}

export async function measurePoint(
  target: Deployment,
  point: Point,
  keyCount: number,
  times: PointTimes,
  workerCount = 1,
): Promise<PointResult> {
  const { pids } = target;
  let begin: number[] = [];
  let end: number[] = [];
  const plan = await planFor(target, point, keyCount);
  const onWindow = (edge: 'begin' | 'end'): void => {
    const now = pids.map(cpuOf_ms);
    if (edge === 'begin') begin = now;
    else end = now;
    times.onWindow?.(edge);
  };
  const load = await runLoad(plan, { ...times, onWindow }, workerCount);
  const serverCpu_us = end.map((value, index) => ((value - (begin[index] ?? 0)) * 1_000) / load.operations);
  return { ...load, serverCpu_us };
}

/** Writes every key once, without waiting for replicas. */
export async function fill(target: Deployment, keyCount: number): Promise<{ seconds: number; errors: number }> {
  const point: Point = { name: 'fill', operation: 'set', clients: 24, pipeline: 16, goal: { ratio: 1 } };
  const plan = await planFor(target, point, keyCount);
  return fillKeys({ ...plan, shape: { ...plan.shape, waitReplicas: 0 } }, FILL_TIMEOUT_MS);
}

async function planFor(target: Deployment, point: Point, keyCount: number): Promise<LoadPlan> {
  return {
    shape: {
      operation: point.operation,
      valueBytes: VALUE_BYTES,
      // A read waits for nobody.
      waitReplicas: point.operation === 'get' ? 0 : target.waitReplicas,
    },
    clients: point.clients,
    pipeline: point.pipeline,
    keyCount,
    hotKey: HOT_KEY,
    nodes: target.nodes,
    slots: await target.slots(),
    seed: 1_000_003,
  };
}

export const hotSlot = slotOfKey(HOT_KEY);
