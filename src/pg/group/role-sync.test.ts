import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { newRole, type Role } from '../../cluster/access/role.ts';
import { needsPostgres, useServers } from '../server/postgres.test-support.ts';
import type { PostgresServer } from '../server/postgres-server.ts';
import { syncRoles } from './role-sync.ts';

function roles(...list: Role[]): ReadonlyMap<string, Role> {
  return new Map(list.map((role) => [role.name, role]));
}

describe.skipIf(needsPostgres !== '')(`roles of the cluster in PostgreSQL${needsPostgres}`, () => {
  const rig = useServers();
  let server: PostgresServer;

  beforeEach(async () => {
    server = await rig.server('one');
    await server.initialize();
    await server.startPrimary();
  });

  const sync = (wanted: ReadonlyMap<string, Role>) => syncRoles((sql) => server.query(sql), wanted, silentLogger);

  async function found(): Promise<unknown> {
    return server.query(
      `SELECT rolname, rolcanlogin, rolsuper,
        (SELECT string_agg(g.rolname, ',') FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid WHERE a.member = r.oid)
        FROM pg_roles r WHERE rolname !~ '^pg_' AND rolname <> 'postgres' ORDER BY rolname`,
    );
  }

  test('are made, changed, made members, and lose their log-in when they are gone; others are left alone', async () => {
    await server.query('CREATE ROLE own LOGIN');
    const staff = newRole('staff');
    await sync(roles(staff, newRole('an"na', { login: true, memberOf: ['staff', 'nobody'] })));
    expect(await found()).toEqual([
      ['an"na', 't', 'f', 'staff'],
      ['own', 't', 'f', null],
      ['staff', 'f', 'f', null],
    ]);
    await sync(roles(staff, newRole('an"na', { login: true, superuser: true })));
    expect(await found()).toContainEqual(['an"na', 't', 't', null]);
    await sync(roles(staff));
    expect(await found()).toEqual([
      ['an"na', 'f', 'f', null],
      ['own', 't', 'f', null],
      ['staff', 'f', 'f', null],
    ]);
  });

  test('that PostgreSQL cannot have are left out, and circles are refused by it', async () => {
    const long = 'x'.repeat(64);
    await sync(
      roles(
        newRole('pg_own', { login: true }),
        newRole('postgres'),
        newRole(long),
        newRole('a', { memberOf: ['b'] }),
        newRole('b', { memberOf: ['a'] }),
      ),
    );
    expect(await found()).toEqual([
      ['a', 'f', 'f', 'b'],
      ['b', 'f', 'f', null],
    ]);
    expect(await server.query("SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres'")).toEqual([['t']]);
  });
});
