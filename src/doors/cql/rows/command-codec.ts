/**
 * Row commands as bytes, for nodes that lead a tablet to get them from nodes that coordinate, and for the batch log. A table is its space and
 * a column its number, so a command means the same whatever became of names; its reader has applied the schema version that it was
 * planned with, or a later one.
 *
 *   version u8 | kind u8 (read, write, batch, part, batchEnd) | the rest as the functions here have it
 *
 * Version log: 1, first.
 */
import type { Column, Index, Table } from '../schema/model.ts';
import { CodecError, CommandReader, CommandWriter } from './byte-codec.ts';
import type {
  BatchName,
  BatchWritePart,
  CollectionChange,
  Conditions,
  IndexSource,
  Operator,
  PartitionSource,
  Position,
  Predicate,
  RowChange,
  RowCommand,
  RowCondition,
  RowMutation,
  RowRead,
  RowWrite,
  Slice,
  Stamp,
  TokenSource,
  Upsert,
} from './commands.ts';
import { Projection, type Wanted } from './projection.ts';
import { stampOf } from './row-value.ts';

/** Of the tables as this node has them. */
export interface TableSource {
  /** The table with this space; undefined when there is none (any more). */
  tableOfSpace(space: number): Table | undefined;
}

const VERSION = 1;
const KINDS = ['read', 'write', 'batch', 'part', 'batchEnd'] as const;
const PARTITION_KEY = 0xfe00;
const CLUSTERING = 0xff00;
const LIMIT_MAX = 0xffffffff;
const SOURCES = ['partition', 'tokens', 'index'] as const;
const OPERATORS: readonly Operator[] = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'contains',
  'containsKey',
  'like',
  'between',
  'notNull',
];
const EXISTENCES = [null, 'exists', 'notExists'] as const;
const CHANGES = ['upsert', 'deleteRow', 'deleteSlice', 'deletePartition'] as const;
const WHATS = ['value', 'writetime', 'ttl'] as const;
const COLLECTION_CHANGES = ['put', 'remove', 'append', 'prepend', 'setIndex', 'removeValues'] as const;

const writer = new CommandWriter();

export function encodeCommand(command: RowCommand): Buffer {
  writer.begin();
  writer.u8(VERSION);
  writer.u8(KINDS.indexOf(command.kind));
  switch (command.kind) {
    case 'read':
      putRead(command);
      break;
    case 'write':
      putWrite(command);
      break;
    case 'batch':
      putAll(command.parts, putBatchPart);
      break;
    case 'part':
      putBatchName(command.batch);
      writer.u16(command.index);
      putWrite(command.write);
      break;
    default:
      putBatchName(command.batch);
  }
  return writer.take();
}

/** Throws `CodecError` for bytes that are no command, and for one whose table or columns are gone. */
export function decodeCommand(bytes: Buffer, tables: TableSource): RowCommand {
  const reader = new CommandReader(bytes);
  if (reader.u8() !== VERSION) throw new CodecError('a command of another version');
  const command = takeCommand(reader, pick(KINDS, reader.u8()), tables);
  reader.end();
  return command;
}

function takeCommand(reader: CommandReader, kind: RowCommand['kind'], tables: TableSource): RowCommand {
  switch (kind) {
    case 'read':
      return takeRead(reader, tables);
    case 'write':
      return takeWrite(reader, tables);
    case 'batch':
      return { kind, parts: takeAll(reader, (each) => ({ slot: each.u16(), write: takeWrite(each, tables) })) };
    case 'part':
      return { kind, batch: takeBatchName(reader), index: reader.u16(), write: takeWrite(reader, tables) };
    default:
      return { kind, batch: takeBatchName(reader) };
  }
}

function putBatchPart({ slot, write }: BatchWritePart): void {
  writer.u16(slot);
  putWrite(write);
}

function putBatchName({ log, id, open }: BatchName): void {
  writer.u16(log);
  writer.key(id);
  writer.key(open);
}

function takeBatchName(reader: CommandReader): BatchName {
  return { log: reader.u16(), id: reader.key(), open: reader.key() };
}

