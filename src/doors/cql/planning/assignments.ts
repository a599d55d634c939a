/** What INSERT, UPDATE and DELETE do to single columns, planned once: `apply` puts the values of an execution into a row's change. */
import { invalidRequest } from '../errors.ts';
import type { Assignment, Deletion, Term } from '../language/ast.ts';
import { printTerm } from '../language/print-expression.ts';
import type { CollectionChange } from '../rows/commands.ts';
import type { Column, Table } from '../schema/model.ts';
import { type Cell, splitCollection, splitFields } from '../types/composite.ts';
import { type DataType, isCollection, isCounter, isMultiCell, Native, setOf } from '../types/data-type.ts';
import { type Evaluable, type Evaluation, UNSET } from '../types/value.ts';
import { columnOf } from './column-of.ts';
import type { PrepareContext } from './prepare-context.ts';

/** The values of one row's change; simple columns are in the order of the operations of the plan. */
export interface RowValues {
  /** Of a counter what is to be added. */
  readonly cells: Map<Column, Cell>;
  readonly collections: CollectionChange[];
}

export interface ColumnOperation {
  readonly column: Column;
  apply(at: Evaluation, row: RowValues): void;
}

/** `column = value`, of INSERT and UPDATE. */
export function setOperation(column: Column, term: Term, table: Table, context: PrepareContext): ColumnOperation {
  checkNotKey(column, 'SET part');
  if (isCounter(column.type))
    throw invalidRequest(
      `Cannot set the value of counter column ${column.name} (counters can only be incremented/decremented, not set)`,
    );
  const value = context.valueFor(term, table, column.name, column.type);
  return setValue(column, value);
}

/** As `setOperation`, of a value that is worked out already. */
export function setValue(column: Column, value: Evaluable): ColumnOperation {
  const { type } = column;
  if (!isMultiCell(type)) {
    return {
      column,
      apply: (at, row) => {
        const cell = value.evaluate(at);
        if (cell !== UNSET) row.cells.set(column, cell);
      },
    };
  }
  return {
    column,
    apply: (at, row) => {
      const cell = value.evaluate(at);
      if (cell !== UNSET) row.collections.push(replacement(column, cell));
    },
  };
}

/** A collection as a whole takes the place of what was there. */
export function replacement(column: Column, cell: Cell): CollectionChange {
  const { type } = column;
  if (cell === null) return { kind: 'put', column, replace: true, keys: [], values: [] };
  switch (type.kind) {
    case 'list':
      return { kind: 'put', column, replace: true, keys: [], values: splitCollection(cell) };
    case 'set': {
      const keys = splitCollection(cell);
      return { kind: 'put', column, replace: true, keys, values: keys.map(() => EMPTY) };
    }
    case 'map':
      return { kind: 'put', column, replace: true, ...entries(cell) };
    default:
      return { kind: 'put', column, replace: true, ...fields(type, cell) };
  }
}

const EMPTY = Buffer.alloc(0);

function entries(cell: Buffer): { keys: Buffer[]; values: Buffer[] } {
  const parts = splitCollection(cell, 2);
  return { keys: parts.filter((_part, i) => i % 2 === 0), values: parts.filter((_part, i) => i % 2 === 1) };
}

function fields(type: DataType, cell: Buffer): { keys: Buffer[]; values: Cell[] } {
  const count = type.kind === 'udt' ? type.fields.length : 0;
  const values = splitFields(cell, count);
  return { keys: values.map((_value, i) => fieldKey(i)), values };
}

export function fieldKey(place: number): Buffer {
  const key = Buffer.allocUnsafe(2);
  key.writeUInt16BE(place, 0);
  return key;
}

export function assignmentOperation(assignment: Assignment, table: Table, context: PrepareContext): ColumnOperation {
  const column = columnOf(table, assignment.column);
  checkNotKey(column, 'SET part');
  switch (assignment.kind) {
    case 'set':
      return setOperation(column, assignment.value, table, context);
    case 'add':
    case 'subtract':
    case 'prepend':
      return additionOperation(column, assignment.kind, assignment.value, table, context);
    case 'setElement':
      return elementOperation(column, assignment.key, assignment.value, table, context);
    case 'setField':
      return fieldOperation(column, assignment.field, assignment.value, table, context);
  }
}

