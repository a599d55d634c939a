/** `system_schema` and `system_virtual_schema`: how drivers learn the schema. */
import { typeText } from '../../types/data-type.ts';
import type { Column, Keyspace, Schema, Table } from '../model.ts';
import { SIMPLE_STRATEGY } from '../replication.ts';
import type { SystemRow } from './cells.ts';
import { dashed } from './cluster-tables.ts';
import type { SystemContext } from './context.ts';

/** Keyspaces in the order of their names; with `name`, that one. */
export function* keyspacesOf(schema: Schema, isVirtual: boolean, name: string | undefined): Iterable<Keyspace> {
  const named = name === undefined ? [...schema.keyspaces.values()].sort(byName) : [schema.keyspaces.get(name)];
  for (const keyspace of named) {
    if (keyspace !== undefined && (keyspace.kind === 'virtual') === isVirtual) yield keyspace;
  }
}

export function keyspaceRow({ name, replication, durableWrites, kind }: Keyspace, context: SystemContext): SystemRow {
  const isOne = context.replication === 'single' && kind === 'user';
  return {
    keyspace_name: name,
    durable_writes: durableWrites,
    replication: isOne ? { class: SIMPLE_STRATEGY, replication_factor: '1' } : replication,
  };
}

export function tableRow(table: Table): SystemRow {
  return {
    ...table.options,
    keyspace_name: table.keyspace,
    table_name: table.name,
    flags: table.isCounter ? ['compound', 'counter'] : ['compound'],
    id: dashed(table.id),
    dclocal_read_repair_chance: 0,
    read_repair_chance: 0,
  };
}

export function virtualTableRow(table: Table): SystemRow {
  return { keyspace_name: table.keyspace, table_name: table.name, comment: table.options['comment'] };
}

export function columnRow(table: Table, column: Column): SystemRow {
  const order = column.kind !== 'clustering' ? 'none' : column.isDescending ? 'desc' : 'asc';
  return {
    keyspace_name: table.keyspace,
    table_name: table.name,
    column_name: column.name,
    clustering_order: order,
    column_name_bytes: Buffer.from(column.name, 'utf8'),
    kind: column.kind,
    position: column.position,
    type: typeText(column.type),
  };
}

export function* columnRows(table: Table): Iterable<SystemRow> {
  for (const column of [...table.columns].sort(byName)) yield columnRow(table, column);
}

export function* droppedColumnRows(table: Table): Iterable<SystemRow> {
  for (const { name, type, kind, droppedAt_us } of [...table.dropped].sort(byName)) {
    yield {
      keyspace_name: table.keyspace,
      table_name: table.name,
      column_name: name,
      dropped_time: Math.floor(droppedAt_us / 1_000),
      kind,
      type: typeText(type),
    };
  }
}

export function* indexRows(table: Table): Iterable<SystemRow> {
  for (const { name, options } of [...table.indexes].sort(byName)) {
    yield {
      keyspace_name: table.keyspace,
      table_name: table.name,
      index_name: name,
      kind: options['class_name'] === undefined ? 'COMPOSITES' : 'CUSTOM',
      options,
    };
  }
}

export function* typeRows(keyspace: Keyspace): Iterable<SystemRow> {
  for (const { name, fields } of [...keyspace.types.values()].sort(byName)) {
    yield {
      keyspace_name: keyspace.name,
      type_name: name,
      field_names: fields.map((field) => field.name),
      field_types: fields.map((field) => typeText(field.type)),
    };
  }
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
