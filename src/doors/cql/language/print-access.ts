/** Statements on roles and permissions as canonical text. */
import type { Resource, RoleOptions, Statement } from './ast.ts';
import {
  printAll,
  printFunctionName,
  printName,
  printPropertyMap,
  printQualifiedName,
  printType,
  quoteString,
} from './print-expression.ts';

const ACCESS_KINDS = [
  'createRole',
  'alterRole',
  'dropRole',
  'grantRole',
  'revokeRole',
  'listRoles',
  'listUsers',
  'addIdentity',
  'dropIdentity',
  'grantPermissions',
  'revokePermissions',
  'listPermissions',
] as const;
export type AccessStatement = Extract<Statement, { kind: (typeof ACCESS_KINDS)[number] }>;

export function isAccessStatement(statement: Statement): statement is AccessStatement {
  return (ACCESS_KINDS as readonly string[]).includes(statement.kind);
}

export function printAccessStatement(statement: AccessStatement): string {
  switch (statement.kind) {
    case 'createRole': {
      const role = `${statement.ifNotExists ? 'IF NOT EXISTS ' : ''}${printRole(statement.role)}`;
      return `CREATE ROLE ${role}${printRoleOptions(statement.options)}`;
    }
    case 'alterRole': {
      const role = `${statement.ifExists ? 'IF EXISTS ' : ''}${printRole(statement.role)}`;
      return `ALTER ROLE ${role}${printRoleOptions(statement.options)}`;
    }
    case 'dropRole':
      return `DROP ROLE ${statement.ifExists ? 'IF EXISTS ' : ''}${printRole(statement.role)}`;
    case 'grantRole':
      return `GRANT ${printRole(statement.role)} TO ${printRole(statement.grantee)}`;
    case 'revokeRole':
      return `REVOKE ${printRole(statement.role)} FROM ${printRole(statement.grantee)}`;
    case 'listRoles':
      return `LIST ROLES${printOf(statement.of)}${statement.isRecursive ? '' : ' NORECURSIVE'}`;
    case 'listUsers':
      return 'LIST USERS';
    case 'addIdentity': {
      const condition = statement.ifPossible ? 'IF NOT EXISTS ' : '';
      return `ADD IDENTITY ${condition}${quoteString(statement.identity)} TO ROLE ${quoteString(statement.role ?? '')}`;
    }
    case 'dropIdentity':
      return `DROP IDENTITY ${statement.ifPossible ? 'IF EXISTS ' : ''}${quoteString(statement.identity)}`;
    case 'grantPermissions':
    case 'revokePermissions': {
      const [verb, direction] = statement.kind === 'grantPermissions' ? ['GRANT', 'TO'] : ['REVOKE', 'FROM'];
      const what = `${statement.permissions.join(', ')} ON ${printResource(statement.resource)}`;
      return `${verb} ${what} ${direction} ${printRole(statement.grantee)}`;
    }
    case 'listPermissions': {
      const on = statement.resource === undefined ? '' : ` ON ${printResource(statement.resource)}`;
      const recursive = statement.isRecursive ? '' : ' NORECURSIVE';
      return `LIST ${statement.permissions.join(', ')}${on}${printOf(statement.of)}${recursive}`;
    }
  }
}

function printRole(role: string): string {
  return role === '' ? "''" : printName(role);
}

function printOf(role: string | undefined): string {
  return role === undefined ? '' : ` OF ${printRole(role)}`;
}

function printRoleOptions(options: RoleOptions): string {
  const { password, hashedPassword, isSuperuser, canLogin } = options;
  const parts: string[] = [];
  if (password !== undefined) parts.push(`PASSWORD = ${quoteString(password)}`);
  if (hashedPassword !== undefined) parts.push(`HASHED PASSWORD = ${quoteString(hashedPassword)}`);
  if (isSuperuser !== undefined) parts.push(`SUPERUSER = ${isSuperuser}`);
  if (canLogin !== undefined) parts.push(`LOGIN = ${canLogin}`);
  if (options.options !== undefined) parts.push(`OPTIONS = ${printPropertyMap(options.options)}`);
  if (options.datacenters !== undefined) parts.push(`ACCESS TO ${printAccessList('DATACENTERS', options.datacenters)}`);
  if (options.cidrGroups !== undefined) parts.push(`ACCESS FROM ${printAccessList('CIDRS', options.cidrGroups)}`);
  return parts.length === 0 ? '' : ` WITH ${parts.join(' AND ')}`;
}

function printAccessList(what: string, names: 'all' | readonly string[]): string {
  return names === 'all' ? `ALL ${what}` : `${what} {${printAll(names, quoteString)}}`;
}

function printResource(resource: Resource): string {
  switch (resource.kind) {
    case 'allKeyspaces':
      return 'ALL KEYSPACES';
    case 'keyspace':
      return `KEYSPACE ${printName(resource.keyspace)}`;
    case 'allTables':
      return `ALL TABLES IN KEYSPACE ${printName(resource.keyspace)}`;
    case 'table':
      return `TABLE ${printQualifiedName(resource.table)}`;
    case 'allRoles':
      return 'ALL ROLES';
    case 'role':
      return `ROLE ${printRole(resource.role)}`;
    case 'allFunctions':
      return resource.keyspace === undefined
        ? 'ALL FUNCTIONS'
        : `ALL FUNCTIONS IN KEYSPACE ${printName(resource.keyspace)}`;
    case 'function':
      return `FUNCTION ${printFunctionName(resource.function)}(${printAll(resource.argumentTypes, printType)})`;
    case 'allMBeans':
      return 'ALL MBEANS';
    case 'mbean':
    case 'mbeans':
      return `${resource.kind.toUpperCase()} ${quoteString(resource.pattern)}`;
  }
}
