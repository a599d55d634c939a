/** Whether a row passes the filter of a read, or the conditions of IF. */
import { compareValues } from '../types/compare.ts';
import { type Cell, splitCollection, splitFields } from '../types/composite.ts';
import { type DataType, isCollection, isMultiCell } from '../types/data-type.ts';
import type { Operator, Predicate } from './commands.ts';
import type { RowView } from './row-view.ts';

export function passes(view: RowView, filter: readonly Predicate[]): boolean {
  for (let i = 0; i < filter.length; i += 1) if (!holds(view, filter[i] as Predicate)) return false;
  return true;
}

export function holds(view: RowView, predicate: Predicate): boolean {
  const { column, element, operator } = predicate;
  const whole = view.value(column);
  if (element !== null) {
    const type = elementType(column.type, element);
    return type !== undefined && compares(type, elementOf(column.type, whole, element), operator, predicate.values);
  }
  // A collection with cells of its own is null when it is empty; what it contains is no collection.
  const isWhole = isMultiCell(column.type) && operator !== 'contains' && operator !== 'containsKey';
  const values = isWhole ? predicate.values.map((value) => nullIfEmpty(column.type, value)) : predicate.values;
  return compares(column.type, whole, operator, values);
}

function nullIfEmpty(type: DataType, value: Cell): Cell {
  return value !== null && isCollection(type) && value.length >= 4 && value.readInt32BE(0) === 0 ? null : value;
}

/** Null is equal to null alone and neither less nor greater than anything. */
export function compares(type: DataType, value: Cell, operator: Operator, values: readonly Cell[]): boolean {
  if (operator === 'notNull') return value !== null;
  if (operator === 'in') return values.some((other) => isEqual(type, value, other));
  const other = values[0] ?? null;
  if (operator === '=') return isEqual(type, value, other);
  if (operator === '!=') return !isEqual(type, value, other);
  if (value === null || other === null) return false;
  switch (operator) {
    case 'contains':
      return contains(type, value, other);
    case 'containsKey':
      return type.kind === 'map' && hasPart(splitCollection(value, 2), 0, 2, type.key, other);
    case 'like':
      return isLike(value.latin1Slice(), other.latin1Slice());
    case '<':
      return compareValues(type, value, other) < 0;
    case '<=':
      return compareValues(type, value, other) <= 0;
    case '>':
      return compareValues(type, value, other) > 0;
    case '>=':
      return compareValues(type, value, other) >= 0;
    default: {
      const high = values[1] ?? null;
      return high !== null && compareValues(type, value, other) >= 0 && compareValues(type, value, high) <= 0;
    }
  }
}

function isEqual(type: DataType, a: Cell, b: Cell): boolean {
  if (a === null || b === null) return a === b;
  return compareValues(type, a, b) === 0;
}

function contains(type: DataType, value: Buffer, other: Buffer): boolean {
  if (type.kind === 'map') return hasPart(splitCollection(value, 2), 1, 2, type.value, other);
  if (type.kind !== 'list' && type.kind !== 'set') return false;
  return hasPart(splitCollection(value), 0, 1, type.element, other);
}

function hasPart(parts: readonly Buffer[], from: number, step: number, type: DataType, wanted: Buffer): boolean {
  for (let i = from; i < parts.length; i += step)
    if (compareValues(type, parts[i] as Buffer, wanted) === 0) return true;
  return false;
}

/** `%` at either end, as SASI has it. */
function isLike(text: string, pattern: string): boolean {
  const isOpenBefore = pattern.startsWith('%');
  const isOpenBehind = pattern.length > 1 && pattern.endsWith('%');
  const middle = pattern.slice(isOpenBefore ? 1 : 0, isOpenBehind ? -1 : undefined);
  if (isOpenBefore && isOpenBehind) return text.includes(middle);
  if (isOpenBehind) return text.startsWith(middle);
  if (isOpenBefore) return text.endsWith(middle);
  return text === middle;
}

/** The type of what `element` names in a value of `type`. */
export function elementType(type: DataType, element: Buffer): DataType | undefined {
  switch (type.kind) {
    case 'map':
      return type.value;
    case 'list':
      return type.element;
    case 'udt':
      return type.fields[element.readInt16BE(0)]?.type;
    default:
      return undefined;
  }
}

/** An element of a list by its index (int), of a map by its key, a user type's field by its position (smallint). */
export function elementOf(type: DataType, whole: Cell, element: Buffer): Cell {
  if (whole === null) return null;
  switch (type.kind) {
    case 'map': {
      const parts = splitCollection(whole, 2);
      for (let i = 0; i < parts.length; i += 2) {
        if (compareValues(type.key, parts[i] as Buffer, element) === 0) return parts[i + 1] as Buffer;
      }
      return null;
    }
    case 'list':
      return splitCollection(whole)[element.readInt32BE(0)] ?? null;
    case 'udt':
      return splitFields(whole, type.fields.length)[element.readInt16BE(0)] ?? null;
    default:
      return null;
  }
}
