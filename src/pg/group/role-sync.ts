/**
 * Makes the roles of the cluster roles of PostgreSQL: who may log in, who is a superuser, who is a member of whom. Passwords stay in
 * the cluster: the gateway asks for them. What a role may do with tables is granted with SQL, so a role that is gone from the cluster
 * only loses its LOGIN and what makes it a superuser.
 */
import type { Logger } from '../../base/log.ts';
import type { Role } from '../../cluster/access/role.ts';

export type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

/** Says which roles come from the cluster. */
const MARK = 'role of the cluster';
/** Longer names are cut by PostgreSQL, and two of them may become one. */
const NAME_BYTES_MAX = 63;

interface Found {
  readonly login: boolean;
  readonly superuser: boolean;
  readonly isOurs: boolean;
}

/** Changes what differs. What PostgreSQL refuses is logged and left. */
export async function syncRoles(query: Query, roles: ReadonlyMap<string, Role>, logger: Logger): Promise<void> {
  const wanted = new Map([...roles].filter(([name]) => isPossible(name)));
  for (const statement of await statements(query, wanted)) {
    await query(statement).catch((error: unknown) =>
      logger.warn({ error, statement }, 'PostgreSQL refused a change of roles'),
    );
  }
}

async function statements(query: Query, wanted: ReadonlyMap<string, Role>): Promise<string[]> {
  const found = new Map<string, Found>();
  const rows = await query(
    `SELECT rolname, rolcanlogin, rolsuper, coalesce(shobj_description(oid, 'pg_authid'), '') = ${text(MARK)} FROM pg_roles`,
  );
  for (const [name, login, superuser, isOurs] of rows) {
    found.set(name ?? '', { login: login === 't', superuser: superuser === 't', isOurs: isOurs === 't' });
  }
  const list: string[] = [];
  for (const [name, role] of wanted) {
    const { login, superuser } = role;
    const before = found.get(name);
    const attributes = `${login ? 'LOGIN' : 'NOLOGIN'} ${superuser ? 'SUPERUSER' : 'NOSUPERUSER'}`;
    if (before === undefined) list.push(`CREATE ROLE ${quoted(name)} ${attributes}`);
    else if (before.login !== login || before.superuser !== superuser) {
      list.push(`ALTER ROLE ${quoted(name)} ${attributes}`);
    }
    if (before?.isOurs !== true) list.push(`COMMENT ON ROLE ${quoted(name)} IS ${text(MARK)}`);
  }
  for (const [name, before] of found) {
    const isPowerful = before.login || before.superuser;
    if (before.isOurs && !wanted.has(name) && isPowerful) list.push(`ALTER ROLE ${quoted(name)} NOLOGIN NOSUPERUSER`);
  }
  return [...list, ...(await memberships(query, wanted))];
}

async function memberships(query: Query, wanted: ReadonlyMap<string, Role>): Promise<string[]> {
  const rows = await query(
    `SELECT m.rolname, g.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid`,
  );
  const has = new Set(rows.map(([member, group]) => `${member}\0${group}`));
  const list: string[] = [];
  for (const [name, role] of wanted) {
    for (const group of wanted.keys()) {
      const isMember = has.has(`${name}\0${group}`);
      const shouldBe = role.memberOf.includes(group);
      if (shouldBe && !isMember) list.push(`GRANT ${quoted(group)} TO ${quoted(name)}`);
      else if (!shouldBe && isMember) list.push(`REVOKE ${quoted(group)} FROM ${quoted(name)}`);
    }
  }
  return list;
}

/** `postgres` is always there and stays a superuser; other names are PostgreSQL's own. */
function isPossible(name: string): boolean {
  if (name === 'postgres' || name === 'public' || name === 'none' || name.startsWith('pg_')) return false;
  return name !== '' && !name.includes('\0') && Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
