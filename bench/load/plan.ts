/** What the driver tells its load processes, and what they tell it. Plain JSON, over the channel of `fork`. */
import type { Endpoint } from './client.ts';
import type { HistogramJson } from './histogram.ts';
import type { RequestShape } from './requests.ts';
import type { SlotRange } from './slots.ts';

export interface LoadPlan {
  readonly shape: RequestShape;
  readonly clients: number;
  /** Requests that a client sends at once. */
  readonly pipeline: number;
  readonly keyCount: number;
  /** Every member of every key once, in order, instead of random ones for as long as it runs. */
  readonly fill: boolean;
  readonly nodes: readonly Endpoint[];
  readonly slots: readonly SlotRange[];
  readonly seed: number;
}

export type ToWorker =
  | { readonly type: 'plan'; readonly plan: LoadPlan }
  | { readonly type: 'start' | 'record' | 'stop' | 'close' };

export type FromWorker =
  | { readonly type: 'open' | 'filled' }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'counts'; readonly counts: LoadCounts };

export interface LoadCounts {
  readonly operations: number;
  readonly window_ms: number;
  /** CPU time of the load process in the window. */
  readonly cpu_ms: number;
  readonly misses: number;
  readonly moved: number;
  readonly waitShort: number;
  readonly errors: number;
  readonly errorSamples: readonly string[];
  readonly latency: HistogramJson;
}
