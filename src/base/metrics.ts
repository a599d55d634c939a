/**
 * What the layers need of metrics. Hot paths keep plain numbers, which are read when somebody scrapes; `admin/prometheus.ts`
 * is the implementation over prom-client, so that nothing below it knows of it.
 *
 * Names are `folkmoot_<part>_<what>_<unit>`; counters end in `_total`; times are in seconds, sizes in bytes.
 */
import { assert } from './assert.ts';

export interface Metrics {
  /** `read` is called at every scrape and returns the total since the start. */
  counter(name: string, help: string, read: () => number): void;
  /** As `counter`, one number for each set of labels. */
  counters(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void;
  /** `read` is called at every scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** As `gauge`, one number for each set of labels. */
  gauges(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void;
  /** `bounds` are the upper ends of the buckets, ascending. `labels` are the same for the histogram's whole life. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels?: Readonly<Record<string, string>>,
  ): Histogram;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Upper ends for latencies in seconds: 50 us to 10 s. */
export const LATENCY_BOUNDS_S: readonly number[] = [
  0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
];

/** Counts in buckets; `observe` makes no garbage. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One more than `bounds`: the last counts what is above all of them. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    assert(bounds.length > 0, 'a histogram has at least one bound');
    for (let i = 1; i < bounds.length; i++) {
      assert((bounds[i] ?? 0) > (bounds[i - 1] ?? 0), 'histogram bounds ascend');
    }
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.bounds;
    let i = 0;
    while (i < bounds.length && value > (bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** For tests and tools that nobody scrapes. */
export const silentMetrics: Metrics = {
  counter: () => undefined,
  counters: () => undefined,
  gauge: () => undefined,
  gauges: () => undefined,
  histogram: (_name, _help, bounds) => new Histogram(bounds),
};
