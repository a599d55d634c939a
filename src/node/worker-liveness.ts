/** Liveness whose engine runs in a worker thread with a UDP socket of its own (src/cluster/liveness-worker.ts). */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import { AddressError } from '../base/network.ts';
import {
  emptyLivenessStats,
  type LivenessChange,
  type LivenessOptions,
  type LivenessStart,
  type LivenessStats,
} from '../cluster/liveness.ts';
import { type EngineHandle, LivenessMain } from '../cluster/liveness-main.ts';
import type { LivenessMemory } from '../cluster/liveness-memory.ts';
import type { FromLivenessWorker, LivenessWorkerData, ToLivenessWorker } from '../cluster/liveness-messages.ts';

export class WorkerLiveness extends LivenessMain {
  /** `clock` is a `RealClock`: its monotonic time must be the worker's. */
  constructor(clock: Clock, options: Partial<LivenessOptions> = {}) {
    super(clock, options, startWorker);
  }
}

function startWorker(
  memory: LivenessMemory,
  start: LivenessStart,
  options: LivenessOptions,
  onChange: (node: number, change: LivenessChange) => void,
  onFailed: (error: Error) => void,
): Promise<{ port: number; engine: EngineHandle }> {
  return new Promise((resolve, reject) => {
    // From dist/ it is a .js file, from src/ (with a Node that strips types) a .ts file.
    const file = new URL(`../cluster/liveness-worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    const data: LivenessWorkerData = { memory: memory.shared, start, options };
    const worker = new Worker(file, { workerData: data, name: 'liveness', execArgv: [] });
    const post = (message: ToLivenessWorker): void => worker.postMessage(message);
    let stats: LivenessStats = emptyLivenessStats;
    let started = false;
    let stopping = false;
    let exited = false;
    let onExit: () => void = () => undefined;
    const engine: EngineHandle = {
      setPeers: (peers) => post({ kind: 'peers', peers }),
      block: (nodes, deafTo) => post({ kind: 'block', nodes, deafTo }),
      stats: () => stats,
      stop: () =>
        new Promise((stopped) => {
          stopping = true;
          onExit = stopped;
          if (exited) stopped();
          else post({ kind: 'stop' });
        }),
    };
    const fail = (error: Error): void => {
      if (stopping) return;
      stopping = true;
      if (started) onFailed(error);
      else reject(error);
    };
    worker.on('message', (message: FromLivenessWorker) => {
      if (message.kind === 'changed') {
        if (!stopping) onChange(message.node, message.change);
      } else if (message.kind === 'stats') stats = message.stats;
      else if (message.kind === 'started') {
        started = true;
        resolve({ port: message.port, engine });
      } else {
        const { code, text } = message;
        fail(code === '' ? new Error(text) : new AddressError(code, start.host, start.port, 'UDP'));
      }
    });
    worker.on('error', (error) => fail(new Error('the liveness worker failed', { cause: error })));
    worker.on('exit', (code) => {
      exited = true;
      fail(new Error(`the liveness worker ended with code ${code}`));
      onExit();
    });
  });
}