function additionOperation(
  column: Column,
  kind: 'add' | 'subtract' | 'prepend',
  term: Term,
  table: Table,
  context: PrepareContext,
): ColumnOperation {
  const { type, name } = column;
  const sign = kind === 'subtract' ? '-' : '+';
  if (isCounter(type)) {
    if (kind === 'prepend') throw notAList(name, term);
    if (term.kind === 'null') throw invalidRequest('Invalid null value for counter increment/decrement');
    const delta = context.valueFor(term, table, name, type);
    return {
      column,
      apply: (at, row) => {
        const cell = delta.evaluate(at);
        if (cell === UNSET) return;
        if (cell === null)
          throw invalidRequest(`Invalid null value for counter ${kind === 'subtract' ? 'decrement' : 'increment'}`);
        row.cells.set(column, kind === 'subtract' ? negated(cell) : cell);
      },
    };
  }
  const isFrozen = isCollection(type) && type.frozen;
  if (!isMultiCell(type) || type.kind === 'udt') {
    throw invalidRequest(
      isFrozen
        ? `Invalid operation (${name} = ${name} ${sign} ${printTerm(term)}) for frozen collection column ${name}`
        : `Invalid operation (${name} = ${name} ${sign} ${printTerm(term)}) for non counter column ${name}`,
    );
  }
  if (kind === 'prepend' && type.kind !== 'list') throw notAList(name, term);
  const subtractsKeys = kind === 'subtract' && type.kind === 'map';
  if (type.kind === 'map') checkMapOperand(kind, term);
  const operandType = subtractsKeys ? setOf(type.key, true) : { ...type, frozen: true };
  const value = context.valueFor(term, table, name, operandType);
  return {
    column,
    apply: (at, row) => {
      const cell = value.evaluate(at);
      // Nothing is added, and nothing taken away.
      if (cell === UNSET || cell === null) return;
      row.collections.push(addition(column, kind, cell));
    },
  };
}

/** With the sign that Cassandra shows. */
function notAList(name: string, term: Term): Error {
  return invalidRequest(`Invalid operation (${name} = ${printTerm(term)} - ${name}) for non list column ${name}`);
}

/** Literals of something else; `{}` is an empty map too. */
function checkMapOperand(kind: 'add' | 'subtract' | 'prepend', term: Term): void {
  if (term.kind !== 'list' && term.kind !== 'set' && term.kind !== 'map' && term.kind !== 'tuple') return;
  const [wanted, what] = kind === 'subtract' ? ['set', 'substraction'] : ['map', 'addition'];
  const isEmpty = term.kind === 'set' && term.items.length === 0;
  if (isEmpty || term.kind === wanted) return;
  throw invalidRequest(`Value for a map ${what} has to be a ${wanted}, but was: '${printTerm(term)}'`);
}

function negated(value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, -value.readBigInt64BE(0)), 0);
  return bytes;
}

function addition(column: Column, kind: 'add' | 'subtract' | 'prepend', cell: Buffer): CollectionChange {
  const { type } = column;
  if (kind === 'subtract') {
    const parts = splitCollection(cell);
    return type.kind === 'list'
      ? { kind: 'removeValues', column, values: parts }
      : { kind: 'remove', column, keys: parts };
  }
  if (type.kind === 'list')
    return { kind: kind === 'prepend' ? 'prepend' : 'append', column, values: splitCollection(cell) };
  if (type.kind === 'map') return { kind: 'put', column, replace: false, ...entries(cell) };
  const keys = splitCollection(cell);
  return { kind: 'put', column, replace: false, keys, values: keys.map(() => EMPTY) };
}

