/** `Metrics` over prom-client: instruments are read at the scrape, so that nothing is paid for between two of them. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { assert } from '../base/assert.ts';
import { Histogram, type Metrics, type Sample } from '../base/metrics.ts';

interface PromValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

type Kind = 'counter' | 'gauge' | 'histogram';

export class PrometheusMetrics implements Metrics {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  /** By name: histograms that differ in their labels are one metric to Prometheus. */
  readonly #histograms = new Map<string, { labels: Readonly<Record<string, string>>; histogram: Histogram }[]>();

  /** `labels` are added to every line. Process, heap, GC and event-loop delay metrics come by themselves. */
  constructor(labels: Readonly<Record<string, string>> = {}) {
    this.#registry.setDefaultLabels(labels);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What `/metrics` answers with. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  counter(name: string, help: string, read: () => number): void {
    this.#register('counter', name, help, () => [{ labels: {}, value: read() }]);
  }

  counters(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void {
    this.#register('counter', name, help, () => checkedSamples(labels, read()));
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#register('gauge', name, help, () => [{ labels: {}, value: read() }]);
  }

  gauges(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void {
    this.#register('gauge', name, help, () => checkedSamples(labels, read()));
  }

  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: Readonly<Record<string, string>> = {},
  ): Histogram {
    const histogram = new Histogram(bounds);
    const family = this.#histograms.get(name);
    if (family !== undefined) {
      family.push({ labels, histogram });
      return histogram;
    }
    const members = [{ labels, histogram }];
    this.#histograms.set(name, members);
    this.#register('histogram', name, help, () =>
      members.flatMap((member) => histogramValues(name, member.labels, member.histogram)),
    );
    return histogram;
  }

  #register(type: Kind, name: string, help: string, values: () => PromValue[]): void {
    assert(/^folkmoot_[a-z][a-z0-9_]*[a-z0-9]$/.test(name), 'metric names are folkmoot_ and words in lower case');
    assert(type !== 'counter' || name.endsWith('_total'), 'names of counters end in _total');
    assert(this.#registry.getSingleMetric(name) === undefined, 'a metric is registered once');
    // The registry asks its metrics for `get()` only; prom-client's classes would keep a second copy of every number.
    const metric = { name, help, type, aggregator: 'sum', get: async () => ({ name, help, type, values: values() }) };
    this.#registry.registerMetric(metric as unknown as Metric);
  }
}

function checkedSamples(labels: readonly string[], samples: Iterable<Sample>): PromValue[] {
  const values: PromValue[] = [];
  for (const sample of samples) {
    assert(
      labels.every((label) => sample.labels[label] !== undefined),
      'a sample has every label of its metric',
    );
    values.push({ labels: sample.labels, value: sample.value });
  }
  return values;
}

function histogramValues(name: string, labels: Readonly<Record<string, string>>, histogram: Histogram): PromValue[] {
  const values: PromValue[] = [];
  let below = 0;
  for (const [index, bound] of histogram.bounds.entries()) {
    below += histogram.counts[index] ?? 0;
    values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below });
  }
  values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count });
  values.push({ metricName: `${name}_sum`, labels, value: histogram.sum });
  values.push({ metricName: `${name}_count`, labels, value: histogram.count });
  return values;
}
