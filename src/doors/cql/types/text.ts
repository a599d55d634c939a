/** Values as CQL text (for errors, DESCRIBE and casts) and as JSON (SELECT JSON, toJson). */
import { unreachable } from '../../../base/assert.ts';
import { type Cell, fieldTypes, splitCollection, splitFields, splitVector } from './composite.ts';
import { type DataType, type NativeName, quotedName } from './data-type.ts';
import { decodeDuration, durationText } from './duration.ts';
import { decimalText, decodeDecimal, decodeVarint, doubleText, floatText } from './numbers.ts';
import { dateText, timestampLiteral, timestampText, timeText } from './time.ts';

/** As a literal of CQL. */
export function literalText(type: DataType, value: Cell): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'native':
      if (value.length === 0 && !HAS_EMPTY_LITERAL.has(type.name)) return 'null';
      return QUOTED.has(type.name)
        ? `'${literalOf(type.name, value).replaceAll("'", "''")}'`
        : prefixed(type.name, value);
    case 'list':
      return `[${splitCollection(value)
        .map((part) => literalText(type.element, part))
        .join(', ')}]`;
    case 'set':
      return `{${splitCollection(value)
        .map((part) => literalText(type.element, part))
        .join(', ')}}`;
    case 'map':
      return `{${pairs(splitCollection(value, 2))
        .map(([key, item]) => `${literalText(type.key, key)}: ${literalText(type.value, item)}`)
        .join(', ')}}`;
    case 'tuple':
      return `(${fieldsOf(type, value)
        .map(([, field, item]) => literalText(field, item))
        .join(', ')})`;
    case 'udt':
      return `{${fieldsOf(type, value)
        .map(([name, field, item]) => `${quotedName(name)}: ${literalText(field, item)}`)
        .join(', ')}}`;
    case 'vector':
      return `[${splitVector(value, type)
        .map((part) => literalText(type.element, part))
        .join(', ')}]`;
    default:
      return unreachable('a type has a kind');
  }
}

/** Of other types the empty value has no literal. */
const HAS_EMPTY_LITERAL: ReadonlySet<NativeName> = new Set(['ascii', 'text', 'blob']);
const QUOTED: ReadonlySet<NativeName> = new Set(['ascii', 'text', 'inet', 'timestamp', 'date', 'time']);

function prefixed(name: NativeName, value: Buffer): string {
  return name === 'blob' ? `0x${plainText(name, value)}` : plainText(name, value);
}

/** The text form of a native value, without quotes; of blobs the hexadecimal digits. Empty for the empty value. */
export function plainText(name: NativeName, value: Buffer): string {
  if (value.length === 0) return '';
  switch (name) {
    case 'ascii':
    case 'text':
      return value.toString('utf8');
    case 'blob':
      return value.toString('hex');
    case 'boolean':
      return value[0] === 0 ? 'false' : 'true';
    case 'tinyint':
      return String(value.readInt8(0));
    case 'smallint':
      return String(value.readInt16BE(0));
    case 'int':
      return String(value.readInt32BE(0));
    case 'bigint':
    case 'counter':
      return String(value.readBigInt64BE(0));
    case 'varint':
      return String(decodeVarint(value));
    case 'decimal':
      return decimalText(decodeDecimal(value));
    case 'float':
      return floatText(value.readFloatBE(0));
    case 'double':
      return doubleText(value.readDoubleBE(0));
    case 'uuid':
    case 'timeuuid':
      return uuidText(value);
    case 'inet':
      return inetText(value);
    case 'timestamp':
      return timestampText(value.readBigInt64BE(0));
    case 'date':
      return dateText(value.readUInt32BE(0));
    case 'time':
      return timeText(value.readBigInt64BE(0));
    case 'duration':
      return durationText(decodeDuration(value));
  }
}

/** What CAST makes of a value: its literal without quotes. */
export function castText(name: NativeName, value: Buffer): string {
  return value.length === 0 ? 'null' : literalOf(name, value);
}

function literalOf(name: NativeName, value: Buffer): string {
  return name === 'timestamp' ? timestampLiteral(value.readBigInt64BE(0)) : plainText(name, value);
}

export function uuidText(value: Buffer): string {
  const hex = value.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function inetText(value: Buffer): string {
  if (value.length === 4) return [...value].join('.');
  const words = Array.from({ length: 8 }, (_, i) => value.readUInt16BE(2 * i).toString(16));
  return words.join(':');
}

/** As JSON text. */
export function jsonText(type: DataType, value: Cell): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'native':
      return nativeJson(type.name, value);
    case 'list':
    case 'set':
      return `[${splitCollection(value)
        .map((part) => jsonText(type.element, part))
        .join(', ')}]`;
    case 'map':
      return `{${pairs(splitCollection(value, 2))
        .map(([key, item]) => `${jsonKey(type.key, key)}: ${jsonText(type.value, item)}`)
        .join(', ')}}`;
    case 'tuple':
      return `[${fieldsOf(type, value)
        .map(([, field, item]) => jsonText(field, item))
        .join(', ')}]`;
    case 'udt':
      return `{${fieldsOf(type, value)
        .map(([name, field, item]) => `${quotedJson(jsonName(name))}: ${jsonText(field, item)}`)
        .join(', ')}}`;
    case 'vector':
      return `[${splitVector(value, type)
        .map((part) => jsonText(type.element, part))
        .join(', ')}]`;
    default:
      return unreachable('a type has a kind');
  }
}

/** Names that are not all lower case are quoted once more, so that they are read back as they are. */
export function jsonName(name: string): string {
  return name === name.toLowerCase() ? name : `"${name}"`;
}

/** Keys of JSON objects are strings, whatever they are here. */
function jsonKey(type: DataType, value: Buffer): string {
  const text = jsonText(type, value);
  return text.startsWith('"') ? text : quotedJson(text);
}

const BARE_JSON: ReadonlySet<NativeName> = new Set([
  'bigint',
  'boolean',
  'counter',
  'decimal',
  'double',
  'float',
  'int',
  'smallint',
  'tinyint',
  'varint',
]);

function nativeJson(name: NativeName, value: Buffer): string {
  if (name === 'blob') return `"0x${value.toString('hex')}"`;
  if (value.length === 0) return '""';
  const text = plainText(name, value);
  if ((name === 'float' || name === 'double') && /[NI]/.test(text)) return 'null';
  return BARE_JSON.has(name) ? text : quotedJson(text);
}

/** Control characters have the digits of capital letters that Java's JSON has. */
function quotedJson(text: string): string {
  return JSON.stringify(text).replace(/\\u00[01][a-f]/g, (sequence) =>
    sequence.replace(/[a-f]$/, (digit) => digit.toUpperCase()),
  );
}

function pairs(parts: readonly Buffer[]): [Buffer, Buffer][] {
  const found: [Buffer, Buffer][] = [];
  for (let i = 0; i < parts.length; i += 2) found.push([parts[i] as Buffer, parts[i + 1] as Buffer]);
  return found;
}

function fieldsOf(type: Extract<DataType, { kind: 'tuple' | 'udt' }>, value: Buffer): [string, DataType, Cell][] {
  const types = fieldTypes(type);
  return splitFields(value, types.length).map((item, i) => [
    type.kind === 'udt' ? (type.fields[i]?.name ?? '') : '',
    types[i] as DataType,
    item,
  ]);
}
