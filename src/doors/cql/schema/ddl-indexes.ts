/** CREATE and DROP INDEX, and the building of an index over rows that were there before it. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { CreateIndex, DropIndex, IndexTarget, Properties } from '../language/ast.ts';
import { type DataType, isCollection, isMultiCell, quotedName } from '../types/data-type.ts';
import { keyspaceNameOf, keyspaceOfName, sweepSpace } from './ddl-keyspaces.ts';
import { newSpace } from './ddl-tables.ts';
import type { Index, SlotRange } from './model.ts';
import {
  type ColumnRecord,
  type IndexRecord,
  type TableRecord,
  tableKey,
  tableRecord,
  tableRecords,
  typesIn,
} from './records.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { ALL_SLOTS, withoutSlots } from './slot-ranges.ts';
import { parseStoredType, referencesDuration } from './type-syntax.ts';

export function createIndex(statement: CreateIndex, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.table, context);
  const table = tableRecord(records, keyspace, statement.table.name);
  if (table === undefined) throw invalidRequest(`Table '${statement.table.name}' doesn't exist`);
  if (statement.name !== undefined && hasIndex(records, keyspace, statement.name)) {
    if (statement.ifNotExists) return null;
    throw invalidRequest(`Index '${statement.name}' already exists`);
  }
  if (statement.isCustom || statement.class !== undefined) checkClass(statement.class);
  if (table.counter) {
    throw invalidRequest("Secondary indexes on counter tables aren't supported");
  }
  const [target, second] = statement.targets;
  if (target === undefined) {
    throw invalidRequest('Only CUSTOM indexes can be created without specifying a target column');
  }
  if (second !== undefined) throw invalidRequest('Only CUSTOM indexes support multiple columns');
  const column = table.columns.find(({ name }) => name === target.column);
  if (column === undefined) {
    throw invalidRequest(`Undefined column name ${target.column} in table ${keyspace}.${table.name}`);
  }
  const type = parseStoredType(column.type, keyspace, typesIn(records));
  const kind = indexKind(target, type);
  checkTarget(kind, column, table, type);
  const name = statement.name ?? freeName(records, keyspace, `${wordOf(table.name)}_${wordOf(target.column)}_idx`);
  if (!/^\w+$/.test(name)) throw new CqlError(ErrorCode.configError, `Illegal index name ${name}`);
  const { class: implementation } = statement;
  const same = table.indexes.find(
    (index) => index.column === target.column && index.kind === kind && index.options['class_name'] === implementation,
  );
  if (same !== undefined) {
    if (statement.ifNotExists) return null;
    throw invalidRequest(`Index ${name} is a duplicate of existing index ${same.name}`);
  }
  const index: IndexRecord = {
    name,
    column: target.column,
    kind,
    space: newSpace(records),
    unbuilt: ALL_SLOTS,
    options: {
      ...optionsOf(statement.properties),
      ...(implementation === undefined ? {} : { class_name: implementation }),
      target: targetText(kind, target.column),
    },
  };
  records.put(tableKey(keyspace, table.name), {
    ...table,
    indexes: [...table.indexes, index],
    version: records.nextVersion,
  });
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name };
}

/** What `target` of an index's options says, and what CREATE INDEX has in its parentheses. */
export function targetText(kind: Index['kind'], column: string): string {
  return kind === 'simple' ? quotedName(column) : `${kind}(${quotedName(column)})`;
}

/** Cassandra's storage-attached indexes answer what ordinary ones do; so they are made as ordinary ones. */
function checkClass(name: string | undefined): void {
  if (name === undefined) throw invalidRequest('CUSTOM index requires specifying the index class');
  const short = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  if (short === 'sai' || short === 'storageattachedindex' || short === 'legacy_local_table') return;
  throw invalidRequest(
    `Custom index class ${name} is not supported, because classes of Java cannot be loaded; leave CUSTOM and USING out`,
  );
}

