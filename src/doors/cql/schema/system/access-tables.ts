/** `system_auth`: roles as they are in the cluster, without what proves their passwords. */
import type { Role } from '../../../../cluster/access/role.ts';
import type { SystemRow } from './cells.ts';
import type { SystemContext } from './context.ts';

export function* roleRows({ roles }: SystemContext): Iterable<SystemRow> {
  for (const { name, login, superuser, memberOf } of sorted(roles())) {
    yield {
      role: name,
      can_login: login,
      is_superuser: superuser,
      member_of: memberOf.length === 0 ? undefined : memberOf,
    };
  }
}

export function* roleMemberRows({ roles }: SystemContext): Iterable<SystemRow> {
  const pairs = [...roles()].flatMap(({ name, memberOf }) => memberOf.map((role) => ({ role, member: name })));
  yield* pairs.sort((a, b) => compare(a.role, b.role) || compare(a.member, b.member));
}

export function* rolePermissionRows({ roles }: SystemContext): Iterable<SystemRow> {
  for (const { name, permissions } of sorted(roles())) {
    for (const resource of Object.keys(permissions).sort()) {
      yield { role: name, resource, permissions: permissions[resource] };
    }
  }
}

function sorted(roles: Iterable<Role>): Role[] {
  return [...roles].sort((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
