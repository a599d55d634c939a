/** CREATE, ALTER and DROP of keyspaces, tables and user types, from the word after CREATE, ALTER or DROP on. */
import type {
  AlterKeyspace,
  AlterTable,
  AlterType,
  ClusteringOrder,
  ColumnDefinition,
  CreateKeyspace,
  CreateTable,
  CreateType,
  FieldDefinition,
  PrimaryKey,
  PropertyValue,
  Rename,
  TableAlteration,
  TypeAlteration,
} from './ast.ts';
import { parseMask, parseProperties, parseProperty } from './parse-properties.ts';
import { parseType, parseTypeName } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

export function parseCreateKeyspace(input: TokenStream): CreateKeyspace {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const keyspace = input.keyspace();
  input.expect('WITH');
  return { kind: 'createKeyspace', ifNotExists, keyspace, properties: parseProperties(input) };
}

export function parseAlterKeyspace(input: TokenStream): AlterKeyspace {
  input.advance();
  const ifExists = input.ifExists();
  const keyspace = input.keyspace();
  input.expect('WITH');
  return { kind: 'alterKeyspace', ifExists, keyspace, properties: parseProperties(input) };
}

export function parseCreateTable(input: TokenStream): CreateTable {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const table = input.qualifiedName();
  const columns: ColumnDefinition[] = [];
  const primaryKeys: PrimaryKey[] = [];
  input.expect('(');
  do {
    // Commas may stand without a column after them, but not before the first.
    const isFirst = columns.length + primaryKeys.length === 0;
    if (!isFirst && input.kind !== 'PRIMARY' && !input.isName()) continue;
    parseTableColumn(input, columns, primaryKeys);
  } while (input.accept(','));
  input.expect(')');
  const options = parseTableOptions(input, true);
  return { kind: 'createTable', ifNotExists, table, columns, primaryKeys, ...options };
}

function parseTableColumn(input: TokenStream, columns: ColumnDefinition[], primaryKeys: PrimaryKey[]): void {
  if (input.kind === 'PRIMARY') {
    primaryKeys.push(parsePrimaryKey(input));
    return;
  }
  const column = parseColumnDefinition(input);
  columns.push(column);
  if (!input.accept('PRIMARY')) return;
  input.expect('KEY');
  primaryKeys.push({ partition: [column.name], clustering: [] });
}

/** `name type [STATIC] [MASKED WITH …]` */
function parseColumnDefinition(input: TokenStream): ColumnDefinition {
  const name = input.name();
  const type = parseType(input);
  const isStatic = input.accept('STATIC');
  return { name, type, isStatic, mask: parseMask(input) };
}

/** `PRIMARY KEY ((a, b), c, d)` */
export function parsePrimaryKey(input: TokenStream): PrimaryKey {
  input.expect('PRIMARY');
  input.expect('KEY');
  input.expect('(');
  const partition: string[] = [];
  if (input.accept('(')) {
    do partition.push(input.name());
    while (input.accept(','));
    input.expect(')');
  } else partition.push(input.name());
  const clustering: string[] = [];
  while (input.accept(',')) clustering.push(input.name());
  input.expect(')');
  return { partition, clustering };
}

export interface TableOptions {
  readonly clusteringOrder: readonly ClusteringOrder[];
  readonly isCompactStorage: boolean;
  readonly properties: ReadonlyMap<string, PropertyValue>;
}

/** `WITH …` of a table or view, if it is there. */
export function parseTableOptions(input: TokenStream, mayBeCompact: boolean): TableOptions {
  const clusteringOrder: ClusteringOrder[] = [];
  const properties = new Map<string, PropertyValue>();
  let isCompactStorage = false;
  if (!input.accept('WITH')) return { clusteringOrder, isCompactStorage, properties };
  do {
    if (mayBeCompact && input.acceptPair('COMPACT', 'STORAGE')) isCompactStorage = true;
    else if (input.acceptPair('CLUSTERING', 'ORDER')) parseClusteringOrder(input, clusteringOrder);
    else parseProperty(input, properties);
  } while (input.accept('AND'));
  return { clusteringOrder, isCompactStorage, properties };
}

