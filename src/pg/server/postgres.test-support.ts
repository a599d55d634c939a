/** Real servers for tests, in temporary folders. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { PostgresServer } from './postgres-server.ts';
import { findSystemUser } from './system-user.ts';

export const systemUser = await findSystemUser();
const search = await findBinaries({ user: systemUser });

/** Null when this machine has none. */
export const binaries: Binaries | null = 'binaries' in search ? search.binaries : null;

/** For the name of a test, so that a skipped one says why. */
export const needsPostgres = binaries === null ? ' (skipped: needs PostgreSQL 15 or newer)' : '';

/** For each `describe`: databases are copied and synced, which takes long on a machine whose disk is busy. */
export const PATIENCE = { timeout: 180_000 } as const;

export interface ServerRig {
  readonly folder: string;
  /** One in a folder of its own, with nothing in it; ended and removed after the test. */
  server(name: string): Promise<PostgresServer>;
  /** One that has an empty database and runs as primary. */
  primary(name: string): Promise<PostgresServer>;
  /** A clone of `source` that follows it under its name. */
  standby(name: string, source: PostgresServer): Promise<PostgresServer>;
}

/** Makes what the tests of a `describe` share: to be called in it. */
export function useServers(programs: Binaries | null = binaries): ServerRig {
  let common = '';
  let folder = '';
  let servers: PostgresServer[] = [];

  async function open(path: string): Promise<PostgresServer> {
    if (programs === null) throw new Error('a test that needs PostgreSQL ran without it');
    return PostgresServer.open({ folder: path, binaries: programs, user: systemUser, logger: silentLogger });
  }

  beforeAll(async () => {
    // initdb takes seconds on a busy machine: once for all tests.
    common = await mkdtemp(join(tmpdir(), 'fm-pg-'));
    const template = await open(join(common, 'template'));
    await template.initialize();
  }, PATIENCE.timeout);
  afterAll(() => rm(common, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = await mkdtemp(join(common, 'test-'));
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.fence()));
    await rm(folder, { recursive: true, force: true });
  }, PATIENCE.timeout);

  const rig: ServerRig = {
    get folder() {
      return folder;
    },
    async server(name) {
      const server = await open(join(folder, name));
      servers.push(server);
      return server;
    },
    async primary(name) {
      const copy = spawnSync('cp', ['-a', join(common, 'template'), join(folder, name)]);
      if (copy.status !== 0) throw new Error(`cp: ${copy.stderr}`);
      const server = await rig.server(name);
      await server.startPrimary();
      return server;
    },
    async standby(name, source) {
      const server = await rig.server(name);
      await server.clone(() => connect(source.socketPath), name);
      await server.startStandby({ applicationName: name, socketFolder: source.socketFolder });
      return server;
    },
  };
  return rig;
}

/** Looks until it is so; the test's own time limit ends it. */
export async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The one value that a statement gives. */
export async function oneValue(server: PostgresServer, sql: string): Promise<string | null> {
  return (await server.query(sql))[0]?.[0] ?? null;
}

/** Whether a process is there and not merely a zombie that its parent has not looked at. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]);
  return stdout.toString().trim() !== '' && !stdout.toString().startsWith('Z');
}
