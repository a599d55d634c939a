/** CREATE, ALTER, DROP and TRUNCATE TABLE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { TABLE_SPACE_FIRST } from '../../../cluster/spaces.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type {
  AlterTable,
  ColumnDefinition,
  CreateTable,
  DropTable,
  PrimaryKey,
  TableAlteration,
  Truncate,
} from '../language/ast.ts';
import { type DataType, isCounter, isMultiCell, sameType, typeText } from '../types/data-type.ts';
import type { DdlContext, DdlReply } from './ddl.ts';
import { keyspaceOfName, NAME_LENGTH_MAX, sweepTable } from './ddl-keyspaces.ts';
import type { ColumnKind } from './model.ts';
import { TABLE_OPTIONS, tableOptions } from './options.ts';
import { type ColumnRecord, storedType, type TableRecord, tableKey, typesIn } from './records.ts';
import { parseStoredType, resolveType } from './type-syntax.ts';

/** A number of a key space that is never given out again. */
export function newSpace(records: CatalogRecords): number {
  return TABLE_SPACE_FIRST - 1 + records.nextId('space');
}

export function createTable(statement: CreateTable, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const { name } = statement.table;
  if (!/^\w+$/.test(name) || name.length > NAME_LENGTH_MAX) {
    throw invalidRequest(
      `Table name must not be empty, more than ${NAME_LENGTH_MAX} characters long, or contain non-alphanumeric-underscore characters (got '${name}')`,
    );
  }
  if (records.get(tableKey(keyspace, name)) !== undefined) {
    if (statement.ifNotExists) return null;
    throw new CqlError(
      ErrorCode.alreadyExists,
      `Cannot add already existing table "${name}" to keyspace "${keyspace}"`,
      { keyspace, table: name },
    );
  }
  if (statement.isCompactStorage) {
    throw invalidRequest('COMPACT STORAGE tables are not supported; leave WITH COMPACT STORAGE out');
  }
  const key = primaryKey(statement, keyspace);
  const types = new Map<string, DataType>();
  for (const column of statement.columns) {
    if (types.has(column.name))
      throw invalidRequest(`Duplicate column '${column.name}' declaration for table '${name}'`);
    types.set(column.name, columnType(column, keyspace, records));
  }
  const columns = tableColumns(statement, key, types);
  const record: TableRecord = {
    keyspace,
    name,
    id: context.uuid,
    space: newSpace(records),
    columns,
    nextColumnId: columns.filter(({ id }) => id >= 0).length,
    dropped: [],
    indexes: [],
    options: tableOptions(TABLE_OPTIONS, statement.properties),
    version: records.nextVersion,
  };
  checkCounters(record.columns, types);
  if (record.options['default_time_to_live'] !== '0' && [...types.values()].some(isCounter)) {
    throw new CqlError(ErrorCode.configError, 'Cannot set default_time_to_live on a table with counters');
  }
  records.put(tableKey(keyspace, name), record);
  return { change: 'CREATED', target: 'TABLE', keyspace, name };
}

function columnType({ name, type, mask }: ColumnDefinition, keyspace: string, records: CatalogRecords): DataType {
  if (mask !== undefined) throw invalidRequest('Column masking is not supported');
  const resolved = resolveType(type, keyspace, typesIn(records));
  if (resolved.kind === 'udt' && !resolved.frozen && resolved.fields.some((field) => isMultiCell(field.type))) {
    throw invalidRequest('Non-frozen UDTs with nested non-frozen collections are not supported');
  }
  if (name.length === 0) throw invalidRequest('A column has a name');
  return resolved;
}

function primaryKey(statement: CreateTable, keyspace: string): PrimaryKey {
  const table = `${keyspace}.${statement.table.name}`;
  const [key, second] = statement.primaryKeys;
  if (key === undefined) throw invalidRequest(`No PRIMARY KEY specifed for table '${table}' (exactly one required)`);
  if (second !== undefined)
    throw invalidRequest(`Multiple PRIMARY KEYs specified for table '${table}' (exactly one required)`);
  return key;
}

function tableColumns(statement: CreateTable, key: PrimaryKey, types: ReadonlyMap<string, DataType>): ColumnRecord[] {
  const table = statement.table.name;
  const statics = new Set(statement.columns.filter((column) => column.isStatic).map((column) => column.name));
  const names = [...key.partition, ...key.clustering];
  const descending = clusteringOrders(statement, key);
  const columns: ColumnRecord[] = [];
  for (const [i, name] of names.entries()) {
    const type = types.get(name);
    if (type === undefined)
      throw invalidRequest(`Unknown column '${name}' referenced in PRIMARY KEY for table '${table}'`);
    if (names.indexOf(name) !== i)
      throw invalidRequest(`Duplicate column '${name}' in PRIMARY KEY clause for table '${table}'`);
    checkKeyColumn(name, type, statics.has(name));
    const kind: ColumnKind = i < key.partition.length ? 'partition_key' : 'clustering';
    columns.push({ id: -1, name, type: storedType(type), kind, ...(descending.get(name) ? { descending: true } : {}) });
  }
  if (statics.size > 0 && key.clustering.length === 0) {
    throw invalidRequest(
      'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
    );
  }
  const others = [...types].filter(([name]) => !names.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [id, [name, type]] of others.entries()) {
    columns.push({ id, name, type: storedType(type), kind: statics.has(name) ? 'static' : 'regular' });
  }
  return columns;
}

