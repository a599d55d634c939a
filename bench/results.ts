/** The machine-readable result, from which the report is made. Every round is kept; the report shows medians. */
import type { FailoverRound } from './measure/failover.ts';
import type { Machine } from './measure/machine.ts';
import type { FootprintResult } from './measure/memory.ts';
import type { Point, PointResult } from './measure/points.ts';
import type { BenchmarkResult } from './measure/redis-benchmark.ts';
import type { StartupRound } from './measure/startup.ts';
import type { Side } from './servers/deployment.ts';

export interface PointResults {
  readonly point: Point;
  /** Round N of one side belongs to round N of the other: they ran one after the other. */
  readonly rounds: Record<Side, PointResult[]>;
  readonly redisBenchmark: Record<Side, BenchmarkResult[]>;
}

export interface FailoverResults {
  readonly name: string;
  readonly rounds: FailoverRound[];
}

export interface Results {
  /** 1: first. */
  readonly format: 1;
  readonly suite: 'main' | 'types';
  readonly machine: Machine;
  readonly settings: {
    readonly rounds: number;
    readonly seconds: number;
    readonly warmupSeconds: number;
    readonly keyCount: number;
    readonly loadProcesses: number;
  };
  readonly points: PointResults[];
  footprint: Partial<Record<Side, FootprintResult>>;
  readonly startup: { readonly folkmootUp: StartupRound[]; readonly redisCluster: StartupRound[] };
  readonly failover: FailoverResults[];
}
