/** CREATE and DROP INDEX. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { CreateIndex, DropIndex, IndexTarget } from '../language/ast.ts';
import { type DataType, isCollection, isCounter, isMultiCell } from '../types/data-type.ts';
import type { DdlContext, DdlReply } from './ddl.ts';
import { keyspaceOfName } from './ddl-keyspaces.ts';
import { newSpace } from './ddl-tables.ts';
import type { Index } from './model.ts';
import { type ColumnRecord, type IndexRecord, sweepKey, type TableRecord, tableKey, typesIn } from './records.ts';
import { parseStoredType } from './type-syntax.ts';

export function createIndex(statement: CreateIndex, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const table = records.get(tableKey(keyspace, statement.table.name)) as TableRecord | undefined;
  if (table === undefined) throw invalidRequest(`Table '${keyspace}.${statement.table.name}' doesn't exist`);
  if (statement.isCustom && !isBuiltIn(statement.class)) {
    throw invalidRequest(`Custom index class ${statement.class ?? ''} is not supported; leave CUSTOM and USING out`);
  }
  const [target, second] = statement.targets;
  if (target === undefined)
    throw invalidRequest('Only CUSTOM indexes can be created without specifying a target column');
  if (second !== undefined) throw invalidRequest('Only CUSTOM indexes support multiple columns');
  const column = table.columns.find(({ name }) => name === target.column);
  if (column === undefined) throw invalidRequest(`Column '${target.column}' doesn't exist`);
  const kind = indexKind(target, column, table, parseStoredType(column.type, keyspace, typesIn(records)));
  const name = statement.name ?? freeName(records, keyspace, `${table.name}_${target.column}_idx`);
  if (hasIndex(records, keyspace, name)) {
    if (statement.ifNotExists) return null;
    throw new CqlError(ErrorCode.invalid, `Index '${name}' already exists`);
  }
  const same = table.indexes.find((index) => index.column === target.column && index.kind === kind);
  if (same !== undefined) {
    if (statement.ifNotExists) return null;
    throw invalidRequest(`Index ${name} is a duplicate of existing index ${same.name}`);
  }
  const shown = kind === 'simple' ? target.column : `${kind}(${target.column})`;
  const index: IndexRecord = {
    name,
    column: target.column,
    kind,
    space: newSpace(records),
    ready: false,
    options: { target: shown },
  };
  records.put(tableKey(keyspace, table.name), {
    ...table,
    indexes: [...table.indexes, index],
    version: records.nextVersion,
  });
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name };
}

function isBuiltIn(name: string | undefined): boolean {
  return (
    name !== undefined &&
    /^(sai|storageattachedindex|legacy_local_table|org\.apache\.cassandra\.index\.sai\.storageattachedindex)$/i.test(
      name,
    )
  );
}

function indexKind(target: IndexTarget, column: ColumnRecord, table: TableRecord, type: DataType): Index['kind'] {
  const { name } = column;
  if (isCounter(type)) throw invalidRequest('Secondary indexes on counter columns are not supported');
  if (type.kind === 'native' && type.name === 'duration')
    throw invalidRequest('Secondary indexes are not supported on duration columns');
  if (column.kind === 'partition_key' && table.columns.filter(({ kind }) => kind === 'partition_key').length === 1) {
    throw invalidRequest(`Cannot create secondary index on the only partition key column ${name}`);
  }
  if (!isCollection(type)) {
    if (type.kind === 'udt' && !type.frozen)
      throw invalidRequest(`Cannot create index on non-frozen UDT column ${name}`);
    if (target.kind === 'simple') return 'simple';
    if (target.kind === 'full') throw invalidRequest('full() indexes can only be created on frozen collections');
    throw invalidRequest(
      `Cannot create ${target.kind}() index on ${name}. Non-collection columns only support simple indexes`,
    );
  }
  if (!isMultiCell(type)) {
    if (target.kind === 'full') return 'full';
    throw invalidRequest(
      `Cannot create ${target.kind === 'simple' ? 'values' : target.kind}() index on frozen column ${name}. Frozen collections are immutable and must be fully indexed by using the 'full(${name})' modifier`,
    );
  }
  if (target.kind === 'full') throw invalidRequest('full() indexes can only be created on frozen collections');
  if ((target.kind === 'keys' || target.kind === 'entries') && type.kind !== 'map') {
    throw invalidRequest(`Cannot create index on ${target.kind} of column ${name} with non-map type`);
  }
  return target.kind === 'simple' ? 'values' : target.kind;
}

export function dropIndex(statement: DropIndex, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.index, context);
  const { name } = statement.index;
  for (const [key, value] of records.entries(`table/${keyspace}/`)) {
    const table = value as TableRecord;
    const index = table.indexes.find((other) => other.name === name);
    if (index === undefined) continue;
    records.put(sweepKey(index.space), { space: index.space });
    records.put(key, {
      ...table,
      indexes: table.indexes.filter((other) => other !== index),
      version: records.nextVersion,
    });
    return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name };
  }
  if (statement.ifExists) return null;
  throw invalidRequest(`Index '${keyspace}.${name}' doesn't exist'`);
}

/** All rows that were there before are in the index now. */
export function markIndexReady(records: CatalogRecords, keyspace: string, name: string, index: string): DdlReply {
  const table = records.get(tableKey(keyspace, name)) as TableRecord | undefined;
  if (table === undefined) return null;
  const indexes = table.indexes.map((other) => (other.name === index ? { ...other, ready: true } : other));
  records.put(tableKey(keyspace, name), { ...table, indexes, version: records.nextVersion });
  return null;
}

function hasIndex(records: CatalogRecords, keyspace: string, name: string): boolean {
  return records
    .entries(`table/${keyspace}/`)
    .some(([, table]) => (table as TableRecord).indexes.some((index) => index.name === name));
}

function freeName(records: CatalogRecords, keyspace: string, base: string): string {
  let name = base;
  for (let i = 1; hasIndex(records, keyspace, name); i += 1) name = `${base}_${i}`;
  return name;
}
