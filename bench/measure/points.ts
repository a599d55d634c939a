/** The points of load, and one measurement of one of them. */

import type { LoadPlan } from '../load/plan.ts';
import { KEY, type RequestShape, valueText } from '../load/requests.ts';
import { fillKeys, type LoadResult, runLoad } from '../load/run.ts';
import { slotOfKey } from '../load/slots.ts';
import type { Deployment } from '../servers/deployment.ts';
import { cpuOf_ms } from './processes.ts';

export interface Point {
  readonly name: string;
  /** For the report: what is done, by how many clients. */
  readonly title: string;
  readonly shape: Omit<RequestShape, 'waitReplicas'>;
  /** A write waits for a replica where the reply does not say that there is one; a read waits for nobody. */
  readonly isWrite: boolean;
  readonly clients: number;
  readonly pipeline: number;
  /** Instead of the keys of the run. */
  readonly keyCount?: number;
  /** The ratio (Folkmoot / Redis) to reach, or the operations a second. */
  readonly goal?: { readonly ratio: number } | { readonly opsPerSecond: number };
  /** The same command for redis-benchmark, without the key. */
  readonly benchmarkCommand?: readonly [string, ...string[]];
}

export const VALUE_BYTES = 64;
export const HOT_KEY = 'counter';
const FILL_TIMEOUT_MS = 600_000;
const VALUE = valueText(VALUE_BYTES);

const pipelineText = (pipeline: number): string => (pipeline > 1 ? `, pipeline ${pipeline}` : '');

const set = (clients: number, pipeline = 1): Point => ({
  name: `set-${clients}${pipeline > 1 ? `-p${pipeline}` : ''}`,
  title: `SET, ${clients}${pipelineText(pipeline)}`,
  shape: { command: ['SET', KEY, VALUE], expects: '+', members: 1 },
  isWrite: true,
  clients,
  pipeline,
  goal: { ratio: 1 },
  benchmarkCommand: ['SET', VALUE],
});

const get = (pipeline: number, ratio: number): Point => ({
  name: `get-50${pipeline > 1 ? `-p${pipeline}` : ''}`,
  title: `GET, 50${pipelineText(pipeline)}`,
  shape: { command: ['GET', KEY], expects: '$', members: 1 },
  isWrite: false,
  clients: 50,
  pipeline,
  goal: { ratio },
  benchmarkCommand: ['GET'],
});

export const POINTS: readonly Point[] = [
  set(1),
  set(16),
  set(50),
  set(200),
  set(50, 16),
  get(1, 0.8),
  get(16, 0.5),
  {
    name: 'incr-50',
    title: 'INCR one key, 50',
    shape: { command: ['INCR', HOT_KEY], expects: ':', hotKey: HOT_KEY, members: 1 },
    isWrite: true,
    clients: 50,
    pipeline: 1,
    goal: { opsPerSecond: 20_000 },
    benchmarkCommand: ['INCR'],
  },
];

export interface PointResult extends LoadResult {
  /** CPU time of each server process per operation, in the order of `Deployment.pids`. */
  readonly serverCpu_us: readonly number[];
  /** Longest delay of each node's event loop. */
  readonly pauses_ms: readonly number[];
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
  await target.pauses_ms();
  const load = await runLoad(plan, { ...times, onWindow }, workerCount);
  const pauses_ms = await target.pauses_ms();
  const serverCpu_us = end.map((value, index) => ((value - (begin[index] ?? 0)) * 1_000) / load.operations);
  return { ...load, serverCpu_us, pauses_ms };
}

/** Writes every key once, without waiting for replicas. */
export async function fill(target: Deployment, keyCount: number): Promise<{ seconds: number; errors: number }> {
  return fillWith(target, set(24, 16), keyCount);
}

/** Sends the command of `point` for every member of every key once, without waiting for replicas. */
export async function fillWith(
  target: Deployment,
  point: Point,
  keyCount: number,
): Promise<{ seconds: number; errors: number }> {
  const plan = await planFor(target, point, keyCount);
  return fillKeys({ ...plan, shape: { ...plan.shape, waitReplicas: 0 } }, FILL_TIMEOUT_MS);
}

async function planFor(target: Deployment, point: Point, keyCount: number): Promise<LoadPlan> {
  return {
    shape: { ...point.shape, waitReplicas: point.isWrite ? target.waitReplicas : 0 },
    clients: point.clients,
    pipeline: point.pipeline,
    keyCount: point.keyCount ?? keyCount,
    fill: false,
    nodes: target.nodes,
    slots: await target.slots(),
    seed: 1_000_003,
  };
}

export const hotSlot = slotOfKey(HOT_KEY);
