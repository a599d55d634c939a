import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, needs, run, works } from './support/programs.ts';

const hasCli = works('redis-cli', '--version');
const hasBenchmark = works('redis-benchmark', '--version');
const needsCli = needs(hasCli, 'redis-cli');
const needsBenchmark = needs(hasBenchmark, 'redis-benchmark');

let cluster: Cluster;
let node: ClusterNode;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
  node = cluster.nodes[1] as ClusterNode;
});

afterAll(() => cluster.close());

async function cli(port: number, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run('redis-cli', ['-h', node.host, '-p', String(port), ...args], input);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout.trim();
}

describe('redis-cli', () => {
  test.skipIf(!hasCli)(`-c follows redirections${needsCli}`, async () => {
    for (let n = 0; n < 12; n++) {
      expect(await cli(node.ports.redis, ['-c', 'set', `cli:${n}`, `value ${n}`])).toBe('OK');
      expect(await cli(node.ports.redis, ['-c', 'get', `cli:${n}`])).toBe(`value ${n}`);
    }
  });

  test.skipIf(!hasCli)(`needs no -c on the port for one endpoint${needsCli}`, async () => {
    for (let n = 0; n < 12; n++) expect(await cli(node.ports.redisSingle, ['get', `cli:${n}`])).toBe(`value ${n}`);
    expect(await cli(node.ports.redisSingle, ['dbsize'])).toBe('12');
  });

  test.skipIf(!hasCli)(`--cluster check finds nothing wrong${needsCli}`, async () => {
    // While a tablet changes its leader, which a starved machine can make it do, nodes hear of it one after the other.
    let said = '';
    await cluster.waitFor(
      async () => {
        const { code, stdout } = await run('redis-cli', ['--cluster', 'check', `${node.host}:${node.ports.redis}`]);
        said = stdout;
        return code === 0 && stdout.includes('[OK] All nodes agree about slots configuration.');
      },
      { what: 'nodes that agree' },
    );
    expect(said).toContain('[OK] All 16384 slots covered.');
    expect(said).not.toMatch(/\[(ERR|WARNING)\]/);
  });

  test.skipIf(!hasCli)(`--cluster info counts nodes and keys${needsCli}`, async () => {
    const { code, stdout } = await run('redis-cli', ['--cluster', 'info', `${node.host}:${node.ports.redis}`]);
    expect(stdout).toContain('[OK] 12 keys in 3 masters.');
    for (const { host, ports } of cluster.nodes) expect(stdout).toContain(`${host}:${ports.redis}`);
    expect(code).toBe(0);
  });

  test.skipIf(!hasCli)(`--pipe loads and --scan lists${needsCli}`, async () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `piped:${n}`);
    const commands = names.map((name) => `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$1\r\nx\r\n`).join('');
    expect(await cli(node.ports.redisSingle, ['--pipe'], commands)).toContain('errors: 0, replies: 2000');
    const listed = await cli(node.ports.redisSingle, ['--scan', '--pattern', 'piped:*']);
    expect(listed.split('\n').sort()).toEqual([...names].sort());
    expect(await cli(node.ports.redisSingle, ['dbsize'])).toBe('2012');
  });

  test.skipIf(!hasCli)(`info and a transaction over stdin${needsCli}`, async () => {
    expect(await cli(node.ports.redisSingle, ['info', 'server'])).toMatch(/redis_version:\d/);
    const replies = await cli(node.ports.redisSingle, [], 'multi\nset {t}:a 1\nincr {t}:a\nexec\nget {t}:a\n');
    expect(replies.split('\n')).toEqual(['OK', 'QUEUED', 'QUEUED', 'OK', '2', '2']);
  });
});

describe('redis-benchmark', () => {
  function benchmark(port: number, ...flags: string[]): Promise<Ended> {
    return run('redis-benchmark', ['-h', node.host, '-p', String(port), '--csv', '-t', 'set,get,incr', ...flags]);
  }

  /** Every test has a line with its rate, and nothing was complained about. */
  function expectRates({ code, stdout, stderr }: Ended): void {
    expect(stderr).not.toMatch(/error/i);
    expect(stdout).not.toMatch(/error/i);
    const rates = [...stdout.matchAll(/^"(SET|GET|INCR)","([\d.]+)"/gm)].map(([, name, rate]) => ({
      name,
      rate: Number(rate),
    }));
    expect(rates.map(({ name }) => name)).toEqual(['SET', 'GET', 'INCR']);
    for (const { rate } of rates) expect(rate).toBeGreaterThan(0);
    expect(code).toBe(0);
  }

  test.skipIf(!hasBenchmark)(`runs with --cluster${needsBenchmark}`, async () => {
    expectRates(await benchmark(node.ports.redis, '--cluster', '-n', '3000', '-c', '30', '-r', '1000'));
  });

  test.skipIf(!hasBenchmark)(`runs with --cluster and 16 commands a pipeline${needsBenchmark}`, async () => {
    expectRates(await benchmark(node.ports.redis, '--cluster', '-n', '9600', '-c', '30', '-P', '16', '-r', '1000'));
  });

  test.skipIf(!hasBenchmark)(`runs without --cluster on the port for one endpoint${needsBenchmark}`, async () => {
    expectRates(await benchmark(node.ports.redisSingle, '-n', '3000', '-c', '20', '-r', '1000'));
  });

  test.skipIf(!hasBenchmark)(`runs without --cluster and 16 commands a pipeline${needsBenchmark}`, async () => {
    expectRates(await benchmark(node.ports.redisSingle, '-n', '9600', '-c', '20', '-P', '16', '-r', '1000'));
  });
});
