/** ALTER TABLE. */
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { AlterTable, ColumnDefinition, Properties, TableAlteration } from '../language/ast.ts';
import { isCounter, sameType, typeText } from '../types/data-type.ts';
import { keyspaceNameOf } from './ddl-keyspaces.ts';
import { COLUMN_ID_MAX, COLUMNS_MAX, columnType, STATIC_WITHOUT_CLUSTERING } from './ddl-tables.ts';
import { hasTtl, tableOptions } from './options.ts';
import { type ColumnRecord, storedType, type TableRecord, tableKey, tableRecord, typesIn } from './records.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { type FindsType, parseStoredType, withoutUserTypes } from './type-syntax.ts';

export function alterTable(statement: AlterTable, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceNameOf(statement.table, context);
  const { name } = statement.table;
  const record = tableRecord(records, keyspace, name);
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Table '${keyspace}.${name}' doesn't exist`);
  }
  const after = altered(record, statement.action, records.now_ms, typesIn(records));
  if (after === record) return null;
  records.put(tableKey(keyspace, name), { ...after, version: records.nextVersion });
  return { change: 'UPDATED', target: 'TABLE', keyspace, name };
}

function altered(table: TableRecord, action: TableAlteration, now_ms: number, find: FindsType): TableRecord {
  switch (action.kind) {
    case 'add':
      return action.columns.reduce((after, column) => withColumn(after, column, action.ifNotExists, find), table);
    case 'drop': {
      const at_us = action.timestamp === undefined ? now_ms * 1_000 : Number(action.timestamp);
      return action.columns.reduce((after, name) => withoutColumn(after, name, action.ifExists, at_us, find), table);
    }
    case 'rename':
      return action.renames.reduce((after, { from, to }) => renamed(after, from, to, action.ifExists), table);
    case 'with':
      return withOptions(table, action.properties);
    case 'alterType':
      throw invalidRequest('Altering column types is no longer supported');
    case 'dropCompactStorage':
      throw invalidRequest('Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE');
    case 'mask':
      throw invalidRequest('Column masking is not supported, because it belongs to Cassandra 5');
  }
}

function withOptions(table: TableRecord, properties: Properties): TableRecord {
  if (properties.has('id')) throw new CqlError(ErrorCode.configError, 'Cannot alter table id.');
  const options = tableOptions(table.options, properties);
  if (table.counter && hasTtl(options)) {
    throw invalidRequest('Cannot set default_time_to_live on a table with counters');
  }
  return { ...table, options };
}

function withColumn(
  table: TableRecord,
  definition: ColumnDefinition,
  ifNotExists: boolean,
  find: FindsType,
): TableRecord {
  const { name, isStatic } = definition;
  const type = columnType(definition, table.keyspace, find);
  if (table.columns.some((column) => column.name === name)) {
    if (ifNotExists) return table;
    throw invalidRequest(`Column with name '${name}' already exists`);
  }
  if (isStatic && !table.columns.some(({ kind }) => kind === 'clustering')) {
    throw invalidRequest(STATIC_WITHOUT_CLUSTERING);
  }
  checkReturn(table, definition, typeText(withoutUserTypes(type)));
  if (isCounter(type) !== table.counter) {
    const [what, where] = isCounter(type) ? ['counter', 'non counter'] : ['non counter', 'counter'];
    throw new CqlError(
      ErrorCode.configError,
      `${table.keyspace}.${table.name}: Cannot have a ${what} column ("${name}") in a ${where} table`,
    );
  }
  if (table.columns.filter(({ id }) => id >= 0).length >= COLUMNS_MAX || table.nextColumnId > COLUMN_ID_MAX) {
    throw invalidRequest(`The table has had as many columns as a table can have; make a new one`);
  }
  const column: ColumnRecord = {
    id: table.nextColumnId,
    name,
    type: storedType(type),
    kind: isStatic ? 'static' : 'regular',
  };
  return { ...table, columns: [...table.columns, column], nextColumnId: table.nextColumnId + 1 };
}

/** A column that comes back has a new id, so old values cannot; Cassandra's rules for its return are kept all the same. */
function checkReturn(table: TableRecord, { name, isStatic }: ColumnDefinition, type: string): void {
  const dropped = table.dropped.find((column) => column.name === name);
  if (dropped === undefined) return;
  const none: FindsType = () => undefined;
  const before = parseStoredType(dropped.type, table.keyspace, none);
  if (!sameType(before, parseStoredType(type, table.keyspace, none))) {
    throw invalidRequest(
      `Cannot re-add previously dropped column '${name}' of type ${type}, incompatible with previous type ${dropped.type}`,
    );
  }
  const kind = isStatic ? 'static' : 'regular';
  if (dropped.kind !== kind) {
    throw invalidRequest(
      `Cannot re-add previously dropped column '${name}' of kind ${kind.toUpperCase()}, incompatible with previous kind ${dropped.kind.toUpperCase()}`,
    );
  }
  if (dropped.type === 'counter') throw invalidRequest(`Cannot re-add previously dropped counter column ${name}`);
}

function withoutColumn(
  table: TableRecord,
  name: string,
  ifExists: boolean,
  at_us: number,
  find: FindsType,
): TableRecord {
  const column = table.columns.find((other) => other.name === name);
  if (column === undefined) {
    if (ifExists) return table;
    throw invalidRequest(`Column ${name} was not found in table '${table.keyspace}.${table.name}'`);
  }
  if (column.id < 0) throw invalidRequest(`Cannot drop PRIMARY KEY column ${name}`);
  const type = parseStoredType(column.type, table.keyspace, find);
  if (type.kind === 'udt' && !type.frozen) {
    throw invalidRequest(`Cannot drop non-frozen column ${name} of user type ${typeText(type)}`);
  }
  refuseIndexed(table, name, 'drop');
  const dropped = { name, type: storedType(withoutUserTypes(type)), kind: column.kind, at_us };
  return {
    ...table,
    columns: table.columns.filter((other) => other !== column),
    dropped: [...table.dropped.filter((other) => other.name !== name), dropped],
  };
}

function renamed(table: TableRecord, from: string, to: string, ifExists: boolean): TableRecord {
  const column = table.columns.find((other) => other.name === from);
  if (column === undefined) {
    if (ifExists) return table;
    throw invalidRequest(`Undefined column name ${from} in table ${table.keyspace}.${table.name}`);
  }
  if (column.id >= 0) throw invalidRequest(`Cannot rename non PRIMARY KEY column ${from}`);
  if (table.columns.some((other) => other.name === to)) {
    throw invalidRequest(
      `Cannot rename column ${from} to ${to} in table '${table.keyspace}.${table.name}'; another column with that name already exists`,
    );
  }
  refuseIndexed(table, from, 'rename');
  return { ...table, columns: table.columns.map((other) => (other === column ? { ...column, name: to } : other)) };
}

function refuseIndexed(table: TableRecord, column: string, what: 'drop' | 'rename'): void {
  const names = table.indexes.filter((index) => index.column === column).map((index) => index.name);
  if (names.length === 0) return;
  throw invalidRequest(
    `${what === 'drop' ? 'Cannot drop' : "Can't rename"} column ${column} because it has dependent secondary indexes (${names.join(', ')})`,
  );
}
