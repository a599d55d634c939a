/** IF: the conditions of a statement as those of a row, and the columns that are shown when they do not hold. */

import { invalidRequest } from '../errors.ts';
import type { Condition, Conditions } from '../language/ast.ts';
import type { Operator, Predicate } from '../rows/commands.ts';
import type { Column, Table } from '../schema/model.ts';
import { type Cell, splitCollection } from '../types/composite.ts';
import { type DataType, isCollection, isMultiCell, listOf, Native, typeText } from '../types/data-type.ts';
import { type Evaluable, type Evaluation, UNSET } from '../types/value.ts';
import { fieldKey, fieldPlace } from './assignments.ts';
import { columnOf } from './column-of.ts';
import type { PrepareContext } from './prepare-context.ts';
import { OPERATORS } from './relation-operators.ts';

interface ColumnCondition {
  readonly column: Column;
  readonly operator: Operator;
  readonly values: readonly Evaluable[];
  readonly isList: boolean;
  /** Of an element; a field has its place. */
  readonly element: Evaluable | Buffer | null;
}

export class ConditionPlan {
  readonly existence: 'exists' | 'notExists' | null;
  readonly columns: readonly Column[];
  readonly #conditions: readonly ColumnCondition[];

  private constructor(existence: 'exists' | 'notExists' | null, conditions: readonly ColumnCondition[]) {
    this.existence = existence;
    this.#conditions = conditions;
    // Static ones are shown last.
    const columns = [...new Set(conditions.map(({ column }) => column))];
    const isStatic = ({ kind }: Column): boolean => kind === 'static';
    this.columns = [...columns.filter((column) => !isStatic(column)), ...columns.filter(isStatic)];
  }

  /** Null without IF. */
  static of(conditions: Conditions, table: Table, context: PrepareContext): ConditionPlan | null {
    if (conditions === undefined) return null;
    const isExistence = conditions === 'exists' || conditions === 'notExists';
    if (table.isCounter)
      throw invalidRequest(
        isExistence
          ? 'Conditional updates are not supported on counter tables'
          : 'Conditions on counters are not supported',
      );
    if (isExistence) return new ConditionPlan(conditions, []);
    return new ConditionPlan(
      null,
      conditions.map((condition) => planned(condition, table, context)),
    );
  }

  /** Only static columns are looked at. */
  get isStatic(): boolean {
    return this.existence === null && this.columns.every(({ kind }) => kind === 'static');
  }

  predicates(at: Evaluation): Predicate[] {
    return this.#conditions.map(({ column, operator, values, isList, element }) => ({
      column,
      operator,
      values: isList
        ? listValues(values[0] as Evaluable, at)
        : values.map((value) => comparedCell(value, operator, at)),
      element: element === null || Buffer.isBuffer(element) ? element : elementValue(element, at),
    }));
  }
}

function planned(condition: Condition, table: Table, context: PrepareContext): ColumnCondition {
  const { column: name, key, field } = condition.subject;
  const column = columnOf(table, name);
  if (column.kind === 'partition_key' || column.kind === 'clustering') {
    throw invalidRequest(`PRIMARY KEY column '${name}' cannot have IF conditions`);
  }
  const { element, type } = subject(column, key, field, table, context);
  const valueName = key === undefined ? name : `value(${name})`;
  if (
    type.kind === 'native' &&
    type.name === 'duration' &&
    condition.kind === 'comparison' &&
    /[<>]/.test(condition.operator)
  ) {
    throw invalidRequest('Slice conditions ( > ) are not supported on durations');
  }
  if (condition.kind === 'in') {
    if ('kind' in condition.values) {
      const list = context.valueFor(condition.values, table, `in(${valueName})`, listOf(type, true));
      return { column, operator: 'in', values: [list], isList: true, element };
    }
    const values = condition.values.map((term) => context.valueFor(term, table, valueName, type));
    return { column, operator: 'in', values, isList: false, element };
  }
  const operator = OPERATORS[condition.operator];
  const value = context.valueFor(condition.value, table, valueName, operandType(type, operator, name));
  return { column, operator, values: [value], isList: false, element };
}

function operandType(type: DataType, operator: Operator, name: string): DataType {
  if (operator === 'contains') {
    if (type.kind === 'list' || type.kind === 'set') return type.element;
    if (type.kind === 'map') return type.value;
  }
  if (operator === 'containsKey' && type.kind === 'map') return type.key;
  if (operator === 'contains' || operator === 'containsKey')
    throw invalidRequest(`Cannot use ${operator === 'contains' ? 'CONTAINS' : 'CONTAINS KEY'} on column ${name}`);
  return type;
}

function subject(
  column: Column,
  key: Condition['subject']['key'],
  field: string | undefined,
  table: Table,
  context: PrepareContext,
): { element: ColumnCondition['element']; type: DataType } {
  const { type, name } = column;
  if (key !== undefined) {
    if (!isCollection(type)) throw invalidRequest(`Invalid element access syntax for non-collection column ${name}`);
    if (type.kind === 'set') throw invalidRequest(`Invalid element access syntax for set column ${name}`);
    const keyType = type.kind === 'map' ? type.key : Native.int;
    return {
      element: context.valueFor(key, table, type.kind === 'map' ? `key(${name})` : `idx(${name})`, keyType),
      type: type.kind === 'map' ? type.value : type.element,
    };
  }
  if (field !== undefined) {
    if (type.kind !== 'udt')
      throw invalidRequest(`Cannot use a field condition on column ${name} of type ${typeText(type)}`);
    const place = fieldPlace(type, field, name);
    return { element: fieldKey(place), type: type.fields[place]?.type ?? type };
  }
  return { element: null, type: isMultiCell(type) ? { ...type, frozen: true } : type };
}

function conditionValue(value: Evaluable, at: Evaluation): Cell {
  const cell = value.evaluate(at);
  if (cell === UNSET) throw invalidRequest("Invalid 'unset' value in condition");
  return cell;
}

/** Null is equal to null, and compares with nothing. */
function comparedCell(value: Evaluable, operator: Operator, at: Evaluation): Cell {
  const cell = conditionValue(value, at);
  if (cell === null && /[<>]/.test(operator))
    throw invalidRequest(`Invalid comparison with null for operator "${operator}"`);
  return cell;
}

function listValues(value: Evaluable, at: Evaluation): Cell[] {
  const cell = conditionValue(value, at);
  if (cell === null) throw invalidRequest('Invalid null list in IN condition');
  return splitCollection(cell);
}

function elementValue(value: Evaluable, at: Evaluation): Buffer {
  const cell = conditionValue(value, at);
  if (cell === null) throw invalidRequest('Invalid null value for an element in a condition');
  return cell;
}
