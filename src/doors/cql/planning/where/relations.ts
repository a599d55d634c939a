/** Relations become restrictions: their columns exist, their values have types, and their operators are such as Cassandra has. */

import { invalidRequest } from '../../errors.ts';
import type { Marker, Relation, Term, TupleValue } from '../../language/ast.ts';
import { printRelation, printTerm } from '../../language/print-expression.ts';
import type { Operator } from '../../rows/commands.ts';
import type { Column, Table } from '../../schema/model.ts';
import { packFields } from '../../types/composite.ts';
import { type DataType, freeze, isMultiCell, listOf, Native, typeText } from '../../types/data-type.ts';
import { Evaluable, type Evaluation, UNSET } from '../../types/value.ts';
import { columnOf } from '../column-of.ts';
import type { PrepareContext } from '../prepare-context.ts';
import { OPERATORS } from '../relation-operators.ts';
import { type Restriction, tupleName, type WhereUse } from './restriction.ts';

export function restrictionsOf(
  relations: readonly Relation[],
  table: Table,
  context: PrepareContext,
  use: WhereUse,
): Restriction[] {
  const restrictions = relations.flatMap((relation) => {
    const text = printRelation(relation);
    return restrictionsOfOne(relation, table, context).map((restriction) => ({ ...restriction, text }));
  });
  for (const restriction of restrictions) checkOperator(restriction, use);
  return restrictions;
}

function restrictionsOfOne(relation: Relation, table: Table, context: PrepareContext): Omit<Restriction, 'text'>[] {
  const column = (name: string): Column => columnOf(table, name);
  const simple = { comparison: '=' as const, isList: false, isTuple: false, key: null };
  switch (relation.kind) {
    case 'column': {
      const own = column(relation.column);
      const operator = OPERATORS[relation.operator];
      const value = context.valueFor(relation.value, table, nameFor(own, operator), typeFor(own, operator));
      return [{ ...simple, columns: [own], operator, values: [value] }];
    }
    case 'element': {
      const own = column(relation.column);
      if (own.type.kind === 'list')
        throw invalidRequest('Indexes on list entries (l[index] = value) are not currently supported.');
      if (own.type.kind !== 'map') throw invalidRequest(`Column ${own.name} cannot be used as a map`);
      if (relation.operator !== '=') throw invalidRequest('Only EQ relations are supported on map entries');
      const key = context.valueFor(relation.key, table, `key(${own.name})`, own.type.key);
      const value = context.valueFor(relation.value, table, `value(${own.name})`, own.type.value);
      return [{ ...simple, columns: [own], operator: relation.operator, values: [value], key }];
    }
    case 'in': {
      const own = column(relation.column);
      return [{ ...simple, columns: [own], operator: 'in', ...inValues(relation.values, own, table, context) }];
    }
    case 'between': {
      const own = column(relation.column);
      const bound = (term: Term, operator: '>=' | '<='): Omit<Restriction, 'text'> => ({
        ...simple,
        columns: [own],
        operator,
        values: [context.valueFor(term, table, own.name, own.type)],
      });
      return [bound(relation.low, '>='), bound(relation.high, '<=')];
    }
    case 'notNull':
      throw invalidRequest(`Unsupported restriction: ${relation.column} IS NOT NULL`);
    case 'token': {
      const names = table.partitionKey.map(({ name }) => name);
      if (relation.columns.length !== names.length || relation.columns.some((name, i) => names[i] !== name)) {
        const named = relation.columns.map(column);
        if (named.length !== names.length || named.some(({ kind }) => kind !== 'partition_key')) {
          throw invalidRequest('The token() function must be applied to all partition key components or none of them');
        }
        throw invalidRequest(`The token function arguments must be in the partition key order: ${names.join(', ')}`);
      }
      const value = context.valueFor(relation.value, table, 'partition key token', Native.bigint);
      return [
        { ...simple, columns: table.partitionKey, operator: 'token', comparison: relation.operator, values: [value] },
      ];
    }
    case 'tuple': {
      const columns = tupleColumns(relation, table);
      const value = tupleValue(relation.value, columns, table, context);
      return [{ ...simple, columns, operator: relation.operator, values: [value], isTuple: true }];
    }
    case 'tupleIn': {
      const columns = tupleColumns(relation, table);
      if ('kind' in relation.values) {
        const type = listOf(tupleType(columns), true);
        const value = context.valueFor(relation.values, table, `in(${tupleName(columns)})`, type);
        return [{ ...simple, columns, operator: 'in', values: [value], isList: true, isTuple: true }];
      }
      const values = relation.values.map((item) => tupleValue(item, columns, table, context));
      return [{ ...simple, columns, operator: 'in', values, isTuple: true }];
    }
    case 'customIndex':
      throw invalidRequest(
        `Invalid index expression, index ${relation.index} not found for ${table.keyspace}.${table.name}`,
      );
  }
}

