/**
 * The same points by redis-benchmark, where it can do them: a second witness, in C, whose own cost is a smaller part of
 * the result. It cannot WAIT, so its SET and INCR say nothing about Redis at equal durability and are taken on Folkmoot
 * only, as a check of our own load client. One connection a client, bound to one node, keys in the slots of that node; a
 * pipeline is in one slot, so in one tablet, which is kinder to Folkmoot than the random keys of our own client.
 */
import { spawn } from 'node:child_process';
import type { Deployment } from '../servers/deployment.ts';
import { hotSlot, POINTS, type Point } from './points.ts';

export interface BenchmarkResult {
  readonly opsPerSecond: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

/** In cluster mode the only varying part of a key that stays within reach of a few writes is the slot's hash tag. */
const CLUSTER_KEY = 'benchkey:{tag}';
const PLAIN_KEY = 'key:__rand_int__';
/** As many keys on one side as the other has slots. */
const KEY_COUNT = 16_384;
const TIMEOUT_MS = 120_000;

/** Undefined when redis-benchmark cannot do the point, or fails; the reason goes to stderr. */
export async function runRedisBenchmark(
  target: Deployment,
  point: Point,
  requests: number,
): Promise<BenchmarkResult | undefined> {
  if (point.benchmarkCommand === undefined || (target.waitReplicas > 0 && point.isWrite)) return undefined;
  const { node, command } = await commandOf(target, point, point.benchmarkCommand);
  const { host, port } = target.nodes[node] ?? { host: '', port: 0 };
  const server = ['-h', host, '-p', `${port}`];
  const sizes = ['-n', `${requests}`, '-c', `${point.clients}`, '-P', `${point.pipeline}`, '-r', `${KEY_COUNT}`];
  const text = await capture('redis-benchmark', [...server, ...sizes, '--csv', ...command]);
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
  const row = text.split('\n').find((line) => /","\d[^a-z]*$/.test(line.trim()));
  const [opsPerSecond, , , p50_ms, , p99_ms] = row?.split('","').slice(-7).map(Number.parseFloat) ?? [];
  if (opsPerSecond === undefined || p50_ms === undefined || p99_ms === undefined) {
    console.warn(`redis-benchmark ${point.name} on ${target.side}: ${text.slice(-300)}`);
    return undefined;
  }
  return { opsPerSecond, p50_us: p50_ms * 1_000, p99_us: p99_ms * 1_000 };
}

/** So that its GETs find something. */
export async function fillForRedisBenchmark(target: Deployment): Promise<void> {
  if (target.nodes.length === 1) return;
  const point = POINTS.find(({ name }) => name === 'set-50');
  if (point === undefined) return;
  // Slots are drawn at random: after 12 draws a slot on average, 1 in 160,000 is still without its key.
  await runRedisBenchmark(target, point, 12 * KEY_COUNT);
}

async function commandOf(
  target: Deployment,
  point: Point,
  [name, ...rest]: readonly [string, ...string[]],
): Promise<{ node: number; command: string[] }> {
  if (point.shape.hotKey !== undefined) {
    const range = (await target.slots()).find(({ first, last }) => first <= hotSlot && hotSlot <= last);
    return { node: range?.node ?? 0, command: [name, point.shape.hotKey, ...rest] };
  }
  const cluster = target.nodes.length > 1;
  const command = [name, cluster ? CLUSTER_KEY : PLAIN_KEY, ...rest];
  return { node: 0, command: cluster ? ['--cluster', ...command] : command };
}

function capture(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    let text = '';
    const keep = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const end = (error?: Error): void => {
      clearTimeout(timer);
      resolve(error === undefined ? text : `${text}${error.message}`);
    };
    child.once('error', end);
    child.once('close', () => end());
  });
}
