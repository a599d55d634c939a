/** SELECT, planned once: at each execution the row reads whose rows, in their order, make the result. */
import { invalidRequest } from '../errors.ts';
import type { Ordering, Select, Selector } from '../language/ast.ts';
import type { RowRead } from '../rows/commands.ts';
import { partitionPlace } from '../rows/layout.ts';
import type { Column, Table } from '../schema/model.ts';
import { compareValues } from '../types/compare.ts';
import { Native } from '../types/data-type.ts';
import type { Evaluable, Evaluation } from '../types/value.ts';
import { columnOf } from './column-of.ts';
import { limitOf } from './column-values.ts';
import type { PrepareContext } from './prepare-context.ts';
import { Selection } from './selection.ts';
import { Where } from './where/where.ts';

/** More rows than any page has. */
const ALL_TOKENS = { first: -(2n ** 63n), last: 2n ** 63n - 1n };
export const NO_LIMIT = 0xffffffff;

export class SelectPlan {
  readonly table: Table;
  readonly selection: Selection;
  readonly where: Where;
  /** Columns by whose values groups are made, in their order; empty without GROUP BY. */
  readonly groupBy: readonly Column[];
  /** Rows of several partitions are put in order here. */
  readonly order: readonly { readonly column: Column; readonly isDescending: boolean }[];
  readonly #limit: Evaluable | null;
  readonly #partitionLimit: Evaluable | null;
  readonly #reversed: boolean;
  readonly #distinct: boolean;

