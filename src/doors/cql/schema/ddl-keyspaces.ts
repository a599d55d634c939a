/** CREATE, ALTER and DROP KEYSPACE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { AlterKeyspace, CreateKeyspace, DropKeyspace, QualifiedName } from '../language/ast.ts';
import type { DdlContext, DdlReply } from './ddl.ts';
import { keyspaceOptions } from './options.ts';
import { type KeyspaceRecord, keyspaceKey, sweepKey, type TableRecord } from './records.ts';
import { SYSTEM_KEYSPACES } from './system-keyspaces.ts';

export const NAME_LENGTH_MAX = 48;

export function createKeyspace(statement: CreateKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  refuseSystem(name);
  if (!/^\w+$/.test(name) || name.length > NAME_LENGTH_MAX) {
    throw invalidRequest(
      `Keyspace name must not be empty, more than ${NAME_LENGTH_MAX} characters long, or contain non-alphanumeric-underscore characters (got '${name}')`,
    );
  }
  const options = keyspaceOptions(undefined, statement.properties);
  if (records.get(keyspaceKey(name)) !== undefined) {
    if (statement.ifNotExists) return null;
    throw new CqlError(ErrorCode.alreadyExists, `Cannot add existing keyspace "${name}"`, {
      keyspace: name,
      table: '',
    });
  }
  records.put(keyspaceKey(name), { name, ...options } satisfies KeyspaceRecord);
  return { change: 'CREATED', target: 'KEYSPACE', keyspace: name, name: '' };
}

export function alterKeyspace(statement: AlterKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  refuseSystem(name);
  const record = records.get(keyspaceKey(name)) as KeyspaceRecord | undefined;
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Keyspace '${name}' doesn't exist`);
  }
  records.put(keyspaceKey(name), { name, ...keyspaceOptions(record, statement.properties) } satisfies KeyspaceRecord);
  return { change: 'UPDATED', target: 'KEYSPACE', keyspace: name, name: '' };
}

export function dropKeyspace(statement: DropKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  refuseSystem(name);
  if (records.get(keyspaceKey(name)) === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Keyspace '${name}' doesn't exist`);
  }
  for (const [key, record] of records.entries(`table/${name}/`)) {
    sweepTable(records, record as TableRecord);
    records.delete(key);
  }
  for (const [key] of records.entries(`type/${name}/`)) records.delete(key);
  records.delete(keyspaceKey(name));
  return { change: 'DROPPED', target: 'KEYSPACE', keyspace: name, name: '' };
}

/** The rows and index entries of a table are nobody's from now on. */
export function sweepTable(records: CatalogRecords, table: TableRecord): void {
  for (const space of [table.space, ...table.indexes.map((index) => index.space)])
    records.put(sweepKey(space), { space });
}

/** The keyspace that a name means; throws when it is none that may be changed. */
export function keyspaceOfName(name: QualifiedName, context: DdlContext): string {
  const keyspace = name.keyspace ?? context.keyspace;
  if (keyspace === undefined) {
    throw invalidRequest('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename');
  }
  refuseSystem(keyspace);
  if (context.records.get(keyspaceKey(keyspace)) === undefined)
    throw invalidRequest(`Keyspace '${keyspace}' doesn't exist`);
  return keyspace;
}

function refuseSystem(name: string): void {
  if (SYSTEM_KEYSPACES.has(name.toLowerCase()))
    throw new CqlError(ErrorCode.unauthorized, `${name} keyspace is not user-modifiable.`);
}