function elementOperation(
  column: Column,
  key: Term,
  term: Term,
  table: Table,
  context: PrepareContext,
): ColumnOperation {
  const { type, name } = column;
  if (!isMultiCell(type) || type.kind === 'udt' || type.kind === 'set') {
    const what = isCollection(type) ? (type.frozen ? 'frozen collection' : 'set') : 'non collection';
    throw invalidRequest(
      `Invalid operation (${name}[${printTerm(key)}] = ${printTerm(term)}) for ${what} column ${name}`,
    );
  }
  const place = context.valueFor(
    key,
    table,
    type.kind === 'map' ? `key(${name})` : `idx(${name})`,
    type.kind === 'map' ? type.key : Native.int,
  );
  const value = context.valueFor(term, table, `value(${name})`, type.kind === 'map' ? type.value : type.element);
  return {
    column,
    apply: (at, row) => {
      const at_ = place.evaluate(at);
      const cell = value.evaluate(at);
      if (at_ === UNSET)
        throw invalidRequest(type.kind === 'map' ? 'Invalid unset map key' : 'Invalid unset value for list index');
      if (at_ === null)
        throw invalidRequest(type.kind === 'map' ? 'Invalid null map key' : 'Invalid null value for list index');
      if (cell === UNSET) return;
      if (type.kind === 'map')
        row.collections.push({ kind: 'put', column, replace: false, keys: [at_], values: [cell] });
      else row.collections.push({ kind: 'setIndex', column, index: at_.readInt32BE(0), value: cell });
    },
  };
}

function fieldOperation(
  column: Column,
  field: string,
  term: Term,
  table: Table,
  context: PrepareContext,
): ColumnOperation {
  const { type, name } = column;
  const shown = `${name}.${field} = ${printTerm(term)}`;
  if (type.kind !== 'udt') throw invalidRequest(`Invalid operation (${shown}) for non-UDT column ${name}`);
  if (type.frozen) throw invalidRequest(`Invalid operation (${shown}) for frozen UDT column ${name}`);
  const place = fieldPlace(type, field, name);
  const value = context.valueFor(term, table, `${name}.${field}`, type.fields[place]?.type ?? Native.blob);
  return {
    column,
    apply: (at, row) => {
      const cell = value.evaluate(at);
      if (cell !== UNSET)
        row.collections.push({ kind: 'put', column, replace: false, keys: [fieldKey(place)], values: [cell] });
    },
  };
}

export function fieldPlace(type: Extract<DataType, { kind: 'udt' }>, field: string, column: string): number {
  const place = type.fields.findIndex(({ name }) => name === field);
  if (place < 0) throw invalidRequest(`UDT column ${column} does not have a field named ${field}`);
  return place;
}

/** Of DELETE: a column, an element, a field. */
export function deletionOperation(deletion: Deletion, table: Table, context: PrepareContext): ColumnOperation {
  const column = columnOf(table, deletion.column);
  const { type, name } = column;
  if (column.kind === 'partition_key' || column.kind === 'clustering')
    throw invalidRequest(`Invalid identifier ${name} for deletion (should not be a PRIMARY KEY part)`);
  if (deletion.kind === 'column') {
    return {
      column,
      apply: (_at, row) => {
        if (isMultiCell(type)) row.collections.push(replacement(column, null));
        else row.cells.set(column, null);
      },
    };
  }
  if (deletion.kind === 'field') {
    if (type.kind !== 'udt' || type.frozen)
      throw invalidRequest(
        `Invalid field deletion operation for ${type.kind === 'udt' ? 'frozen' : 'non-'}UDT column ${name}`,
      );
    const place = fieldPlace(type, deletion.field, name);
    return {
      column,
      apply: (_at, row) =>
        void row.collections.push({ kind: 'put', column, replace: false, keys: [fieldKey(place)], values: [null] }),
    };
  }
  if (!isMultiCell(type) || type.kind === 'udt')
    throw invalidRequest(
      `Invalid deletion operation for ${type.kind === 'udt' ? 'UDT' : isCollection(type) ? 'frozen collection' : 'non collection'} column ${name}`,
    );
  const keyType = type.kind === 'map' ? type.key : type.kind === 'set' ? type.element : Native.int;
  const part = { list: 'idx', set: 'value', map: 'key' }[type.kind];
  const key = context.valueFor(deletion.key, table, `${part}(${name})`, keyType);
  return {
    column,
    apply: (at, row) => {
      const cell = key.evaluate(at);
      if (cell === null || cell === UNSET) throw invalidRequest('Invalid null value for an element to delete');
      if (type.kind === 'list')
        row.collections.push({ kind: 'setIndex', column, index: cell.readInt32BE(0), value: null });
      else row.collections.push({ kind: 'remove', column, keys: [cell] });
    },
  };
}

function checkNotKey({ kind, name }: Column, part: string): void {
  if (kind === 'partition_key' || kind === 'clustering')
    throw invalidRequest(`PRIMARY KEY part ${name} found in ${part}`);
}
