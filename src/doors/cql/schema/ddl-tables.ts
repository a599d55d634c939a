/** CREATE, DROP and TRUNCATE TABLE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { TABLE_SPACE_FIRST } from '../../../cluster/spaces.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { ColumnDefinition, CreateTable, DropTable, PrimaryKey, Truncate } from '../language/ast.ts';
import { type DataType, isCounter, isMultiCell, typeText } from '../types/data-type.ts';
import { isValidName, keyspaceNameOf, keyspaceOfName, NAME_LENGTH_MAX, sweepTable } from './ddl-keyspaces.ts';
import type { ColumnKind } from './model.ts';
import { hasTtl, tableOptions } from './options.ts';
import {
  type ColumnRecord,
  RECORD_FORMAT,
  storedType,
  type TableRecord,
  tableKey,
  tableRecord,
  typesIn,
} from './records.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { VIRTUAL_KEYSPACES } from './system/names.ts';
import { type FindsType, referencesDuration, resolveType } from './type-syntax.ts';

/** A number of a key space that is never given out again. */
export function newSpace(records: CatalogRecords): number {
  return TABLE_SPACE_FIRST - 1 + records.nextId('cql-space');
}

export function createTable(statement: CreateTable, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const { name } = statement.table;
  if (tableRecord(records, keyspace, name) !== undefined) {
    if (statement.ifNotExists) return null;
    throw new CqlError(
      ErrorCode.alreadyExists,
      `Cannot add already existing table "${name}" to keyspace "${keyspace}"`,
      { keyspace, table: name },
    );
  }
  const given = idOption(statement);
  if (given !== undefined && records.entries('table/').some(([, other]) => (other as TableRecord).id === given)) {
    throw invalidRequest(`Cannot create table ${keyspace}.${name}: there is a table with id ${given}`);
  }
  const record = newTable(statement, keyspace, given ?? context.uuid, typesIn(records));
  records.put(tableKey(keyspace, name), { ...record, space: newSpace(records), version: records.nextVersion });
  return { change: 'CREATED', target: 'TABLE', keyspace, name };
}

/** The table that a statement describes, without a space. */
export function newTable(statement: CreateTable, keyspace: string, id: string, find: FindsType): TableRecord {
  const { name } = statement.table;
  if (!isValidName(name)) {
    throw new CqlError(
      ErrorCode.configError,
      `${keyspace}.${name}: Table name must not be empty, more than ${NAME_LENGTH_MAX} characters long, or contain non-alphanumeric-underscore characters (got "${name}")`,
    );
  }
  if (statement.isCompactStorage) {
    throw invalidRequest(
      'COMPACT STORAGE tables are not supported, because rows are always stored in a compact way; leave WITH COMPACT STORAGE out',
    );
  }
  const options = tableOptions({}, statement.properties);
  const key = primaryKey(statement);
  const types = new Map<string, DataType>();
  for (const column of statement.columns) {
    if (types.has(column.name)) {
      throw invalidRequest(`Duplicate column '${column.name}' declaration for table '${name}'`);
    }
    types.set(column.name, columnType(column, keyspace, find));
  }
  const columns = tableColumns(statement, key, types);
  const hasCounters = [...types.values()].some(isCounter);
  if (hasCounters) {
    if (columns.some((column) => column.id >= 0 && column.type !== 'counter')) {
      throw invalidRequest('Cannot mix counter and non counter columns in the same table');
    }
    if (hasTtl(options)) {
      throw invalidRequest('Cannot set default_time_to_live on a table with counters');
    }
  }
  return {
    format: RECORD_FORMAT,
    keyspace,
    name,
    id,
    space: 0,
    columns,
    nextColumnId: columns.filter((column) => column.id >= 0).length,
    counter: hasCounters,
    dropped: [],
    indexes: [],
    options,
    version: 0,
  };
}

function idOption(statement: CreateTable): string | undefined {
  const given = statement.properties.get('id');
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(given)) {
    throw new CqlError(ErrorCode.configError, 'Invalid table id');
  }
  return given.replaceAll('-', '').toLowerCase();
}

export function columnType({ name, type, mask }: ColumnDefinition, keyspace: string, find: FindsType): DataType {
  if (mask !== undefined) {
    throw invalidRequest(
      'Column masking is not supported, because it belongs to Cassandra 5; use a table of its own for what not everybody may see',
    );
  }
  const resolved = resolveType(type, keyspace, find);
  if (resolved.kind === 'udt' && !resolved.frozen && resolved.fields.some((field) => isMultiCell(field.type))) {
    throw invalidRequest('Non-frozen UDTs with nested non-frozen collections are not supported');
  }
  if (name.length > COLUMN_NAME_LENGTH_MAX) {
    throw invalidRequest(`Column name '${name.slice(0, 64)}...' is longer than ${COLUMN_NAME_LENGTH_MAX} characters`);
  }
  return resolved;
}

/** Names are in every record of the schema and in every result; Cassandra's bound is that of a text with a length of two bytes. */
const COLUMN_NAME_LENGTH_MAX = 1_024;