// ---- reads

function putRead(read: RowRead): void {
  const { source } = read;
  writer.u32(read.table.space);
  writer.u8(SOURCES.indexOf(source.kind));
  if (source.kind === 'partition') writer.key(source.partition);
  else {
    writer.i64(source.first);
    writer.i64(source.last);
    if (source.kind === 'index') putIndexSource(source);
  }
  writer.u8(read.slices === null ? 0 : 1);
  if (read.slices !== null) putAll(read.slices, putSlice);
  putAll(read.filter, putPredicate);
  putProjection(read.projection);
  writer.u8((read.reversed ? 1 : 0) | (read.staticOnly ? 2 : 0));
  writer.u32(Math.min(read.limit, LIMIT_MAX));
  writer.u32(Math.min(read.perPartitionLimit, LIMIT_MAX));
  writer.bool(read.after !== null);
  if (read.after !== null) putPosition(read.after);
}

function takeRead(reader: CommandReader, tables: TableSource): RowRead {
  const table = takeTable(reader, tables);
  const source = takeSource(reader, table);
  const slices = reader.bool() ? takeAll(reader, takeSlice) : null;
  const filter = takeAll(reader, (each) => takePredicate(each, table));
  const projection = takeProjection(reader, table);
  const flags = reader.u8();
  return {
    kind: 'read',
    table,
    source,
    slices,
    filter,
    projection,
    reversed: (flags & 1) !== 0,
    staticOnly: (flags & 2) !== 0,
    limit: reader.u32(),
    perPartitionLimit: reader.u32(),
    after: reader.bool() ? takePosition(reader) : null,
  };
}

function putIndexSource({ index, predicate, partition }: IndexSource): void {
  writer.u32(index.space);
  putPredicate(predicate);
  writer.bool(partition !== null);
  if (partition !== null) writer.key(partition);
}

function takeSource(reader: CommandReader, table: Table): PartitionSource | TokenSource | IndexSource {
  const kind = pick(SOURCES, reader.u8());
  if (kind === 'partition') return { kind, partition: reader.key() };
  const first = reader.i64();
  const last = reader.i64();
  if (kind === 'tokens') return { kind, first, last };
  const space = reader.u32();
  const index: Index | undefined = table.indexes.find((each) => each.space === space);
  if (index === undefined) throw new CodecError('an index is gone');
  const predicate = takePredicate(reader, table);
  if (predicate.values[0] === null || predicate.values.length === 0) throw new CodecError('an index is asked for null');
  return { kind, index, predicate, partition: reader.bool() ? reader.key() : null, first, last };
}

function putSlice({ lo, hi, isRow }: Slice): void {
  writer.key(lo);
  writer.u8((hi === null ? 0 : 1) | (isRow ? 2 : 0));
  if (hi !== null) writer.key(hi);
}

function takeSlice(reader: CommandReader): Slice {
  const lo = reader.key();
  const flags = reader.u8();
  return { lo, hi: (flags & 1) !== 0 ? reader.key() : null, isRow: (flags & 2) !== 0 };
}

function putPredicate({ column, element, operator, values }: Predicate): void {
  putColumn(column);
  writer.cell(element);
  writer.u8(OPERATORS.indexOf(operator));
  putAll(values, putCell);
}

const putCell = (cell: Buffer | null | undefined): void => writer.cell(cell);

function takePredicate(reader: CommandReader, table: Table): Predicate {
  const column = takeColumn(reader, table);
  const element = reader.value();
  const operator = pick(OPERATORS, reader.u8());
  return { column, element, operator, values: takeAll(reader, (each) => each.value()) };
}

function putProjection(projection: Projection): void {
  if (projection.encoded === undefined) {
    const own = new CommandWriter();
    own.u32(projection.wanted.length);
    for (const { column, what } of projection.wanted) {
      own.u16(columnNumber(column));
      own.u8(WHATS.indexOf(what));
    }
    projection.encoded = own.take();
  }
  writer.raw(projection.encoded);
}

