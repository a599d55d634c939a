/** DESCRIBE, as the server answers it since Cassandra 4.0. */
import type { ClusterView } from '../../../cluster/view.ts';
import { type CqlError, invalidRequest } from '../errors.ts';
import type { Describe, QualifiedName } from '../language/ast.ts';
import { type Cell, packCollection } from '../types/composite.ts';
import { type DataType, listOf, mapOf, Native, quotedName } from '../types/data-type.ts';
import { indexText, keyspaceText, tableText, typeDefinitionText, userTypesIn } from './create-text.ts';
import type { Index, Keyspace, Schema, Table, UserTypeDefinition } from './model.ts';
import { tokensOf } from './system/tokens.ts';

export interface DescribeContext {
  readonly schema: Schema;
  /** The one in use. */
  readonly keyspace: string | undefined;
  readonly clusterName: string;
  readonly view: ClusterView;
}

/** Of the table `system.describe`, which there is not. Rows are few, so a reader may leave out those before an offset for paging. */
export interface Description {
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
  readonly rows: readonly (readonly Cell[])[];
}

export const DESCRIPTION_TABLE = { keyspace: 'system', table: 'describe' } as const;

/** Throws InvalidRequest for what there is not. */
export function describe(statement: Describe, context: DescribeContext): Description {
  const { target, withInternals } = statement;
  switch (target.kind) {
    case 'cluster':
      return cluster(context);
    case 'keyspaces':
      return listing(keyspacesOf(context.schema).map((keyspace) => keyspaceElement(keyspace)));
    case 'tables':
      return listing(keyspacesInUse(context).flatMap((keyspace) => tablesOf(keyspace, false)));
    case 'types':
      return listing(keyspacesInUse(context).flatMap((keyspace) => typesOf(keyspace).sort(byName)));
    case 'functions':
    case 'aggregates':
      keyspacesInUse(context);
      return listing([]);
    case 'schema': {
      const keyspaces = keyspacesOf(context.schema).filter(({ kind }) => target.isFull || kind === 'user');
      return statements(keyspaces.flatMap((keyspace) => everythingIn(keyspace, withInternals)));
    }
    case 'keyspace': {
      const keyspace = named(context, target.keyspace);
      return statements(target.isOnly ? [keyspaceElement(keyspace)] : everythingIn(keyspace, withInternals));
    }
    case 'any':
      return statements(anything(target.name, context, withInternals));
    default:
      return statements(oneOf(target.kind, target.name, context, withInternals));
  }
}

/** Something that has a name and a statement that makes it. */
interface Element {
  readonly keyspace: string;
  readonly type: 'keyspace' | 'table' | 'type' | 'index';
  readonly name: string;
  readonly text: () => string;
}

const LISTED = ['keyspace_name', 'type', 'name'].map((name) => ({ name, type: Native.text }));

function listing(elements: readonly Element[]): Description {
  return { columns: LISTED, rows: elements.map(namesOf) };
}

function statements(elements: readonly Element[]): Description {
  return {
    columns: [...LISTED, { name: 'create_statement', type: Native.text }],
    rows: elements.map((element) => [...namesOf(element), text(element.text())]),
  };
}

function namesOf({ keyspace, type, name }: Element): Cell[] {
  return [text(quotedName(keyspace)), text(type), text(quotedName(name))];
}

function keyspacesOf({ keyspaces }: Schema): Keyspace[] {
  return [...keyspaces.values()].sort(byName);
}

/** The keyspace in use, or all of them. */
function keyspacesInUse(context: DescribeContext): Keyspace[] {
  return context.keyspace === undefined ? keyspacesOf(context.schema) : [named(context, context.keyspace)];
}

function named(context: DescribeContext, name: string | undefined): Keyspace {
  const wanted = name ?? context.keyspace;
  if (wanted === undefined) throw invalidRequest('No keyspace specified and no current keyspace');
  const keyspace = context.schema.keyspaces.get(wanted);
  if (keyspace === undefined) throw invalidRequest(`'${wanted}' not found in keyspaces`);
  return keyspace;
}

/** A keyspace as the statements that make it, in an order in which they can be carried out. */
function everythingIn(keyspace: Keyspace, withInternals: boolean): Element[] {
  const tables = tablesOf(keyspace, withInternals);
  return [
    keyspaceElement(keyspace),
    ...typesOf(keyspace),
    ...tables.flatMap((element) => [element, ...indexesOf(keyspace.tables.get(element.name) as Table)]),
  ];
}

function keyspaceElement(keyspace: Keyspace): Element {
  return { keyspace: keyspace.name, type: 'keyspace', name: keyspace.name, text: () => keyspaceText(keyspace) };
}

function tablesOf(keyspace: Keyspace, withInternals: boolean): Element[] {
  return [...keyspace.tables.values()].sort(byName).map((table) => tableElement(keyspace, table, withInternals));
}

function tableElement({ kind }: Keyspace, table: Table, withInternals: boolean): Element {
  const { keyspace, name } = table;
  return { keyspace, type: 'table', name, text: () => tableText(table, kind === 'virtual', withInternals) };
}

