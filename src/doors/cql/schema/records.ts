/** The schema as records of the catalog, section `cql`: `keyspace/K`, `type/K/T`, `table/K/T`. JSON, and types as text. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';
import { type DataType, typeText } from '../types/data-type.ts';
import {
  type Column,
  type ColumnKind,
  type Index,
  type Keyspace,
  makeTable,
  type Table,
  type TableOptions,
  type UserTypeDefinition,
} from './model.ts';
import { type FindsType, parseStoredType } from './type-syntax.ts';

export const CQL_SECTION = 'cql';

export interface KeyspaceRecord {
  readonly name: string;
  readonly replication: Readonly<Record<string, string>>;
  readonly durableWrites: boolean;
}

export interface TypeRecord {
  readonly keyspace: string;
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: string }[];
}

export interface ColumnRecord {
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
  readonly ready: boolean;
  readonly options: Readonly<Record<string, string>>;
}

export interface TableRecord {
  readonly keyspace: string;
  readonly name: string;
  readonly id: string;
  readonly space: number;
  /** Key columns in their order, then the others. */
  readonly columns: readonly ColumnRecord[];
  readonly nextColumnId: number;
  readonly dropped: readonly {
    readonly name: string;
    readonly type: string;
    readonly kind: ColumnKind;
    readonly at_us: number;
  }[];
  readonly indexes: readonly IndexRecord[];
  readonly options: TableOptions;
  readonly version: number;
}

/** Rows of a space that is nobody's any more; each tablet that has removed them says so. */
export interface SweepRecord {
  readonly space: number;
}

export const keyspaceKey = (name: string): string => `keyspace/${name}`;
export const typeKey = (keyspace: string, name: string): string => `type/${keyspace}/${name}`;
export const tableKey = (keyspace: string, name: string): string => `table/${keyspace}/${name}`;
export const sweepKey = (space: number): string => `sweep/${space}`;

export function tableOf(record: TableRecord, find: FindsType): Table {
  const column = (entry: ColumnRecord, position: number): Column => ({
    id: entry.id,
    name: entry.name,
    type: parseStoredType(entry.type, record.keyspace, find),
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
    keyspace: record.keyspace,
    name: record.name,
    id: record.id,
    space: record.space,
    partitionKey: ofKind('partition_key'),
    clustering: ofKind('clustering'),
    others,
    dropped: record.dropped.map(({ name, type, kind, at_us }) => ({
      name,
      type: parseStoredType(type, record.keyspace, find),
      kind,
      droppedAt_us: at_us,
    })),
    indexes: record.indexes.map(({ ready, ...index }) => ({
      ...index,
      keyspace: record.keyspace,
      table: record.name,
      isReady: ready,
    })),
    options: record.options,
    version: record.version,
  });
}

export function typeOf(record: TypeRecord, find: FindsType): UserTypeDefinition {
  const fields = record.fields.map(({ name, type }) => ({ name, type: parseStoredType(type, record.keyspace, find) }));
  return { keyspace: record.keyspace, name: record.name, fields };
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

export function keyspaceOf(
  record: KeyspaceRecord,
  tables: ReadonlyMap<string, Table>,
  types: ReadonlyMap<string, UserTypeDefinition>,
): Keyspace {
  return { ...record, tables, types, isVirtual: false };
}