/** Projections are made once for each table and form of query. */
const projections = new WeakMap<Table, Map<string, Projection>>();
const PROJECTIONS_MAX = 1_000;

function takeProjection(reader: CommandReader, table: Table): Projection {
  const start = reader.at;
  const count = reader.count();
  reader.raw(count * 3);
  const bytes = reader.since(start);
  let known = projections.get(table);
  if (known === undefined) {
    known = new Map();
    projections.set(table, known);
  }
  const name = bytes.latin1Slice();
  const found = known.get(name);
  if (found !== undefined) return found;
  const items = new CommandReader(bytes.subarray(4));
  const wanted: Wanted[] = [];
  for (let i = 0; i < count; i += 1) wanted.push({ column: takeColumn(items, table), what: pick(WHATS, items.u8()) });
  const projection = new Projection(wanted);
  if (known.size >= PROJECTIONS_MAX) known.clear();
  known.set(name, projection);
  return projection;
}

function putPosition({ row, partitionRows }: Position): void {
  writer.key(row);
  writer.i32(partitionRows);
}

function takePosition(reader: CommandReader): Position {
  return { row: reader.key(), partitionRows: reader.i32() };
}

// ---- writes

function putWrite({ mutations, conditions }: RowWrite): void {
  putAll(mutations, putMutation);
  writer.bool(conditions !== null);
  if (conditions !== null) putConditions(conditions);
}

function takeWrite(reader: CommandReader, tables: TableSource): RowWrite {
  const mutations = takeAll(reader, (each) => takeMutation(each, tables));
  return { kind: 'write', mutations, conditions: reader.bool() ? takeConditions(reader, tables) : null };
}

function putMutation({ table, partition, changes }: RowMutation): void {
  writer.u32(table.space);
  writer.key(partition);
  putAll(changes, putChange);
}

function takeMutation(reader: CommandReader, tables: TableSource): RowMutation {
  const table = takeTable(reader, tables);
  return { table, partition: reader.key(), changes: takeAll(reader, (each) => takeChange(each, table)) };
}

function putChange(change: RowChange): void {
  writer.u8(CHANGES.indexOf(change.kind));
  putStamp(change.stamp);
  switch (change.kind) {
    case 'upsert':
      putUpsert(change);
      return;
    case 'deleteRow':
      writer.key(change.clustering);
      return;
    case 'deleteSlice':
      putSlice(change.slice);
      return;
    default:
  }
}

function takeChange(reader: CommandReader, table: Table): RowChange {
  const kind = pick(CHANGES, reader.u8());
  const stamp = takeStamp(reader);
  switch (kind) {
    case 'upsert':
      return takeUpsert(reader, table, stamp);
    case 'deleteRow':
      return { kind, clustering: reader.key(), stamp };
    case 'deleteSlice':
      return { kind, slice: takeSlice(reader), stamp };
    default:
      return { kind, stamp };
  }
}

function putUpsert({ clustering, marker, ttl_s, columns, values, collections }: Upsert): void {
  writer.u8((clustering === null ? 0 : 1) | (marker ? 2 : 0));
  if (clustering !== null) writer.key(clustering);
  writer.u32(ttl_s);
  writer.u32(columns.length);
  for (let i = 0; i < columns.length; i += 1) {
    writer.u16(columnNumber(columns[i] as Column));
    writer.cell(values[i]);
  }
  putAll(collections, putCollectionChange);
}

function takeUpsert(reader: CommandReader, table: Table, stamp: Stamp | null): Upsert {
  const flags = reader.u8();
  const clustering = (flags & 1) !== 0 ? reader.key() : null;
  const ttl_s = reader.u32();
  const columns: Column[] = [];
  const values: (Buffer | null | undefined)[] = [];
  for (let count = reader.count(); count > 0; count -= 1) {
    columns.push(takeColumn(reader, table));
    values.push(reader.cell());
  }
  const collections = takeAll(reader, (each) => takeCollectionChange(each, table));
  return { kind: 'upsert', clustering, marker: (flags & 2) !== 0, columns, values, collections, ttl_s, stamp };
}

