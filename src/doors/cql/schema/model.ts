/**
 * The schema in memory, made anew from the catalog's records when they change (`schema-registry.ts`); what has not changed stays the
 * same object. Planning reads it without looking anything up twice.
 */
import { type DataType, isMultiCell } from '../types/data-type.ts';

export interface Schema {
  /** Version of the catalog's section: goes up with every change. */
  readonly version: number;
  readonly keyspaces: ReadonlyMap<string, Keyspace>;
}

export interface Keyspace {
  readonly name: string;
  /** As written, the class in full. */
  readonly replication: Readonly<Record<string, string>>;
  readonly durableWrites: boolean;
  readonly tables: ReadonlyMap<string, Table>;
  readonly types: ReadonlyMap<string, UserTypeDefinition>;
  /** Only those of users are stored and may be changed. Drivers ask for `virtual` ones in `system_virtual_schema`. */
  readonly kind: 'user' | 'system' | 'virtual';
}

export interface UserTypeDefinition {
  readonly keyspace: string;
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: DataType }[];
}

/** Both ends included. */
export type SlotRange = readonly [first: number, last: number];

export type ColumnKind = 'partition_key' | 'clustering' | 'static' | 'regular';

export interface Column {
  /** Never used again in its table; key columns have none (-1). */
  readonly id: number;
  readonly name: string;
  readonly type: DataType;
  readonly kind: ColumnKind;
  /** Place among the partition key's or the clustering columns, else -1. */
  readonly position: number;
  readonly isDescending: boolean;
}

export interface Index {
  readonly name: string;
  readonly keyspace: string;
  readonly table: string;
  readonly column: string;
  readonly kind: 'simple' | 'values' | 'keys' | 'entries' | 'full';
  /** Of its entries. */
  readonly space: number;
  /** False while rows that were there before are being added. */
  readonly isReady: boolean;
  /** Slots whose rows are still to be added. */
  readonly unbuilt: readonly SlotRange[];
  readonly options: Readonly<Record<string, string>>;
}

export type TableOptions = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export interface DroppedColumn {
  readonly name: string;
  readonly type: DataType;
  readonly kind: ColumnKind;
  readonly droppedAt_us: number;
}

export interface Table {
  readonly keyspace: string;
  readonly name: string;
  /** 32 hexadecimal digits, a uuid for drivers. */
  readonly id: string;
  /** Of its rows; another one after TRUNCATE. 0 for tables of the system, whose rows are computed (`system/system-tables.ts`). */
  readonly space: number;
  readonly partitionKey: readonly Column[];
  readonly clustering: readonly Column[];
  /** As DESCRIBE orders them: those with cells for their elements last, and each by name. */
  readonly statics: readonly Column[];
  readonly regulars: readonly Column[];
  /** All, as `SELECT *` gives them: partition key, clustering, static, regular, the last two each by name. */
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
  readonly byId: ReadonlyMap<number, Column>;
  readonly dropped: readonly DroppedColumn[];
  readonly indexes: readonly Index[];
  readonly options: TableOptions;
  readonly isCounter: boolean;
  /** Of the system: its rows are computed, and nobody changes them. */
  readonly isSystem: boolean;
  /** Seconds; 0: rows live for ever. */
  readonly defaultTtl_s: number;
  /** Version of the schema in which this table was changed last. */
  readonly version: number;
}

export type TableParts = Omit<
  Table,
  'columns' | 'byName' | 'byId' | 'isSystem' | 'statics' | 'regulars' | 'defaultTtl_s'
> & {
  readonly others: readonly Column[];
};

export function makeTable({ others, ...parts }: TableParts): Table {
  const statics = others.filter(({ kind }) => kind === 'static').sort(inOrder);
  const regulars = others.filter(({ kind }) => kind === 'regular').sort(inOrder);
  const columns = [
    ...parts.partitionKey,
    ...parts.clustering,
    ...statics.toSorted(byName),
    ...regulars.toSorted(byName),
  ];
  return {
    ...parts,
    statics,
    regulars,
    columns,
    byName: new Map(columns.map((column) => [column.name, column])),
    byId: new Map(others.map((column) => [column.id, column])),
    isSystem: parts.space === 0,
    defaultTtl_s: Number(parts.options['default_time_to_live'] ?? 0),
  };
}

function inOrder(a: Column, b: Column): number {
  const [complexA, complexB] = [isMultiCell(a.type), isMultiCell(b.type)];
  if (complexA !== complexB) return complexA ? 1 : -1;
  return byName(a, b);
}

function byName(a: Column, b: Column): number {
  return a.name < b.name ? -1 : 1;
}

export function findTable(schema: Schema, keyspace: string, name: string): Table | undefined {
  return schema.keyspaces.get(keyspace)?.tables.get(name);
}
