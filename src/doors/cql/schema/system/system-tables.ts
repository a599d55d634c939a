/**
 * The keyspaces of the system. Their tables are like any others for those who plan, except that their rows are computed here when they
 * are read (`systemRows`); nobody writes to them.
 */
import { createHash } from 'node:crypto';
import { assert } from '../../../../base/assert.ts';
import { parse } from '../../language/parse.ts';
import type { Cell } from '../../types/composite.ts';
import { newTable } from '../ddl-tables.ts';
import type { Keyspace, Table } from '../model.ts';
import { tableOf } from '../records.ts';
import { LOCAL_STRATEGY, SIMPLE_STRATEGY } from '../replication.ts';
import { roleMemberRows, rolePermissionRows, roleRows } from './access-tables.ts';
import { encodeRow, type SystemRow } from './cells.ts';
import { localRows, peerRows, peerRowsV2 } from './cluster-tables.ts';
import type { SystemContext } from './context.ts';
import { SYSTEM_TABLES } from './definitions.ts';
import { VIRTUAL_KEYSPACES } from './names.ts';
import {
  byName,
  columnRows,
  droppedColumnRows,
  indexRows,
  keyspaceRow,
  keyspacesOf,
  tableRow,
  typeRows,
  virtualTableRow,
} from './schema-tables.ts';
import { clientRows, preparedRows, settingRows } from './view-tables.ts';

/** `first`: the value of the first column of the partition key, where only rows with it are asked for. */
type Source = (context: SystemContext, first: Buffer | null) => Iterable<readonly Cell[]>;

/** For the schema of every node. */
export const SYSTEM_SCHEMA: readonly Keyspace[] = Object.entries(SYSTEM_TABLES).map(([name, statements]) => {
  const tables = statements.map((text) => systemTable(name, text));
  return {
    name,
    replication: replicationOf(name),
    durableWrites: true,
    tables: new Map(tables.map((table) => [table.name, table])),
    types: new Map(),
    kind: VIRTUAL_KEYSPACES.has(name) ? 'virtual' : 'system',
  };
});

const SOURCES: ReadonlyMap<Table, Source> = new Map(
  SYSTEM_SCHEMA.flatMap(({ tables }) => [...tables.values()]).flatMap((table) => {
    const source = sourceOf(table);
    return source === undefined ? [] : [[table, source] as const];
  }),
);

/**
 * The rows of a table of the system, as cells in the order of its columns, in the order of its key within each partition. With
 * `first`, the value of the first column of the partition key, rows with others may be left out (they need not be).
 */
export function systemRows(table: Table, context: SystemContext, first: Buffer | null): Iterable<readonly Cell[]> {
  assert(table.isSystem, 'rows of a table of a user are in the tablets');
  return SOURCES.get(table)?.(context, first) ?? [];
}

/** As Cassandra names tables of its own: by a hash of their names. */
function systemTableId(keyspace: string, name: string): string {
  const hash = createHash('md5').update(keyspace).update(name).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x30;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return hash.toString('hex');
}

function systemTable(keyspace: string, text: string): Table {
  const { statement } = parse(text);
  assert(statement.kind === 'createTable', 'a table of the system is described by the statement that would make it');
  const id = systemTableId(keyspace, statement.table.name);
  return tableOf(
    newTable(statement, keyspace, id, () => undefined),
    () => undefined,
  );
}

function replicationOf(keyspace: string): Readonly<Record<string, string>> {
  switch (keyspace) {
    case 'system':
    case 'system_schema':
      return { class: LOCAL_STRATEGY };
    case 'system_auth':
      return { class: SIMPLE_STRATEGY, replication_factor: '1' };
    case 'system_distributed':
      return { class: SIMPLE_STRATEGY, replication_factor: '3' };
    case 'system_traces':
      return { class: SIMPLE_STRATEGY, replication_factor: '2' };
    default:
      return {};
  }
}

function sourceOf(table: Table): Source | undefined {
  switch (`${table.keyspace}.${table.name}`) {
    case 'system.local':
      return each(table, localRows);
    case 'system.peers':
      return each(table, peerRows);
    case 'system.peers_v2':
      return each(table, peerRowsV2);
    case 'system.prepared_statements':
      return each(table, preparedRows);
    case 'system_auth.roles':
      return each(table, roleRows);
    case 'system_auth.role_members':
      return each(table, roleMemberRows);
    case 'system_auth.role_permissions':
      return each(table, rolePermissionRows);
    case 'system_views.clients':
      return each(table, clientRows);
    case 'system_views.settings':
      return each(table, settingRows);
    case 'system_schema.keyspaces':
      return ofKeyspaces(false, (keyspace, context) => [encodeRow(table, keyspaceRow(keyspace, context))]);
    case 'system_schema.tables':
      return ofTables(table, false, (described) => [tableRow(described)]);
    case 'system_schema.columns':
      return ofTables(table, false, columnRows);
    case 'system_schema.dropped_columns':
      return ofTables(table, false, droppedColumnRows);
    case 'system_schema.indexes':
      return ofTables(table, false, indexRows);
    case 'system_schema.types':
      return ofKeyspaces(false, (keyspace) => [...typeRows(keyspace)].map((row) => encodeRow(table, row)));
    case 'system_virtual_schema.keyspaces':
      return ofKeyspaces(true, ({ name }) => [encodeRow(table, { keyspace_name: name })]);
    case 'system_virtual_schema.tables':
      return ofTables(table, true, (described) => [virtualTableRow(described)]);
    case 'system_virtual_schema.columns':
      return ofTables(table, true, columnRows);
    default:
      return undefined;
  }
}

function each(table: Table, rows: (context: SystemContext) => Iterable<SystemRow>): Source {
  return function* (context) {
    for (const row of rows(context)) yield encodeRow(table, row);
  };
}

function ofKeyspaces(
  isVirtual: boolean,
  rows: (keyspace: Keyspace, context: SystemContext) => Iterable<readonly Cell[]>,
): Source {
  return function* (context, first) {
    for (const keyspace of keyspacesOf(context.schema, isVirtual, first?.toString('utf8'))) {
      yield* rows(keyspace, context);
    }
  };
}

/** Rows about a table are encoded once in its life: drivers ask for those of all tables at every connect. */
function ofTables(table: Table, isVirtual: boolean, rows: (described: Table) => Iterable<SystemRow>): Source {
  const encoded = new WeakMap<Table, readonly (readonly Cell[])[]>();
  return ofKeyspaces(isVirtual, function* ({ tables }) {
    for (const described of [...tables.values()].sort(byName)) {
      let cells = encoded.get(described);
      if (cells === undefined) {
        cells = [...rows(described)].map((row) => encodeRow(table, row));
        encoded.set(described, cells);
      }
      yield* cells;
    }
  });
}