function primaryKey({ table: { keyspace, name }, primaryKeys }: CreateTable): PrimaryKey {
  const table = keyspace === undefined ? name : `${keyspace}.${name}`;
  const [key, second] = primaryKeys;
  if (key === undefined) throw invalidRequest(`No PRIMARY KEY specifed for table '${table}' (exactly one required)`);
  if (second !== undefined) {
    throw invalidRequest(`Multiple PRIMARY KEY specified for table '${table}' (exactly one required)`);
  }
  return key;
}

function tableColumns(statement: CreateTable, key: PrimaryKey, types: ReadonlyMap<string, DataType>): ColumnRecord[] {
  const table = statement.table.name;
  const statics = new Set(statement.columns.filter((column) => column.isStatic).map((column) => column.name));
  const names = [...key.partition, ...key.clustering];
  for (const [i, name] of names.entries()) {
    const type = types.get(name);
    if (type === undefined) {
      throw invalidRequest(`Unknown column '${name}' referenced in PRIMARY KEY for table '${table}'`);
    }
    if (names.indexOf(name) !== i) {
      throw invalidRequest(`Duplicate column '${name}' in PRIMARY KEY clause for table '${table}'`);
    }
    checkKeyColumn(name, type, statics.has(name));
  }
  const descending = clusteringOrders(statement, key);
  const columns = names.map((name, i): ColumnRecord => {
    const kind: ColumnKind = i < key.partition.length ? 'partition_key' : 'clustering';
    const type = storedType(types.get(name) as DataType);
    return { id: -1, name, type, kind, ...(descending.has(name) ? { descending: true } : {}) };
  });
  if (statics.size > 0 && key.clustering.length === 0) throw invalidRequest(STATIC_WITHOUT_CLUSTERING);
  const others = [...types].filter(([name]) => !names.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (others.length > COLUMNS_MAX) {
    throw invalidRequest(`A table has at most ${COLUMNS_MAX} columns beside its key`);
  }
  for (const [id, [name, type]] of others.entries()) {
    columns.push({ id, name, type: storedType(type), kind: statics.has(name) ? 'static' : 'regular' });
  }
  return columns;
}

export const STATIC_WITHOUT_CLUSTERING =
  'Static columns are only useful (and thus allowed) if the table has at least one clustering column';
/** Column ids are u16, and dropped columns keep theirs. */
export const COLUMNS_MAX = 32_768;
export const COLUMN_ID_MAX = 65_535;

function checkKeyColumn(name: string, type: DataType, isStatic: boolean): void {
  if (isMultiCell(type)) {
    const what = type.kind === 'udt' ? 'user-defined' : 'collection';
    throw invalidRequest(`Invalid non-frozen ${what} type ${typeText(type)} for PRIMARY KEY column '${name}'`);
  }
  if (isCounter(type)) throw invalidRequest(`counter type is not supported for PRIMARY KEY column '${name}'`);
  if (referencesDuration(type)) {
    throw invalidRequest(`duration type is not supported for PRIMARY KEY column '${name}'`);
  }
  if (isStatic) throw invalidRequest(`Static column '${name}' cannot be part of the PRIMARY KEY`);
}

/** The columns with DESC. */
function clusteringOrders({ clusteringOrder }: CreateTable, { clustering }: PrimaryKey): ReadonlySet<string> {
  const given = clusteringOrder.map(({ column }) => column);
  const others = given.filter((name) => !clustering.includes(name));
  if (others.length > 0) {
    throw invalidRequest(
      `Only clustering key columns can be defined in CLUSTERING ORDER directive: [${others.join(', ')}] are not clustering columns`,
    );
  }
  for (const [i, name] of given.entries()) {
    const expected = clustering[i] as string;
    if (name === expected) continue;
    if (!given.includes(expected)) throw invalidRequest(`Missing CLUSTERING ORDER for column ${expected}`);
    throw invalidRequest(
      `The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns (${expected} must appear before ${name})`,
    );
  }
  return new Set(clusteringOrder.filter(({ isDescending }) => isDescending).map(({ column }) => column));
}

export function dropTable(statement: DropTable, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceNameOf(statement.table, context);
  const { name } = statement.table;
  const record = tableRecord(records, keyspace, name);
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Table '${keyspace}.${name}' doesn't exist`);
  }
  sweepTable(records, record);
  records.delete(tableKey(keyspace, name));
  return { change: 'DROPPED', target: 'TABLE', keyspace, name };
}

/** The table goes on in another space; what is in the old one is removed in the background. */
export function truncateTable(statement: Truncate, context: DdlContext): DdlReply {
  const { records } = context;
  const { name } = statement.table;
  const virtual = statement.table.keyspace ?? context.keyspace ?? '';
  if (VIRTUAL_KEYSPACES.has(virtual)) throw invalidRequest(`Truncation is not supported by table ${virtual}.${name}`);
  const keyspace = keyspaceOfName(statement.table, context);
  const record = tableRecord(records, keyspace, name);
  if (record === undefined) throw invalidRequest(`table ${name} does not exist`);
  sweepTable(records, record);
  records.put(tableKey(keyspace, name), {
    ...record,
    space: newSpace(records),
    // There is nothing that an index has missed.
    indexes: record.indexes.map((index) => ({ ...index, space: newSpace(records), unbuilt: [] })),
    version: records.nextVersion,
  });
  return null;
}
