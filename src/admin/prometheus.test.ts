import { describe, expect, test } from 'vitest';
import { AssertionError } from '../base/assert.ts';
import { Histogram, LATENCY_BOUNDS_S, silentMetrics } from '../base/metrics.ts';
import { PrometheusMetrics } from './prometheus.ts';

const linesOf = async (metrics: PrometheusMetrics, name: string): Promise<string[]> =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith(name));

describe('metrics in the text format of Prometheus', () => {
  test('counters and gauges are read at the scrape', async () => {
    const metrics = new PrometheusMetrics();
    let total = 1;
    metrics.counter('folkmoot_test_writes_total', 'Writes.', () => total);
    metrics.gauge('folkmoot_test_depth', 'Depth.', () => 7);
    total = 42;
    expect(await linesOf(metrics, 'folkmoot_test')).toEqual(['folkmoot_test_writes_total 42', 'folkmoot_test_depth 7']);
    expect(await metrics.text()).toContain('# TYPE folkmoot_test_writes_total counter');
  });

  test('samples have labels, and labels for all lines are added', async () => {
    const metrics = new PrometheusMetrics({ node: 'node-1' });
    metrics.gauges('folkmoot_test_lag', 'Lag.', ['tablet'], () => [
      { labels: { tablet: '1' }, value: 3 },
      { labels: { tablet: '2' }, value: 0 },
    ]);
    expect(await linesOf(metrics, 'folkmoot_test_lag')).toEqual([
      'folkmoot_test_lag{tablet="1",node="node-1"} 3',
      'folkmoot_test_lag{tablet="2",node="node-1"} 0',
    ]);
  });

  test('histograms are cumulative, and those that differ in labels are one metric', async () => {
    const metrics = new PrometheusMetrics();
    const get = metrics.histogram('folkmoot_test_seconds', 'Time.', [0.1, 1], { command: 'get' });
    const set = metrics.histogram('folkmoot_test_seconds', 'Time.', [0.1, 1], { command: 'set' });
    for (const value of [0.05, 0.1, 0.5, 5]) get.observe(value);
    set.observe(2);
    expect(await linesOf(metrics, 'folkmoot_test_seconds')).toEqual([
      'folkmoot_test_seconds_bucket{command="get",le="0.1"} 2',
      'folkmoot_test_seconds_bucket{command="get",le="1"} 3',
      'folkmoot_test_seconds_bucket{command="get",le="+Inf"} 4',
      'folkmoot_test_seconds_sum{command="get"} 5.65',
      'folkmoot_test_seconds_count{command="get"} 4',
      'folkmoot_test_seconds_bucket{command="set",le="0.1"} 0',
      'folkmoot_test_seconds_bucket{command="set",le="1"} 0',
      'folkmoot_test_seconds_bucket{command="set",le="+Inf"} 1',
      'folkmoot_test_seconds_sum{command="set"} 2',
      'folkmoot_test_seconds_count{command="set"} 1',
    ]);
  });

  test('heap, event loop and process come by themselves', async () => {
    const text = await new PrometheusMetrics().text();
    for (const name of [
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_lag_p99_seconds',
      'process_cpu_seconds_total',
    ]) {
      expect(text).toContain(name);
    }
  });

  test('bad names, names twice and missing labels are bugs', async () => {
    const metrics = new PrometheusMetrics();
    metrics.gauge('folkmoot_test_depth', 'Depth.', () => 1);
    expect(() => metrics.gauge('folkmoot_test_depth', 'Depth.', () => 1)).toThrow(AssertionError);
    expect(() => metrics.counter('folkmoot_test_writes', 'Writes.', () => 1)).toThrow(AssertionError);
    expect(() => metrics.gauge('Other_name', 'Other.', () => 1)).toThrow(AssertionError);
    metrics.gauges('folkmoot_test_lag', 'Lag.', ['tablet'], () => [{ labels: {}, value: 1 }]);
    await expect(metrics.text()).rejects.toThrow(AssertionError);
  });
});

test('a histogram counts every value once, the bound itself below it', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0, 1, 1.5, 2, 3]) histogram.observe(value);
  expect([...histogram.counts]).toEqual([2, 2, 1]);
  expect(histogram.count).toBe(5);
  expect(() => new Histogram([2, 1])).toThrow(AssertionError);
  expect(silentMetrics.histogram('x', 'X.', LATENCY_BOUNDS_S)).toBeInstanceOf(Histogram);
});
