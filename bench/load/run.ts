/** Runs one point of load from the driver's side: starts load processes, times the window, adds up what they counted. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Histogram } from './histogram.ts';
import type { FromWorker, LoadCounts, LoadPlan, ToWorker } from './plan.ts';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const OPEN_TIMEOUT_MS = 30_000;
const COUNT_TIMEOUT_MS = 30_000;

export interface LoadResult {
  readonly operations: number;
  readonly seconds: number;
  readonly opsPerSecond: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly max_us: number;
  /** CPU time of all load processes, per operation. */
  readonly clientCpu_us: number;
  /** Share of one core that the busiest load process used: near 1, it may be what limits the result. */
  readonly clientLoad: number;
  readonly misses: number;
  readonly moved: number;
  readonly waitShort: number;
  readonly errors: number;
  readonly errorSamples: readonly string[];
}

export interface LoadTimes {
  readonly warmup_ms: number;
  readonly window_ms: number;
  /** Called when the window begins and when it ends, to read the servers' clocks. */
  readonly onWindow?: (edge: 'begin' | 'end') => void;
}

class LoadProcess {
  readonly child: ChildProcess = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  tell(message: ToWorker): void {
    if (this.child.connected) this.child.send(message);
  }

  /** The next message of a type; rejects when the process fails, ends or is silent for too long. */
  next<T extends FromWorker['type']>(type: T, timeout_ms: number): Promise<Extract<FromWorker, { type: T }>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(new Error(`no "${type}" from the load process in time`)), timeout_ms);
      const onMessage = (message: FromWorker): void => {
        if (message.type === type) end(undefined, message as Extract<FromWorker, { type: T }>);
        else if (message.type === 'failed') end(new Error(message.reason));
      };
      const onExit = (): void => end(new Error('the load process has ended'));
      const end = (error?: Error, message?: Extract<FromWorker, { type: T }>): void => {
        clearTimeout(timer);
        this.child.off('message', onMessage).off('exit', onExit);
        if (message !== undefined) resolve(message);
        else reject(error);
      };
      this.child.on('message', onMessage).once('exit', onExit);
    });
  }
}

export async function runLoad(plan: LoadPlan, times: LoadTimes, workerCount = 1): Promise<LoadResult> {
  const workers = await openWorkers(plan, workerCount);
  try {
    for (const worker of workers) worker.tell({ type: 'start' });
    await pause(times.warmup_ms);
    times.onWindow?.('begin');
    for (const worker of workers) worker.tell({ type: 'record' });
    await pause(times.window_ms);
    const counts = workers.map((worker) => worker.next('counts', COUNT_TIMEOUT_MS));
    for (const worker of workers) worker.tell({ type: 'stop' });
    times.onWindow?.('end');
    return addUp((await Promise.all(counts)).map((message) => message.counts));
  } finally {
    closeWorkers(workers);
  }
}

/** Writes every key of the plan once; answers how long it took. */
export async function fillKeys(plan: LoadPlan, timeout_ms: number): Promise<{ seconds: number; errors: number }> {
  const workers = await openWorkers({ ...plan, fill: true }, 1);
  try {
    const begun_ms = performance.now();
    const filled = workers.map((worker) => worker.next('filled', timeout_ms));
    for (const worker of workers) worker.tell({ type: 'record' });
    for (const worker of workers) worker.tell({ type: 'start' });
    await Promise.all(filled);
    const seconds = (performance.now() - begun_ms) / 1_000;
    const counts = workers.map((worker) => worker.next('counts', COUNT_TIMEOUT_MS));
    for (const worker of workers) worker.tell({ type: 'stop' });
    const all = (await Promise.all(counts)).map((message) => message.counts);
    const errors = all.reduce((sum, count) => sum + count.errors, 0);
    if (errors > 0) console.warn(`fill: ${errors} errors, first: ${all[0]?.errorSamples[0]}`);
    return { seconds, errors };
  } finally {
    closeWorkers(workers);
  }
}

async function openWorkers(plan: LoadPlan, count: number): Promise<LoadProcess[]> {
  const used = Math.min(count, plan.clients);
  const workers = Array.from({ length: used }, () => new LoadProcess());
  try {
    const open = workers.map((worker) => worker.next('open', OPEN_TIMEOUT_MS));
    for (const [index, worker] of workers.entries()) {
      const clients = Math.floor(plan.clients / used) + (index < plan.clients % used ? 1 : 0);
      worker.tell({ type: 'plan', plan: { ...plan, clients, seed: plan.seed + index * 104_729 } });
    }
    await Promise.all(open);
    return workers;
  } catch (error) {
    closeWorkers(workers);
    throw error;
  }
}

function closeWorkers(workers: readonly LoadProcess[]): void {
  for (const { child } of workers) child.kill('SIGKILL');
}

function addUp(counts: readonly LoadCounts[]): LoadResult {
  const latency = new Histogram();
  for (const count of counts) latency.add(count.latency);
  const sum = (of: (count: LoadCounts) => number): number => counts.reduce((total, count) => total + of(count), 0);
  const operations = sum((count) => count.operations);
  const seconds = sum((count) => count.window_ms) / counts.length / 1_000;
  return {
    operations,
    seconds,
    opsPerSecond: sum((count) => count.operations / (count.window_ms / 1_000)),
    p50_us: latency.percentile_us(0.5),
    p99_us: latency.percentile_us(0.99),
    max_us: latency.max_us,
    clientCpu_us: operations === 0 ? Number.NaN : (sum((count) => count.cpu_ms) * 1_000) / operations,
    clientLoad: Math.max(...counts.map((count) => count.cpu_ms / count.window_ms)),
    misses: sum((count) => count.misses),
    moved: sum((count) => count.moved),
    waitShort: sum((count) => count.waitShort),
    errors: sum((count) => count.errors),
    errorSamples: counts.flatMap((count) => count.errorSamples).slice(0, 5),
  };
}

export function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms));
}
