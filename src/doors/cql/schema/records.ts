/**
 * The schema as records of the catalog, section `cql`: `keyspace/K`, `type/K/T`, `table/K/T` and `sweep/SPACE`. JSON, and data types as
 * the text that CQL has for them.
 *
 * Format 1: the first.
 */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { type DataType, typeText } from '../types/data-type.ts';
import {
  type Column,
  type ColumnKind,
  type Index,
  type Keyspace,
  makeTable,
  type SlotRange,
  type Table,
  type TableOptions,
  type UserTypeDefinition,
} from './model.ts';
import { TABLE_OPTIONS } from './options.ts';
import { type FindsType, parseStoredType } from './type-syntax.ts';

export const CQL_SECTION = 'cql';
export const RECORD_FORMAT = 1;

export interface KeyspaceRecord {
  readonly format: number;
  readonly name: string;
  readonly replication: Readonly<Record<string, string>>;
  readonly durableWrites: boolean;
}

export interface TypeRecord {
  readonly format: number;
  readonly keyspace: string;
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: string }[];
}

export interface ColumnRecord {
  /** -1 for columns of the key. */
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly kind: ColumnKind;
  readonly descending?: boolean;
}

export interface IndexRecord {
  readonly name: string;
  readonly column: string;
  readonly kind: Index['kind'];
  readonly space: number;
  /** Slots whose rows from before are not all in it yet; it is ready when there are none. */
  readonly unbuilt: readonly SlotRange[];
  readonly options: Readonly<Record<string, string>>;
}

export interface DroppedColumnRecord {
  readonly name: string;
  /** Without user types, which may be dropped too: tuples stand for them. */
  readonly type: string;
  readonly kind: ColumnKind;
  readonly at_us: number;
}

export interface TableRecord {
  readonly format: number;
  readonly keyspace: string;
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly space: number;
  /** Key columns in their order, then the others. */
  readonly columns: readonly ColumnRecord[];
  readonly nextColumnId: number;
  /** Made with counters; it has no other columns ever. */
  readonly counter: boolean;
  readonly dropped: readonly DroppedColumnRecord[];
  readonly indexes: readonly IndexRecord[];
  /** Those that were given. */
  readonly options: TableOptions;
  /** Of the section when the record was changed last. */
  readonly version: number;
}

/** A space that is nobody's any more. */
export interface SweepRecord {
  readonly space: number;
  /** Slots where keys of the space may still be. The record goes when there are none. */
  readonly slots: readonly SlotRange[];
}

export const keyspaceKey = (name: string): string => `keyspace/${name}`;
export const typeKey = (keyspace: string, name: string): string => `type/${keyspace}/${name}`;
export const tableKey = (keyspace: string, name: string): string => `table/${keyspace}/${name}`;
export const sweepKey = (space: number): string => `sweep/${space}`;

export function keyspaceRecord(records: Pick<CatalogRecords, 'get'>, name: string): KeyspaceRecord | undefined {
  return records.get(keyspaceKey(name)) as KeyspaceRecord | undefined;
}

export function tableRecord(
  records: Pick<CatalogRecords, 'get'>,
  keyspace: string,
  name: string,
): TableRecord | undefined {
  return records.get(tableKey(keyspace, name)) as TableRecord | undefined;
}

export function tableRecords(records: CatalogRecords, keyspace: string): TableRecord[] {
  return records.entries(`table/${keyspace}/`).map(([, record]) => record as TableRecord);
}

export function tableOf(record: TableRecord, find: FindsType): Table {
  checkFormat(record.format);
  const { keyspace, name } = record;
  const column = (entry: ColumnRecord, position: number): Column => ({
    id: entry.id,
    name: entry.name,
    type: parseStoredType(entry.type, keyspace, find),
    kind: entry.kind,
    position,
    isDescending: entry.descending === true,
  });
  const ofKind = (kind: ColumnKind): Column[] =>
    record.columns.filter((entry) => entry.kind === kind).map((entry, i) => column(entry, i));
  const others = record.columns
    .filter(({ kind }) => kind === 'static' || kind === 'regular')
    .map((entry) => column(entry, -1));
  return makeTable({
    keyspace,
    name,
    id: record.id,
    space: record.space,
    partitionKey: ofKind('partition_key'),
    clustering: ofKind('clustering'),
    others,
    dropped: record.dropped.map(({ at_us, type, ...rest }) => ({
      ...rest,
      type: parseStoredType(type, keyspace, find),
      droppedAt_us: at_us,
    })),
    indexes: record.indexes.map((index) => ({ ...index, keyspace, table: name, isReady: index.unbuilt.length === 0 })),
    isCounter: record.counter,
    options: { ...TABLE_OPTIONS, ...record.options },
    version: record.version,
  });
}

export function typeOf(record: TypeRecord, find: FindsType): UserTypeDefinition {
  checkFormat(record.format);
  const { keyspace, name } = record;
  const fields = record.fields.map((field) => ({
    name: field.name,
    type: parseStoredType(field.type, keyspace, find),
  }));
  return { keyspace, name, fields };
}

export function keyspaceOf(
  record: KeyspaceRecord,
  tables: ReadonlyMap<string, Table>,
  types: ReadonlyMap<string, UserTypeDefinition>,
): Keyspace {
  checkFormat(record.format);
  const { name, replication, durableWrites } = record;
  return { name, replication, durableWrites, tables, types, kind: 'user' };
}

export function storedType(type: DataType): string {
  return typeText(type);
}

/** Resolves user types from records, on the leader. */
export function typesIn(records: Pick<CatalogRecords, 'get'>): FindsType {
  const find: FindsType = (keyspace, name) => {
    const record = records.get(typeKey(keyspace, name));
    return record === undefined ? undefined : typeOf(record as TypeRecord, find);
  };
  return find;
}

/** Nodes of a later version may have written what this one cannot read; then it must not guess. */
function checkFormat(format: number): void {
  if (format !== RECORD_FORMAT) {
    throw new Error(
      `a record of the schema has format ${format}; this version of the node reads format ${RECORD_FORMAT}`,
    );
  }
}
