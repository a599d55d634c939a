import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Cluster, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterAll(() => cluster.close());

/** What an example prints, by line. */
async function run(name: string): Promise<string[]> {
  const node = cluster.nodes[0];
  const file = fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
  const address = `${node?.host}:${node?.ports.redis}`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, address], { timeout: 60_000 });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

test('the queue loses no job of a worker that dies', async () => {
  expect(await run('queue.js')).toEqual([
    '100 jobs are waiting',
    'eve takes job 1',
    'ann and bob have done 99 jobs',
    '1 job of eve is put back',
    '100 jobs are done',
    'a batch: a b c',
  ]);
});

test('the leaderboard knows the best and the neighbours', async () => {
  expect(await run('leaderboard.js')).toEqual([
    'the best: 1. ada 310, 2. dora 275, 3. cleo 275',
    'finn scores and has 280',
    'around finn: 1. ada 310, 2. finn 280, 3. dora 275',
    '4 of 6 have 200 or more',
  ]);
});

test('the rate limiter counts each visitor for itself', async () => {
  const lines = await run('rate-limiter.js');
  expect(lines.filter((line) => line.endsWith('of ann: welcome'))).toHaveLength(5);
  expect(lines.slice(5)).toEqual([
    'request 6 of ann: too many',
    'request 7 of ann: too many',
    'request 1 of bob: welcome',
    'ann may come back within the minute: true',
  ]);
});