  constructor(statement: Select, context: PrepareContext) {
    const table = context.table(statement.table);
    this.table = table;
    this.where = new Where(table, statement.where, context, {
      kind: 'select',
      allowFiltering: statement.allowFiltering,
    });
    this.groupBy = groupColumns(statement, table, this.where);
    const { reversed, order } = this.#ordering(statement.orderBy);
    this.#reversed = reversed;
    this.order = order;
    this.#distinct = statement.isDistinct;
    if (this.#distinct) checkDistinct(statement, table, this.where);
    const extra = [...this.groupBy, ...order.map(({ column }) => column)];
    this.selection = new Selection(table, statement.selectors, statement.isJson, extra, context);
    this.#limit =
      statement.limit === undefined ? null : context.valueFor(statement.limit, table, '[limit]', Native.int);
    this.#partitionLimit =
      statement.perPartitionLimit === undefined
        ? null
        : context.valueFor(statement.perPartitionLimit, table, '[per_partition_limit]', Native.int);
    if (this.#partitionLimit !== null && this.#distinct)
      throw invalidRequest('PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries');
    if (this.#partitionLimit !== null && this.selection.isAggregate && this.groupBy.length === 0)
      throw invalidRequest('PER PARTITION LIMIT is not allowed with aggregate queries.');
  }

  /** All rows have to be read before the first can be given out. */
  get isGathered(): boolean {
    return this.selection.isAggregate || this.groupBy.length > 0;
  }

  /** Clients are told of reads that grow with the table. */
  get warning(): string | undefined {
    if (!this.isGathered) return undefined;
    if (!this.where.hasPartition && !this.where.hasTokens) return 'Aggregation query used without partition key';
    if (this.where.hasPartitionIn) return 'Aggregation query used on multiple partition keys (IN restriction)';
    return undefined;
  }

  /** Of groups where there are some, else of rows. */
  partitionLimit(at: Evaluation): number {
    return limitOf(this.#partitionLimit, at) ?? NO_LIMIT;
  }

  limit(at: Evaluation): number {
    return limitOf(this.#limit, at) ?? NO_LIMIT;
  }

  /** Of the rows of the table; those of groups are limited when they are made. */
  reads(at: Evaluation): RowRead[] {
    const { table, where, selection } = this;
    const { partitions, tokens, slices, filter } = where.evaluate(at);
    const { first, last } = tokens ?? ALL_TOKENS;
    const predicate = where.indexPredicate(at);
    const common = {
      kind: 'read' as const,
      table,
      slices,
      filter,
      projection: selection.projection,
      reversed: this.#reversed,
      staticOnly: where.isOfPartitions && predicate === null,
      limit: NO_LIMIT,
      perPartitionLimit: this.#distinct ? 1 : this.isGathered ? NO_LIMIT : this.partitionLimit(at),
      after: null,
    };
    if (partitions === null) {
      if (predicate === null || where.index === null) return [{ ...common, source: { kind: 'tokens', first, last } }];
      return [{ ...common, source: { kind: 'index', index: where.index, predicate, partition: null, first, last } }];
    }
    const places = sortedPartitions(table, partitions).map((values) => partitionPlace(table, values));
    return places.map(({ prefix }) =>
      predicate === null || where.index === null
        ? { ...common, source: { kind: 'partition', partition: prefix } }
        : { ...common, source: { kind: 'index', index: where.index, predicate, partition: prefix, first, last } },
    );
  }

  #ordering(orderings: readonly Ordering[]): { reversed: boolean; order: SelectPlan['order'] } {
    const { table, where } = this;
    if (orderings.length === 0) return { reversed: false, order: [] };
    if (orderings.some(({ annOf }) => annOf !== undefined)) throw invalidRequest('ANN ordering is not supported');
    if (where.index !== null)
      throw invalidRequest('ORDER BY with 2ndary indexes is not supported, except for ANN queries.');
    if (!where.hasPartition)
      throw invalidRequest('ORDER BY is only supported when the partition key is restricted by an EQ or an IN.');
    const columns = orderings.map(({ column, isDescending }) => ({ column: columnOf(table, column), isDescending }));
    let reversed: boolean | undefined;
    let place = 0;
    for (const { column, isDescending } of columns) {
      if (column.kind !== 'clustering')
        throw invalidRequest(
          `Order by is currently only supported on the clustered columns of the PRIMARY KEY, got ${column.name}`,
        );
      const isReversed = isDescending !== column.isDescending;
      if (reversed !== undefined && reversed !== isReversed) throw invalidRequest('Unsupported order by relation');
      reversed = isReversed;
      // Columns that are given before it need not be named.
      while (place !== column.position) {
        const before = table.clustering[place];
        if (before === undefined || !where.isGiven(before)) {
          throw invalidRequest(
            'Order by currently only supports the ordering of columns following their declared order in the PRIMARY KEY',
          );
        }
        place += 1;
      }
      place += 1;
    }
    return { reversed: reversed ?? false, order: where.hasPartitionIn ? columns : [] };
  }
}

/** In order of the values of their keys, as Cassandra has it, and each once. */
function sortedPartitions(table: Table, partitions: readonly (readonly Buffer[])[]): (readonly Buffer[])[] {
  if (partitions.length === 1) return [...partitions];
  return [...partitions].sort((a, b) => {
    for (const [i, column] of table.partitionKey.entries()) {
      const order = compareValues(column.type, a[i] as Buffer, b[i] as Buffer);
      if (order !== 0) return order;
    }
    return 0;
  });
}

/** They follow the primary key, of which columns that are given by `=` may be left out. */
function groupColumns({ groupBy }: Select, table: Table, where: Where): Column[] {
  const keys = [...table.partitionKey, ...table.clustering];
  let next = 0;
  const columns = groupBy.map((node) => {
    if (node.kind !== 'column') throw invalidRequest('Group by is currently only supported on columns');
    const column = columnOf(table, node.name);
    if (column.kind !== 'partition_key' && column.kind !== 'clustering') {
      throw invalidRequest(
        `Group by is currently only supported on the columns of the PRIMARY KEY, got ${column.name}`,
      );
    }
    for (;;) {
      const key = keys[next++];
      if (key === column) return column;
      if (key === undefined || (where.partitionValue(key) === undefined && !where.isGiven(key))) {
        throw invalidRequest(
          'Group by currently only support groups of columns following their declared order in the PRIMARY KEY',
        );
      }
    }
  });
  if (columns.length > 0 && next < table.partitionKey.length)
    throw invalidRequest('Group by is not supported on only a part of the partition key');
  return columns;
}

function checkDistinct({ selectors: written }: Select, table: Table, where: Where): void {
  if (!where.isOfPartitions) {
    throw invalidRequest(
      'SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or static columns.',
    );
  }
  const selectors: readonly Selector[] =
    written.length > 0
      ? written
      : table.columns.map(({ name }) => ({ selectable: { kind: 'column', name }, alias: undefined }));
  const names: string[] = [];
  for (const { selectable } of selectors) {
    if (selectable.kind !== 'column') continue;
    const column = columnOf(table, selectable.name);
    if (column.kind !== 'partition_key' && column.kind !== 'static') {
      throw invalidRequest(
        `SELECT DISTINCT queries must only request partition key columns and/or static columns (not ${column.name})`,
      );
    }
    names.push(column.name);
  }
  for (const { name } of table.partitionKey) {
    if (!names.includes(name))
      throw invalidRequest(`SELECT DISTINCT queries must request all the partition key columns (missing ${name})`);
  }
}