function putCollectionChange(change: CollectionChange): void {
  writer.u8(COLLECTION_CHANGES.indexOf(change.kind));
  putColumn(change.column);
  switch (change.kind) {
    case 'put':
      writer.bool(change.replace);
      putAll(change.keys, putCell);
      putAll(change.values, putCell);
      return;
    case 'remove':
      putAll(change.keys, putCell);
      return;
    case 'setIndex':
      writer.i32(change.index);
      writer.cell(change.value);
      return;
    default:
      putAll(change.values, putCell);
  }
}

function takeCollectionChange(reader: CommandReader, table: Table): CollectionChange {
  const kind = pick(COLLECTION_CHANGES, reader.u8());
  const column = takeColumn(reader, table);
  switch (kind) {
    case 'put':
      return {
        kind,
        column,
        replace: reader.bool(),
        keys: takeAll(reader, takeBuffer),
        values: takeAll(reader, (each) => each.value()),
      };
    case 'remove':
      return { kind, column, keys: takeAll(reader, takeBuffer) };
    case 'setIndex':
      return { kind, column, index: reader.i32(), value: reader.value() };
    default:
      return { kind, column, values: takeAll(reader, takeBuffer) };
  }
}

const takeBuffer = (reader: CommandReader): Buffer => reader.buffer();

function putConditions({ table, partition, rows, projection }: Conditions): void {
  writer.u32(table.space);
  writer.key(partition);
  putAll(rows, putCondition);
  putProjection(projection);
}

function takeConditions(reader: CommandReader, tables: TableSource): Conditions {
  const table = takeTable(reader, tables);
  const partition = reader.key();
  const rows = takeAll(reader, (each) => takeCondition(each, table));
  return { table, partition, rows, projection: takeProjection(reader, table) };
}

function putCondition({ clustering, existence, predicates }: RowCondition): void {
  writer.bool(clustering !== null);
  if (clustering !== null) writer.key(clustering);
  writer.u8(EXISTENCES.indexOf(existence));
  putAll(predicates, putPredicate);
}

function takeCondition(reader: CommandReader, table: Table): RowCondition {
  const clustering = reader.bool() ? reader.key() : null;
  const existence = pick(EXISTENCES, reader.u8());
  return { clustering, existence, predicates: takeAll(reader, (each) => takePredicate(each, table)) };
}

// ---- parts

function putStamp(stamp: Stamp | null): void {
  writer.bool(stamp !== null);
  if (stamp !== null) writer.i64(BigInt(stamp));
}

function takeStamp(reader: CommandReader): Stamp | null {
  return reader.bool() ? stampOf(reader.i64()) : null;
}

function takeTable(reader: CommandReader, tables: TableSource): Table {
  const table = tables.tableOfSpace(reader.u32());
  if (table === undefined) throw new CodecError('a table is gone');
  return table;
}

function columnNumber({ kind, id, position }: Column): number {
  if (kind === 'partition_key') return PARTITION_KEY + position;
  return kind === 'clustering' ? CLUSTERING + position : id;
}

function putColumn(column: Column): void {
  writer.u16(columnNumber(column));
}

function takeColumn(reader: CommandReader, table: Table): Column {
  const number = reader.u16();
  let column: Column | undefined;
  if (number >= CLUSTERING) column = table.clustering[number - CLUSTERING];
  else if (number >= PARTITION_KEY) column = table.partitionKey[number - PARTITION_KEY];
  else column = table.byId.get(number);
  if (column === undefined) throw new CodecError('a column is gone');
  return column;
}

function putAll<T>(list: readonly T[], put: (each: T) => void): void {
  writer.u32(list.length);
  for (let i = 0; i < list.length; i += 1) put(list[i] as T);
}

function takeAll<T>(reader: CommandReader, take: (reader: CommandReader) => T): T[] {
  const list: T[] = [];
  for (let count = reader.count(); count > 0; count -= 1) list.push(take(reader));
  return list;
}

function pick<T>(list: readonly T[], at: number): T {
  const picked = list[at];
  if (picked === undefined) throw new CodecError('a kind is unknown');
  return picked;
}