function indexesOf({ indexes }: Table): Element[] {
  return [...indexes].sort(byName).map(indexElement);
}

function indexElement(index: Index): Element {
  return { keyspace: index.keyspace, type: 'index', name: index.name, text: () => indexText(index) };
}

function typeElement(definition: UserTypeDefinition): Element {
  const { keyspace, name } = definition;
  return { keyspace, type: 'type', name, text: () => typeDefinitionText(definition) };
}

/** A type after those that it is made of. */
function typesOf({ types }: Keyspace): Element[] {
  const elements: Element[] = [];
  const done = new Set<string>();
  const visit = (definition: UserTypeDefinition): void => {
    if (done.has(definition.name)) return;
    done.add(definition.name);
    for (const name of definition.fields.flatMap((field) => userTypesIn(field.type))) {
      const inner = types.get(name);
      if (inner !== undefined) visit(inner);
    }
    elements.push(typeElement(definition));
  };
  for (const definition of [...types.values()].sort(byName)) visit(definition);
  return elements;
}

/** A keyspace, or a table, or an index: the first that has the name. */
function anything(target: QualifiedName, context: DescribeContext, withInternals: boolean): Element[] {
  const { name } = target;
  if (target.keyspace === undefined) {
    const keyspace = context.schema.keyspaces.get(name);
    if (keyspace !== undefined) return everythingIn(keyspace, withInternals);
  }
  const keyspace = named(context, target.keyspace ?? context.keyspace ?? name);
  const found = tableAndIndexes(keyspace, name, withInternals) ?? indexNamed(keyspace, name);
  if (found === undefined) throw invalidRequest(`'${name}' not found in keyspace '${keyspace.name}'`);
  return found;
}

function oneOf(
  kind: 'table' | 'index' | 'view' | 'type' | 'function' | 'aggregate',
  target: QualifiedName,
  context: DescribeContext,
  withInternals: boolean,
): Element[] {
  const keyspace = named(context, target.keyspace);
  const { name } = target;
  switch (kind) {
    case 'table': {
      const found = tableAndIndexes(keyspace, name, withInternals);
      if (found === undefined) throw invalidRequest(`Table '${name}' not found in keyspace '${keyspace.name}'`);
      return found;
    }
    case 'index': {
      const found = indexNamed(keyspace, name);
      if (found === undefined) throw missing("Table for existing index '%' not found in '%'", name, keyspace);
      return found;
    }
    case 'type': {
      const definition = keyspace.types.get(name);
      if (definition === undefined) throw missing("User defined type '%' not found in '%'", name, keyspace);
      return [typeElement(definition)];
    }
    case 'view':
      throw missing("Materialized view '%' not found in '%'", name, keyspace);
    case 'function':
      throw missing("User defined function '%' not found in '%'", name, keyspace);
    case 'aggregate':
      throw missing("User defined aggregate '%' not found in '%'", name, keyspace);
  }
}

function missing(said: string, name: string, keyspace: Keyspace): CqlError {
  return invalidRequest(said.replace('%', () => name).replace('%', () => keyspace.name));
}

function tableAndIndexes(keyspace: Keyspace, name: string, withInternals: boolean): Element[] | undefined {
  const table = keyspace.tables.get(name);
  return table === undefined ? undefined : [tableElement(keyspace, table, withInternals), ...indexesOf(table)];
}

function indexNamed({ tables }: Keyspace, name: string): Element[] | undefined {
  for (const { indexes } of tables.values()) {
    const index = indexes.find((other) => other.name === name);
    if (index !== undefined) return [indexElement(index)];
  }
  return undefined;
}

const CLUSTER_COLUMNS = ['cluster', 'partitioner', 'snitch'].map((name) => ({ name, type: Native.text }));
const OWNERSHIP_TYPE = mapOf(Native.text, listOf(Native.text));

function cluster(context: DescribeContext): Description {
  const row: Cell[] = [text(context.clusterName), text('Murmur3Partitioner'), text('SimpleSnitch')];
  const { keyspace } = context;
  if (keyspace === undefined || context.schema.keyspaces.get(keyspace)?.kind !== 'user') {
    return { columns: CLUSTER_COLUMNS, rows: [row] };
  }
  return {
    columns: [...CLUSTER_COLUMNS, { name: 'range_ownership', type: OWNERSHIP_TYPE }],
    rows: [[...row, ownership(context.view)]],
  };
}

/** By the last token of each range: the node that leads it when all is well. */
function ownership(view: ClusterView): Buffer {
  const addresses = new Map(view.nodes.map(({ id, host, ports }) => [id, `${host}:${ports.peer}`]));
  const entries = [...tokensOf(view)].flatMap(([id, tokens]) =>
    tokens.map((token) => [token, addresses.get(id) ?? '']),
  );
  const parts = entries.flatMap(([token = '', address = '']) => [text(token), packCollection(1, [text(address)])]);
  return packCollection(entries.length, parts);
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}

/** As Cassandra lists them: without regard to case. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  const [left, right] = [a.name.toLowerCase(), b.name.toLowerCase()];
  return left < right ? -1 : left > right ? 1 : a.name < b.name ? -1 : 1;
}
