/** CREATE, ALTER, DROP and LIST ROLE and USER, GRANT and REVOKE: over the cluster's users, which serve all doors. */
import type { AccessControl, RoleEdit } from '../../../cluster/access/access-control.ts';
import { newRole, PERMISSIONS, type Permission, type Role } from '../../../cluster/access/role.ts';
import { makeVerifier } from '../../../cluster/access/scram.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type {
  AlterRole,
  CreateRole,
  DropRole,
  GrantPermissions,
  GrantRole,
  ListPermissions,
  ListRoles,
  ListUsers,
  RoleOptions,
  Statement,
} from '../language/ast.ts';
import type { Schema } from '../schema/model.ts';
import type { ColumnSpec, Requester, ResultSink } from '../session/engine.ts';
import { type Cell, packCollection } from '../types/composite.ts';
import { type DataType, mapOf, Native } from '../types/data-type.ts';

import { resourcePath, resourceText } from './authorization.ts';
import { ResultWriter } from './result-writer.ts';

type RoleStatement =
  | CreateRole
  | AlterRole
  | DropRole
  | GrantRole
  | ListRoles
  | ListUsers
  | GrantPermissions
  | ListPermissions;

const KINDS: ReadonlySet<Statement['kind']> = new Set([
  'createRole',
  'alterRole',
  'dropRole',
  'grantRole',
  'revokeRole',
  'listRoles',
  'listUsers',
  'grantPermissions',
  'revokePermissions',
  'listPermissions',
]);

export function isRoleStatement(statement: Statement): statement is RoleStatement {
  return KINDS.has(statement.kind);
}

/** Tells the sink, now or when every live node knows of the change. Throws what cannot be. */
export function executeRoleStatement(
  statement: RoleStatement,
  access: AccessControl,
  schema: Schema,
  requester: Requester,
  keyspace: string | null,
  sink: ResultSink,
): void {
  const asking = new Asking(access, requester);
  switch (statement.kind) {
    case 'listRoles':
      listRoles(statement, asking, sink);
      return;
    case 'listUsers':
      listUsers(access, sink);
      return;
    case 'listPermissions':
      listPermissions(statement, asking, keyspace, sink);
      return;
    case 'createRole':
      asking.mustBeAllowed('CREATE', 'roles');
      if (statement.options.isSuperuser === true)
        asking.mustBeSuperuser('Only superusers can create a role with superuser status');
      tell(createRole(statement, access), sink);
      return;
    case 'alterRole':
      checkAlter(statement, asking);
      tell(alterRole(statement, access), sink);
      return;
    case 'dropRole':
      asking.mustBeAllowed('DROP', `roles/${statement.role}`);
      if (statement.role === requester.user) throw invalidRequest('Cannot DROP primary role for current login');
      if (access.isSuperuser(statement.role))
        asking.mustBeSuperuser('Only superusers can drop a role with superuser status');
      tell(access.change(dropRole(statement)), sink);
      return;
    case 'grantRole':
    case 'revokeRole':
      asking.mustBeAllowed('AUTHORIZE', `roles/${statement.role}`);
      tell(access.change(changeMembership(statement, access)), sink);
      return;
    case 'grantPermissions':
    case 'revokePermissions':
      changePermissions(statement, asking, schema, keyspace, sink);
  }
}

function tell(change: Promise<void>, sink: ResultSink): void {
  change.then(
    () => sink.done(),
    (error: unknown) => {
      if (error instanceof CqlError) sink.error(error);
      else sink.error(new CqlError(ErrorCode.serverError, error instanceof Error ? error.message : String(error)));
    },
  );
}

/** Who asks, and what they may do. Where nobody has to say who they are, everything. */
class Asking {
  readonly access: AccessControl;
  readonly user: string;

  constructor(access: AccessControl, { user }: Requester) {
    this.access = access;
    this.user = user;
  }

  get isSuperuser(): boolean {
    return !this.access.isRequired || this.access.isSuperuser(this.user);
  }

  isAllowed(permission: Permission, resource: string): boolean {
    return !this.access.isRequired || this.access.isAllowed(this.user, permission, resource);
  }

  mustBeAllowed(permission: Permission, resource: string): void {
    if (this.isAllowed(permission, resource)) return;
    throw unauthorized(
      `User ${this.user} has no ${permission} permission on ${resourceText(resource)} or any of its parents`,
    );
  }

  mustBeSuperuser(text: string): void {
    if (!this.isSuperuser) throw unauthorized(text);
  }
}

function unauthorized(text: string): CqlError {
  return new CqlError(ErrorCode.unauthorized, text);
}

