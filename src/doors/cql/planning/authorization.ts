/** What a statement needs permission for, and whether who asks has it. */
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import type { Permission } from '../../../cluster/access/role.ts';
import { CqlError, ErrorCode } from '../errors.ts';
import type { QualifiedName, Resource, Statement } from '../language/ast.ts';
import { SYSTEM_KEYSPACES } from '../schema/system/names.ts';
import type { Requester } from '../session/engine.ts';

interface Need {
  readonly permission: Permission;
  readonly resource: string;
}

/** Throws Unauthorized. */
export function checkAccess(
  access: AccessControl,
  { user }: Requester,
  statement: Statement,
  keyspace: string | null,
): void {
  if (!access.isRequired) return;
  for (const { permission, resource } of needsOf(statement, keyspace)) {
    if (access.isAllowed(user, permission, resource)) continue;
    throw new CqlError(
      ErrorCode.unauthorized,
      `User ${user} has no ${permission} permission on ${resourceText(resource)} or any of its parents`,
    );
  }
}

function needsOf(statement: Statement, keyspace: string | null): Need[] {
  const table = ({ keyspace: own, name }: QualifiedName): string => `data/${own ?? keyspace ?? ''}/${name}`;
  const within = (name: QualifiedName): string => `data/${name.keyspace ?? keyspace ?? ''}`;
  switch (statement.kind) {
    case 'select':
      // Drivers read the system's tables before they do anything else.
      if (SYSTEM_KEYSPACES.has(statement.table.keyspace ?? keyspace ?? '')) return [];
      return [{ permission: 'SELECT', resource: table(statement.table) }];
    case 'insert':
    case 'insertJson':
    case 'update':
    case 'delete':
      return [
        { permission: 'MODIFY', resource: table(statement.table) },
        ...(statement.conditions === undefined
          ? []
          : [{ permission: 'SELECT' as const, resource: table(statement.table) }]),
      ];
    case 'truncate':
      return [{ permission: 'MODIFY', resource: table(statement.table) }];
    case 'batch':
      return statement.statements.flatMap((own) => needsOf(own, keyspace));
    case 'createKeyspace':
      return [{ permission: 'CREATE', resource: 'data' }];
    case 'alterKeyspace':
      return [{ permission: 'ALTER', resource: `data/${statement.keyspace}` }];
    case 'dropKeyspace':
      return [{ permission: 'DROP', resource: `data/${statement.keyspace}` }];
    case 'createTable':
      return [{ permission: 'CREATE', resource: within(statement.table) }];
    case 'createType':
      return [{ permission: 'CREATE', resource: within(statement.type) }];
    case 'alterTable':
      return [{ permission: 'ALTER', resource: table(statement.table) }];
    case 'dropTable':
      return [{ permission: 'DROP', resource: table(statement.table) }];
    case 'alterType':
      return [{ permission: 'ALTER', resource: within(statement.type) }];
    case 'dropType':
      return [{ permission: 'DROP', resource: within(statement.type) }];
    case 'createIndex':
      return [{ permission: 'ALTER', resource: table(statement.table) }];
    case 'dropIndex':
      return [{ permission: 'ALTER', resource: within(statement.index) }];
    default:
      // Statements on roles look at who asks themselves.
      return [];
  }
}

/** As Cassandra shows resources: `<table shop.orders>`. */
export function resourceText(resource: string): string {
  const [kind, keyspace, name] = resource.split('/');
  if (kind === 'roles') return keyspace === undefined ? '<all roles>' : `<role ${keyspace}>`;
  if (kind === 'functions') return '<all functions>';
  if (keyspace === undefined) return '<all keyspaces>';
  return name === undefined ? `<keyspace ${keyspace}>` : `<table ${keyspace}.${name}>`;
}

/** The path of a resource that a statement names. */
export function resourcePath(resource: Resource, keyspace: string | null): string {
  switch (resource.kind) {
    case 'allKeyspaces':
      return 'data';
    case 'keyspace':
    case 'allTables':
      return `data/${resource.keyspace}`;
    case 'table':
      return `data/${resource.table.keyspace ?? keyspace ?? ''}/${resource.table.name}`;
    case 'allRoles':
      return 'roles';
    case 'role':
      return `roles/${resource.role}`;
    case 'allFunctions':
      return resource.keyspace === undefined ? 'functions' : `functions/${resource.keyspace}`;
    case 'function':
      return `functions/${resource.function.keyspace ?? keyspace ?? ''}/${resource.function.name}`;
    default:
      return 'mbeans';
  }
}
