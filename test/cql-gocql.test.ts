/** gocql, the Cassandra driver for Go, unmodified, on three real nodes. Debian's knows the versions 3 and 4 of the protocol. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../src/testing/index.ts';
import { needs, run, works } from './support/programs.ts';

const PACKAGES = '/usr/share/gocode';
const SOURCE = fileURLToPath(new URL('support/gocql-program.go', import.meta.url));
/** Debian's first: it has its library compiled, so that a build takes a fraction of the time. */
const go = ['/usr/bin/go', 'go'].find((path) => works(path, 'version'));
const hasGocql = go !== undefined && existsSync(`${PACKAGES}/src/github.com/gocql/gocql`);

describe.skipIf(!hasGocql)(`gocql${needs(hasGocql, 'golang-go and golang-github-gocql-gocql-dev')}`, () => {
  let cluster: Cluster;
  let folder = '';
  let program = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'folkmoot-gocql-'));
    program = join(folder, 'program');
    // As Debian's packages are used: without modules, and without asking the network.
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: PACKAGES, GOFLAGS: '', GOTOOLCHAIN: 'local' };
    const built = spawnSync(go ?? '', ['build', '-o', program, SOURCE], { env, encoding: 'utf8' });
    expect(built.stderr).toBe('');
    cluster = await createCluster({ nodes: 3 });
  }, 240_000);

  afterAll(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each([3, 4])('writes, reads, counts and compares with version %i of the protocol', async (version) => {
    const hosts = cluster.nodes.map(({ host }) => host).join(',');
    const ended = await run(program, [hosts, String(cluster.nodes[0]?.ports.cql), String(version)]);
    expect(ended).toMatchObject({ code: 0, stdout: 'done\n' });
  });
});
