/** Roles, users, identities; GRANT, REVOKE and LIST. */
import {
  type AlterRole,
  type ChangeIdentity,
  type CreateRole,
  type DropRole,
  type GrantPermissions,
  type GrantRole,
  type ListPermissions,
  type ListRoles,
  type ListUsers,
  PERMISSIONS,
  type Permission,
  type Resource,
  type RoleOptions,
} from './ast.ts';
import type { TokenKind } from './lexer.ts';
import { parsePropertyMap } from './parse-properties.ts';
import { parseTypeList } from './parse-type.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import type { TokenStream } from './token-stream.ts';

type MutableOptions = { -readonly [name in keyof RoleOptions]: RoleOptions[name] };

function noOptions(): MutableOptions {
  return {
    password: undefined,
    hashedPassword: undefined,
    isSuperuser: undefined,
    canLogin: undefined,
    options: undefined,
    datacenters: undefined,
    cidrGroups: undefined,
  };
}

export function parseCreateRole(input: TokenStream): CreateRole {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const role = input.role();
  const options = parseRoleOptions(input);
  options.canLogin ??= false;
  options.isSuperuser ??= false;
  return { kind: 'createRole', ifNotExists, role, options };
}

export function parseAlterRole(input: TokenStream): AlterRole {
  input.advance();
  const ifExists = input.ifExists();
  const role = input.role();
  return { kind: 'alterRole', ifExists, role, options: parseRoleOptions(input) };
}

export function parseDropRole(input: TokenStream): DropRole {
  const isUser = input.kind === 'USER';
  input.advance();
  const ifExists = input.ifExists();
  return { kind: 'dropRole', ifExists, role: isUser ? parseUserName(input) : input.role() };
}

function parseRoleOptions(input: TokenStream): MutableOptions {
  const options = noOptions();
  if (!input.accept('WITH')) return options;
  do parseRoleOption(input, options);
  while (input.accept('AND'));
  checkPasswords(options);
  return options;
}

function checkPasswords(options: RoleOptions): void {
  if (options.password === undefined || options.hashedPassword === undefined) return;
  throw new CqlSyntaxError("Options 'password' and 'hashed password' are mutually exclusive");
}

function setOnce<Name extends keyof RoleOptions>(options: MutableOptions, name: Name, value: RoleOptions[Name]): void {
  if (options[name] !== undefined) {
    throw new CqlSyntaxError(`Multiple definition for property '${OPTION_NAMES[name]}'`);
  }
  options[name] = value;
}

const OPTION_NAMES: Record<keyof RoleOptions, string> = {
  password: 'PASSWORD',
  hashedPassword: 'HASHED_PASSWORD',
  isSuperuser: 'SUPERUSER',
  canLogin: 'LOGIN',
  options: 'OPTIONS',
  datacenters: 'ACCESS TO DATACENTERS',
  cidrGroups: 'ACCESS FROM CIDRS',
};

function parseRoleOption(input: TokenStream, options: MutableOptions): void {
  const word = input.kind;
  if (word === 'ACCESS') {
    parseAccess(input, options);
    return;
  }
  if (!OPTION_WORDS.has(word)) throw input.noViableAlternative();
  input.advance();
  if (word === 'HASHED') input.expect('PASSWORD');
  input.expect('=');
  if (word === 'PASSWORD') setOnce(options, 'password', input.takeString());
  else if (word === 'HASHED') setOnce(options, 'hashedPassword', input.takeString());
  else if (word === 'OPTIONS') setOnce(options, 'options', parsePropertyMap(input));
  else if (word === 'SUPERUSER') setOnce(options, 'isSuperuser', parseBoolean(input));
  else setOnce(options, 'canLogin', parseBoolean(input));
}

const OPTION_WORDS: ReadonlySet<string> = new Set(['PASSWORD', 'HASHED', 'OPTIONS', 'SUPERUSER', 'LOGIN']);

function parseBoolean(input: TokenStream): boolean {
  if (input.kind !== 'boolean') throw input.mismatch('boolean');
  return input.take().toLowerCase() === 'true';
}

/** `ACCESS TO DATACENTERS {…}`, `ACCESS FROM CIDRS {…}`, or of ALL of them. */
function parseAccess(input: TokenStream, options: MutableOptions): void {
  const begin = input.index;
  input.advance();
  if (input.accept('TO')) setOnce(options, 'datacenters', parseAccessList(input, 'DATACENTERS'));
  else if (input.accept('FROM')) setOnce(options, 'cidrGroups', parseAccessList(input, 'CIDRS'));
  else throw input.noViableAlternative(begin, input.index);
}

function parseAccessList(input: TokenStream, what: TokenKind): 'all' | string[] {
  if (input.accept('ALL')) {
    input.expect(what);
    return 'all';
  }
  input.expect(what);
  input.expect('{');
  const names: string[] = [];
  do names.push(input.takeString());
  while (input.accept(','));
  input.expect('}');
  return names;
}

