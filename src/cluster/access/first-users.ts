/** Whom a cluster begins with. */
import type { InitialAccess } from './access-records.ts';
import { newRole } from './role.ts';
import { makeVerifier, type ScramVerifier } from './scram.ts';

/** Superusers of local clusters, each with its own name as password: the names that clients and documents of each door assume. */
export const LOCAL_SUPERUSERS = ['folkmoot', 'cassandra', 'postgres'] as const;

/** Redis clients that give no name are this one. */
export const DEFAULT_REDIS_USER = 'default';

/** Whoever can connect may do everything. */
export const OPEN_ACCESS: InitialAccess = { authentication: false, roles: [] };

/**
 * For clusters on one machine that somebody tries out: CQL and PostgreSQL clients log in, as those of a fresh PostgreSQL do, with
 * names that everybody knows; Redis clients need not, as with a fresh Redis.
 */
export async function localAccess(): Promise<InitialAccess> {
  const superusers = await Promise.all(
    LOCAL_SUPERUSERS.map(async (name) =>
      newRole(name, { superuser: true, login: true, passwords: [await makeVerifier(name)] }),
    ),
  );
  const everybody = newRole(DEFAULT_REDIS_USER, {
    login: true,
    redis: { noPassword: true, rules: ['~*', '&*', '+@all'] },
  });
  return { authentication: true, roles: [...superusers, everybody] };
}

/** One superuser, who makes all others. */
export function superuserAccess(name: string, password: ScramVerifier): InitialAccess {
  return { authentication: true, roles: [newRole(name, { superuser: true, login: true, passwords: [password] })] };
}