async function createRole({ role, ifNotExists, options }: CreateRole, access: AccessControl): Promise<void> {
  const passwords = await passwordsOf(options);
  await access.change((roles) => {
    if (roles.has(role)) {
      if (ifNotExists) return [];
      throw invalidRequest(`${role} already exists`);
    }
    const after = newRole(role, {
      superuser: options.isSuperuser ?? false,
      login: options.canLogin ?? false,
      passwords: passwords ?? [],
    });
    return [{ name: role, before: null, after }];
  });
}

function checkAlter({ role, options }: AlterRole, asking: Asking): void {
  const isSelf = asking.user === role;
  if (options.isSuperuser !== undefined) {
    if (isSelf)
      throw unauthorized("You aren't allowed to alter your own superuser status or that of a role granted to you");
    asking.mustBeSuperuser('Only superusers are allowed to alter superuser status');
  }
  if (asking.isSuperuser || (isSelf && options.canLogin === undefined)) return;
  asking.mustBeAllowed('ALTER', `roles/${role}`);
}

async function alterRole({ role, ifExists, options }: AlterRole, access: AccessControl): Promise<void> {
  const passwords = await passwordsOf(options);
  await access.change((roles) => {
    const before = roles.get(role);
    if (before === undefined) {
      if (ifExists) return [];
      throw invalidRequest(`${role} doesn't exist`);
    }
    const after: Role = {
      ...before,
      superuser: options.isSuperuser ?? before.superuser,
      login: options.canLogin ?? before.login,
      passwords: passwords ?? before.passwords,
    };
    return [{ name: role, before, after }];
  });
}

async function passwordsOf({ password, hashedPassword }: RoleOptions): Promise<Role['passwords'] | undefined> {
  if (hashedPassword !== undefined) {
    throw invalidRequest(
      'HASHED PASSWORD is not supported, because one password serves all doors and is kept in another form; use PASSWORD',
    );
  }
  return password === undefined ? undefined : [await makeVerifier(password)];
}

function dropRole({ role, ifExists }: DropRole): RoleEdit {
  return (roles) => {
    const before = roles.get(role);
    if (before === undefined) {
      if (ifExists) return [];
      throw invalidRequest(`${role} doesn't exist`);
    }
    const members = [...roles.values()].filter(({ memberOf }) => memberOf.includes(role));
    return [
      { name: role, before, after: null },
      ...members.map((member) => ({
        name: member.name,
        before: member,
        after: { ...member, memberOf: member.memberOf.filter((name) => name !== role) },
      })),
    ];
  };
}

function changeMembership({ kind, role, grantee }: GrantRole, access: AccessControl): RoleEdit {
  return (roles) => {
    const before = roles.get(grantee);
    if (!roles.has(role)) throw invalidRequest(`${role} doesn't exist`);
    if (before === undefined) throw invalidRequest(`${grantee} doesn't exist`);
    const isMember = before.memberOf.includes(role);
    if (kind === 'revokeRole') {
      if (!isMember) throw invalidRequest(`${grantee} is not a member of ${role}`);
      return [
        { name: grantee, before, after: { ...before, memberOf: before.memberOf.filter((name) => name !== role) } },
      ];
    }
    if (isMember) throw invalidRequest(`${grantee} is a member of ${role}`);
    if (access.rolesOf(role).has(grantee)) throw invalidRequest(`${role} is a member of ${grantee}`);
    return [{ name: grantee, before, after: { ...before, memberOf: [...before.memberOf, role] } }];
  };
}

function changePermissions(
  statement: GrantPermissions,
  asking: Asking,
  schema: Schema,
  keyspace: string | null,
  sink: ResultSink,
): void {
  const resource = resourcePath(statement.resource, keyspace);
  checkResource(resource, schema, asking.access);
  asking.mustBeAllowed('AUTHORIZE', resource);
  const permissions = known(statement.permissions);
  if (statement.kind === 'grantPermissions')
    for (const permission of permissions) asking.mustBeAllowed(permission, resource);
  tell(
    asking.access.change((roles) => {
      const before = roles.get(statement.grantee);
      if (before === undefined) throw invalidRequest(`Role ${statement.grantee} doesn't exist`);
      const held = before.permissions[resource] ?? [];
      const after =
        statement.kind === 'grantPermissions'
          ? PERMISSIONS.filter((permission) => held.includes(permission) || permissions.includes(permission))
          : held.filter((permission) => !permissions.includes(permission));
      const { [resource]: _before, ...rest } = before.permissions;
      return [
        {
          name: before.name,
          before,
          after: { ...before, permissions: after.length === 0 ? rest : { ...rest, [resource]: after } },
        },
      ];
    }),
    sink,
  );
}

