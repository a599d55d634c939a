import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binaries, isAlive, needsPostgres, PATIENCE, systemUser, until, useServers } from './postgres.test-support.ts';

/** A process that is killed must be another one than the test's, and it does not run .ts files: the classes are compiled for it. */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fm-pg-death-'));

const CHILD = `
import { PostgresServer } from './dist/pg/server/postgres-server.js';
import { silentLogger } from './dist/base/log.js';
const { folder, binaries, user } = JSON.parse(process.argv[2]);
const server = await PostgresServer.open({ folder, binaries, user, logger: silentLogger });
await server.startPrimary();
for (const sql of ['DO $$ BEGIN LOOP END LOOP; END $$', 'SELECT pg_sleep(3600)']) void server.query(sql, 'template1');
for (;;) {
  const rows = await server.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'");
  if (rows.length >= 3) break;
}
const rows = await server.query('SELECT pid FROM pg_stat_activity');
process.send([server.pid, ...rows.map(([pid]) => Number(pid))]);
`;

describe.skipIf(binaries === null)(
  `the death of the node of a real PostgreSQL server${needsPostgres}`,
  PATIENCE,
  () => {
    const rig = useServers();

    beforeAll(() => {
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      writeFileSync(join(folder, 'child.js'), CHILD);
      const config = {
        extends: join(root, 'tsconfig.build.json'),
        compilerOptions: { rootDir: join(root, 'src'), outDir: join(folder, 'dist'), declaration: false },
        include: [],
        files: ['postgres-server.ts', '../../base/log.ts'].map((name) => join(root, 'src/pg/server', name)),
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
      const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
      const result = spawnSync(process.execPath, [compiler, '-p', folder]);
      if (result.status !== 0) throw new Error(`tsc: ${result.stdout}`);
    }, PATIENCE.timeout);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function startNode(): Promise<{ node: ChildProcess; pids: number[] }> {
      const server = await rig.primary('a');
      await server.stop('fast');
      const options = JSON.stringify({ folder: join(rig.folder, 'a'), binaries, user: systemUser });
      const node = fork(join(folder, 'child.js'), [options], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const [pids] = (await once(node, 'message')) as [number[]];
      expect(pids.every(isAlive)).toBe(true);
      return { node, pids };
    }

    test('kill -9 of the node leaves no process of the server, also none that computes', async () => {
      const { node, pids } = await startNode();
      node.kill('SIGKILL');
      await until(() => !pids.some(isAlive));
    });

    test('it is found when the guardian was killed with it, and ended at the next start', async () => {
      const { node, pids } = await startNode();
      const guardian = spawnSync('pgrep', ['-P', String(node.pid), '-f', 'folkmoot-guardian'])
        .stdout.toString()
        .trim();
      expect(guardian).toMatch(/^\d+$/);
      node.kill('SIGSTOP');
      process.kill(Number(guardian), 'SIGKILL');
      node.kill('SIGKILL');
      await once(node, 'exit');
      expect(pids.some(isAlive)).toBe(true);
      await rig.server('a');
      expect(pids.some(isAlive)).toBe(false);
    });
  },
);