function checkKeyColumn(name: string, type: DataType, isStatic: boolean): void {
  if (isStatic) throw invalidRequest(`Static column '${name}' cannot be part of the PRIMARY KEY`);
  if (isMultiCell(type)) {
    if (type.kind === 'udt')
      throw invalidRequest(`Invalid non-frozen user-defined type "${typeText(type)}" for PRIMARY KEY column '${name}'`);
    throw invalidRequest(`Invalid non-frozen collection type ${typeText(type)} for PRIMARY KEY column '${name}'`);
  }
  if (isCounter(type)) throw invalidRequest(`counter type is not supported for PRIMARY KEY column '${name}'`);
  if (type.kind === 'native' && type.name === 'duration') {
    throw invalidRequest(`duration type is not supported for PRIMARY KEY column '${name}'`);
  }
}

function clusteringOrders(statement: CreateTable, key: PrimaryKey): ReadonlyMap<string, boolean> {
  const orders = new Map<string, boolean>();
  for (const { column, isDescending } of statement.clusteringOrder) {
    if (!key.clustering.includes(column)) {
      throw invalidRequest(
        `Only clustering key columns can be defined in CLUSTERING ORDER directive: ${column} are not clustering columns`,
      );
    }
    orders.set(column, isDescending);
  }
  const given = [...orders.keys()];
  if (
    given.length > 0 &&
    (given.length !== key.clustering.length || given.some((name, i) => key.clustering[i] !== name))
  ) {
    const missing = key.clustering.filter((name) => !orders.has(name));
    if (missing.length > 0) throw invalidRequest(`Missing CLUSTERING ORDER for column ${missing[0]}`);
    throw invalidRequest(
      'The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns',
    );
  }
  return orders;
}

function checkCounters(columns: readonly ColumnRecord[], types: ReadonlyMap<string, DataType>): void {
  const others = columns.filter(({ kind }) => kind === 'regular' || kind === 'static');
  const counters = others.filter(({ name }) => isCounter(types.get(name) as DataType));
  if (counters.length > 0 && counters.length < others.length) {
    throw invalidRequest('Cannot mix counter and non counter columns in the same table');
  }
}

export function alterTable(statement: AlterTable, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const { name } = statement.table;
  const record = records.get(tableKey(keyspace, name)) as TableRecord | undefined;
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Table '${keyspace}.${name}' doesn't exist`);
  }
  const after = altered(record, statement.action, context);
  records.put(tableKey(keyspace, name), { ...after, version: records.nextVersion });
  return { change: 'UPDATED', target: 'TABLE', keyspace, name };
}

function altered(record: TableRecord, action: TableAlteration, { records }: DdlContext): TableRecord {
  switch (action.kind) {
    case 'add':
      return action.columns.reduce((table, column) => withColumn(table, column, action.ifNotExists, records), record);
    case 'drop':
      return action.columns.reduce((table, column) => withoutColumn(table, column, action, records), record);
    case 'rename':
      return action.renames.reduce((table, { from, to }) => renamed(table, from, to, action.ifExists), record);
    case 'with': {
      const options = tableOptions(record.options, action.properties);
      const isCounterTable = record.columns.some(({ type }) => type === 'counter');
      if (isCounterTable && options['default_time_to_live'] !== '0') {
        throw new CqlError(ErrorCode.configError, 'Cannot set default_time_to_live on a table with counters');
      }
      return { ...record, options };
    }
    case 'alterType':
      throw invalidRequest('Altering column types is no longer supported');
    case 'dropCompactStorage':
      throw invalidRequest('Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE');
    case 'mask':
      throw invalidRequest('Column masking is not supported');
  }
}

