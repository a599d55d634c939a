/** Values of system tables in wire format. */
import { assert, unreachable } from '../../../../base/assert.ts';
import { type Cell, packCollection, packFields } from '../../types/composite.ts';
import { encodeText } from '../../types/constant.ts';
import type { DataType, NativeName } from '../../types/data-type.ts';
import type { Table } from '../model.ts';

/** Texts, uuids and addresses as strings; maps as objects. Undefined is null. */
export type SystemValue =
  | undefined
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | readonly SystemValue[]
  | { readonly [key: string]: SystemValue };

/** By column; columns that are not named are null. */
export type SystemRow = Readonly<Record<string, SystemValue>>;

/** Cells in the order of the table's columns. */
export function encodeRow(table: Table, row: SystemRow): readonly Cell[] {
  return table.columns.map(({ name, type }) => encodeValue(type, row[name]));
}

function encodeValue(type: DataType, value: SystemValue): Cell {
  if (value === undefined) return null;
  switch (type.kind) {
    case 'native':
      return Buffer.isBuffer(value) ? value : encodeNative(type.name, value);
    case 'list':
    case 'set': {
      const parts = (value as readonly SystemValue[]).map((part) => encodePart(type.element, part));
      // Elements of a set stand in the order of their type, which is that of their bytes for all that are here.
      if (type.kind === 'set') parts.sort(Buffer.compare);
      return packCollection(parts.length, parts);
    }
    case 'map': {
      const entries = Object.entries(value as Readonly<Record<string, SystemValue>>)
        .map(([key, item]): [Buffer, Buffer] => [encodePart(type.key, key), encodePart(type.value, item)])
        .sort(([a], [b]) => Buffer.compare(a, b));
      return packCollection(entries.length, entries.flat());
    }
    case 'tuple':
      return packFields(type.elements.map((element, i) => encodeValue(element, (value as readonly SystemValue[])[i])));
    default:
      return unreachable('no table of the system has user types or vectors');
  }
}

function encodePart(type: DataType, value: SystemValue): Buffer {
  const cell = encodeValue(type, value);
  assert(cell !== null, 'there is no null in a collection');
  return cell;
}

function encodeNative(name: NativeName, value: Exclude<SystemValue, undefined>): Buffer {
  if (typeof value === 'string' && name === 'text') return Buffer.from(value, 'utf8');
  assert(typeof value !== 'object', 'a native value is no list and no map');
  return encodeText(name, String(value));
}
