/** CREATE, ALTER and DROP TYPE. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { invalidRequest } from '../errors.ts';
import type { AlterType, CreateType, DropType, FieldDefinition, TypeSyntax } from '../language/ast.ts';
import { printType } from '../language/print-expression.ts';
import { quotedName } from '../types/data-type.ts';
import { keyspaceNameOf, keyspaceOfName } from './ddl-keyspaces.ts';
import {
  RECORD_FORMAT,
  storedType,
  type TableRecord,
  type TypeRecord,
  tableKey,
  tableRecords,
  typeKey,
  typesIn,
} from './records.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { parseStoredType, referencesUserType, resolveType } from './type-syntax.ts';

type Field = TypeRecord['fields'][number];

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
  for (const { type } of statement.fields) {
    if (type.kind === 'native' && type.name === 'counter') {
      throw invalidRequest('A user type cannot contain counters');
    }
    if (type.kind === 'user') throw invalidRequest('A user type cannot contain non-frozen UDTs');
  }
  const fields = statement.fields.map((field) => fieldOf(field, keyspace, records));
  records.put(typeKey(keyspace, name), { format: RECORD_FORMAT, keyspace, name, fields } satisfies TypeRecord);
  return { change: 'CREATED', target: 'TYPE', keyspace, name };
}

export function alterType(statement: AlterType, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceNameOf(statement.type, context);
  const { name } = statement.type;
  const record = records.get(typeKey(keyspace, name)) as TypeRecord | undefined;
  if (record === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Type ${keyspace}.${name} doesn't exist`);
  }
  const fields = alteredFields(record, statement, records);
  if (fields === record.fields) return null;
  records.put(typeKey(keyspace, name), { ...record, fields } satisfies TypeRecord);
  // Tables are other tables when a type of theirs is another one, so that what was planned with the old one is planned anew.
  for (const table of tablesUsing(records, keyspace, name)) {
    records.put(tableKey(keyspace, table.name), { ...table, version: records.nextVersion });
  }
  return { change: 'UPDATED', target: 'TYPE', keyspace, name };
}

function alteredFields(record: TypeRecord, { action }: AlterType, records: CatalogRecords): readonly Field[] {
  switch (action.kind) {
    case 'alter':
      throw invalidRequest('Altering field types is no longer supported');
    case 'add': {
      const { field } = action;
      if (record.fields.some(({ name }) => name === field.name)) {
        if (action.ifNotExists) return record.fields;
        throw invalidRequest(
          `Cannot add field ${field.name} to type ${typeName(record)}: a field with name ${field.name} already exists`,
        );
      }
      return [...record.fields, addedField(record, field, records)];
    }
    case 'rename': {
      let fields = record.fields;
      for (const { from, to } of action.renames) {
        if (!record.fields.some(({ name }) => name === from)) {
          if (action.ifExists) continue;
          throw invalidRequest(`Unkown field ${from} in user type ${typeName(record)}`);
        }
        fields = fields.map((field) => (field.name === from ? { ...field, name: to } : field));
      }
      const names = fields.map(({ name }) => name);
      const twice = names.find((name, i) => names.indexOf(name) !== i);
      if (twice !== undefined) throw invalidRequest(`Duplicate field name ${twice} in type ${record.keyspace}`);
      return fields;
    }
  }
}

function addedField(record: TypeRecord, field: FieldDefinition, records: CatalogRecords): Field {
  const { keyspace, name } = record;
  const type = resolveType(field.type, keyspace, typesIn(records));
  const said = `Cannot add new field ${field.name} of type ${printType(qualified(field.type, keyspace))} to user type ${typeName(record)} as`;
  if (referencesUserType(type, name)) throw invalidRequest(`${said} it would create a circular reference`);
  if (isCounterSyntax(field.type)) throw invalidRequest('A user type cannot contain counters');
  if (field.type.kind === 'user') throw invalidRequest('A user type cannot contain non-frozen UDTs');
  const tables = tablesUsing(records, keyspace, name, 'partition_key').map((table) => `${keyspace}.${table.name}`);
  if (tables.length > 0) {
    throw invalidRequest(
      `${said} the type is being used in partition key by the following tables: ${tables.join(', ')}`,
    );
  }
  return { name: field.name, type: storedType(type) };
}

export function dropType(statement: DropType, context: DdlContext): DdlReply {
  const { records } = context;
  const keyspace = keyspaceNameOf(statement.type, context);
  const { name } = statement.type;
  if (records.get(typeKey(keyspace, name)) === undefined) {
    if (statement.ifExists) return null;
    throw invalidRequest(`Type '${keyspace}.${name}' doesn't exist`);
  }
  const types = records
    .entries(`type/${keyspace}/`)
    .map(([, record]) => record as TypeRecord)
    .filter((record) => record.name !== name && record.fields.some(({ type }) => uses(type, keyspace, name, records)))
    .map((record) => record.name);
  const said = `Cannot drop user type '${keyspace}.${name}' as it is still used by`;
  if (types.length > 0) throw invalidRequest(`${said} user types ${types.join(', ')}`);
  const tables = tablesUsing(records, keyspace, name).map((table) => table.name);
  if (tables.length > 0) throw invalidRequest(`${said} tables ${tables.join(', ')}`);
  records.delete(typeKey(keyspace, name));
  return { change: 'DROPPED', target: 'TYPE', keyspace, name };
}

function fieldOf({ name, type }: FieldDefinition, keyspace: string, records: CatalogRecords): Field {
  return { name, type: storedType(resolveType(type, keyspace, typesIn(records))) };
}

function isCounterSyntax(type: TypeSyntax): boolean {
  return type.kind === 'native' && type.name === 'counter';
}

/** With the keyspace of user types, as Cassandra shows them. */
function qualified(type: TypeSyntax, keyspace: string): TypeSyntax {
  switch (type.kind) {
    case 'user':
      return { ...type, name: { ...type.name, keyspace } };
    case 'frozen':
      return { ...type, type: qualified(type.type, keyspace) };
    case 'list':
    case 'set':
    case 'vector':
      return { ...type, element: qualified(type.element, keyspace) };
    case 'map':
      return { ...type, key: qualified(type.key, keyspace), value: qualified(type.value, keyspace) };
    case 'tuple':
      return { ...type, elements: type.elements.map((element) => qualified(element, keyspace)) };
    default:
      return type;
  }
}

function typeName({ keyspace, name }: TypeRecord): string {
  return `${quotedName(keyspace)}.${quotedName(name)}`;
}

function tablesUsing(records: CatalogRecords, keyspace: string, name: string, kind?: string): TableRecord[] {
  return tableRecords(records, keyspace).filter((table) =>
    table.columns.some(
      (column) => (kind === undefined || column.kind === kind) && uses(column.type, keyspace, name, records),
    ),
  );
}

function uses(type: string, keyspace: string, name: string, records: CatalogRecords): boolean {
  return referencesUserType(parseStoredType(type, keyspace, typesIn(records)), name);
}
