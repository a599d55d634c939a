/** SELECT on the tables of the system, whose rows are computed: the same plan, over rows that are here. */
import type { Predicate, Slice } from '../rows/commands.ts';
import { clusteringKey, partitionKeyBytes } from '../rows/layout.ts';
import { compares } from '../rows/predicates.ts';
import type { Table } from '../schema/model.ts';
import type { SystemContext } from '../schema/system/context.ts';
import { systemRows } from '../schema/system/system-tables.ts';
import type { ResultSink } from '../session/engine.ts';
import type { Cell } from '../types/composite.ts';
import { tokenOf, tokenToBigInt } from '../types/token.ts';
import type { Evaluation } from '../types/value.ts';
import { ResultWriter } from './result-writer.ts';
import { NO_LIMIT, type SelectPlan } from './select-plan.ts';
import type { RowEvaluation } from './selection.ts';

/** All rows at once: there are few, and none changes between two pages. Throws what is wrong with the values. */
export function selectFromSystem(plan: SelectPlan, at: Evaluation, context: SystemContext, sink: ResultSink): void {
  const { table, selection, groupBy } = plan;
  const rows = matchingRows(plan, at, context);
  const evaluation: RowEvaluation = { ...at, cells: [] };
  const places = selection.projection.wanted.map(({ column }) => table.columns.indexOf(column));
  const shows = selection.projection.wanted.map(({ what }) => what === 'value');
  const writer = new ResultWriter();
  const limit = plan.limit(at);
  const group = selection.isAggregate && groupBy.length === 0 ? selection.group() : null;
  for (const row of rows) {
    if (group === null && writer.rowCount >= limit) break;
    evaluation.cells = places.map((place, i) => (shows[i] ? (row[place] ?? null) : null));
    if (group === null) writer.row(selection.values(evaluation));
    else group.add(evaluation);
  }
  if (group !== null) writer.row(group.result());
  sink.rows(selection.columns, writer.rowCount, writer.take(), null);
}

function* matchingRows(plan: SelectPlan, at: Evaluation, context: SystemContext): Generator<readonly Cell[]> {
  const { table, where } = plan;
  const { partitions, tokens, slices, filter } = where.evaluate(at);
  const keys = partitions === null ? null : new Set(partitions.map((values) => keyText(values)));
  const [only, second] = partitions ?? [];
  const first = only !== undefined && second === undefined ? (only[0] ?? null) : null;
  let left = NO_LIMIT;
  for (const row of systemRows(table, context, first)) {
    const key = row.slice(0, table.partitionKey.length) as Buffer[];
    if (keys !== null && !keys.has(keyText(key))) continue;
    if (tokens !== null && !isWithin(tokenToBigInt(tokenOf(partitionKeyBytes(key))), tokens)) continue;
    if (slices !== null && !isInSlices(table, row, slices)) continue;
    if (!filter.every((predicate) => holds(table, row, predicate))) continue;
    left -= 1;
    if (left < 0) return;
    yield row;
  }
}

function keyText(values: readonly Buffer[]): string {
  return values.map((value) => `${value.length}:${value.latin1Slice()}`).join('|');
}

function isWithin(token: bigint, { first, last }: { readonly first: bigint; readonly last: bigint }): boolean {
  return token >= first && token <= last;
}

function isInSlices(table: Table, row: readonly Cell[], slices: readonly Slice[]): boolean {
  const start = table.partitionKey.length;
  const key = clusteringKey(table, row.slice(start, start + table.clustering.length) as Buffer[]);
  return slices.some(({ lo, hi, isRow }) => (isRow ? key === lo : key >= lo && (hi === null || key < hi)));
}

function holds(table: Table, row: readonly Cell[], { column, operator, values }: Predicate): boolean {
  return compares(column.type, row[table.columns.indexOf(column)] ?? null, operator, values);
}
