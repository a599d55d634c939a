/** A table on one tablet, spoken to in values of JavaScript: ints, texts, and what is made of them. */
import type { Column, Table } from '../schema/model.ts';
import { type Cell, packCollection, packFields, splitCollection, splitFields } from '../types/composite.ts';
import { type DataType, isMultiCell } from '../types/data-type.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';
import type {
  CollectionChange,
  Conditions,
  Position,
  Predicate,
  RowChange,
  RowMutation,
  RowPage,
  RowRead,
  Slice,
  Stamp,
  WriteResult,
} from './commands.ts';
import { clusteringKey, partitionPlace } from './layout.ts';
import { Projection } from './projection.ts';
import { readRows } from './read.ts';
import { decodePage, decodeWriteResult, encodePage, encodeWriteResult } from './result-codec.ts';
import type { TestTablet } from './test-tablet.test-support.ts';
import { writeRows } from './write.ts';

export type Value =
  | number
  | string
  | bigint
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | { readonly [field: string]: Value | null };

export function toWire(type: DataType, value: Value): Buffer {
  switch (type.kind) {
    case 'native':
      return nativeToWire(type.name, value);
    case 'list':
    case 'set': {
      const items = value as readonly Value[];
      return packCollection(
        items.length,
        items.map((item) => toWire(type.element, item)),
      );
    }
    case 'map': {
      const entries = [...(value as ReadonlyMap<Value, Value>)];
      return packCollection(
        entries.length,
        entries.flatMap(([key, item]) => [toWire(type.key, key), toWire(type.value, item)]),
      );
    }
    case 'udt': {
      const fields = value as Record<string, Value | null>;
      return packFields(
        type.fields.map(({ name, type: field }) => {
          const item = fields[name] ?? null;
          return item === null ? null : toWire(field, item);
        }),
      );
    }
    default:
      throw new Error('not in these tests');
  }
}

function nativeToWire(name: string, value: Value): Buffer {
  if (name === 'text') return Buffer.from(value as string, 'utf8');
  const bytes = Buffer.alloc(name === 'smallint' ? 2 : name === 'int' ? 4 : 8);
  if (name === 'smallint') bytes.writeInt16BE(value as number);
  else if (name === 'int') bytes.writeInt32BE(value as number);
  else bytes.writeBigInt64BE(BigInt(value as number | bigint));
  return bytes;
}

export function fromWire(type: DataType, bytes: Cell): unknown {
  if (bytes === null) return null;
  switch (type.kind) {
    case 'native':
      if (type.name === 'text') return bytes.toString('utf8');
      if (type.name === 'int') return bytes.readInt32BE(0);
      return Number(bytes.readBigInt64BE(0));
    case 'list':
    case 'set':
      return splitCollection(bytes).map((part) => fromWire(type.element, part));
    case 'map': {
      const parts = splitCollection(bytes, 2);
      const entries: [unknown, unknown][] = [];
      for (let i = 0; i < parts.length; i += 2) {
        entries.push([fromWire(type.key, parts[i] as Buffer), fromWire(type.value, parts[i + 1] as Buffer)]);
      }
      return entries;
    }
    case 'udt':
      return splitFields(bytes, type.fields.length).map((field, i) =>
        fromWire(type.fields[i]?.type as DataType, field),
      );
    default:
      throw new Error('not in these tests');
  }
}

/** The cells of a page, row by row. */
export function cellsOf(page: RowPage, width: number): Cell[][] {
  const rows: Cell[][] = [];
  let at = 0;
  for (let row = 0; row < page.rowCount; row += 1) {
    const cells: Cell[] = [];
    for (let i = 0; i < width; i += 1) {
      const length = page.bytes.readInt32BE(at);
      at += 4;
      cells.push(length < 0 ? null : page.bytes.subarray(at, at + length));
      at += Math.max(0, length);
    }
    rows.push(cells);
  }
  if (at !== page.bytes.length) throw new Error('a page has bytes behind its rows');
  return rows;
}

export interface WriteOptions {
  readonly ttl_s?: number;
  readonly stamp?: Stamp;
}

export interface SelectOptions {
  readonly columns?: readonly string[];
  readonly what?: 'value' | 'writetime' | 'ttl';
  readonly slices?: readonly Slice[];
  readonly filter?: readonly Predicate[];
  readonly reversed?: boolean;
  readonly staticOnly?: boolean;
  readonly limit?: number;
  readonly perPartitionLimit?: number;
  readonly source?: RowRead['source'];
  /** Rows a page; the pages are put together. */
  readonly pageSize?: number;
}

export class TestTable {
  readonly tablet: TestTablet;
  readonly table: Table;
  readonly #key: readonly Value[] | undefined;

  constructor(tablet: TestTablet, table: Table, key?: readonly Value[]) {
    this.tablet = tablet;
    this.table = table;
    this.#key = key;
  }

  /** The same, with another partition in hand. */
  at(...key: readonly Value[]): TestTable {
    return new TestTable(this.tablet, this.table, key);
  }

  column(name: string): Column {
    const column = this.table.byName.get(name);
    if (column === undefined) throw new Error(`no column ${name}`);
    return column;
  }