function parseClusteringOrder(input: TokenStream, order: ClusteringOrder[]): void {
  input.expect('BY');
  input.expect('(');
  do {
    const column = input.name();
    const isDescending = input.accept('DESC');
    if (!isDescending && !input.accept('ASC')) throw input.noViableAlternative();
    order.push({ column, isDescending });
  } while (input.accept(','));
  input.expect(')');
}

export function parseAlterTable(input: TokenStream): AlterTable {
  input.advance();
  const ifExists = input.ifExists();
  const table = input.qualifiedName();
  return { kind: 'alterTable', ifExists, table, action: parseTableAlteration(input) };
}

function parseTableAlteration(input: TokenStream): TableAlteration {
  switch (input.kind) {
    case 'ADD':
      return parseAddColumns(input);
    case 'DROP':
      return parseDropColumns(input);
    case 'RENAME': {
      input.advance();
      const ifExists = input.ifExists();
      return { kind: 'rename', ifExists, renames: parseRenames(input) };
    }
    case 'ALTER':
      return parseAlterColumn(input);
    case 'WITH':
      input.advance();
      return { kind: 'with', properties: parseProperties(input) };
    default:
      throw input.noViableAlternative();
  }
}

function parseAddColumns(input: TokenStream): TableAlteration {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const columns: ColumnDefinition[] = [];
  if (!input.accept('(')) columns.push(parseColumnDefinition(input));
  else {
    do columns.push(parseColumnDefinition(input));
    while (input.accept(','));
    input.expect(')');
  }
  return { kind: 'add', ifNotExists, columns };
}

function parseDropColumns(input: TokenStream): TableAlteration {
  input.advance();
  if (input.acceptPair('COMPACT', 'STORAGE')) return { kind: 'dropCompactStorage' };
  const ifExists = input.ifExists();
  const columns: string[] = [];
  if (!input.accept('(')) columns.push(input.name());
  else {
    do columns.push(input.name());
    while (input.accept(','));
    input.expect(')');
  }
  let timestamp: string | undefined;
  if (input.accept('USING')) {
    input.expect('TIMESTAMP');
    if (input.kind !== 'integer') throw input.mismatch('integer');
    timestamp = input.take();
  }
  return { kind: 'drop', ifExists, columns, timestamp };
}

function parseAlterColumn(input: TokenStream): TableAlteration {
  const begin = input.index;
  input.advance();
  const ifExists = input.ifExists();
  const column = input.column();
  if (!ifExists && input.accept('TYPE')) return { kind: 'alterType', column, type: parseType(input) };
  if (input.accept('DROP')) {
    input.expect('MASKED');
    return { kind: 'mask', ifExists, column, mask: undefined };
  }
  const mask = parseMask(input);
  if (mask === undefined) throw input.noViableAlternative(begin, input.index);
  return { kind: 'mask', ifExists, column, mask };
}

function parseRenames(input: TokenStream): Rename[] {
  const renames: Rename[] = [];
  do {
    const from = input.name();
    input.expect('TO');
    renames.push({ from, to: input.name() });
  } while (input.accept('AND'));
  return renames;
}

export function parseCreateType(input: TokenStream): CreateType {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const type = parseTypeName(input);
  const fields: FieldDefinition[] = [];
  input.expect('(');
  do {
    if (fields.length > 0 && !input.isName()) continue;
    fields.push(parseField(input));
  } while (input.accept(','));
  input.expect(')');
  return { kind: 'createType', ifNotExists, type, fields };
}

function parseField(input: TokenStream): FieldDefinition {
  const name = input.name();
  return { name, type: parseType(input) };
}

export function parseAlterType(input: TokenStream): AlterType {
  input.advance();
  const ifExists = input.ifExists();
  const type = parseTypeName(input);
  return { kind: 'alterType', ifExists, type, action: parseTypeAlteration(input) };
}

function parseTypeAlteration(input: TokenStream): TypeAlteration {
  if (input.accept('ADD')) {
    const ifNotExists = input.ifNotExists();
    return { kind: 'add', ifNotExists, field: parseField(input) };
  }
  if (input.accept('RENAME')) {
    const ifExists = input.ifExists();
    return { kind: 'rename', ifExists, renames: parseRenames(input) };
  }
  if (!input.accept('ALTER')) throw input.noViableAlternative();
  const name = input.name();
  input.expect('TYPE');
  return { kind: 'alter', field: { name, type: parseType(input) } };
}