/** Names of users keep their case, unlike those of roles. */
function parseUserName(input: TokenStream): string {
  if (input.kind === 'quoted') {
    throw new CqlSyntaxError(
      'Quoted strings are are not supported for user names and USER is deprecated, please use ROLE',
    );
  }
  return parsePlainName(input);
}

function parsePlainName(input: TokenStream): string {
  if (input.kind !== 'identifier' && input.kind !== 'string') throw input.noViableAlternative();
  return input.take();
}

export function parseCreateUser(input: TokenStream): CreateRole {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const role = parseUserName(input);
  const options = parseUserOptions(input);
  options.canLogin = true;
  options.isSuperuser ??= false;
  return { kind: 'createRole', ifNotExists, role, options };
}

export function parseAlterUser(input: TokenStream): AlterRole {
  input.advance();
  const ifExists = input.ifExists();
  const role = parseUserName(input);
  return { kind: 'alterRole', ifExists, role, options: parseUserOptions(input) };
}

/** `[WITH [HASHED] PASSWORD '…'] [SUPERUSER | NOSUPERUSER]` */
function parseUserOptions(input: TokenStream): MutableOptions {
  const options = noOptions();
  if (input.accept('WITH')) {
    const isHashed = input.accept('HASHED');
    input.expect('PASSWORD');
    options[isHashed ? 'hashedPassword' : 'password'] = input.takeString();
  }
  if (input.accept('SUPERUSER')) options.isSuperuser = true;
  else if (input.accept('NOSUPERUSER')) options.isSuperuser = false;
  return options;
}

/** From the word IDENTITY on. */
export function parseChangeIdentity(input: TokenStream, kind: ChangeIdentity['kind']): ChangeIdentity {
  input.expect('IDENTITY');
  const isAdd = kind === 'addIdentity';
  const ifPossible = isAdd ? input.ifNotExists() : input.ifExists();
  const identity = parseIdentity(input);
  if (!isAdd) return { kind, ifPossible, identity, role: undefined };
  input.expect('TO');
  input.expect('ROLE');
  return { kind, ifPossible, identity, role: parseIdentity(input) };
}

function parseIdentity(input: TokenStream): string {
  if (input.kind === 'quoted') throw new CqlSyntaxError('Quoted strings are are not supported for identity');
  return parsePlainName(input);
}

export function parseGrant(input: TokenStream): GrantRole | GrantPermissions {
  input.expect('GRANT');
  return parseGrantOrRevoke(input, 'TO', 'grant');
}

export function parseRevoke(input: TokenStream): GrantRole | GrantPermissions {
  input.expect('REVOKE');
  return parseGrantOrRevoke(input, 'FROM', 'revoke');
}

function parseGrantOrRevoke(
  input: TokenStream,
  direction: 'TO' | 'FROM',
  verb: 'grant' | 'revoke',
): GrantRole | GrantPermissions {
  const isPermission = input.kind === 'ALL' || permissionOf(input.kind) !== undefined;
  if (input.nextKind === direction || !isPermission) {
    const role = input.role();
    input.expect(direction);
    return { kind: `${verb}Role`, role, grantee: input.role() };
  }
  const named = parsePermissions(input);
  input.expect('ON');
  const resource = parseResource(input);
  input.expect(direction);
  const grantee = input.role();
  return { kind: `${verb}Permissions`, permissions: applicablePermissions(named, resource), resource, grantee };
}

function parsePermissions(input: TokenStream): readonly Permission[] {
  if (input.accept('ALL')) {
    input.accept('PERMISSIONS');
    return PERMISSIONS;
  }
  if (permissionOf(input.kind) === undefined) throw input.noViableAlternative(input.index - 1, input.index);
  const named = new Set<Permission>();
  do {
    const permission = permissionOf(input.kind);
    if (permission === undefined) throw input.mismatchedSet();
    named.add(permission);
    input.advance();
    input.accept('PERMISSION');
  } while (input.accept(','));
  return PERMISSIONS.filter((permission) => named.has(permission));
}

function permissionOf(kind: TokenKind): Permission | undefined {
  return PERMISSIONS.find((permission) => permission === kind);
}

const ON_DATA: readonly Permission[] = ['ALTER', 'DROP', 'SELECT', 'MODIFY', 'AUTHORIZE', 'UNMASK', 'SELECT_MASKED'];
const ON_FUNCTIONS: readonly Permission[] = ['ALTER', 'DROP', 'AUTHORIZE', 'EXECUTE'];