function checkResource(resource: string, schema: Schema, access: AccessControl): void {
  const [kind, first, second] = resource.split('/');
  if (kind === 'mbeans') throw invalidRequest('There are no MBeans here');
  if (kind === 'roles' && first !== undefined && !access.roles.has(first))
    throw invalidRequest(`${resourceText(resource)} doesn't exist`);
  if (kind !== 'data' || first === undefined) return;
  const keyspace = schema.keyspaces.get(first);
  if (keyspace === undefined || (second !== undefined && !keyspace.tables.has(second))) {
    throw invalidRequest(`Resource ${resourceText(resource)} doesn't exist`);
  }
}

/** Those that there are here. */
function known(permissions: readonly string[]): Permission[] {
  return PERMISSIONS.filter((permission) => permissions.includes(permission));
}

// --- LIST

function column(table: string, name: string, type: DataType): ColumnSpec {
  return { keyspace: 'system_auth', table, name, type };
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}

function flag(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

const ROLE_COLUMNS = [
  column('roles', 'role', Native.text),
  column('roles', 'super', Native.boolean),
  column('roles', 'login', Native.boolean),
  column('roles', 'options', mapOf(Native.text, Native.text)),
  column('roles', 'datacenters', Native.text),
];

function listRoles({ of, isRecursive }: ListRoles, asking: Asking, sink: ResultSink): void {
  const { access } = asking;
  if (of !== undefined && !access.roles.has(of)) throw invalidRequest(`${of} doesn't exist`);
  const own = asking.isSuperuser || asking.isAllowed('DESCRIBE', 'roles') ? undefined : asking.user;
  if (own !== undefined && of !== undefined && !access.rolesOf(own).has(of)) {
    throw unauthorized(`You are not authorized to view roles granted to ${of} `);
  }
  const start = of ?? own;
  const names =
    start === undefined
      ? [...access.roles.keys()]
      : isRecursive
        ? [...access.rolesOf(start)]
        : [start, ...(access.roles.get(start)?.memberOf ?? [])];
  const writer = new ResultWriter();
  for (const name of names.sort()) {
    const role = access.roles.get(name);
    if (role === undefined) continue;
    const options: Cell = packCollection(0, []);
    writer.row([text(name), flag(role.superuser), flag(role.login), options, text('ALL')]);
  }
  sink.rows(ROLE_COLUMNS, writer.rowCount, writer.take(), null);
}

const USER_COLUMNS = [
  column('users', 'name', Native.text),
  column('users', 'super', Native.boolean),
  column('users', 'datacenters', Native.text),
];

function listUsers(access: AccessControl, sink: ResultSink): void {
  const writer = new ResultWriter();
  for (const role of [...access.roles.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (role.login) writer.row([text(role.name), flag(access.isSuperuser(role.name)), text('ALL')]);
  }
  sink.rows(USER_COLUMNS, writer.rowCount, writer.take(), null);
}

const PERMISSION_COLUMNS = ['role', 'username', 'resource', 'permission'].map((name) =>
  column('permissions', name, Native.text),
);

function listPermissions(
  { permissions, resource, of, isRecursive }: ListPermissions,
  asking: Asking,
  keyspace: string | null,
  sink: ResultSink,
): void {
  const { access } = asking;
  if (of !== undefined && !access.roles.has(of)) throw invalidRequest(`${of} doesn't exist`);
  if (
    !asking.isSuperuser &&
    !asking.isAllowed('DESCRIBE', 'roles') &&
    (of === undefined || !access.rolesOf(asking.user).has(of))
  ) {
    throw unauthorized(
      of === undefined
        ? "You are not authorized to view everyone's permissions"
        : `You are not authorized to view ${of}'s permissions`,
    );
  }
  const wanted = known(permissions);
  const path = resource === undefined ? undefined : resourcePath(resource, keyspace);
  const names = of === undefined ? [...access.roles.keys()] : [...access.rolesOf(of)];
  const writer = new ResultWriter();
  for (const name of names.sort()) {
    for (const [held, list] of Object.entries(access.roles.get(name)?.permissions ?? {})) {
      const isAsked = path === undefined || held === path || (isRecursive && path.startsWith(`${held}/`));
      if (!isAsked) continue;
      for (const permission of list)
        if (wanted.includes(permission))
          writer.row([text(name), text(name), text(resourceText(held)), text(permission)]);
    }
  }
  sink.rows(PERMISSION_COLUMNS, writer.rowCount, writer.take(), null);
}
