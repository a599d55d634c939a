/**
 * Row reads of the tables of the system, whose rows are computed: what `PagedRead` is for tables in tablets. A page ends by the number of
 * rows that pages have given; the schema may change between two of them, as rows do elsewhere.
 */
import type { PagePosition } from '../routing/paged-read.ts';
import type { RowRead } from '../rows/commands.ts';
import { clusteringKey, partitionPlace, partitionValues } from '../rows/layout.ts';
import { compares, elementOf, elementType } from '../rows/predicates.ts';
import type { Table } from '../schema/model.ts';
import type { SystemContext } from '../schema/system/context.ts';
import { systemRows } from '../schema/system/system-tables.ts';
import type { Cell } from '../types/composite.ts';
import { tokenToBigInt } from '../types/token.ts';
import { ResultWriter } from './result-writer.ts';
import type { PageOfRows } from './select-execution.ts';

type SystemRow = readonly Cell[];

interface Partition {
  readonly prefix: string;
  readonly token: bigint;
  readonly rows: SystemRow[];
}

/** `from.read` is the number of rows before the page. */
export function readSystem(
  reads: readonly RowRead[],
  from: PagePosition | null,
  limit: number,
  context: SystemContext,
): PageOfRows {
  const start = from?.read ?? 0;
  const writer = new ResultWriter();
  let place = 0;
  for (const read of reads) {
    const { table, projection } = read;
    const places = projection.wanted.map(({ column, what }) => (what === 'value' ? table.columns.indexOf(column) : -1));
    for (const row of rowsOf(read, context)) {
      place += 1;
      if (place <= start) continue;
      if (writer.rowCount === limit) return pageOf(writer, { read: start + limit, after: null });
      writer.row(places.map((at) => row[at] ?? null));
    }
  }
  return pageOf(writer, null);
}

function pageOf(writer: ResultWriter, next: PagePosition | null): PageOfRows {
  const { rowCount } = writer;
  return { error: null, rowCount, pages: [{ rowCount, bytes: writer.take() }], next };
}

function* rowsOf(read: RowRead, context: SystemContext): Generator<SystemRow> {
  for (const { rows } of partitionsOf(read, context)) {
    let left = read.perPartitionLimit;
    for (const row of read.reversed ? rows.reverse() : rows) {
      if (left === 0) break;
      if (!isWanted(read, row)) continue;
      left -= 1;
      yield row;
    }
  }
}

/** In the order of their tokens, as everywhere. */
function partitionsOf({ table, source }: RowRead, context: SystemContext): Partition[] {
  const [first = null] = source.kind === 'partition' ? partitionValues(table, source.partition) : [];
  const partitions: Partition[] = [];
  let key: SystemRow | null = null;
  for (const row of systemRows(table, context, first)) {
    if (key === null || table.partitionKey.some((_, i) => !(row[i] as Buffer).equals(key?.[i] as Buffer))) {
      key = row;
      const { prefix, token } = partitionPlace(table, row.slice(0, table.partitionKey.length) as Buffer[]);
      partitions.push({ prefix, token: tokenToBigInt(token), rows: [] });
    }
    partitions.at(-1)?.rows.push(row);
  }
  if (source.kind === 'partition') return partitions.filter(({ prefix }) => prefix === source.partition);
  return partitions
    .filter(({ token }) => token >= source.first && token <= source.last)
    .sort((a, b) => (a.token < b.token ? -1 : 1));
}

function isWanted({ table, slices, filter }: RowRead, row: SystemRow): boolean {
  return isInSlices(table, row, slices) && filter.every((predicate) => holds(table, row, predicate));
}

function isInSlices(table: Table, row: SystemRow, slices: RowRead['slices']): boolean {
  if (slices === null) return true;
  const start = table.partitionKey.length;
  const key = clusteringKey(table, row.slice(start, start + table.clustering.length) as Buffer[]);
  return slices.some(({ lo, hi, isRow }) => (isRow ? key === lo : key >= lo && (hi === null || key < hi)));
}

function holds(
  table: Table,
  row: SystemRow,
  { column, element, operator, values }: RowRead['filter'][number],
): boolean {
  const cell = row[table.columns.indexOf(column)] ?? null;
  if (element === null) return compares(column.type, cell, operator, values);
  const type = elementType(column.type, element);
  return type !== undefined && compares(type, elementOf(column.type, cell, element), operator, values);
}
