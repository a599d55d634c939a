/** Real servers for tests, in temporary folders. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
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

export interface ServerRig {
  /** One in a folder of its own; ended and removed after the test. */
  server(name: string): Promise<PostgresServer>;
  readonly folder: string;
}

/** Makes what the tests of a `describe` share: to be called in it. */
export function useServers(programs: Binaries | null = binaries): ServerRig {
  let folder = '';
  let servers: PostgresServer[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fm-pg-'));
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.fence()));
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    async server(name) {
      if (programs === null) throw new Error('a test that needs PostgreSQL ran without it');
      const server = await PostgresServer.open({
        folder: join(folder, name),
        binaries: programs,
        user: systemUser,
        logger: silentLogger,
      });
      servers.push(server);
      return server;
    },
  };
}

/** Looks until it is so; the test's own time limit ends it. */
export async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 5));
}
