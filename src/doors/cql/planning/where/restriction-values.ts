/** Values of restrictions at one execution. */
import { invalidRequest } from '../../errors.ts';
import type { Operator, Predicate } from '../../rows/commands.ts';
import type { Column } from '../../schema/model.ts';
import { splitCollection, splitFields } from '../../types/composite.ts';
import type { Evaluable, Evaluation } from '../../types/value.ts';
import { comparedValue, filteredValue, keyValue, listValue } from '../column-values.ts';
import { type Restriction, tupleName } from './restriction.ts';

/** Values that a column may have, by `=` or IN. */
export function valuesOf(restriction: Restriction, column: Column, at: Evaluation): Buffer[] {
  const { operator, values, isList, isTuple, columns } = restriction;
  if (isTuple) return tupleValues(restriction, at).map((tuple) => tuple[columns.indexOf(column)] as Buffer);
  if (operator === '=') return [keyValue(column, values[0] as Evaluable, at)];
  if (isList) return splitCollection(listValue(column.name, values[0] as Evaluable, at));
  return values.map((value) => keyValue(column, value, at));
}

export function tupleValues({ values, isList, columns }: Restriction, at: Evaluation): Buffer[][] {
  const name = tupleName(columns);
  const tuples = isList
    ? splitCollection(listValue(name, values[0] as Evaluable, at))
    : values.map((value) => comparedValue(name, value, at));
  return tuples.map((tuple) =>
    splitFields(tuple, columns.length).map((field, i) => {
      if (field === null) throw invalidRequest(`Invalid null value in condition for column ${columns[i]?.name}`);
      return field;
    }),
  );
}

export function predicateOf({ columns, operator, values, isList, key }: Restriction, at: Evaluation): Predicate {
  const column = columns[0] as Column;
  const cells = isList
    ? splitCollection(listValue(column.name, values[0] as Evaluable, at))
    : values.map((value) => filteredValue(column.name, value, at));
  return {
    column,
    operator: operator as Operator,
    values: cells,
    element: key === null ? null : filteredValue(column.name, key, at),
  };
}

/** Each row with each value behind it; with one value, as nearly always, in place. */
export function crossed(rows: Buffer[][], values: readonly Buffer[]): Buffer[][] {
  const [only] = values;
  if (only === undefined || values.length > 1) return rows.flatMap((row) => values.map((value) => [...row, value]));
  for (const row of rows) row.push(only);
  return rows;
}

export function unique(values: readonly Buffer[]): readonly Buffer[] {
  if (values.length < 2) return values;
  return [...new Map(values.map((value) => [value.toString('latin1'), value])).values()];
}
