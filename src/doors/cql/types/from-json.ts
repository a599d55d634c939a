/** Values of JSON as values of a type, for INSERT JSON and fromJson(). */
import { unreachable } from '../../../base/assert.ts';
import { canonicalValue, packMap, packSet } from './canonical.ts';
import { type Cell, MarshalError, packCollection, packFields, packVector } from './composite.ts';
import { encodeText } from './constant.ts';
import type {
  DataType,
  ListDataType,
  MapDataType,
  NativeName,
  TupleDataType,
  UserDataType,
  VectorDataType,
} from './data-type.ts';
import { JsonNumber, type JsonObject, type JsonValue, jsonFields, parseJson } from './json.ts';
import { encodeDecimal, parseDecimal } from './numbers.ts';

/** In wire format; null for null. Throws MarshalError. */
export function encodeJson(type: DataType, value: JsonValue): Cell {
  if (value === null) return null;
  switch (type.kind) {
    case 'native':
      return native(type.name, value);
    case 'list':
    case 'set':
      return listOrSet(type, value);
    case 'map':
      return map(type, value);
    case 'tuple':
      return tuple(type, value);
    case 'udt':
      return userType(type, value);
    case 'vector':
      return vector(type, value);
    default:
      return unreachable('a type has a kind');
  }
}

/** Collections may be written as JSON in a string, as they must be where they are keys of an object. */
function unwrapped(value: JsonValue): JsonValue {
  return typeof value === 'string' ? parseJson(value) : value;
}

function listOrSet(type: ListDataType, value: JsonValue): Buffer {
  const items = unwrapped(value);
  const what = type.kind === 'list' ? 'list' : 'list (representing a set)';
  if (!isArray(items)) throw expected(`a ${what}`, items);
  const parts = items.map((item) => present(type.element, item, `Invalid null element in ${type.kind}`));
  return type.kind === 'list' ? packCollection(parts.length, parts) : packSet(type.element, parts);
}

function map(type: MapDataType, value: JsonValue): Buffer {
  const object = unwrapped(value);
  if (!isObject(object)) throw expected('a map', object);
  const entries = [...object].map(([key, item]): [Buffer, Buffer] => [
    present(type.key, key, 'Invalid null key in map'),
    present(type.value, item, 'Invalid null value in map'),
  ]);
  return packMap(type.key, entries);
}

function tuple(type: TupleDataType, value: JsonValue): Buffer {
  const items = unwrapped(value);
  if (!isArray(items)) throw expected('a list representation of a tuple', items);
  const wanted = type.elements.length;
  if (items.length < wanted) throw new MarshalError(`Tuple is missing items (expected ${wanted}): ${javaText(items)}`);
  if (items.length > wanted) {
    throw new MarshalError(`Tuple contains extra items (expected ${wanted}): ${javaText(items)}`);
  }
  return packFields(items.map((item, i) => encodeJson(type.elements[i] as DataType, item)));
}

function userType(type: UserDataType, value: JsonValue): Buffer {
  const object = unwrapped(value);
  if (!isObject(object)) throw expected('a map', object);
  const fields = jsonFields(object);
  for (const name of fields.keys()) {
    if (!type.fields.some((field) => field.name === name)) {
      throw new MarshalError(`Unknown field '${name}' in value of user defined type ${type.name}`);
    }
  }
  return packFields(type.fields.map((field) => encodeJson(field.type, fields.get(field.name) ?? null)));
}

function vector(type: VectorDataType, value: JsonValue): Buffer {
  const items = unwrapped(value);
  if (!isArray(items)) throw expected('a list', items);
  if (items.length !== type.dimensions) {
    throw new MarshalError(
      `List had incorrect size: expected ${type.dimensions} but given ${items.length}; ${javaText(items)}`,
    );
  }
  return packVector(
    items.map((item) => present(type.element, item, 'Invalid null element in list')),
    type,
  );
}

function present(type: DataType, value: JsonValue, refusal: string): Buffer {
  const cell = encodeJson(type, value);
  if (cell === null) throw new MarshalError(refusal);
  return canonicalValue(type, cell);
}