function withColumn(
  table: TableRecord,
  column: ColumnDefinition,
  ifNotExists: boolean,
  records: CatalogRecords,
): TableRecord {
  const { name } = column;
  if (table.columns.some((other) => other.name === name)) {
    if (ifNotExists) return table;
    throw invalidRequest(`Column with name '${name}' already exists`);
  }
  const type = columnType(column, table.keyspace, records);
  const hasCounters = table.columns.some((other) => other.type === 'counter');
  const others = table.columns.filter(({ id }) => id >= 0);
  if (isCounter(type) && !hasCounters && others.length > 0)
    throw invalidRequest(`Cannot add a counter column ('${name}') in a non counter column family`);
  if (!isCounter(type) && hasCounters)
    throw invalidRequest(`Cannot add a non counter column ('${name}') in a counter column family`);
  if (column.isStatic && !table.columns.some(({ kind }) => kind === 'clustering')) {
    throw invalidRequest(
      'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
    );
  }
  const dropped = table.dropped.find((other) => other.name === name);
  if (dropped !== undefined) {
    const kind = column.isStatic ? 'static' : 'regular';
    if (dropped.kind !== kind) {
      throw invalidRequest(
        `Cannot re-add previously dropped column '${name}' of kind ${kind.toUpperCase()}, incompatible with previous kind ${dropped.kind.toUpperCase()}`,
      );
    }
    if (isCounter(type) || dropped.type === 'counter')
      throw invalidRequest(`Cannot re-add previously dropped counter column ${name}`);
    const before = resolveStored(dropped.type, table.keyspace, records);
    if (before !== undefined && !sameType(before, type, true)) {
      throw invalidRequest(
        `Cannot re-add previously dropped column '${name}' of type ${typeText(type)}, incompatible with previous type ${dropped.type}`,
      );
    }
  }
  const added: ColumnRecord = {
    id: table.nextColumnId,
    name,
    type: storedType(type),
    kind: column.isStatic ? 'static' : 'regular',
  };
  return {
    ...table,
    columns: [...table.columns, added],
    nextColumnId: table.nextColumnId + 1,
    dropped: table.dropped.filter((other) => other.name !== name),
  };
}

/** Undefined when the user type is gone. */
function resolveStored(type: string, keyspace: string, records: CatalogRecords): DataType | undefined {
  try {
    return parseStored(type, keyspace, records);
  } catch (error) {
    if (error instanceof CqlError) return undefined;
    throw error;
  }
}

function parseStored(type: string, keyspace: string, records: CatalogRecords): DataType {
  return parseStoredType(type, keyspace, typesIn(records));
}

function withoutColumn(
  table: TableRecord,
  name: string,
  action: Extract<TableAlteration, { kind: 'drop' }>,
  records: CatalogRecords,
): TableRecord {
  const column = table.columns.find((other) => other.name === name);
  if (column === undefined) {
    if (action.ifExists) return table;
    throw invalidRequest(`Column ${name} was not found in table '${table.keyspace}.${table.name}'`);
  }
  if (column.id < 0) throw invalidRequest(`Cannot drop PRIMARY KEY column ${name}`);
  const used = table.indexes.filter((index) => index.column === name).map((index) => index.name);
  if (used.length > 0)
    throw invalidRequest(`Cannot drop column ${name} because it has dependent secondary indexes (${used.join(', ')})`);
  const at_us = action.timestamp === undefined ? records.now_ms * 1_000 : Number(action.timestamp);
  const dropped = { name, type: column.type, kind: column.kind, at_us };
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
    throw invalidRequest(`Column ${from} was not found in table '${table.keyspace}.${table.name}'`);
  }
  if (column.id >= 0) throw invalidRequest(`Cannot rename non PRIMARY KEY column ${from}`);
  if (table.columns.some((other) => other.name === to)) {
    throw invalidRequest(
      `Cannot rename column ${from} to ${to} in table '${table.keyspace}.${table.name}'; another column with that name already exists`,
    );
  }
  const index = table.indexes.find((other) => other.column === from);
  if (index !== undefined)
    throw invalidRequest(`Can't rename column ${from} because it has dependent secondary indexes (${index.name})`);
  return { ...table, columns: table.columns.map((other) => (other === column ? { ...column, name: to } : other)) };
}

export function dropTable(statement: DropTable, context: DdlContext): DdlReply {
  const { records } = context;
  const { name } = statement.table;
  if (
    statement.ifExists &&
    statement.table.keyspace !== undefined &&
    !hasTable(records, statement.table.keyspace, name)
  )
    return null;
  const keyspace = keyspaceOfName(statement.table, context);
  const record = records.get(tableKey(keyspace, name)) as TableRecord | undefined;
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Table '${keyspace}.${name}' doesn't exist`);
  }
  sweepTable(records, record);
  records.delete(tableKey(keyspace, name));
  return { change: 'DROPPED', target: 'TABLE', keyspace, name };
}

function hasTable(records: CatalogRecords, keyspace: string, name: string): boolean {
  return records.get(tableKey(keyspace, name)) !== undefined;
}

/** The table goes on in another space; what is in the old one is removed in the background. */
export function truncateTable(statement: Truncate, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const record = records.get(tableKey(keyspace, statement.table.name)) as TableRecord | undefined;
  if (record === undefined) throw invalidRequest(`table ${statement.table.name} does not exist`);
  sweepTable(records, record);
  const indexes = record.indexes.map((index) => ({ ...index, space: newSpace(records) }));
  records.put(tableKey(keyspace, record.name), {
    ...record,
    space: newSpace(records),
    indexes,
    version: records.nextVersion,
  });
  return null;
}
