import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../src/testing/index.ts';
import { needs, Program, works } from './support/programs.ts';

const PROGRAM = fileURLToPath(new URL('support/cassandra-program.py', import.meta.url));

/** The system's own first: a Python of a version manager seldom has Debian's packages. */
const python = ['/usr/bin/python3', 'python3'].find((path) => works(path, '-c', 'import cassandra'));

let cluster: Cluster;

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3, tls: true });
});

afterAll(() => cluster.close());

test.skipIf(python === undefined).each([3, 4])(
  `the Python driver runs an article's program with password and TLS, and goes on when a node is killed: version %i${needs(python !== undefined, 'python3-cassandra')}`,
  { timeout: 300_000 },
  async (version) => {
    const [first, second, third] = cluster.nodes;
    const hosts = [first, second, third].map((node) => node?.host ?? '');
    const port = String(first?.ports.cql);
    const program = new Program(python ?? '', [
      '-W',
      'ignore',
      PROGRAM,
      String(version),
      cluster.ca ?? '',
      port,
      ...hosts,
    ]);
    await program.printed(/kill a node/);
    const victim = version === 3 ? second : third;
    if (victim === undefined) throw new Error('there are three nodes');
    await cluster.kill(victim);
    program.send('killed');
    const { code, stdout, stderr } = await program.ended;
    // A reconnection that its scheduler plans while the program ends makes the driver say so.
    expect(stderr).toMatch(
      /^(Exception in thread Task Scheduler:[\s\S]*cannot schedule new futures after shutdown\s*)?$/,
    );
    expect(stdout.trim().split('\n')).toEqual([
      'connected 3',
      'wrong password',
      'types',
      'paging',
      'batches and counters',
      'conditions',
      'errors and permissions',
      'kill a node',
      'went on',
    ]);
    expect(code).toBe(0);
    await cluster.start(victim);
  },
);
