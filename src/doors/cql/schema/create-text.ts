/** Parts of the schema as the statements that make them, set as Cassandra 4.1 sets them: tools compare these texts. */
import { type DataType, quotedName, typeText } from '../types/data-type.ts';
import { targetText } from './ddl-indexes.ts';
import type { Column, DroppedColumn, Index, Keyspace, Table, UserTypeDefinition } from './model.ts';
import { TABLE_OPTIONS } from './options.ts';
import { LOCATOR } from './replication.ts';
import { dashed } from './system/cluster-tables.ts';

const INDENT = '    ';
/** Between the options of a table. */
const AND = `\n${INDENT}AND `;

export function keyspaceText({ name, replication, durableWrites, kind }: Keyspace): string {
  if (kind === 'virtual') {
    return forReference(`Keyspace ${name} is a virtual keyspace`, `VIRTUAL KEYSPACE ${quotedName(name)};`);
  }
  const { class: strategy = '', ...options } = replication;
  const shown = { class: strategy.startsWith(LOCATOR) ? strategy.slice(LOCATOR.length) : strategy, ...options };
  return `CREATE KEYSPACE ${quotedName(name)} WITH replication = ${mapText(shown)}  AND durable_writes = ${durableWrites};`;
}

export function typeDefinitionText({ keyspace, name, fields }: UserTypeDefinition): string {
  const lines = fields.map((field) => `${INDENT}${quotedName(field.name)} ${typeText(field.type)}`);
  return `CREATE TYPE ${qualified(keyspace, name)} (\n${lines.join(',\n')}\n);`;
}

export function indexText({ keyspace, table, name, column, kind, options }: Index): string {
  const { class_name: implementation, target: _target, ...others } = options;
  const what = `INDEX ${quotedName(name)} ON ${qualified(keyspace, table)} (${targetText(kind, column)})`;
  if (implementation === undefined) return `CREATE ${what};`;
  const withOptions = Object.keys(others).length === 0 ? '' : ` WITH OPTIONS = ${mapText(others)}`;
  return `CREATE CUSTOM ${what} USING ${quoted(implementation)}${withOptions};`;
}

/** `withInternals`: what is needed to make the same table once more, with its id and the columns that it once had. */
export function tableText(table: Table, isVirtual: boolean, withInternals: boolean): string {
  const name = qualified(table.keyspace, table.name);
  const options = [
    ...(withInternals && !isVirtual ? [`ID = ${dashed(table.id)}`] : []),
    ...(table.clustering.length === 0 ? [] : [clusteringOrderText(table.clustering)]),
    ...(isVirtual ? [optionText('comment', table.options['comment'] ?? '')] : optionTexts(table)),
  ].join(AND);
  const dropped = withInternals ? table.dropped : [];
  const definitions = definitionsText(table, dropped);
  if (isVirtual) {
    return forReference(
      `Table ${name} is a virtual table`,
      `VIRTUAL TABLE ${name} (\n${definitions}\n) WITH ${options};`,
    );
  }
  const text = `CREATE TABLE ${name} (\n${definitions}\n) WITH ${options};`;
  return [text, ...dropped.flatMap((column) => dropTexts(table, column))].join('\n');
}

function definitionsText(table: Table, dropped: readonly DroppedColumn[]): string {
  const { partitionKey, clustering, statics, regulars } = table;
  const isSingle = partitionKey.length === 1 && clustering.length === 0;
  const line = ({ name, type, kind }: Column | DroppedColumn): string => {
    const suffix = kind === 'static' ? ' static' : isSingle && kind === 'partition_key' ? ' PRIMARY KEY' : '';
    return `${INDENT}${quotedName(name)} ${typeText(type)}${suffix}`;
  };
  // A column that has come back is first made as it was, then dropped, then added.
  const isBack = (name: string): boolean => dropped.some((column) => column.name === name);
  const lines = [
    ...[...partitionKey, ...clustering, ...statics, ...regulars].filter(({ name }) => !isBack(name)),
    ...dropped,
  ].map(line);
  if (!isSingle) lines.push(`${INDENT}PRIMARY KEY (${primaryKeyText(partitionKey, clustering)})`);
  return lines.join(',\n');
}

function primaryKeyText(partitionKey: readonly Column[], clustering: readonly Column[]): string {
  const names = partitionKey.map(({ name }) => quotedName(name)).join(', ');
  const first = partitionKey.length === 1 ? names : `(${names})`;
  return [first, ...clustering.map(({ name }) => quotedName(name))].join(', ');
}

function clusteringOrderText(clustering: readonly Column[]): string {
  const columns = clustering.map(({ name, isDescending }) => `${quotedName(name)} ${isDescending ? 'DESC' : 'ASC'}`);
  return `CLUSTERING ORDER BY (${columns.join(', ')})`;
}

function dropTexts(table: Table, { name, kind, droppedAt_us }: DroppedColumn): string[] {
  const start = `ALTER TABLE ${qualified(table.keyspace, table.name)}`;
  const drop = `${start} DROP ${quotedName(name)} USING TIMESTAMP ${droppedAt_us};`;
  const back = table.byName.get(name);
  if (back === undefined) return [drop];
  return [drop, `${start} ADD ${quotedName(name)} ${typeText(back.type)}${kind === 'static' ? ' static' : ''};`];
}

function optionTexts({ options }: Table): string[] {
  return Object.keys(TABLE_OPTIONS).map((name) => optionText(name, options[name] ?? TABLE_OPTIONS[name] ?? ''));
}

const BARE: ReadonlySet<string> = new Set([
  'bloom_filter_fp_chance',
  'cdc',
  'crc_check_chance',
  'default_time_to_live',
  'gc_grace_seconds',
  'max_index_interval',
  'memtable_flush_period_in_ms',
  'min_index_interval',
]);

function optionText(name: string, value: string | Readonly<Record<string, string>>): string {
  if (typeof value === 'string') return `${name} = ${BARE.has(name) ? value : quoted(value)}`;
  return `${name} = ${mapText(value)}`;
}

function mapText(map: Readonly<Record<string, string>>): string {
  const entries = Object.entries(map).map(([key, value]) => `${quoted(key)}: ${quoted(value)}`);
  return `{${entries.join(', ')}}`;
}

function forReference(what: string, structure: string): string {
  return `/*\nWarning: ${what} and cannot be recreated with CQL.\nStructure, for reference:\n${structure}\n*/`;
}

function qualified(keyspace: string, name: string): string {
  return `${quotedName(keyspace)}.${quotedName(name)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** User types that a type has directly in it. */
export function userTypesIn(type: DataType): string[] {
  switch (type.kind) {
    case 'native':
      return [];
    case 'list':
    case 'set':
    case 'vector':
      return userTypesIn(type.element);
    case 'map':
      return [...userTypesIn(type.key), ...userTypesIn(type.value)];
    case 'tuple':
      return type.elements.flatMap(userTypesIn);
    case 'udt':
      return [type.name];
  }
}
