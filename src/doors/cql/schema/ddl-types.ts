/** CREATE, ALTER and DROP TYPE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { invalidRequest } from '../errors.ts';
import type { AlterType, CreateType, DropType, FieldDefinition } from '../language/ast.ts';
import { type DataType, freeze, isCounter } from '../types/data-type.ts';
import type { DdlContext, DdlReply } from './ddl.ts';
import { keyspaceOfName } from './ddl-keyspaces.ts';
import { storedType, type TableRecord, type TypeRecord, tableKey, typeKey, typesIn } from './records.ts';
import { parseStoredType, resolveType } from './type-syntax.ts';

export function createType(statement: CreateType, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.type, context);
  const { name } = statement.type;
  if (records.get(typeKey(keyspace, name)) !== undefined) {
    if (statement.ifNotExists) return null;
    throw invalidRequest(`A user type with name '${name}' already exists`);
  }
  const names = new Set<string>();
  for (const field of statement.fields) {
    if (names.has(field.name)) throw invalidRequest(`Duplicate field name '${field.name}' in type '${name}'`);
    names.add(field.name);
  }
  const fields = statement.fields.map((field) => ({
    name: field.name,
    type: fieldType(field, keyspace, name, records),
  }));
  records.put(typeKey(keyspace, name), { keyspace, name, fields } satisfies TypeRecord);
  return { change: 'CREATED', target: 'TYPE', keyspace, name };
}

export function alterType(statement: AlterType, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.type, context);
  const { name } = statement.type;
  const record = records.get(typeKey(keyspace, name)) as TypeRecord | undefined;
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Type ${keyspace}.${name} doesn't exist`);
  }
  records.put(typeKey(keyspace, name), { ...record, fields: alteredFields(record, statement, records) });
  touchTables(records, keyspace, name);
  return { change: 'UPDATED', target: 'TYPE', keyspace, name };
}

function alteredFields(record: TypeRecord, { action }: AlterType, records: CatalogRecords): TypeRecord['fields'] {
  if (action.kind === 'alter') throw invalidRequest('Alterting field types is no longer supported');
  if (action.kind === 'add') {
    const { field } = action;
    if (record.fields.some((other) => other.name === field.name)) {
      if (action.ifNotExists) return record.fields;
      throw invalidRequest(
        `Cannot add field ${field.name} to type ${record.keyspace}.${record.name}: a field with name ${field.name} already exists`,
      );
    }
    return [...record.fields, { name: field.name, type: fieldType(field, record.keyspace, record.name, records) }];
  }
  return action.renames.reduce((fields, { from, to }) => {
    if (!fields.some((field) => field.name === from)) {
      if (action.ifExists) return fields;
      throw invalidRequest(`Unkown field ${from} in user type ${record.keyspace}.${record.name}`);
    }
    if (fields.some((field) => field.name === to)) {
      throw invalidRequest(`Duplicate field name ${to} in type ${record.keyspace}.${record.name}`);
    }
    return fields.map((field) => (field.name === from ? { ...field, name: to } : field));
  }, record.fields);
}

export function dropType(statement: DropType, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceOfName(statement.type, context);
  const { name } = statement.type;
  if (records.get(typeKey(keyspace, name)) === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Type '${keyspace}.${name} doesn't exist`);
  }
  const types = records
    .entries(`type/${keyspace}/`)
    .map(([, record]) => record as TypeRecord)
    .filter((record) => record.fields.some(({ type }) => uses(type, keyspace, name, records)))
    .map((record) => record.name);
  if (types.length > 0)
    throw invalidRequest(
      `Cannot drop user type '${keyspace}.${name}' as it is still used by user types [${types.join(', ')}]`,
    );
  const tables = tablesUsing(records, keyspace, name).map((table) => table.name);
  if (tables.length > 0)
    throw invalidRequest(
      `Cannot drop user type '${keyspace}.${name}' as it is still used by tables [${tables.join(', ')}]`,
    );
  records.delete(typeKey(keyspace, name));
  return { change: 'DROPPED', target: 'TYPE', keyspace, name };
}

function fieldType(field: FieldDefinition, keyspace: string, name: string, records: CatalogRecords): string {
  const type = resolveType(field.type, keyspace, typesIn(records));
  if (isCounter(type)) throw invalidRequest('A user type cannot contain counters');
  if (type.kind === 'udt' && !type.frozen) throw invalidRequest('A user type cannot contain non-frozen UDTs');
  if (type.kind === 'udt' && type.name === name) throw invalidRequest(`A user type cannot contain itself: ${name}`);
  return storedType(type);
}

/** Tables are read anew when a type of theirs has changed. */
function touchTables(records: CatalogRecords, keyspace: string, name: string): void {
  for (const table of tablesUsing(records, keyspace, name)) {
    records.put(tableKey(keyspace, table.name), { ...table, version: records.nextVersion });
  }
}

function tablesUsing(records: CatalogRecords, keyspace: string, name: string): TableRecord[] {
  return records
    .entries(`table/${keyspace}/`)
    .map(([, record]) => record as TableRecord)
    .filter((table) => table.columns.some(({ type }) => uses(type, keyspace, name, records)));
}

function uses(type: string, keyspace: string, name: string, records: CatalogRecords): boolean {
  const within = (part: DataType): boolean => {
    switch (part.kind) {
      case 'native':
        return false;
      case 'list':
      case 'set':
      case 'vector':
        return within(part.element);
      case 'map':
        return within(part.key) || within(part.value);
      case 'tuple':
        return part.elements.some(within);
      case 'udt':
        return part.name === name || part.fields.some((field) => within(field.type));
    }
  };
  return within(freeze(parseStoredType(type, keyspace, typesIn(records))));
}