function nameFor(column: Column, operator: Operator): string {
  if (operator === 'contains') return `value(${column.name})`;
  return operator === 'containsKey' ? `key(${column.name})` : column.name;
}

function typeFor({ name, type }: Column, operator: Operator): DataType {
  if (operator === 'contains') {
    if (type.kind === 'list' || type.kind === 'set') return type.element;
    if (type.kind === 'map') return type.value;
    throw invalidRequest(`Cannot use CONTAINS on non-collection column ${name}`);
  }
  if (operator === 'containsKey') {
    if (type.kind === 'map') return type.key;
    throw invalidRequest(`Cannot use CONTAINS KEY on non-map column ${name}`);
  }
  if (isMultiCell(type)) {
    if (type.kind === 'udt')
      throw invalidRequest(`Non-frozen UDT column '${name}' (${typeText(type)}) cannot be restricted by any relation`);
    throw invalidRequest(
      `Collection column '${name}' (${typeText(type)}) cannot be restricted by a '${operator}' relation`,
    );
  }
  return type;
}

function inValues(
  values: readonly Term[] | Marker,
  column: Column,
  table: Table,
  context: PrepareContext,
): Pick<Restriction, 'values' | 'isList'> {
  if (isMultiCell(column.type))
    throw invalidRequest(
      `Collection column '${column.name}' (${typeText(column.type)}) cannot be restricted by a 'IN' relation`,
    );
  if ('kind' in values) {
    return { values: [context.valueFor(values, table, `in(${column.name})`, listOf(column.type, true))], isList: true };
  }
  return { values: values.map((term) => context.valueFor(term, table, column.name, column.type)), isList: false };
}

function tupleColumns(relation: Extract<Relation, { kind: 'tuple' | 'tupleIn' }>, table: Table): Column[] {
  const names = relation.columns;
  return names.map((name, i) => {
    const column = columnOf(table, name);
    if (column.kind !== 'clustering')
      throw invalidRequest(
        `Multi-column relations can only be applied to clustering columns but was applied to: ${name}`,
      );
    if (names.indexOf(name) < i)
      throw invalidRequest(`Column "${name}" appeared twice in a relation: ${printRelation(relation)}`);
    const before = i === 0 ? undefined : columnOf(table, names[i - 1] as string);
    if (before !== undefined && column.position !== before.position + 1) {
      throw invalidRequest(
        `Clustering columns must appear in the PRIMARY KEY order in multi-column relations: ${printRelation(relation)}`,
      );
    }
    return column;
  });
}

function tupleType(columns: readonly Column[]): DataType {
  return { kind: 'tuple', elements: columns.map(({ type }) => freeze(type)) };
}

function tupleValue(value: TupleValue, columns: readonly Column[], table: Table, context: PrepareContext): Evaluable {
  if (value.kind === 'marker') return context.valueFor(value, table, `(${tupleName(columns)})`, tupleType(columns));
  if (value.items.length !== columns.length) {
    throw invalidRequest(
      `Expected ${columns.length} elements in value tuple, but got ${value.items.length}: ${printTerm(value)}`,
    );
  }
  const parts = value.items.map((item, i) => {
    const { name, type } = columns[i] as Column;
    return context.valueFor(item, table, name, type);
  });
  return new TupleOfValues(tupleType(columns), parts);
}

/** Each part is the value of a column by itself, so that drivers see its name and type. */
class TupleOfValues extends Evaluable {
  override readonly type: DataType;
  override readonly isConstant = false;
  readonly #parts: readonly Evaluable[];

  constructor(type: DataType, parts: readonly Evaluable[]) {
    super();
    this.type = type;
    this.#parts = parts;
  }

  override evaluate(at: Evaluation): Buffer {
    return packFields(
      this.#parts.map((part, i) => {
        const cell = part.evaluate(at);
        if (cell === UNSET) throw invalidRequest(`Invalid unset value for tuple field number ${i}`);
        return cell;
      }),
    );
  }
}

function checkOperator({ columns, operator, comparison, isTuple, text }: Restriction, use: WhereUse): void {
  const [column] = columns;
  if (operator === '!=' || comparison === '!=') throw invalidRequest(`Unsupported "!=" relation: ${text}`);
  if (operator === 'token' && use.kind !== 'select') {
    throw invalidRequest('The token function cannot be used in WHERE clauses for UPDATE and DELETE statements');
  }
  if (use.kind === 'update' && operator !== '=' && operator !== 'in' && column?.kind === 'clustering') {
    throw invalidRequest(`Slice restrictions are not supported on the clustering columns in UPDATE statements`);
  }
  if (isTuple || column === undefined) return;
  if (column.type.kind === 'native' && column.type.name === 'duration' && operator !== '=' && operator !== 'in') {
    throw invalidRequest('Slice restrictions are not supported on duration columns');
  }
}