/** What is expected of a type whose values are strings in JSON. */
const STRINGS: Readonly<Partial<Record<NativeName, string>>> = {
  ascii: 'an ascii string',
  date: 'a string representation of a date value',
  duration: 'a string representation of a duration',
  inet: 'a string representation of an inet value',
  text: 'a UTF-8 string',
  time: 'a string representation of a time value',
  timeuuid: 'a string representation of a timeuuid',
  uuid: 'a string representation of a uuid',
};

function native(name: NativeName, value: JsonValue): Buffer {
  switch (name) {
    case 'int':
    case 'bigint':
    case 'counter':
      return typeof value === 'string' ? encodeText(name, value) : integer(name, value);
    case 'tinyint':
    case 'smallint':
      return typeof value === 'string' ? encodeText(name, value) : small(name, value);
    case 'varint':
    case 'decimal':
      return big(name, value);
    case 'float':
    case 'double':
      if (typeof value === 'string') return encodeText(name, value);
      if (!(value instanceof JsonNumber)) throw expected(`a ${name} value`, value);
      return encodeText(name, value.text);
    case 'boolean':
      if (typeof value === 'string') return encodeText(name, value);
      if (typeof value !== 'boolean') throw expected('a boolean value', value);
      return Buffer.from([value ? 1 : 0]);
    case 'blob':
      return blob(value);
    case 'timestamp':
      if (typeof value === 'string') return encodeText(name, value);
      if (!(value instanceof JsonNumber) || javaClass(value) !== 'Long') {
        throw expected('a long or a datestring representation of a timestamp value', value);
      }
      return encodeText('bigint', value.text);
    default:
      if (typeof value !== 'string') throw expected(STRINGS[name] ?? 'a string', value);
      return encodeText(name, value);
  }
}

function integer(name: 'int' | 'bigint' | 'counter', value: JsonValue): Buffer {
  const kind = javaClass(value);
  if (kind === 'Integer' || (kind === 'Long' && name !== 'int')) return encodeText(name, (value as JsonNumber).text);
  throw expected(name === 'int' ? 'an int value' : 'a bigint value', value);
}

function small(name: 'tinyint' | 'smallint', value: JsonValue): Buffer {
  return encodeText(name, javaText(value));
}

function big(name: 'varint' | 'decimal', value: JsonValue): Buffer {
  const text = javaText(value);
  if (text === '' && name === 'decimal') return encodeText(name, text);
  const decimal = parseDecimal(text);
  if (decimal === undefined || (name === 'varint' && !/^[+-]?\d+$/.test(text))) {
    throw new MarshalError(`Value '${text}' is not a valid representation of a ${name} value`);
  }
  return name === 'varint' ? encodeText(name, text) : encodeDecimal(decimal);
}

function blob(value: JsonValue): Buffer {
  const refuse = (why: string): MarshalError =>
    new MarshalError(`Value '${javaText(value)}' is not a valid blob representation: ${why}`);
  if (typeof value !== 'string') throw refuse(`it is a ${javaClass(value)}`);
  if (!value.startsWith('0x')) throw refuse(`String representation of blob is missing 0x prefix: ${value}`);
  try {
    return encodeText('blob', value.slice(2));
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

function expected(what: string, value: JsonValue): MarshalError {
  return new MarshalError(`Expected ${what}, but got a ${javaClass(value)}: ${javaText(value)}`);
}

/** What Cassandra's error texts call it. */
function javaClass(value: JsonValue): string {
  if (typeof value === 'string') return 'String';
  if (typeof value === 'boolean') return 'Boolean';
  if (isArray(value)) return 'ArrayList';
  if (!(value instanceof JsonNumber)) return value === null ? 'null' : 'LinkedHashMap';
  if (!value.isInteger) return 'Double';
  const number = BigInt(value.text);
  if (BigInt.asIntN(32, number) === number) return 'Integer';
  return BigInt.asIntN(64, number) === number ? 'Long' : 'BigInteger';
}

function javaText(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (isArray(value)) return `[${value.map(javaText).join(', ')}]`;
  if (isObject(value)) return `{${[...value].map(([name, item]) => `${name}=${javaText(item)}`).join(', ')}}`;
  return String(value);
}
