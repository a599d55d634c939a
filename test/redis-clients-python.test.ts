import { fileURLToPath } from 'node:url';
import { type Cluster, createCluster } from 'folkmoot/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilBalanced } from './support/load.ts';
import { needs, Program, works } from './support/programs.ts';

const PROGRAM = fileURLToPath(new URL('support/redis-py-program.py', import.meta.url));

/** The system's own first: a Python of a version manager seldom has Debian's packages. */
const python = ['/usr/bin/python3', 'python3'].find((path) =>
  works(path, '-c', 'from redis.cluster import RedisCluster'),
);

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
});

afterAll(() => cluster.close());

test.skipIf(python === undefined)(
  `redis-py's RedisCluster sets, gets, pipelines, scans, and goes on when a leader is killed${needs(python !== undefined, 'python3-redis')}`,
  async () => {
    // redis-py 4.3 fails by itself when the node that it was told first is the one that dies: it copies its own locks.
    await untilBalanced(cluster);
    const victim = await cluster.leaderOf('foo');
    const others = cluster.nodes.filter((node) => node !== victim);
    const nodes = [...others, victim].map(({ host, ports }) => `${host}:${ports.redis}`);
    const program = new Program(python ?? '', [PROGRAM, ...nodes]);
    await program.printed(/kill the leader of foo/);
    await cluster.kill(victim);
    program.send('killed');
    const { code, stdout, stderr } = await program.ended;
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'connected 3',
      'set and get',
      'pipeline',
      'scan and delete',
      'kill the leader of foo',
      'went on',
    ]);
    expect(code).toBe(0);
  },
);
