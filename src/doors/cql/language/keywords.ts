/**
 * The keywords of CQL, and which of them are names wherever a name is expected.
 *
 * A word of the text that is a keyword has the keyword as the kind of its token. `TABLE` and `COLUMNFAMILY` are one
 * keyword, as are `TABLES` and `COLUMNFAMILIES`.
 */
import { NATIVE_TYPE_NAMES, type NativeTypeName } from './ast.ts';

const RESERVED = [
  'ADD',
  'ALLOW',
  'ALTER',
  'AND',
  'APPLY',
  'ASC',
  'AUTHORIZE',
  'BATCH',
  'BEGIN',
  'BY',
  'COLUMNFAMILY',
  'CREATE',
  'DELETE',
  'DESC',
  'DESCRIBE',
  'DROP',
  'ENTRIES',
  'EXECUTE',
  'FROM',
  'FULL',
  'GRANT',
  'IF',
  'IN',
  'INDEX',
  'INFINITY',
  'INSERT',
  'INTO',
  'IS',
  'KEYSPACE',
  'LIMIT',
  'MATERIALIZED',
  'MODIFY',
  'NAN',
  'NORECURSIVE',
  'NOT',
  'NULL',
  'OF',
  'ON',
  'OR',
  'ORDER',
  'PRIMARY',
  'RENAME',
  'REVOKE',
  'SCHEMA',
  'SELECT',
  'SET',
  'TO',
  'TOKEN',
  'TRUNCATE',
  'UNLOGGED',
  'UPDATE',
  'USE',
  'USING',
  'VIEW',
  'WHERE',
  'WITH',
] as const;

/** Names of anything. */
const UNRESERVED = [
  'ACCESS',
  'AGGREGATE',
  'AGGREGATES',
  'ALL',
  'ANN',
  'AS',
  'BETWEEN',
  'CALLED',
  'CIDRS',
  'CLUSTER',
  'CLUSTERING',
  'COMPACT',
  'CONTAINS',
  'CUSTOM',
  'DATACENTERS',
  'DEFAULT',
  'EXISTS',
  'FILTERING',
  'FINALFUNC',
  'FROZEN',
  'FUNCTION',
  'FUNCTIONS',
  'GROUP',
  'HASHED',
  'IDENTITY',
  'INITCOND',
  'INPUT',
  'INTERNALS',
  'KEYS',
  'KEYSPACES',
  'LANGUAGE',
  'LIKE',
  'LIST',
  'LOGIN',
  'MAP',
  'MASKED',
  'MBEAN',
  'MBEANS',
  'NOLOGIN',
  'NOSUPERUSER',
  'ONLY',
  'OPTIONS',
  'PARTITION',
  'PASSWORD',
  'PER',
  'PERMISSION',
  'PERMISSIONS',
  'REPLACE',
  'RETURNS',
  'ROLE',
  'ROLES',
  'SELECT_MASKED',
  'SFUNC',
  'STATIC',
  'STORAGE',
  'STYPE',
  'SUPERUSER',
  'TABLES',
  'TRIGGER',
  'TUPLE',
  'TYPE',
  'TYPES',
  'UNMASK',
  'UNSET',
  'USER',
  'USERS',
  'VALUES',
  'VECTOR',
] as const;

/** Names of anything but functions, since they have a meaning of their own before a parenthesis, and of types. */
const UNRESERVED_EXCEPT_FUNCTIONS = [
  'CAST',
  'COUNT',
  'DISTINCT',
  'JSON',
  'KEY',
  'MAXWRITETIME',
  'TTL',
  'WRITETIME',
] as const;

export type NativeTypeKeyword = Uppercase<NativeTypeName>;
export type Keyword =
  | (typeof RESERVED)[number]
  | (typeof UNRESERVED)[number]
  | (typeof UNRESERVED_EXCEPT_FUNCTIONS)[number]
  | NativeTypeKeyword;

const NATIVE_TYPES = NATIVE_TYPE_NAMES.map((name) => name.toUpperCase() as NativeTypeKeyword);

/** From the word in lower case. */
export const KEYWORD_OF_WORD: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ...[...RESERVED, ...UNRESERVED, ...UNRESERVED_EXCEPT_FUNCTIONS, ...NATIVE_TYPES].map((keyword): [string, Keyword] => [
    keyword.toLowerCase(),
    keyword,
  ]),
  ['table', 'COLUMNFAMILY'],
  ['columnfamilies', 'TABLES'],
]);

export const NATIVE_TYPE_OF_KEYWORD: ReadonlyMap<string, NativeTypeName> = new Map(
  NATIVE_TYPE_NAMES.map((name) => [name.toUpperCase(), name]),
);

/** Keywords that are names of columns, tables, keyspaces, roles, fields, aliases. */
export const NAME_KEYWORDS: ReadonlySet<string> = new Set([
  ...UNRESERVED,
  ...UNRESERVED_EXCEPT_FUNCTIONS,
  ...NATIVE_TYPES,
]);

export const FUNCTION_NAME_KEYWORDS: ReadonlySet<string> = new Set([...UNRESERVED, ...NATIVE_TYPES, 'TOKEN', 'COUNT']);

export const TYPE_NAME_KEYWORDS: ReadonlySet<string> = new Set([...UNRESERVED, 'KEY']);

/** Words that Cassandra keeps from being names of user types, for types that may come. */
export const RESERVED_TYPE_NAMES: ReadonlySet<string> = new Set([
  'byte',
  'complex',
  'enum',
  'date',
  'interval',
  'macaddr',
  'bitstring',
]);

export function isReservedWord(word: string): boolean {
  const keyword = KEYWORD_OF_WORD.get(word);
  return keyword !== undefined && !NAME_KEYWORDS.has(keyword);
}
