/** Permissions that come and go with what they are on: who makes a keyspace or a table may do everything with it, and nobody keeps permissions on what is gone. */
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import type { Permission, Role } from '../../../cluster/access/role.ts';
import type { SchemaChange } from '../schema/schema-change.ts';

const ON_KEYSPACES: readonly Permission[] = ['CREATE', 'ALTER', 'DROP', 'SELECT', 'MODIFY', 'AUTHORIZE'];
const ON_TABLES: readonly Permission[] = ON_KEYSPACES.filter((permission) => permission !== 'CREATE');

/** `user`: who has asked for the change; empty when nobody has to say who they are. */
export async function followChange(access: AccessControl, user: string, change: SchemaChange): Promise<void> {
  const { target, keyspace, name } = change;
  if (target === 'TYPE') return;
  const resource = target === 'KEYSPACE' ? `data/${keyspace}` : `data/${keyspace}/${name}`;
  if (change.change === 'DROPPED') {
    await access.change((roles) =>
      [...roles.values()].flatMap((before) => {
        const after = without(before, resource);
        return after === before ? [] : [{ name: before.name, before, after }];
      }),
    );
  } else if (change.change === 'CREATED' && user !== '') {
    const permissions = target === 'KEYSPACE' ? ON_KEYSPACES : ON_TABLES;
    await access.change((roles) => {
      const before = roles.get(user);
      if (before === undefined) return [];
      const after = { ...before, permissions: { ...before.permissions, [resource]: permissions } };
      return [{ name: user, before, after }];
    });
  }
}

/** Without permissions on the resource and on what lies in it. */
function without(role: Role, resource: string): Role {
  const gone = Object.keys(role.permissions).filter((path) => path === resource || path.startsWith(`${resource}/`));
  if (gone.length === 0) return role;
  const left = Object.entries(role.permissions).filter(([path]) => !gone.includes(path));
  return { ...role, permissions: Object.fromEntries(left) };
}