function optionsOf(properties: Properties): Record<string, string> {
  const options = properties.get('options');
  return options === undefined || typeof options === 'string' ? {} : Object.fromEntries(options);
}

function indexKind(target: IndexTarget, type: DataType): Index['kind'] {
  return target.kind === 'simple' && isCollection(type) && isMultiCell(type) ? 'values' : target.kind;
}

function checkTarget(kind: Index['kind'], column: ColumnRecord, table: TableRecord, type: DataType): void {
  const { name } = column;
  if (referencesDuration(type)) {
    const what = isCollection(type)
      ? 'collections'
      : type.kind === 'tuple'
        ? 'tuples'
        : type.kind === 'udt'
          ? 'UDTs'
          : '';
    throw what === ''
      ? invalidRequest('Secondary indexes are not supported on duration columns')
      : invalidRequest(`Secondary indexes are not supported on ${what} containing durations`);
  }
  if (column.kind === 'partition_key' && table.columns.filter((other) => other.kind === 'partition_key').length === 1) {
    throw invalidRequest(`Cannot create secondary index on the only partition key column ${name}`);
  }
  const isFrozenCollection = isCollection(type) && type.frozen;
  if (isFrozenCollection && kind !== 'full') {
    // Cassandra takes an index on the column itself for one on its values here.
    const shown = kind === 'simple' ? 'values' : kind;
    throw invalidRequest(
      `Cannot create ${shown}() index on frozen column ${name}. Frozen collections are immutable and must be fully indexed by using the 'full(${quotedName(name)})' modifier`,
    );
  }
  if (!isFrozenCollection && kind === 'full') {
    throw invalidRequest('full() indexes can only be created on frozen collections');
  }
  if (!isCollection(type) && kind !== 'simple') {
    throw invalidRequest(
      `Cannot create ${kind}() index on ${name}. Non-collection columns only support simple indexes`,
    );
  }
  if ((kind === 'keys' || kind === 'entries') && type.kind !== 'map') {
    throw invalidRequest(`Cannot create index on ${kind} of column ${name} with non-map type`);
  }
  if (type.kind === 'udt' && !type.frozen) {
    throw invalidRequest(`Cannot create index on non-frozen UDT column ${name}`);
  }
}

export function dropIndex(statement: DropIndex, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceNameOf(statement.index, context);
  const { name } = statement.index;
  const table = tableRecords(records, keyspace).find(({ indexes }) => indexes.some((index) => index.name === name));
  if (table === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Index '${keyspace}.${name}' doesn't exist'`);
  }
  for (const index of table.indexes) if (index.name === name) sweepSpace(records, index.space);
  records.put(tableKey(keyspace, table.name), {
    ...table,
    indexes: table.indexes.filter((index) => index.name !== name),
    version: records.nextVersion,
  });
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name };
}

/** Rows in these slots that were there before the index are in it now. An index is known by its space, which is never used again. */
export function markIndexBuilt(records: CatalogRecords, space: number, slots: readonly SlotRange[]): void {
  for (const [key, record] of records.entries('table/')) {
    const table = record as TableRecord;
    if (!table.indexes.some((index) => index.space === space)) continue;
    const indexes = table.indexes.map((index) =>
      index.space === space ? { ...index, unbuilt: withoutSlots(index.unbuilt, slots) } : index,
    );
    const isReady = indexes.every((index) => index.space !== space || index.unbuilt.length === 0);
    // Plans use an index from the moment on when it is ready, and not before.
    records.put(key, { ...table, indexes, version: isReady ? records.nextVersion : table.version });
  }
}

function hasIndex(records: CatalogRecords, keyspace: string, name: string): boolean {
  return tableRecords(records, keyspace).some((table) => table.indexes.some((index) => index.name === name));
}

function freeName(records: CatalogRecords, keyspace: string, base: string): string {
  let name = base;
  for (let i = 1; hasIndex(records, keyspace, name); i += 1) name = `${base}_${i}`;
  return name;
}

function wordOf(name: string): string {
  return name.replaceAll(/\W/g, '');
}