/** What each kind of resource can have granted, and what Cassandra calls the kind. */
const APPLICABLE: Record<Resource['kind'], { readonly name: string; readonly permissions: readonly Permission[] }> = {
  allKeyspaces: { name: 'DataResource', permissions: ['CREATE', ...ON_DATA] },
  keyspace: { name: 'DataResource', permissions: ['CREATE', ...ON_DATA] },
  allTables: { name: 'DataResource', permissions: ['CREATE', ...ON_DATA] },
  table: { name: 'DataResource', permissions: ON_DATA },
  allRoles: { name: 'RoleResource', permissions: ['CREATE', 'ALTER', 'DROP', 'AUTHORIZE', 'DESCRIBE'] },
  role: { name: 'RoleResource', permissions: ['ALTER', 'DROP', 'AUTHORIZE'] },
  allFunctions: { name: 'FunctionResource', permissions: ['CREATE', ...ON_FUNCTIONS] },
  function: { name: 'FunctionResource', permissions: ON_FUNCTIONS },
  allMBeans: { name: 'JMXResource', permissions: ['AUTHORIZE', 'DESCRIBE', 'EXECUTE', 'MODIFY', 'SELECT'] },
  mbean: { name: 'JMXResource', permissions: ['AUTHORIZE', 'DESCRIBE', 'EXECUTE', 'MODIFY', 'SELECT'] },
  mbeans: { name: 'JMXResource', permissions: ['AUTHORIZE', 'DESCRIBE', 'EXECUTE', 'MODIFY', 'SELECT'] },
};

function applicablePermissions(named: readonly Permission[], resource: Resource): readonly Permission[] {
  const applicable = APPLICABLE[resource.kind];
  const permissions = named.filter((permission) => applicable.permissions.includes(permission));
  if (permissions.length > 0) return permissions;
  throw new CqlSyntaxError(`Resource type ${applicable.name} does not support any of the requested permissions`);
}

function parseResource(input: TokenStream): Resource {
  const next = input.nextKind;
  switch (input.kind) {
    case 'ALL':
      return parseAllResource(input);
    case 'KEYSPACE':
    case 'SCHEMA':
      input.advance();
      return { kind: 'keyspace', keyspace: input.keyspace() };
    case 'COLUMNFAMILY':
      input.advance();
      return { kind: 'table', table: input.qualifiedName() };
    case 'ROLE':
      if (!input.isName(next) && next !== 'string') break;
      input.advance();
      return { kind: 'role', role: input.role() };
    case 'FUNCTION': {
      if (!input.isFunctionName(next) && !input.isName(next)) break;
      input.advance();
      const name = input.qualifiedFunctionName();
      return { kind: 'function', function: name, argumentTypes: parseTypeList(input) };
    }
    case 'MBEAN':
    case 'MBEANS':
      if (next === 'string') return parseMBean(input);
      break;
    default:
  }
  return { kind: 'table', table: input.qualifiedName() };
}

function parseMBean(input: TokenStream): Resource {
  const kind = input.kind === 'MBEAN' ? 'mbean' : 'mbeans';
  input.advance();
  const pattern = input.takeString();
  if (pattern === '') throw new CqlSyntaxError('Empty JMX object name supplied');
  if (pattern === '*:*') throw new CqlSyntaxError('Please use ALL MBEANS instead of wildcard pattern');
  return { kind, pattern };
}

function parseAllResource(input: TokenStream): Resource {
  if (input.acceptPair('ALL', 'KEYSPACES')) return { kind: 'allKeyspaces' };
  if (input.acceptPair('ALL', 'ROLES')) return { kind: 'allRoles' };
  if (input.acceptPair('ALL', 'MBEANS')) return { kind: 'allMBeans' };
  if (input.acceptPair('ALL', 'TABLES')) {
    input.expect('IN');
    return { kind: 'allTables', keyspace: parseKeyspaceWord(input) };
  }
  if (!input.acceptPair('ALL', 'FUNCTIONS')) return { kind: 'table', table: input.qualifiedName() };
  return { kind: 'allFunctions', keyspace: input.accept('IN') ? parseKeyspaceWord(input) : undefined };
}

/** `KEYSPACE name` */
function parseKeyspaceWord(input: TokenStream): string {
  if (!input.accept('SCHEMA')) input.expect('KEYSPACE');
  return input.keyspace();
}

export function parseList(input: TokenStream): ListRoles | ListUsers | ListPermissions {
  input.expect('LIST');
  if (input.accept('USERS')) return { kind: 'listUsers' };
  if (input.accept('ROLES')) {
    const of = input.accept('OF') ? input.role() : undefined;
    return { kind: 'listRoles', of, isRecursive: !input.accept('NORECURSIVE') };
  }
  const permissions = parsePermissions(input);
  const resource = input.accept('ON') ? parseResource(input) : undefined;
  const of = input.accept('OF') ? input.role() : undefined;
  return { kind: 'listPermissions', permissions, resource, of, isRecursive: !input.accept('NORECURSIVE') };
}