  get partition(): string {
    const values = (this.#key ?? [1]).map((value, i) => toWire((this.table.partitionKey[i] as Column).type, value));
    return partitionPlace(this.table, values).prefix;
  }

  clustering(...values: readonly Value[]): string {
    return clusteringKey(
      this.table,
      values.map((value, i) => toWire((this.table.clustering[i] as Column).type, value)),
    );
  }

  /** Columns by name; null deletes, undefined is unset, a change of a collection is itself. */
  upsert(
    clustering: string | null,
    values: Readonly<Record<string, Value | null | undefined>>,
    collections: readonly CollectionChange[] = [],
    { ttl_s = 0, stamp }: WriteOptions = {},
    marker = false,
  ): RowChange {
    const named = Object.keys(values).map((name) => this.column(name));
    const simple = named.filter(({ type }) => !isMultiCell(type)).sort((a, b) => a.id - b.id);
    const whole = named.filter(({ type }) => isMultiCell(type));
    return {
      kind: 'upsert',
      clustering,
      marker,
      columns: simple,
      values: simple.map(({ name, type }) => {
        const value = values[name];
        return value === undefined || value === null ? value : toWire(type, value);
      }),
      collections: [...whole.map((column) => replacement(column, values[column.name] ?? null)), ...collections],
      ttl_s,
      stamp: stamp ?? null,
    };
  }

  /** Through the byte codec, so that it is tested with everything else. */
  write(changes: readonly RowChange[], conditions: Conditions | null = null): WriteResult {
    return this.writeAll([{ table: this.table, partition: this.partition, changes }], conditions);
  }

  writeAll(mutations: readonly RowMutation[], conditions: Conditions | null = null): WriteResult {
    const command = decodeCommand(encodeCommand({ kind: 'write', mutations, conditions }), this.#tables);
    if (command.kind !== 'write') throw new Error('a write became a read');
    const result = this.tablet.run((transaction) => writeRows(transaction, command, this.tablet.slotFirst));
    return decodeWriteResult(encodeWriteResult(result));
  }

  readonly #tables = { tableOfSpace: (space: number) => (space === this.table.space ? this.table : undefined) };

  insert(
    clustering: string | null,
    values: Readonly<Record<string, Value | null | undefined>>,
    options?: WriteOptions,
  ): void {
    this.write([this.upsert(clustering, values, [], options, true)]);
  }

  update(
    clustering: string | null,
    values: Readonly<Record<string, Value | null | undefined>>,
    collections: readonly CollectionChange[] = [],
    options?: WriteOptions,
  ): void {
    this.write([this.upsert(clustering, values, collections, options)]);
  }

  page(read: Partial<RowRead>): RowPage {
    const whole: RowRead = {
      kind: 'read',
      table: this.table,
      source: { kind: 'partition', partition: this.partition },
      slices: null,
      filter: [],
      projection: Projection.ofAll(this.table),
      reversed: false,
      staticOnly: false,
      limit: 0x7fffffff,
      perPartitionLimit: 0x7fffffff,
      after: null,
      ...read,
    };
    const command = decodeCommand(encodeCommand(whole), this.#tables);
    if (command.kind !== 'read') throw new Error('a read became a write');
    return decodePage(
      encodePage(this.tablet.run((transaction) => readRows(transaction, command, this.tablet.slotFirst))),
    );
  }

  /** Rows as values, from as many pages as it takes. */
  select(options: SelectOptions = {}): unknown[][] {
    const columns = options.columns?.map((name) => this.column(name)) ?? this.table.columns;
    const what = options.what ?? 'value';
    const projection = new Projection(columns.map((column) => ({ column, what })));
    const rows: unknown[][] = [];
    let after: Position | null = null;
    const limit = options.limit ?? 0x7fffffff;
    for (;;) {
      const page: RowPage = this.page({
        source: options.source ?? { kind: 'partition', partition: this.partition },
        slices: options.slices ?? null,
        filter: options.filter ?? [],
        projection,
        reversed: options.reversed ?? false,
        staticOnly: options.staticOnly ?? false,
        limit: Math.min(options.pageSize ?? limit, limit - rows.length),
        perPartitionLimit: options.perPartitionLimit ?? 0x7fffffff,
        after,
      });
      for (const cells of cellsOf(page, columns.length)) {
        rows.push(cells.map((cell, i) => shownValue(columns[i] as Column, what, cell)));
      }
      after = page.last;
      if (!page.more || rows.length >= limit) return rows;
    }
  }
}

function shownValue({ type }: Column, what: 'value' | 'writetime' | 'ttl', cell: Cell): unknown {
  if (what === 'value') return fromWire(type, cell);
  if (cell === null) return null;
  if (isMultiCell(type)) {
    return splitFields(cell.subarray(4), cell.readInt32BE(0)).map((part) => number(part));
  }
  return number(cell);
}

function number(cell: Cell): number | null {
  if (cell === null) return null;
  return cell.length === 4 ? cell.readInt32BE(0) : Number(cell.readBigInt64BE(0));
}

export function replacement(column: Column, value: Value | null): CollectionChange {
  const keys: Buffer[] = [];
  const values: Cell[] = [];
  const { type } = column;
  if (value !== null && type.kind === 'udt') {
    for (const [i, field] of type.fields.entries()) {
      const item = (value as Record<string, Value | null>)[field.name] ?? null;
      keys.push(fieldKey(i));
      values.push(item === null ? null : toWire(field.type, item));
    }
  } else if (value !== null && type.kind === 'map') {
    for (const [key, item] of value as ReadonlyMap<Value, Value>) {
      keys.push(toWire(type.key, key));
      values.push(toWire(type.value, item));
    }
  } else if (value !== null && (type.kind === 'set' || type.kind === 'list')) {
    for (const item of value as readonly Value[])
      (type.kind === 'set' ? keys : values).push(toWire(type.element, item));
  }
  return { kind: 'put', column, replace: true, keys, values };
}

export function fieldKey(position: number): Buffer {
  return toWire({ kind: 'native', name: 'smallint' }, position);
}
