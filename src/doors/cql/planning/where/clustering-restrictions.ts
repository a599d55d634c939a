/** Which rows of a partition: slices that values of clustering columns bound, one column after the other. */
import { invalidRequest } from '../../errors.ts';
import type { Operator, Slice } from '../../rows/commands.ts';
import { type Bound, rowSlice, slicesWithin, unionOfSlices } from '../../rows/slices.ts';
import type { Column, Table } from '../../schema/model.ts';
import { packFields } from '../../types/composite.ts';
import type { Evaluable, Evaluation } from '../../types/value.ts';
import { comparedValue } from '../column-values.ts';
import { checkBounds, refuseTwice, refuseWithin } from './conflicts.ts';
import { findIndex } from './index-choice.ts';
import type { Restriction, WhereUse } from './restriction.ts';
import { crossed, tupleValues, unique, valuesOf } from './restriction-values.ts';

export class ClusteringRestrictions {
  readonly #table: Table;
  readonly #taken: readonly Restriction[];

  constructor(table: Table, taken: readonly Restriction[]) {
    this.#table = table;
    this.#taken = taken;
  }

  get isEmpty(): boolean {
    return this.#taken.length === 0;
  }

  get hasIn(): boolean {
    return this.#taken.some(({ operator }) => operator === 'in');
  }

  /** By `=`, not by IN. */
  isGiven(column: Column): boolean {
    return this.#taken.some(({ columns, operator }) => operator === '=' && columns.includes(column));
  }

  /** By `=` or IN. */
  isNamed(column: Column): boolean {
    return this.#taken.some(
      ({ columns, operator }) => (operator === '=' || operator === 'in') && columns.includes(column),
    );
  }

  /** The values of the clustering columns of each row, once; for those who name rows. */
  rowValues(at: Evaluation): Buffer[][] {
    let rows: Buffer[][] = [[]];
    for (const restriction of this.#taken) {
      const { columns, isTuple } = restriction;
      const parts = isTuple
        ? uniqueTuples(tupleValues(restriction, at))
        : unique(valuesOf(restriction, columns[0] as Column, at)).map((value) => [value]);
      rows = rows.flatMap((row) => parts.map((part) => [...row, ...part]));
    }
    return rows;
  }

  /** The rows that are named, as slices of each partition. */
  slices(at: Evaluation): Slice[] {
    const tuples = this.#taken.find(({ isTuple }) => isTuple);
    if (tuples?.operator === 'in') return this.#tupleSlices(tuples, at);
    const table = this.#table;
    let prefixes: Buffer[][] = [[]];
    for (const column of table.clustering) {
      const restriction = this.#taken.find(
        ({ columns, operator }) => columns.includes(column) && (operator === '=' || operator === 'in'),
      );
      if (restriction === undefined) break;
      prefixes = crossed(prefixes, valuesOf(restriction, column, at));
    }
    const ranges = this.#taken.filter(({ operator }) => operator !== '=' && operator !== 'in');
    const slices = prefixes.flatMap((prefix) => {
      if (prefix.length === table.clustering.length) return [rowSlice(table, prefix)];
      return slicesWithin(table, prefix, boundOf(ranges, ['>', '>='], at), boundOf(ranges, ['<', '<='], at));
    });
    return unionOfSlices(slices);
  }

  #tupleSlices(restriction: Restriction, at: Evaluation): Slice[] {
    const table = this.#table;
    const prefixes = table.clustering
      .slice(0, restriction.columns[0]?.position ?? 0)
      .map((column) => this.#valuesOf(column, at)[0] as Buffer);
    const slices = tupleValues(restriction, at).map((tuple) => {
      const values = [...prefixes, ...tuple];
      return values.length === table.clustering.length
        ? [rowSlice(table, values)]
        : slicesWithin(table, values, null, null);
    });
    return unionOfSlices(slices.flat());
  }

  #valuesOf(column: Column, at: Evaluation): Buffer[] {
    const restriction = this.#taken.find(({ columns }) => columns.includes(column));
    if (restriction === undefined) return [];
    return valuesOf(restriction, column, at);
  }
}

/** Restrictions that name slices of partitions; what is left is for indexes and filters. */
export function takeClustering(
  table: Table,
  restrictions: readonly Restriction[],
  use: WhereUse,
): { readonly taken: readonly Restriction[]; readonly left: readonly Restriction[] } {
  const isClustering = ({ columns, key, operator }: Restriction): boolean =>
    columns[0]?.kind === 'clustering' &&
    key === null &&
    operator !== 'contains' &&
    operator !== 'containsKey' &&
    operator !== 'like' &&
    operator !== 'notNull' &&
    operator !== '!=';
  const candidates = restrictions.filter(isClustering);
  const left = restrictions.filter((restriction) => !isClustering(restriction));
  const taken: Restriction[] = [];
  let next = 0;
  let isOver = false;
  for (const column of table.clustering) {
    if (column.position < next) continue;
    const own = candidates.filter(({ columns: [first] }) => first === column);
    if (own.length === 0 || isOver) {
      isOver = true;
      continue;
    }
    const exact = own.find(({ operator }) => operator === '=' || operator === 'in');
    if (exact !== undefined) {
      if (own.length > 1) refuseTwice(own);
      taken.push(exact);
      next = column.position + exact.columns.length;
    } else {
      checkBounds(own, ({ operator }) => operator);
      taken.push(...own);
      isOver = true;
    }
  }
  const gap = candidates.find((candidate) => !taken.includes(candidate));
  refuseWithin(taken, gap);
  if (
    gap !== undefined &&
    (use.kind !== 'select' || !use.allowFiltering) &&
    findIndex(table, [...left, ...candidates]) === null
  ) {
    refuseGap(table, gap, taken);
  }
  // Without a partition, or with an index, slices of each partition are still what is read.
  return { taken, left: [...left, ...candidates.filter((candidate) => !taken.includes(candidate))] };
}

function refuseGap(table: Table, gap: Restriction, taken: readonly Restriction[]): never {
  const column = gap.columns[0] as Column;
  const before = table.clustering[column.position - 1];
  const range = taken.find(({ operator }) => operator !== '=' && operator !== 'in');
  if (range !== undefined) {
    throw invalidRequest(
      `Clustering column "${column.name}" cannot be restricted (preceding column "${range.columns[0]?.name}" is restricted by a non-EQ relation)`,
    );
  }
  throw invalidRequest(
    `PRIMARY KEY column "${column.name}" cannot be restricted as preceding column "${before?.name}" is not restricted`,
  );
}

function boundOf(ranges: readonly Restriction[], operators: readonly Operator[], at: Evaluation): Bound | null {
  const found = ranges.find(({ operator }) => operators.includes(operator as Operator));
  if (found === undefined) return null;
  const values = found.isTuple
    ? (tupleValues(found, at)[0] as Buffer[])
    : [comparedValue(found.columns[0]?.name ?? '', found.values[0] as Evaluable, at)];
  return { values, isInclusive: found.operator === '>=' || found.operator === '<=' };
}

function uniqueTuples(tuples: readonly Buffer[][]): Buffer[][] {
  return [...new Map(tuples.map((tuple) => [packFields(tuple).toString('latin1'), tuple])).values()];
}
