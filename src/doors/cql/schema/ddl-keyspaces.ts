/** CREATE, ALTER and DROP KEYSPACE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { AlterKeyspace, CreateKeyspace, DropKeyspace, QualifiedName } from '../language/ast.ts';
import {
  type KeyspaceRecord,
  keyspaceKey,
  keyspaceRecord,
  RECORD_FORMAT,
  type SweepRecord,
  sweepKey,
  type TableRecord,
  tableKey,
  tableRecords,
} from './records.ts';
import { keyspaceOptions } from './replication.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { ALL_SLOTS } from './slot-ranges.ts';
import { LOCAL_KEYSPACES, SYSTEM_KEYSPACES } from './system/names.ts';

export const NAME_LENGTH_MAX = 48;

export function isValidName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name) && name.length <= NAME_LENGTH_MAX;
}

export function createKeyspace(statement: CreateKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  if (LOCAL_KEYSPACES.has(name.toLowerCase())) throw invalidRequest(`System keyspace '${name}' is not user-modifiable`);
  if (!isValidName(name)) {
    throw invalidRequest(
      `Keyspace name must not be empty, more than ${NAME_LENGTH_MAX} characters long, or contain non-alphanumeric-underscore characters (got '${name}')`,
    );
  }
  const options = keyspaceOptions(name, undefined, statement.properties);
  if (SYSTEM_KEYSPACES.has(name) || keyspaceRecord(records, name) !== undefined) {
    if (statement.ifNotExists) return null;
    throw new CqlError(ErrorCode.alreadyExists, `Cannot add existing keyspace "${name}"`, {
      keyspace: name,
      table: '',
    });
  }
  records.put(keyspaceKey(name), { format: RECORD_FORMAT, name, ...options } satisfies KeyspaceRecord);
  return { change: 'CREATED', target: 'KEYSPACE', keyspace: name, name: '' };
}

export function alterKeyspace(statement: AlterKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  refuseSystem(name);
  const before = keyspaceRecord(records, name);
  if (before === undefined) {
    if (statement.ifExists) return null;
    throw noSuchKeyspace(name);
  }
  const options = keyspaceOptions(name, before, statement.properties);
  records.put(keyspaceKey(name), { format: RECORD_FORMAT, name, ...options } satisfies KeyspaceRecord);
  return { change: 'UPDATED', target: 'KEYSPACE', keyspace: name, name: '' };
}

export function dropKeyspace(statement: DropKeyspace, { records }: DdlContext): DdlReply {
  const { keyspace: name } = statement;
  refuseSystem(name);
  if (keyspaceRecord(records, name) === undefined) {
    if (statement.ifExists) return null;
    throw noSuchKeyspace(name);
  }
  for (const table of tableRecords(records, name)) {
    sweepTable(records, table);
    records.delete(tableKey(name, table.name));
  }
  for (const [key] of records.entries(`type/${name}/`)) records.delete(key);
  records.delete(keyspaceKey(name));
  return { change: 'DROPPED', target: 'KEYSPACE', keyspace: name, name: '' };
}

/** The rows and index entries of a table are nobody's from now on. */
export function sweepTable(records: CatalogRecords, table: TableRecord): void {
  for (const space of [table.space, ...table.indexes.map((index) => index.space)]) sweepSpace(records, space);
}

export function sweepSpace(records: CatalogRecords, space: number): void {
  records.put(sweepKey(space), { space, slots: ALL_SLOTS } satisfies SweepRecord);
}

/** The keyspace that a name means, whether there is such a one or not; throws for those of the system. */
export function keyspaceNameOf(name: QualifiedName, context: DdlContext): string {
  const keyspace = name.keyspace ?? context.keyspace;
  if (keyspace === undefined) {
    throw invalidRequest('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename');
  }
  refuseSystem(keyspace);
  return keyspace;
}

/** As `keyspaceNameOf`; throws when there is no such keyspace. */
export function keyspaceOfName(name: QualifiedName, context: DdlContext): string {
  const keyspace = keyspaceNameOf(name, context);
  if (keyspaceRecord(context.records, keyspace) === undefined) throw noSuchKeyspace(keyspace);
  return keyspace;
}

function noSuchKeyspace(name: string): CqlError {
  return invalidRequest(`Keyspace '${name}' doesn't exist`);
}

function refuseSystem(name: string): void {
  if (SYSTEM_KEYSPACES.has(name.toLowerCase())) {
    throw new CqlError(ErrorCode.unauthorized, `${name} keyspace is not user-modifiable.`);
  }
}
